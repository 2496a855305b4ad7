"""Logging: one line per fact, with the session, pass, job and shot it is about.

On a terminal plain text; under systemd (``JOURNAL_STREAM``) the level stands in front as ``<n>``, which the journal
understands.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

FIELDS = {"session": "session", "pass_name": "pass", "job": "job", "shot": "shot", "camera": "camera"}
PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class FactFormatter(logging.Formatter):
    """``message [session=... pass=... job=...]``; fields come from the ``extra`` of the call."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(message)s" if journal else "%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._journal = journal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        text = super().formatMessage(record)
        fields = " ".join(f"{shown}={getattr(record, name)}" for name, shown in FIELDS.items() if hasattr(record, name))
        text = f"{text} [{fields}]" if fields else text
        return f"<{PRIORITY.get(record.levelno, 6)}>{text}" if self._journal else text


def set_up(environ: Mapping[str, str], *, debug: bool = False, also: logging.Handler | None = None) -> None:
    """Send everything to stderr, and to one more handler; called once, by ``__main__``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FactFormatter(journal="JOURNAL_STREAM" in environ))
    root = logging.getLogger()
    root.handlers[:] = [handler] if also is None else [handler, also]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for noisy in ("aiohttp.access", "asyncio", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
