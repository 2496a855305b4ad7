"""Deleting sessions, taking them back, and emptying the trash.

A deleted session lies whole in the trash until it is purged. What is judged by its age needs a clock that can be
believed: a Pi without a network wakes up in the past. What was written then is judged by its age never.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import structs

from scanner.clock import utc_text
from scanner.errors import ConflictError, DamagedError, DiskFullError, NotFoundError, SessionBusyError
from scanner.events import SessionChanged, SessionDeleted
from scanner.model import SessionId
from scanner.records import CleanedSession, Session, TrashEntry
from scanner.storage.directory.origins import set_aside
from scanner.storage.directory.views import is_session, pass_names, read_session
from scanner.storage.disk.claims import remove_quietly
from scanner.storage.disk.layout import SessionPaths, session_missing
from scanner.storage.disk.room import give_room, keep_room
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.index.asking import MAX_LIMIT, Status
from scanner.storage.index.listing import SessionPage, SessionQuery
from scanner.storage.journal.documents import DeletedFile, SessionHandle, read_summary_file
from scanner.storage.keeping.wrappers import Wrapper, leave, take_back, throw_away, tidy_trash, wrappers

_log: Final = logging.getLogger(__name__)
_ENDED: Final[tuple[Status, ...]] = ("completed", "cancelled", "failed")

Hold = Callable[[SessionId], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What the trash asks of those who look into sessions. ``survey``: read these folders of older formats anew."""

    session: Callable[[SessionId], Awaitable[Session]]
    page: Callable[[SessionQuery], Awaitable[SessionPage]]
    handle: Callable[[SessionId], Awaitable[SessionHandle]]
    survey: Callable[[tuple[str, ...]], Awaitable[None]]


def unheld(_session_id: SessionId) -> AbstractContextManager[None]:
    """Nobody else has a say."""
    return nullcontext()


