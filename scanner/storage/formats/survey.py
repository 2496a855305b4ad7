"""What lies among the sessions under other names than ours, or in older formats: found without reading the others.

A data directory may hold 100,000 sessions of this product: only the names that are given are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scanner.model import SessionId
from scanner.storage.formats import dual
from scanner.storage.formats.dual import Question
from scanner.storage.formats.intents import hidden_sources
from scanner.storage.formats.legacy import DUAL, RASPI
from scanner.storage.formats.loader import is_foreign, session_ids, single_format


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A session and its folders, the leading one first."""

    id: SessionId
    format: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """``foreign``: directories that hold no session."""

    groups: tuple[Group, ...]
    questions: tuple[Question, ...]
    foreign: tuple[Path, ...]


def survey(sessions: Path, names: Iterable[str]) -> Survey:
    """Sort out the directories of these names; links and files are passed over. Reading only; never raises for what is
    there.
    """
    paths = [sessions / name for name in sorted(set(names)) if not name.startswith(".")]
    found = {path: single_format(path) for path in paths if os.path.isdir(path) and not path.is_symlink()}  # noqa: PTH112 - Path's raises for some
    hidden = hidden_sources(sessions) if found else frozenset()
    kinds = {path: kind for path, kind in found.items() if kind is not None and path.name not in hidden}
    kinds = {path: kind for path, kind in kinds.items() if is_foreign(path, kind)}
    halves = [dual.half_of(path) for path, kind in kinds.items() if kind == RASPI]
    together = [*dual.groups(halves), *((path,) for path, kind in kinds.items() if kind != RASPI)]
    ids = session_ids(together, kinds)
    groups = [
        Group(id=ids[group[0]], format=DUAL if len(group) > 1 else kinds[group[0]], paths=group) for group in together
    ]
    return Survey(
        groups=tuple(sorted(groups, key=lambda group: group.id)),
        questions=tuple(dual.questions(halves)),
        foreign=tuple(path for path, kind in found.items() if kind is None),
    )
