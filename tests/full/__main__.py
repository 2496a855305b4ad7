"""``python -m tests.full [PYTEST ARGUMENTS]``: everything whole that the gate runs sampled, with its figures.

Nothing is skipped for want of a program: what is missing fails. Takes its time; run it before a change of weight.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.tree import TOP


def main(arguments: list[str]) -> int:
    """Run the tests with the full samples; the exit status of pytest."""
    environment = os.environ | {"SCANNER_TESTS_FULL": "1", "SCANNER_TESTS_DEMAND": "1"}
    command = [sys.executable, "-m", "pytest", "--durations=15", *arguments]
    return subprocess.run(command, cwd=TOP, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
