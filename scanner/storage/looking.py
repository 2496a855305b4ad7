"""The looking half of the manager: sessions, passes, photos, files. Reading never changes a session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec import structs

from scanner.model import CameraName, PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo, Session, ShotInfo
from scanner.storage import reading
from scanner.storage.catalogue import Catalogue, Workplace
from scanner.storage.documents import PassDocument, SessionHandle, Submission
from scanner.storage.layout import is_photo_name, session_missing
from scanner.storage.listing import SessionPage, SessionQuery
from scanner.storage.locks import LockInfo
from scanner.storage.reading import DiskUsage, StoredFile
from scanner.storage.thumbnails import Size, Thumbnails


class SessionReader:
    """Index and directories, to be looked at."""

    def __init__(self, workplace: Workplace, catalogue: Catalogue, thumbnails: Thumbnails) -> None:
        self._layout = workplace.layout
        self._threads = workplace.threads
        self._operations = workplace.operations
        self._keeper = workplace.keeper
        self._catalogue = catalogue
        self._thumbnails = thumbnails
        self._locks: dict[tuple[SessionId, PassName], LockInfo] = {}  # of the passes that are open here

    async def handle(self, session_id: SessionId) -> SessionHandle:
        """The identity of a session that exists. Errors: SessionNotFoundError, StorageError."""
        paths = self._layout.session(session_id)
        session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is not None and await self._threads.reader.run(paths.root.is_dir):
            return SessionHandle(session_id, session.title, created=False)
        return await self._catalogue.through(
            lambda: self._operations.run(self._threads.writer.run(lambda: self._keeper.handle(session_id)))
        )

    async def find_submission(self, key: str) -> tuple[Submission, SessionId, tuple[PassName, ...]] | None:
        """What the submission with this idempotency key made, or None. Waits for the index to be whole."""
        await self._catalogue.ensure_whole()
        return await self._catalogue.ask(lambda queries: queries.submission(key))

    async def get_session(self, session_id: SessionId) -> Session:
        """A session as it now is. Errors: SessionNotFoundError, StorageError."""
        session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is None:
            await self.handle(session_id)
            session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is None:
            raise session_missing(session_id)
        return self._with_locks(session)

    async def list_sessions(self, query: SessionQuery | None = None) -> SessionPage:
        """A page of sessions; without a query the newest. Errors: InvalidError, StorageError."""
        page = await self._catalogue.ask(lambda queries: queries.page(query or SessionQuery()))
        return replace(page, items=tuple(self._with_locks(session) for session in page.items))

    async def unfinished(self, limit: int = 1000) -> tuple[tuple[SessionId, PassInfo], ...]:
        """Passes that have something left to do, newest sessions first. Errors: StorageError."""
        return tuple(await self._catalogue.ask(lambda queries: queries.unfinished(limit)))

    async def photos(self, session_id: SessionId, name: PassName | None = None) -> tuple[Photo, ...]:
        """The photos of a session, or of one pass, by name. Errors: SessionNotFoundError, StorageError."""
        found = await self._catalogue.ask(lambda queries: queries.photos(session_id, name))
        if not found:
            await self.get_session(session_id)
        return found

    async def shots(self, session_id: SessionId, name: PassName) -> tuple[ShotInfo, ...]:
        """Every shot of a pass with its state, in the order of the plan. Errors: as :meth:`pass_document`."""
        paths = self._layout.session((await self.handle(session_id)).id)
        return await self._threads.reader.run(lambda: reading.shots(paths, name))

    async def pass_document(self, session_id: SessionId, name: PassName) -> PassDocument:
        """A pass as planned. Errors: SessionNotFoundError, PassNotFoundError, DamagedError, StorageError."""
        paths = self._layout.session((await self.handle(session_id)).id)
        return await self._threads.reader.run(lambda: reading.pass_document(paths, name))

    async def photo_file(self, session_id: SessionId, name: str) -> Path:
        """The file of a photo. Errors: SessionNotFoundError, PhotoNotFoundError, DamagedError, StorageError."""
        return (await self._photo(session_id, name))[1]

    async def thumbnail(self, session_id: SessionId, name: str, size: Size) -> Path:
        """The file of a photo's small picture; the photo itself if none can be kept. Errors: as :meth:`photo_file`."""
        photo, path = await self._photo(session_id, name)
        return await self._thumbnails.path(session_id, photo, path, size)

    async def session_files(self, session_id: SessionId, export: str | None = None) -> tuple[StoredFile, ...]:
        """The files of a session, or of one export (none: empty), but for hidden and unfinished ones, by name.

        Errors: SessionNotFoundError, NotFoundError for an impossible export name, StorageError.
        """
        paths = self._layout.session((await self.handle(session_id)).id)
        return await self._threads.pool.run(lambda: reading.session_files(paths, export))

    async def exports(self, session_id: SessionId) -> tuple[str, ...]:
        """The names of the exports that were made. Errors: SessionNotFoundError, StorageError."""
        paths = self._layout.session((await self.handle(session_id)).id)
        return await self._threads.reader.run(lambda: reading.export_names(paths))

    async def disk(self) -> DiskUsage:
        """Room on the disk of the data directory. Errors: StorageError."""
        return await self._threads.reader.run(lambda: reading.disk_usage(self._layout.data))

    async def photo_bytes(self, camera: CameraName, width: int, height: int) -> int | None:
        """The mean size of this camera's photos of this size so far, or None. Errors: StorageError."""
        return await self._catalogue.ask(lambda queries: queries.photo_bytes(camera, width, height))

    async def _photo(self, session_id: SessionId, name: str) -> tuple[Photo, Path]:
        paths = self._layout.session(session_id)
        photo_name = PhotoName(name)
        known = is_photo_name(name)
        photo = await self._catalogue.ask(lambda queries: queries.photo(session_id, photo_name)) if known else None
        if photo is None:
            await self.get_session(session_id)
            raise reading.photo_missing(paths, name)
        chosen = photo
        return photo, await self._threads.reader.run(lambda: reading.photo_path(paths, chosen))

    def _with_locks(self, session: Session) -> Session:
        held = {name: lock for (session_id, name), lock in self._locks.items() if session_id == session.id}
        if not held:
            return session
        passes = tuple(structs.replace(info, lock=held.get(info.name)) for info in session.passes)
        return structs.replace(session, passes=passes)
