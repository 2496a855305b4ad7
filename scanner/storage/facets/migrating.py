"""Sessions of older formats become sessions of this product, and go back: what the readers and the renames of
:mod:`scanner.storage.formats` do, in step with the index and with whoever else works on the session.

Reading and hashing gigabytes runs in the pool, so that photos of a running scan are saved meanwhile; the index is told
in the writer thread. One at a time, each wholly, whatever becomes of the caller. Before the first file is touched the
session is noted in the index: after a cut the next start finishes it, or takes it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from scanner.errors import ConflictError, InvalidError, NotFoundError, SessionBusyError
from scanner.events import SessionChanged, SessionDeleted
from scanner.model import SessionId
from scanner.storage.directory.older import KnownOlder
from scanner.storage.directory.origins import migrated_from
from scanner.storage.directory.views import FORMAT, is_session, pass_names, read_journal
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import UNDONE, SessionPaths, session_missing
from scanner.storage.journal.lines import Migrated, Saved
from scanner.storage.keeping.catalogue import Catalogue, Workplace
from scanner.storage.keeping.foreign import bench_of, is_migrating
from scanner.storage.keeping.keeper import Keeper

_log: Final = logging.getLogger(__name__)
_MOVING: Final = 5.0  # seconds; the renames take milliseconds, but a whole migration may hash for minutes before
PREDECESSOR: Final = ("raspi_v2", "raspi_v2_dual")  # whose scans may lie in two folders: by itself, put together

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """``folders`` are back; what was made of them is kept under the name ``aside``, with ``photos`` that were taken
    since the migration.
    """

    folders: tuple[str, ...]
    aside: str
    photos: int


class Migrations:
    """Changes the format of sessions; :meth:`ensure_current` is what everybody calls before the first change."""

    def __init__(self, place: Workplace, catalogue: Catalogue) -> None:
        self._place = place
        self._catalogue = catalogue
        self._sessions = place.layout.sessions
        self._turn = asyncio.Lock()
        self._reserved: dict[SessionId, asyncio.Event] = {}
        self.moves = 0

    async def known(self, session_id: SessionId) -> KnownOlder | None:
        """What the index knows of a session that lies elsewhere or is of an older format; None for any other."""
        return await self._catalogue.ask(lambda queries: queries.known_older(session_id))

    async def ensure_current(self, session_id: SessionId) -> None:
        """Before a session is changed: one of an older format becomes one of this product, one that lies under another
        name gets its own. Nothing else is done, also where there is no such session.

        Errors: SessionBusyError, ConflictError (changed meanwhile, name taken), DamagedError, StorageError.
        """
        if await self.known(session_id) is not None:
            await self._in_turn(lambda: self._make_current(session_id))

    async def undo(self, session_id: SessionId, origin: str, *, force: bool) -> Undone:
        """Put the old folders of a migrated session back, bit for bit; what it became is kept aside.

        Errors: SessionNotFoundError, NotFoundError (not migrated here), SessionBusyError, PassLockedError,
        ConflictError (a name is taken; without ``force``: photos were taken since), StorageError.
        """
        return await self._in_turn(lambda: self._undo(session_id, origin, force=force))

    async def merge(self, first: SessionId, second: SessionId) -> SessionId:
        """Two sessions of the predecessor are one scan: they become one session, under the id of the leading one.

        Errors: InvalidError (twice the same), SessionNotFoundError, ConflictError (not of that format; migrated here
        already, with the way back), and those of :meth:`ensure_current`.
        """
        if first == second:
            message = f"session {first} cannot be merged with itself; name two"
            raise InvalidError(message)
        return await self._in_turn(lambda: self._merge(first, second))

    @contextmanager
    def reserved(self, *session_ids: SessionId) -> Iterator[None]:
        """Have sessions of older formats to oneself while their folders move. Errors: SessionBusyError, at once."""
        taken = self._reserved.keys() & session_ids
        if taken:
            message = f"session {min(taken)} is being migrated or moved; try again when that is done"
            raise SessionBusyError(message)
        over = asyncio.Event()
        self._reserved.update(dict.fromkeys(session_ids, over))
        try:
            yield
        finally:
            for session_id in session_ids:
                del self._reserved[session_id]
            self.moves += 1
            over.set()

    async def moved(self, session_id: SessionId, since: int) -> bool:
        """For who looked for something and did not find it: whether it can be that its folders were changing places.
        Those that still are, are waited for a short while.

        ``since``: the count of ``moves`` before the look.
        """
        over = self._reserved.get(session_id)
        if over is None:
            return self.moves != since
        with suppress(TimeoutError):
            async with asyncio.timeout(_MOVING):
                await over.wait()
        return True

    async def folders(self, session_id: SessionId) -> tuple[Path, ...]:
        """The directories in which a session lies, the leading one first. Errors: SessionNotFoundError where the id
        cannot be one.
        """
        own = self._place.layout.session(session_id).root
        known = await self.known(session_id)
        return (own,) if known is None else tuple(self._sessions / folder for folder in known.folders)

    async def _in_turn(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        async def whole() -> Answer:
            async with self._turn:
                return await work()

        return await self._place.operations.run(whole())

    async def _make_current(self, session_id: SessionId) -> None:
        known = await self.known(session_id)
        if known is None:
            return  # somebody else did it meanwhile
        if known.format == FORMAT:
            with self.reserved(session_id):
                await self._catalogue.change(lambda: self._rename(known))
        elif not await self._migrated(known):
            return
        _log.info("session migrated from %s", known.format, extra={"session": session_id})
        self._place.tell(SessionChanged(session_id=session_id))

    async def _migrated(self, known: KnownOlder) -> bool:
        """False where somebody else on a shared disk did it meanwhile."""
        try:
            await self._migrate(known.id, known.folders)
        except (NotFoundError, ConflictError):
            if await self.known(known.id) is None:
                return False
            raise
        return True

    async def _merge(self, first: SessionId, second: SessionId) -> SessionId:
        found = {session_id: await self._half(session_id) for session_id in (first, second)}
        halves = [half for half in found.values() if half is not None]
        if len(halves) < len(found):
            raise _migrated_already([session_id for session_id, half in found.items() if half is None])
        leading, other = await self._place.threads.pool.run(partial(self._in_order, halves))
        await self._migrate(leading.id, (*leading.folders, *other.folders), other.id)
        _log.info("session merged with %s", other.id, extra={"session": leading.id})
        self._place.tell(SessionDeleted(session_id=other.id))
        self._place.tell(SessionChanged(session_id=leading.id))
        return leading.id

    async def _half(self, session_id: SessionId) -> KnownOlder | None:
        """None where it was migrated here by itself and can be brought back. Errors: as :meth:`merge`."""
        known = await self.known(session_id)
        if known is not None and known.format in PREDECESSOR:
            return known
        session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is None:
            raise session_missing(session_id)
        if session.migrated_from == PREDECESSOR[0]:
            return None
        message = f"session {session_id} is not, or no longer, of the format whose scans can lie in two folders"
        raise ConflictError(message)

    def _in_order(self, halves: Sequence[KnownOlder]) -> tuple[KnownOlder, KnownOlder]:
        from scanner.storage.formats import merged_order  # noqa: PLC0415 - see above

        places = [self._sessions / half.folders[0] for half in halves]
        first, second = halves
        return (first, second) if merged_order(*places)[0] == places[0] else (second, first)

    async def _migrate(self, session_id: SessionId, folders: tuple[str, ...], *others: SessionId) -> None:
        ids = (session_id, *others)
        with self.reserved(*ids):
            await self._catalogue.change(lambda: self._note(ids))
            try:
                await self._place.threads.pool.run(lambda: self._build(session_id, folders))
            finally:
                await self._catalogue.change(lambda: self._conclude(ids))

    def _note(self, ids: Sequence[SessionId]) -> None:
        for session_id in ids:
            self._keeper.begin(session_id)

    def _build(self, session_id: SessionId, folders: tuple[str, ...]) -> None:
        """In the pool: read and hash everything, build, put in place. After an error the old folders are as they were,
        or the next start finishes it.
        """
        from scanner.storage.formats import (  # noqa: PLC0415 - a daemon without old sessions never loads them
            load_legacy,
            migrate,
            settle,
        )

        paths, zone = [self._sessions / folder for folder in folders], self._keeper.premises.timezone()
        bench = bench_of(self._keeper.premises, self._catalogue.require_time)
        with reported(f"session {session_id} could not be migrated", self._place.layout.data):
            try:
                migrate(bench, load_legacy(paths, zone, session_id=session_id, check=bench.check))
            except OSError:
                with suppress(OSError):  # the next start does it
                    settle(bench, session_id)
                raise

    def _conclude(self, ids: Sequence[SessionId]) -> None:
        """In the writer thread: tell the index what is there now; what is not settled stays noted for the next
        start.
        """
        if is_migrating(self._sessions, ids[0]):
            return
        for session_id in ids:
            if not self._is_as_it_was(session_id):
                self._keeper.take_in(session_id)
            self._keeper.index.done(session_id)

    def _is_as_it_was(self, session_id: SessionId) -> bool:
        folders = self._keeper.index.folders(session_id)
        there = all((self._sessions / folder).is_dir() for folder in folders)
        return there and bool(folders) and not is_session(SessionPaths(self._sessions / session_id))

    def _rename(self, known: KnownOlder) -> None:
        """In the writer thread: the folder of a session of this product gets the session's own name."""
        files, target = self._keeper.premises.files, self._sessions / known.id
        with reported(f"session {known.id} could not be renamed", self._place.layout.data):
            if target.exists():
                message = f"the name {known.id} is taken among the sessions"
                raise ConflictError(message)
            with self._keeper.noted(known.id):
                files.rename(self._sessions / known.folders[0], target)
                files.fsync_dir(self._sessions)
                self._keeper.take_in(known.id)

    async def _undo(self, session_id: SessionId, origin: str, *, force: bool) -> Undone:
        with self.reserved(session_id):
            undone = await self._catalogue.change(lambda: self._put_back(session_id, origin, force=force))
            await self._catalogue.gathering.look(undone.folders)
        _log.info("session went back to its old folder", extra={"session": session_id})
        self._place.tell(SessionChanged(session_id=session_id))
        return undone

    def _put_back(self, session_id: SessionId, origin: str, *, force: bool) -> Undone:
        """In the writer thread: a few renames, while all passes are locked. What is in place is not read meanwhile."""
        from scanner.storage.formats import undo  # noqa: PLC0415 - see above
        from scanner.storage.formats.intents import free_name  # noqa: PLC0415 - see above

        keeper, paths = self._keeper, self._place.layout.session(session_id)
        if keeper.is_open(session_id):
            message = f"session {session_id} is being worked on; pause or cancel that first"
            raise SessionBusyError(message)
        if not is_session(paths):
            if keeper.index.folders(session_id):
                message = f"session {session_id} was not migrated: it is as it always was"
                raise NotFoundError(message)
            raise session_missing(session_id)
        doing = reported(f"session {session_id} could not be put back", self._place.layout.data)
        with doing, keeper.locked(session_id, pass_names(paths), origin), keeper.noted(session_id):
            photos = 0 if migrated_from(paths.root) is None else photos_since(paths)
            if photos and not force:
                message = (
                    f"{photos} photos were taken since session {session_id} was migrated; they would go out of sight"
                    " with it. Undo by force to keep them aside"
                )
                raise ConflictError(message, photos=photos)
            aside = free_name(self._sessions, UNDONE, session_id)
            folders = undo(bench_of(self._keeper.premises), session_id)
            keeper.index.remove([session_id])
        return Undone(folders=folders, aside=aside, photos=photos)

    @property
    def _keeper(self) -> Keeper:
        return self._place.keeper


def _migrated_already(session_ids: Sequence[SessionId]) -> ConflictError:
    """The error for halves that were migrated one by one, with what leads back."""
    which = " and ".join(session_ids)
    ways = " and ".join(f"'scanner sessions migrate {session_id} --undo'" for session_id in session_ids)
    message = f"migrated already: {which}; only old folders can be merged. Bring them back with {ways}, then merge"
    return ConflictError(message)


def photos_since(paths: SessionPaths) -> int:
    """How many photos were saved since the session was migrated."""
    count = 0
    for name in pass_names(paths):
        told = read_journal(paths.pass_(name)).lines
        begin = max((number for number, line in enumerate(told, 1) if isinstance(line, Migrated)), default=0)
        count += sum(isinstance(line, Saved) for line in told[begin:])
    return count