class Trash:
    """What ``storage.trash`` offers."""

    def __init__(self, shop: Workshop, looking: Looking) -> None:
        self._shop = shop
        self._looking = looking

    async def delete(self, session_id: SessionId, *, origin: str) -> TrashEntry:
        """Move a session to the trash; on a full disk, too. Errors: SessionNotFoundError, PassLockedError naming who
        works on a pass, SessionBusyError, StorageError; it is then where it was.
        """
        return await self._deleted(session_id, origin, None)

    async def undelete(self, session_id: SessionId, *, origin: str) -> SessionHandle:
        """Take a session back. Errors: NotFoundError where the trash does not hold it, ConflictError where its id is
        taken again, StorageError.
        """
        return await self._shop.whole(lambda: self._undelete(session_id, origin))

    async def list(self) -> tuple[TrashEntry, ...]:
        """What the trash holds, newest first. Errors: StorageError."""
        return tuple(wrapper.entry for wrapper in await self._wrappers())

    async def purge(
        self, older_than: timedelta | None, *, dry_run: bool = False, origin: str = ""
    ) -> tuple[TrashEntry, ...]:
        """Empty the trash of what was deleted longer ago (None: of everything), for good; what went, or would.

        Errors: ClockError where an age is given and the clock is not synchronised, StorageError.
        """
        before = None if older_than is None else self._before(older_than)
        chosen = [found for found in await self._wrappers() if _was_deleted_before(found.deleted, before)]
        if not dry_run:
            await self._shop.writing("the trash could not be tidied", lambda: tidy_trash(self._shop.keeper.premises))
            for wrapper in chosen:
                await self._shop.place.operations.run(self._purge(wrapper, origin))
            files = self._shop.keeper.premises.files
            await self._shop.place.threads.writer.run(lambda: keep_room(files, self._shop.layout))
        return tuple(wrapper.entry for wrapper in chosen)

    async def clean(
        self,
        older_than: timedelta,
        *,
        dry_run: bool = False,
        origin: str,
        hold: Hold = unheld,
    ) -> tuple[CleanedSession, ...]:
        """Move ended sessions to the trash whose last pass ended longer ago; which went, or would.

        What somebody works on stays, what is no longer so when its turn comes, and what ``hold`` refuses: it keeps a
        session while it is deleted, or raises SessionBusyError. Errors: ClockError, StorageError.
        """
        before = self._before(older_than)
        went: list[CleanedSession] = []
        for status in _ENDED:
            async for session in self._ended(status, before):
                free = not _is_locked(session) and _is_free(session.id, hold) and await self._is_so(session)
                if free and (dry_run or await self._cleaned(session.id, origin, before, hold)):
                    went.append(_cleaned(session))
        return tuple(went)

    async def _deleted(self, session_id: SessionId, origin: str, ended_before: datetime | None) -> TrashEntry:
        about = await self._looking.session(session_id)
        try:
            return await self._shop.whole(lambda: self._delete(about, origin, ended_before))
        except DiskFullError:
            if not await self._has_room():
                raise
            return await self._shop.whole(lambda: self._delete(about, origin, ended_before))

    async def _delete(self, about: Session, origin: str, ended_before: datetime | None) -> TrashEntry:
        shop = self._shop
        what = f"session {about.id} could not be deleted"
        folders = await shop.writing(what, lambda: shop.keeper.index.folders(about.id))
        said = DeletedFile(
            session_id=about.id,
            title=about.title,
            deleted_at=utc_text(shop.clock.now()),
            origin=origin,
            photos=about.photos,
            bytes=about.bytes,
            folders=folders or (about.id,),
            synchronised=shop.synchronised(),
        )
        if folders:
            with shop.reserved(about.id):
                said = await shop.writing(what, lambda: self._throw_away(said, ended_before))
        else:
            async with shop.editing(about.id):
                said = await shop.writing(what, lambda: self._throw_away(said, ended_before))
        deed = Deed(who=origin, what="delete", session_id=about.id, detail=f"{about.title} is in the trash")
        await shop.conclude(deed, SessionDeleted(session_id=about.id))
        return Wrapper(root=shop.layout.trash, deleted=said, folders=said.folders).entry

    async def _has_room(self) -> bool:
        """Give away the room that is kept aside; whether there was any."""
        files, layout = self._shop.keeper.premises.files, self._shop.layout
        return await self._shop.writing("the disk is full, and no room could be made", lambda: give_room(files, layout))

    def _throw_away(self, said: DeletedFile, ended_before: datetime | None) -> DeletedFile:
        """In the writer thread; with all that is kept of it. ``ended_before``: only where the session, now that it is
        locked, ended before.
        """
        keeper, session_id = self._shop.keeper, said.session_id
        paths = self._shop.paths(session_id)
        with keeper.noted(session_id), keeper.locked(session_id, pass_names(paths), said.origin):
            if ended_before is not None:
                _require_ended(paths, ended_before)
            aside = set_aside(self._shop.layout.sessions, session_id, older=not is_session(paths))
            whole = structs.replace(said, folders=(*said.folders, *aside))
            try:
                throw_away(keeper.premises, whole)
            except FileNotFoundError as error:
                if paths.root.is_dir():
                    raise
                raise session_missing(session_id) from error
            finally:
                if not any((self._shop.layout.sessions / name).is_dir() for name in said.folders):
                    keeper.index.remove([session_id])
        return whole

    async def _undelete(self, session_id: SessionId, origin: str) -> SessionHandle:
        shop = self._shop
        what = f"session {session_id[:100]} could not be taken back"
        wrapper = await shop.writing(what, lambda: self._take_back(session_id))
        known = await shop.writing(what, lambda: shop.keeper.index.knows(session_id))
        if not known:
            await self._looking.survey(wrapper.folders)
        handle = await self._looking.handle(session_id)
        deed = Deed(who=origin, what="undelete", session_id=session_id, detail=f"{handle.title} is back")
        await shop.conclude(deed, SessionChanged(session_id=session_id))
        return handle

    def _take_back(self, session_id: SessionId) -> Wrapper:
        """In the writer thread."""
        keeper = self._shop.keeper
        for wrapper in wrappers(self._shop.layout):
            if wrapper.deleted.session_id == session_id:
                with keeper.noted(session_id):
                    try:
                        take_back(keeper.premises, wrapper)
                    finally:
                        keeper.take_in(session_id)
                return wrapper
        message = f"session {session_id[:100]} is not in the trash"
        raise NotFoundError(message)

    async def _purge(self, wrapper: Wrapper, origin: str) -> None:
        shop = self._shop
        premises, said = shop.keeper.premises, wrapper.deleted
        what = f"session {said.session_id} could not be removed from the trash"
        gone = await shop.writing(what, lambda: leave(premises, wrapper))
        if gone is None:
            return
        await shop.place.threads.pool.run(lambda: remove_quietly(premises.files, gone))
        detail = f"{said.title} with {said.photos} photos is gone for good"
        await shop.conclude(Deed(who=origin, what="purge", session_id=said.session_id, detail=detail))

    async def _cleaned(self, session_id: SessionId, origin: str, before: datetime, hold: Hold) -> bool:
        try:
            with hold(session_id):
                await self._deleted(session_id, origin, before)
        except (ConflictError, NotFoundError) as error:
            _log.info("left alone while cleaning: %s", error.message, extra={"session": session_id})
            return False
        return True

    async def _is_so(self, session: Session) -> bool:
        """Whether the directory agrees: another scanner may have gone on meanwhile. Older formats have none."""
        paths = self._shop.paths(session.id)
        record = await self._shop.place.threads.pool.run(lambda: read_session(paths))
        return record is None or (record.session.state == session.state and _can_be_judged(paths, record.session))

    async def _ended(self, status: Status, before: datetime) -> AsyncIterator[Session]:
        """Sessions of this state that ended before, oldest first, a page in memory at a time."""
        after: str | None = None
        while True:
            page = await self._looking.page(SessionQuery(status=status, sort="oldest", after=after, limit=MAX_LIMIT))
            for session in page.items:
                if _was_before(_ended_at(session), before):
                    yield session
            after = page.next
            if after is None or not _was_before(page.items[-1].created_at, before):
                return

    def _before(self, older_than: timedelta) -> datetime:
        self._shop.require_clock()
        return self._shop.clock.now() - older_than

    async def _wrappers(self) -> tuple[Wrapper, ...]:
        layout = self._shop.layout
        return await self._shop.reading("the trash could not be read", lambda: tuple(wrappers(layout)))


