"""``raspi_v2_dual``: one scan of the predecessor in two folders, one with the documents and one with the photos.

The link is exact: the one names the other's id, in its document or in the names of its files. Where only title and time
agree, or where copies make several fit, that is a question for a person and nothing is put together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    """The folders put together by id, each group with its leading folder first: the one that others name.

    A group holds at most one folder with photos, so that a copy beside it doubles none. Of several that are linked to
    the same documents only the one that bears its own name is the half; where that does not tell, they all stay alone.
    """
    links = list(_links(halves))
    spare = {path for part in _parts(halves, links) for path in _spare(part)}
    kept = [link for link in links if not spare & {half.path for half in link}]
    called = {target.path for _, target in kept}
    return [
        tuple(half.path for half in sorted(part, key=lambda half: _leading(half, half.path in called)))
        for part in _parts(halves, kept)
    ]


def questions(halves: Sequence[Half]) -> Iterator[Question]:
    """Pairs of which only the second has photos: linked by an id as others are, too, or single folders with one title
    and nearly one begin.
    """
    group = {path: one for one in groups(halves) for path in one}
    pictured = {half.path for half in halves if half.photos}
    asked: set[tuple[Path, Path]] = set()
    for first, second in _doubtful(halves):
        pair = (group[first.path][0], second.path)
        free = group[second.path] == (second.path,) and not pictured.intersection(group[first.path])
        if free and pair not in asked:
            asked.add(pair)
            yield _question(*pair, "are linked by an id, but not they alone")
    open_ = [half for half in halves if group[half.path] == (half.path,) and half.title and half.begun]
    for first in (half for half in open_ if not half.photos):
        for second in (half for half in open_ if half.photos and half.title == first.title):
            if _apart(first, second) <= CLOSE_S and (first.path, second.path) not in asked:
                yield _question(first.path, second.path, "have the same title and began together")


def merged_order(first: Path, second: Path) -> tuple[Path, ...]:
    """Two folders that a person says are one scan, the leading one (without photos, or begun first) first."""
    halves = (half_of(first), half_of(second))
    return tuple(half.path for half in sorted(halves, key=lambda half: _leading(half, not half.photos)))


def _links(halves: Sequence[Half]) -> Iterator[tuple[Half, Half]]:
    """Who names whom, where it is certain whom."""
    for half, targets in _calls(halves):
        if len(targets) == 1:
            yield half, targets[0]


def _calls(halves: Sequence[Half]) -> Iterator[tuple[Half, list[Half]]]:
    """Every name that a folder names others by, with those that it can mean: copies of a folder bear its id."""
    by_name: dict[str, list[Half]] = {}
    for half in halves:
        for name in half.names:
            by_name.setdefault(name, []).append(half)
    for half in halves:
        for name in sorted(half.calls):
            others = [other for other in by_name.get(name, ()) if other.path != half.path]
            yield half, _best(others, {half.path.parent})


def _best(halves: Sequence[Half], near: Collection[Path]) -> list[Half]:
    """Those that are most likely meant: in a directory of ``near``, and no renamed copy; several where that does not
    tell.
    """

    def rank(half: Half) -> tuple[bool, bool]:
        return half.path.parent in near, half.names == {half.path.name}

    highest = max(map(rank, halves), default=None)
    return [half for half in halves if rank(half) == highest]


def _parts(halves: Sequence[Half], links: Iterable[tuple[Half, Half]]) -> list[list[Half]]:
    """The halves by who is linked with whom."""
    part_of: dict[Path, list[Half]] = {half.path: [half] for half in halves}
    for one, other in links:
        part, joined = part_of[one.path], part_of[other.path]
        if part is not joined:
            part += joined
            part_of.update((half.path, part) for half in joined)
    return list({id(part): part for part in part_of.values()}.values())


def _rivals(part: Sequence[Half]) -> list[Half]:
    """The folders with photos of which each can be the half of the documents."""
    return _best([half for half in part if half.photos], {half.path.parent for half in part if not half.photos})


def _spare(part: Sequence[Half]) -> Iterator[Path]:
    """The folders with photos that are not, or not certainly, the half that belongs to the documents."""
    rivals = _rivals(part)
    yield from (half.path for half in part if half.photos and (half not in rivals or len(rivals) > 1))


def _doubtful(halves: Sequence[Half]) -> Iterator[tuple[Half, Half]]:
    """Folders without and with photos that an id links, but not they alone."""
    for part in _parts(halves, _links(halves)):
        rivals = _rivals(part)
        if len(rivals) > 1:
            yield from ((half, rival) for half in part if not half.photos for rival in rivals)
    for half, targets in _calls(halves):
        if len(targets) > 1:
            pairs = (sorted((half, target), key=lambda one: one.photos) for target in targets)
            yield from ((first, second) for first, second in pairs if second.photos and not first.photos)


def _question(first: Path, second: Path, why: str) -> Question:
    return Question(first=first, second=second, text=f"{first.name} and {second.name} {why}; are they one scan?")


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
