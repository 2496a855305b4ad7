"""Fixtures of the engine's tests: whole runs are watched as jobs are."""

from tests.scanner.jobs.conftest import demo, follower, tmp_path

__all__ = ["demo", "follower", "tmp_path"]
