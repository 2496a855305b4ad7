"""The looking half of the manager: sessions, passes, photos, files. Reading never changes a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from scanner.errors import NotFoundError, StorageError
from scanner.model import CameraName, PassName, Photo, PhotoName, SessionId
from scanner.records import PassInfo, Session, ShotInfo
from scanner.storage.directory import reading
from scanner.storage.directory.gallery import Gallery
from scanner.storage.directory.older import OlderSession
from scanner.storage.directory.reading import DiskUsage, StoredFile
from scanner.storage.directory.thumbnails import Size, Thumbnails
from scanner.storage.directory.views import FORMAT
from scanner.storage.disk.layout import SessionPaths, is_photo_name, session_missing
from scanner.storage.facets.lockwatch import Locks
from scanner.storage.facets.migrating import Migrations
from scanner.storage.index.listing import SessionPage, SessionQuery
from scanner.storage.index.queries import Queries
from scanner.storage.journal.documents import PassDocument, SessionHandle, Submission
from scanner.storage.keeping.catalogue import Catalogue, Workplace

Seen = TypeVar("Seen")
Other = TypeVar("Other")


class SessionReader:
    """Index and directories, to be looked at."""

    def __init__(
        self,
        workplace: Workplace,
        catalogue: Catalogue,
        thumbnails: Thumbnails,
        locks: Locks,
        migrations: Migrations,
    ) -> None:
        self._layout = workplace.layout
        self._threads = workplace.threads
        self._operations = workplace.operations
        self._keeper = workplace.keeper
        self._catalogue = catalogue
        self._thumbnails = thumbnails
        self._migrations = migrations
        self._gallery = Gallery()
        self.locks = locks

    async def handle(self, session_id: SessionId) -> SessionHandle:
        """The identity of a session that exists. Errors: SessionNotFoundError, StorageError."""
        return await self._steadily(session_id, lambda: self._handle(session_id))

    async def _handle(self, session_id: SessionId) -> SessionHandle:
        paths = self._layout.session(session_id)
        session, older = await self._catalogue.ask(
            lambda queries: (queries.session(session_id), queries.known_older(session_id))
        )
        roots = [self._layout.sessions / folder for folder in older.folders] if older else [paths.root]
        if session is not None and await self._threads.reader.run(lambda: all(root.is_dir() for root in roots)):
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
        await self._catalogue.refresh(session_id)
        session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is None:
            await self.handle(session_id)
            session = await self._catalogue.ask(lambda queries: queries.session(session_id))
        if session is None:
            raise session_missing(session_id)
        (filled,) = await self.locks.filled((session,))
        return filled

    async def list_sessions(self, query: SessionQuery | None = None) -> SessionPage:
        """A page of sessions; without a query the newest. Errors: InvalidError, StorageError."""
        page = await self._catalogue.ask(lambda queries: queries.page(query or SessionQuery()))
        return replace(page, items=await self.locks.filled(page.items))

    async def unfinished(self, limit: int = 1000) -> tuple[tuple[SessionId, PassInfo], ...]:
        """Passes that have something left to do, newest sessions first. Errors: StorageError."""
        return tuple(await self._catalogue.ask(lambda queries: queries.unfinished(limit)))

    async def photos(self, session_id: SessionId, name: PassName | None = None) -> tuple[Photo, ...]:
        """The photos of a session, or of one pass, by name. Errors: SessionNotFoundError, StorageError."""
        found = await self._look(
            session_id, lambda paths: self._gallery.photos(paths, name), lambda older: older.photos(name)
        )
        if not found:
            await self.get_session(session_id)
        return found

    async def shots(self, session_id: SessionId, name: PassName) -> tuple[ShotInfo, ...]:
        """Every shot of a pass with its state, in the order of the plan. Errors: as :meth:`pass_document`."""
        await self.handle(session_id)
        return await self._look(session_id, lambda paths: reading.shots(paths, name), lambda older: older.shots(name))

    async def pass_document(self, session_id: SessionId, name: PassName) -> PassDocument:
        """A pass as planned. Errors: SessionNotFoundError, PassNotFoundError, DamagedError, StorageError."""
        await self.handle(session_id)
        return await self._look(
            session_id, lambda paths: reading.pass_document(paths, name), lambda older: older.document(name)
        )

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
        await self.handle(session_id)

        async def look() -> tuple[StoredFile, ...]:
            place = await self._look(session_id, lambda paths: paths, lambda older: older)
            if isinstance(place, SessionPaths):
                return await self._threads.pool.run(lambda: reading.session_files(place, export))
            return await self._threads.pool.run(lambda: place.files(self._layout.sessions, export))

        return await self._steadily(session_id, look)

    async def exports(self, session_id: SessionId) -> tuple[str, ...]:
        """The names of the exports that were made. Errors: SessionNotFoundError, StorageError."""
        await self.handle(session_id)
        return await self._look(session_id, reading.export_names, lambda _: ())

    async def disk(self) -> DiskUsage:
        """Room on the disk of the data directory. Errors: StorageError."""
        return await self._threads.reader.run(lambda: reading.disk_usage(self._layout.data))

    async def photo_bytes(self, camera: CameraName, width: int, height: int) -> int | None:
        """The mean size of this camera's photos of this size so far, or None. Errors: StorageError."""
        return await self._catalogue.ask(lambda queries: queries.photo_bytes(camera, width, height))

    async def _photo(self, session_id: SessionId, name: str) -> tuple[Photo, Path]:
        found = await self._look(
            session_id,
            lambda paths: self._located(paths, PhotoName(name)),
            lambda older: older.located(self._layout.sessions, name),
        )
        if found is None:
            await self.get_session(session_id)
            raise reading.photo_missing(session_id, name)
        return found

    def _located(self, paths: SessionPaths, name: PhotoName) -> tuple[Photo, Path] | None:
        """In the reader thread."""
        photo = self._gallery.photo(paths, name) if is_photo_name(name) else None
        return None if photo is None else (photo, reading.photo_path(paths, photo))

    async def _look(
        self,
        session_id: SessionId,
        ours: Callable[[SessionPaths], Seen],
        older: Callable[[OlderSession], Other],
    ) -> Seen | Other:
        """Look, in the reader thread, into one of ``ours``, wherever it lies, or into one of an ``older`` format."""
        paths = self._layout.session(session_id)

        def look(queries: Queries) -> Seen | Other:
            found = queries.older(session_id)
            if found is not None and found.format != FORMAT:
                return older(found)
            return ours(paths if found is None else SessionPaths(self._layout.sessions / found.folders[0]))

        return await self._steadily(session_id, lambda: self._catalogue.ask(look))

    async def _steadily(self, session_id: SessionId, look: Callable[[], Awaitable[Seen]]) -> Seen:
        """What ``look`` sees; where it saw nothing, or a folder that had just gone, while the folders of the session
        were changing places: what it sees once they have.
        """
        since = self._migrations.moves
        try:
            seen = await look()
        except (NotFoundError, StorageError):
            if not await self._migrations.moved(session_id, since):
                raise
        else:
            if seen or not await self._migrations.moved(session_id, since):
                return seen
        return await look()
