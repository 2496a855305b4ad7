"""``storage.legacy``: what people can do with sessions of older formats. Looking at them changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import ScannerError
from scanner.model import SessionId
from scanner.records import MergeQuestion
from scanner.storage.directory.older import KnownOlder
from scanner.storage.directory.views import FORMAT
from scanner.storage.disk.files import shown
from scanner.storage.facets.intake import Intake
from scanner.storage.facets.migrating import Migrations, Undone
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.journal.documents import SessionHandle

if TYPE_CHECKING:
    from scanner.storage.formats import Outcome

Report = Callable[[int, int], None]


class LegacySessions:
    """Migrate and undo, merge, import. What a call begins with one session is done wholly; between two of them a
    cancelled caller is let go.
    """

    def __init__(self, shop: Workshop, migrations: Migrations) -> None:
        self._shop = shop
        self._migrations = migrations
        self._intake = Intake(shop)
        self.ensure_current = migrations.ensure_current
        self.folders = migrations.folders

    async def migrate(self, session_id: SessionId, *, origin: str) -> SessionHandle:
        """Make a session one of this product, in its place, under the same id; nothing where it is one already.

        Errors: SessionNotFoundError, SessionBusyError, ConflictError, DamagedError, StorageError.
        """
        known = await self._migrations.known(session_id)
        await self._migrations.ensure_current(session_id)
        if known is not None:
            await self._shop.conclude(Deed(origin, "migrate", session_id, f"from {known.format}"))
        return await self._handle(session_id)

    async def migrate_all(self, *, dry_run: bool = False, report: Report | None = None) -> tuple[Outcome, ...]:
        """Migrate every session of an older format; one that fails does not keep the others from it.

        Those that may be one scan with another are left alone until a person has decided. ``report(done, total)``
        sessions, on the loop. A dry run only says what would be done. Errors: StorageError.
        """
        asked = _asked(await self.questions())
        known = [one for one in await self._shop.older() if one.format != FORMAT]
        outcomes: list[Outcome] = []
        for done, one in enumerate(known):
            _tell(report, done, len(known))
            outcomes.append(await self._migrated(one, asked.get(one.id, ""), dry_run=dry_run))
        _tell(report, len(known), len(known))
        return tuple(outcomes)

    async def damage(self, session_id: SessionId) -> tuple[str, ...]:
        """What was wrong with the old files of a session that was migrated or imported, a sentence each.

        Errors: SessionNotFoundError where the id cannot be one, StorageError.
        """
        from scanner.storage.formats import damage_told  # noqa: PLC0415 - a daemon without old sessions never loads it

        root = self._shop.paths(session_id).root
        return await self._shop.reading(f"session {session_id} could not be read", lambda: damage_told(root))

    async def undo(self, session_id: SessionId, *, origin: str, force: bool = False) -> Undone:
        """Put the old folders of a migrated session back, bit for bit; what it became is kept aside.

        Errors: SessionNotFoundError, NotFoundError (not migrated here), SessionBusyError, PassLockedError,
        ConflictError (a name is taken; without ``force``: photos were taken since), StorageError.
        """
        undone = await self._migrations.undo(session_id, origin, force=force)
        detail = f"the old folders are back, {undone.aside} keeps what was made of them"
        await self._shop.conclude(Deed(origin, "undo_migration", session_id, detail))
        return undone

    async def merge(self, first: SessionId, second: SessionId, *, origin: str) -> SessionHandle:
        """Two sessions of the predecessor are one scan: they become one, under the id of the leading one (the one
        without photos, or begun first).

        Errors: InvalidError, SessionNotFoundError, SessionBusyError, ConflictError, DamagedError, StorageError.
        """
        session_id = await self._migrations.merge(first, second)
        other = second if session_id == first else first
        await self._shop.conclude(Deed(origin, "merge", session_id, f"with {other}"))
        return await self._handle(session_id)

    async def questions(self) -> tuple[MergeQuestion, ...]:
        """Pairs of sessions of which only a person can tell whether they are one scan. Errors: StorageError."""
        await self.look()
        return self._shop.catalogue.gathering.questions

    async def import_from(
        self,
        directory: Path,
        *,
        timezone: tzinfo,
        dry_run: bool = False,
        origin: str,
        report: Report | None = None,
    ) -> tuple[Outcome, ...]:
        """Copy every session at or below ``directory`` in; the source is only read, and nothing is taken in twice.

        ``timezone``: in which times are read that name none. ``report(done, total)`` sessions, on the loop. A dry run
        only says what would be done. Folders into which nobody can look are passed by and told last. Errors:
        InvalidError (no such directory, or one of ours), DiskFullError with ``need`` and ``free`` in bytes,
        StorageError; what goes wrong with one session is told in its outcome, and so is that two may be one scan, which
        are then left where they are.
        """
        outcomes: list[Outcome] = []
        found = await self._intake.find(directory, timezone)
        for done, item in enumerate(found.items):
            _tell(report, done, len(found.items))
            outcomes.append(await self._intake.take(item, timezone, dry_run=dry_run, origin=origin))
        _tell(report, len(found.items), len(found.items))
        return (*outcomes, *map(_unread, found.unread))

    async def look(self, names: Iterable[str] = ()) -> None:
        """Read these folders among the sessions anew, and all that are known. Errors: StorageError."""
        catalogue = self._shop.catalogue
        await catalogue.ensure_whole()
        await catalogue.gathering.look(tuple(names), thorough=True)

    async def _handle(self, session_id: SessionId) -> SessionHandle:
        return await self._shop.catalogue.change(lambda: self._shop.keeper.handle(session_id))

    async def _migrated(self, known: KnownOlder, asked: str, *, dry_run: bool) -> Outcome:
        from scanner.storage.formats import Outcome  # noqa: PLC0415 - a daemon without old sessions never loads them

        session = await self._shop.catalogue.ask(lambda queries: queries.session(known.id))
        said = session.damage if session else ()
        error: ScannerError | None = None
        if not (dry_run or asked):
            try:
                await self._migrations.ensure_current(known.id)
                said = await self.damage(known.id)
            except ScannerError as caught:
                error = caught
        return Outcome(
            id=known.id,
            done=not (dry_run or asked) and error is None,
            error=error,
            title=session.title if session else "",
            format=known.format,
            photos=session.photos if session else 0,
            bytes=session.bytes if session else 0,
            said=said,
            left=asked,
        )


def _asked(questions: Iterable[MergeQuestion]) -> dict[SessionId, str]:
    """By session what is to be decided of it first, and how."""
    asked: dict[SessionId, str] = {}
    for one in questions:
        way = f"decide with 'scanner sessions merge {one.first} {one.second}', or migrate each by itself"
        asked |= {one.first: f"it may be one scan with {one.second}: {way}"}
        asked |= {one.second: f"it may be one scan with {one.first}: {way}"}
    return asked


def _unread(path: Path) -> Outcome:
    from scanner.storage.formats import Outcome, slug_of  # noqa: PLC0415 - see above

    return Outcome(id=slug_of(path.name), done=False, title=shown(str(path)), unread=True)


def _tell(report: Report | None, done: int, total: int) -> None:
    if report is not None:
        report(done, total)