def _is_free(session_id: SessionId, hold: Hold) -> bool:
    try:
        with hold(session_id):
            return True
    except SessionBusyError:
        return False


def _require_ended(paths: SessionPaths, before: datetime) -> None:
    """Errors: ConflictError where somebody went on with the session since it was chosen. Older formats are as they
    were.
    """
    record = read_session(paths)
    if record is None:
        return
    session = record.session
    ended = session.state.value in _ENDED and _was_before(_ended_at(session), before)
    if not ended or not _can_be_judged(paths, session):
        message = f"session {session.id} has not ended, or not long enough ago, any more"
        raise ConflictError(message)


def _cleaned(session: Session) -> CleanedSession:
    return CleanedSession(
        id=session.id,
        title=session.title,
        state=session.state,
        created_at=session.created_at,
        photos=session.photos,
        bytes=session.bytes,
    )


def _is_locked(session: Session) -> bool:
    return any(info.lock is not None and info.lock.state != "gone" for info in session.passes)


def _ended_at(session: Session) -> str:
    """When the last pass ended, or the session was created; an ended session can have passes that never began."""
    return max([info.ended_at for info in session.passes if info.ended_at], default=session.created_at)


def _can_be_judged(paths: SessionPaths, session: Session) -> bool:
    """Whether no pass ended by a clock that nobody kept right: how long ago that is, nobody can say."""
    for info in session.passes:
        try:
            summary = read_summary_file(paths.pass_(info.name).summary)
        except (DamagedError, OSError):
            continue
        if summary.ended_at == info.ended_at and not summary.synchronised:
            return False
    return True


def _was_deleted_before(said: DeletedFile, moment: datetime | None) -> bool:
    """As :func:`_was_before`; what was deleted by a clock that nobody kept right was not."""
    return moment is None or (said.synchronised and _was_before(said.deleted_at, moment))


def _was_before(text: str, moment: datetime) -> bool:
    """Whether a time lies before ``moment``; one that cannot be read does not."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) < moment
