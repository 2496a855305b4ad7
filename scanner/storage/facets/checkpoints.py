"""Checkpoints of a session: saving how far every pass is, going back there, and forward again."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from scanner.clock import utc_text
from scanner.errors import DamagedError, LockLostError, NotFoundError, PassLockedError, StorageError
from scanner.events import SessionChanged
from scanner.model import PassName, SessionId
from scanner.records import CheckpointInfo
from scanner.storage.directory.marks import (
    check_free,
    check_mark_name,
    mark_info,
    mark_missing,
    mark_pass,
    read_mark,
    write_mark,
)
from scanner.storage.directory.views import is_session, pass_names, read_journal
from scanner.storage.disk.layout import session_missing
from scanner.storage.facets.holding import Holding
from scanner.storage.facets.marklists import CheckpointPage, MarkLists, MarkQuery
from scanner.storage.facets.rewinding import Rewind
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.journal import lines
from scanner.storage.journal.documents import CheckpointFile, MarkedPass
from scanner.storage.journal.progress import fold

_log: Final = logging.getLogger(__name__)


class Checkpoints:
    """What ``storage.checkpoints`` offers."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._lists = MarkLists()

    async def save(self, session_id: SessionId, name: str, *, origin: str) -> CheckpointInfo:
        """Save how far every pass is; of one that is at work, what is journaled so far.

        Errors: InvalidError, SessionNotFoundError, CheckpointExistsError, SessionBusyError, StorageError.
        """
        check_mark_name(name)
        await self._shop.ensure_current(session_id)
        return await self._shop.whole(lambda: self._save(session_id, name, origin))

    async def list(self, session_id: SessionId) -> tuple[CheckpointInfo, ...]:
        """The checkpoints of a session, oldest first; one of an older format has none. Errors: SessionNotFoundError,
        StorageError.
        """
        if not await self._is_ours(session_id):
            return ()
        paths = self._shop.paths(session_id)
        return await self._shop.place.threads.pool.run(lambda: self._lists.of_session(paths))

    async def list_all(self, limit: int = 200, name: str | None = None, *, after: str | None = None) -> CheckpointPage:
        """The newest checkpoints of all sessions, or those behind ``after``, the ``next`` of the page before; ``name``:
        only those that are called so. Errors: InvalidError where nothing can be called so or ``after`` is no cursor,
        StorageError.
        """
        if name is not None:
            check_mark_name(name)
        marked = await self._shop.catalogue.ask(lambda queries: queries.marked())
        places = [self._shop.paths(session_id) for session_id in marked]
        query = MarkQuery(name=name, after=after, limit=limit)
        return await self._shop.place.threads.pool.run(lambda: self._lists.newest(places, query))

    async def restore(self, session_id: SessionId, name: str, *, origin: str) -> CheckpointInfo:
        """Go to a checkpoint; the automatic one made just before, by which one gets back again, with notes.

        Errors: SessionNotFoundError, CheckpointNotFoundError, PassLockedError naming who works on a pass,
        SessionBusyError, LockLostError, DamagedError, StorageError. After a failure the same call finishes it.
        """
        if not await self._is_ours(session_id):
            raise mark_missing(session_id, name)
        return await self._shop.whole(lambda: self._restore(session_id, name, origin))

    async def _is_ours(self, session_id: SessionId) -> bool:
        """Whether the session is of this format. Errors: SessionNotFoundError where there is none, StorageError."""
        paths = self._shop.paths(session_id)
        if await self._shop.place.threads.pool.run(lambda: is_session(paths)):
            return True
        if await self._shop.catalogue.ask(lambda queries: queries.session(session_id)) is None:
            raise session_missing(session_id)
        return False

    async def _save(self, session_id: SessionId, name: str, origin: str) -> CheckpointInfo:
        shop = self._shop
        saving = _Saving(shop, session_id, origin)
        what = f"checkpoint {name} could not be saved"
        async with shop.editing(session_id):
            mark = await shop.writing(what, lambda: saving.run(name))
        info = mark_info(session_id, mark)
        detail = f"checkpoint {name} of {info.photos} photos"
        await shop.conclude(Deed(who=origin, what="checkpoint", session_id=session_id, detail=detail))
        return info

    async def _restore(self, session_id: SessionId, name: str, origin: str) -> CheckpointInfo:
        shop = self._shop
        paths = shop.paths(session_id)
        async with shop.editing(session_id):
            mark = await shop.writing(f"checkpoint {name[:100]} could not be read", lambda: read_mark(paths, name))
            rewind = Rewind(shop=shop, session_id=session_id, mark=mark, origin=origin)
            before = await rewind.run()
        for note in rewind.notes:
            _log.warning("%s", note, extra={"session": session_id})
        detail = f"restored to checkpoint {name}; {before.name} leads back"
        deed = Deed(who=origin, what="restore", session_id=session_id, detail=detail)
        await shop.conclude(deed, SessionChanged(session_id=session_id))
        return mark_info(session_id, before, rewind.notes)


class _Saving:
    """One checkpoint being made. Lives in the writer thread."""

    def __init__(self, shop: Workshop, session_id: SessionId, origin: str) -> None:
        self._keeper = shop.keeper
        self._paths = shop.paths(session_id)
        self._session_id = session_id
        self._origin = origin
        self._holding = Holding(shop.keeper, session_id, origin)
        self._passes: list[MarkedPass] = []
        self._left_out: list[PassName] = []

    def run(self, name: str) -> CheckpointFile:
        """Make it, in one go: nobody who opens a pass here meets our lock. Errors: CheckpointExistsError, StorageError,
        OSError.
        """
        check_free(self._paths, name)
        try:
            for pass_name in pass_names(self._paths):
                self._look(pass_name)
            return self._write(name)
        finally:
            self._close()

    def _look(self, name: PassName) -> None:
        """Note how far a pass is; one that nobody works on is brought into order first. Errors: StorageError."""
        try:
            progress = self._holding.take(name).fold.progress()
        except PassLockedError:
            progress = fold(read_journal(self._paths.pass_(name)).lines, name=name)
        except (DamagedError, NotFoundError) as error:
            _log.warning("pass %s is in no checkpoint: %s", name, error, extra={"session": self._session_id})
            self._left_out.append(name)
            return
        self._passes.append(mark_pass(name, progress))

    def _write(self, name: str) -> CheckpointFile:
        """Write it, then say so in the journals. Errors: CheckpointExistsError, OSError; there is none then."""
        premises = self._keeper.premises
        mark = CheckpointFile(
            session_id=self._session_id,
            name=name,
            created_at=utc_text(premises.clock.now()),
            origin=self._origin,
            automatic=False,
            passes=tuple(self._passes),
            left_out=tuple(self._left_out),
        )
        write_mark(premises.files, self._paths, mark)
        for marked in self._passes:
            self._say(marked.name, lines.Marked(name=name))
        return mark

    def _close(self) -> None:
        """Let go of the passes, and bring the index up to date where none was taken; never raises."""
        self._holding.release()
        with suppress(StorageError):  # else the next look finds the difference
            self._keeper.freshen(self._session_id)

    def _say(self, name: PassName, fact: lines.Marked) -> None:
        """The checkpoint counts without its line: a journal that cannot be written now must not undo it."""
        held, disk = self._holding.passes.get(name), self._keeper.disk(self._session_id, name)
        try:
            if held is not None:
                held.append(fact)
            elif disk is not None:
                disk.append(fact)
        except (OSError, StorageError, LockLostError) as error:
            _log.warning("pass %s does not tell of checkpoint %s: %s", name, fact.name, error)
