"""Sessions from elsewhere, of any format, copied in: found, measured against the room there is, taken in one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.errors import DiskFullError, InvalidError, ScannerError
from scanner.events import SessionChanged
from scanner.model import SessionId
from scanner.storage.directory.reading import disk_usage
from scanner.storage.directory.views import FORMAT
from scanner.storage.disk.files import reported, shown
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.keeping.foreign import bench_of

if TYPE_CHECKING:
    from scanner.storage.formats import Found, Outcome

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A session that was found. ``bytes``: of all its files; ``known``: it is here already, as far as names and sizes
    tell, ``in_place``: in its old folder; ``said``: what is to be said of it; ``left``: why it is not taken in.
    """

    found: Found
    bytes: int
    known: bool
    in_place: bool
    said: tuple[str, ...]
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intakes:
    """What a directory holds. ``unread``: folders into which nobody could look."""

    items: tuple[Item, ...]
    unread: tuple[Path, ...]


class Intake:
    """Takes sessions in; the place they come from is only read."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    async def find(self, directory: Path, timezone: tzinfo) -> Intakes:
        """The sessions at or below ``directory``, if there is room for those that are not here yet.

        Errors: InvalidError, DiskFullError with the figures, StorageError.
        """
        await self._shop.catalogue.ensure_whole()
        older = {one.id: one.folders for one in await self._shop.older()}
        found = await self._shop.place.threads.pool.run(lambda: self._survey(self._checked(directory), timezone, older))
        need = sum(item.bytes for item in found.items if not (item.known or item.left))
        usage = await self._shop.place.threads.pool.run(lambda: disk_usage(self._shop.layout.data))
        if need > usage.free:
            message = (
                f"not enough room: {-(-need // _MIB)} MiB are needed, {usage.free // _MIB} MiB are free;"
                " delete or move sessions, or import fewer at a time"
            )
            raise DiskFullError(message, reason="disk_full", need=need, free=usage.free)
        return found

    async def take(self, item: Item, timezone: tzinfo, *, dry_run: bool, origin: str) -> Outcome:
        """Take a session in, or only say what would be done. What goes wrong is told in the outcome."""
        shop = self._shop
        outcome = _outcome(item)
        if dry_run or item.in_place or item.left:
            return outcome
        try:
            taken = await shop.place.operations.run(self._taken(item.found, timezone))
        except ScannerError as error:
            return replace(outcome, error=error, known=False)
        if taken.done:
            detail = f"{outcome.title}, {outcome.photos} photos, from {item.found.format}"
            await shop.conclude(Deed(origin, "import", taken.id, detail), SessionChanged(session_id=taken.id))
        return replace(outcome, id=taken.id, done=taken.done, known=taken.known, said=(*taken.said, *item.said))

    def _checked(self, directory: Path) -> Path:
        """Errors: InvalidError."""
        data = self._shop.layout.data.resolve()
        try:
            root = directory.resolve(strict=True)
            with os.scandir(root):
                pass
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or "links lead in a circle"
            raise _unusable(directory, f"cannot be read ({why})") from error
        if root.is_relative_to(data) or data.is_relative_to(root):
            raise _unusable(directory, "and the data directory lie in one another; old sessions there are migrated")
        return root

    def _survey(self, root: Path, timezone: tzinfo, older: Mapping[SessionId, tuple[str, ...]]) -> Intakes:
        """In the pool."""
        from scanner.storage.formats import list_all  # noqa: PLC0415 - a daemon that imports nothing never loads them

        listing = list_all(root, timezone)
        asked: dict[Path, str] = {}
        others: dict[Path, Path] = {}
        for question in listing.questions:
            asked |= dict.fromkeys((question.first, question.second), question.text)
            others |= {question.first: question.second, question.second: question.first}
        items = [self._item(found, older.get(found.id, ())) for found in listing.found]
        said = tuple(replace(item, said=tuple(_said(item, asked)), left=_left(item, others)) for item in items)
        return Intakes(items=said, unread=listing.unread)

    def _item(self, found: Found, older: tuple[str, ...]) -> Item:
        from scanner.storage.formats import Folder, is_known, outline_of  # noqa: PLC0415 - see above

        folders = [Folder.look(path) for path in found.paths]
        size = sum(entry.size for folder in folders for entry in folder.entries.values())
        sessions = self._shop.layout.sessions
        in_place = bool(older) and outline_of([Folder.look(sessions / name) for name in older]) == outline_of(folders)
        known = in_place or is_known(sessions, found.id, folders)
        return Item(found=found, bytes=size, known=known, in_place=in_place, said=())

    async def _taken(self, found: Found, timezone: tzinfo) -> Outcome:
        shop = self._shop
        taken = frozenset(one.id for one in await self._shop.older())
        outcome = await shop.place.threads.pool.run(partial(self._copied, found, timezone, taken))
        if outcome.done:
            await shop.catalogue.change(lambda: shop.keeper.take_in(outcome.id))
        return outcome

    def _copied(self, found: Found, timezone: tzinfo, taken: frozenset[SessionId]) -> Outcome:
        """In the pool."""
        from scanner.storage.formats import (  # noqa: PLC0415 - see above
            damage_of,
            import_current,
            import_session,
            load_legacy,
        )

        bench = bench_of(self._shop.keeper.premises, self._shop.catalogue.require_time)
        with reported(f"{found.session.title} could not be imported", self._shop.layout.data):
            if found.format == FORMAT:
                return import_current(bench, found.paths[0], taken=taken)
            legacy = load_legacy(found.paths, timezone, session_id=found.id, check=bench.check)
            return replace(import_session(bench, legacy, taken=taken), said=damage_of(legacy.flagged))


def _said(item: Item, asked: Mapping[Path, str]) -> Iterator[str]:
    """What a person may know better: where the scanner stood, and what belongs together."""
    if item.found.assumed and not item.known:
        yield f"its times name no zone and were read as {item.found.assumed}"
    yield from dict.fromkeys(asked[path] for path in item.found.paths if path in asked)


def _left(item: Item, others: Mapping[Path, Path]) -> str:
    """Why it is not taken in, and what to do: imported one by one, two could not be put together any more."""
    other = next((others[path] for path in item.found.paths if path in others), None)
    if other is None or item.known:
        return ""
    return (
        f"it may be one scan with {shown(other.name)}: copy both folders into the sessions of the data directory and"
        " decide there, or import each folder by itself"
    )


def _outcome(item: Item) -> Outcome:
    from scanner.storage.formats import Outcome  # noqa: PLC0415 - see above

    session = item.found.session
    return Outcome(
        id=item.found.id,
        done=False,
        title=session.title,
        format=item.found.format,
        photos=session.photos,
        bytes=item.bytes,
        known=item.known,
        said=(*session.damage, *item.said),
        left=item.left,
    )


def _unusable(directory: Path, why: str) -> InvalidError:
    message = f"the directory {str(directory)[:200]!r} {why}"
    return InvalidError(message, errors=[{"path": "directory", "message": message}])
