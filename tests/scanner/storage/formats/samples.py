"""The example folders of the older formats, and what the ``expected.json`` beside each of them says."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from scanner.states import PassState
from tests.support.tree import TOP

SAMPLES = TOP.parent / "shared" / "data" / "legacy"
CASES = (
    "openscan3/complete",
    "openscan3/interrupted",
    "predecessor/dual",
    "predecessor/plain",
    "predecessor/unfinalized",
)
OLD_WORDS = {
    PassState.PAUSED: {"interrupted", "incomplete"},
    PassState.COMPLETED: {"completed"},
    PassState.FAILED: {"failed"},
}


def expected(case: Path) -> dict:
    return json.loads((case / "expected.json").read_text())


def put_in_place(case: Path, sessions: Path) -> None:
    """The example's folders as the directory of sessions."""
    source = case / expected(case)["import_path"]
    shutil.copytree(source / "sessions" if (source / "sessions").is_dir() else source, sessions)


def check_state_and_age(state: PassState, created_at: datetime, wanted: dict) -> None:
    """They are what ``expected.json`` says of a session."""
    assert OLD_WORDS[state] & set(wanted["status_any_of"])
    created = wanted["created"]
    epoch = created.get("epoch", created.get("epoch_if_local_is_europe_berlin"))
    assert abs((created_at - datetime.fromtimestamp(epoch, UTC)).total_seconds()) <= created.get("tolerance_s", 1)
