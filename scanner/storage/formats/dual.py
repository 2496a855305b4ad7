"""``raspi_v2_dual``: one scan of the predecessor in two folders, one with the documents and one with the photos.

The link is exact: the one names the other's id, in its document or in the names of its files. Where only title and time
agree, that is a question for a person and nothing is put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.storage.formats.fields import Fields, Moment, decode
from scanner.storage.formats.folder import LARGEST_DOCUMENT, read_plain
from scanner.storage.formats.raspi import POSITIONS, REPORT, RUN, SESSION, STATE
from scanner.storage.formats.raspi import detect as is_raspi

CLOSE_S: Final = 300.0  # between the begins of two halves that may belong together
_ENDINGS: Final = (STATE, REPORT, POSITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """What a folder says of itself, as far as belonging together goes. ``names``: what others may call it.

    ``calls``: the ids that it names itself.
    """

    path: Path
    names: frozenset[str]
    calls: frozenset[str]
    title: str
    begun: Moment | None
    photos: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Two folders that may be one scan: only a person can tell."""

    first: Path
    second: Path
    text: str


def detect(path: Path) -> bool:
    """Whether a folder is a part of a scan that lies in several."""
    return is_raspi(path) and len(group_of(path)) > 1


def group_of(path: Path) -> tuple[Path, ...]:
    """The folders beside ``path`` that belong to the same scan, the leading one first; itself at least."""
    own = half_of(path)
    near = [half_of(other) for other in _neighbours(path) if is_raspi(other)]
    return next(group for group in groups((own, *near)) if path in group)


def half_of(path: Path) -> Half:
    """What a folder says of itself."""
    session = _document(path / SESSION)
    parameters = session.inside("scan_parameters")
    own = {path.name, session.text("session_id") or path.name}
    named = {name.removesuffix(ending) for name in _names(path) for ending in _ENDINGS if name.endswith(ending)}
    called = {parameters.text(RUN) or "", *named} - own - {""}
    return Half(
        path=path,
        names=frozenset(own),
        calls=frozenset(called),
        title=(session.text("scan_name") or parameters.text("scan_name") or "").casefold(),
        begun=session.epoch("start_time", "session.json"),
        photos=_has_photos(path),
    )


def groups(halves: Sequence[Half]) -> list[tuple[Path, ...]]:
    """The folders put together by id, each group with its leading folder first: the one that others name."""
    by_name = {name: half for half in halves for name in half.names}
    together: dict[Path, set[Path]] = {half.path: {half.path} for half in halves}
    called: set[Path] = set()
    for half in halves:
        for name in half.calls:
            other = by_name.get(name)
            if other is None or other.path == half.path:
                continue
            called.add(other.path)
            union = together[half.path] | together[other.path]
            for path in union:
                together[path] = union
    order = {half.path: _leading(half, half.path in called) for half in halves}
    found = {frozenset(union): tuple(sorted(union, key=lambda path: order[path])) for union in together.values()}
    return list(found.values())


def questions(halves: Sequence[Half]) -> Iterator[Question]:
    """Pairs of single folders with one title and nearly one begin, of which only one has photos."""
    alone = {group[0] for group in groups(halves) if len(group) == 1}
    open_ = [half for half in halves if half.path in alone and half.title and half.begun]
    for first in (half for half in open_ if not half.photos):
        for second in (half for half in open_ if half.photos and half.title == first.title):
            if _apart(first, second) <= CLOSE_S:
                text = (
                    f"{first.path.name} and {second.path.name} have the same title and began together;"
                    " are they one scan?"
                )
                yield Question(first=first.path, second=second.path, text=text)


def merged_order(first: Path, second: Path) -> tuple[Path, ...]:
    """Two folders that a person says are one scan, the leading one (without photos, or begun first) first."""
    halves = (half_of(first), half_of(second))
    return tuple(half.path for half in sorted(halves, key=lambda half: _leading(half, not half.photos)))


def _leading(half: Half, named: bool) -> tuple[bool, float, str]:  # noqa: FBT001 - what sorts first
    return not named, half.begun.at.timestamp() if half.begun else float("inf"), half.path.name


def _apart(first: Half, second: Half) -> float:
    if first.begun is None or second.begun is None:
        return float("inf")
    return abs((first.begun.at - second.begun.at).total_seconds())


def _neighbours(path: Path) -> list[Path]:
    try:
        beside = [other for other in path.parent.iterdir() if other != path and not other.name.startswith(".")]
    except OSError:
        return []
    return [other for other in beside if other.is_dir() and not other.is_symlink()]


def _document(path: Path) -> Fields:
    try:
        data, _ = decode(read_plain(path, LARGEST_DOCUMENT))
    except OSError:
        data = None
    return Fields(data or {}, lambda _: None)


def _names(path: Path) -> Iterator[str]:
    for directory in (path, path / "metadata"):
        try:
            yield from (child.name for child in directory.iterdir())
        except OSError:
            continue


def _has_photos(path: Path) -> bool:
    for directory in (path / "images", path):
        try:
            if any(child.name.lower().endswith((".jpg", ".jpeg")) for child in directory.iterdir()):
                return True
        except OSError:
            continue
    return False
