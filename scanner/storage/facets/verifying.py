"""Verifying a session: every photo is read and hashed; what is missing or damaged is planned again.

Photo files are only read, in pieces. Reading needs no lock; marking takes each pass's for a moment. A session of an
older format is only read.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import Final, Literal

from scanner.errors import (
    ConflictError,
    DamagedError,
    LockLostError,
    PassLockedError,
    PassNotFoundError,
    StorageError,
)
from scanner.events import SessionChanged
from scanner.model import PassName, Photo, SessionId
from scanner.records import Verification
from scanner.states import PassState
from scanner.storage.directory.older import KnownOlder
from scanner.storage.directory.recovery import hash_file
from scanner.storage.directory.views import FORMAT, is_hidden, is_session, pass_names, read_journal
from scanner.storage.disk.database import tells_of_database
from scanner.storage.disk.files import PART, shown
from scanner.storage.disk.layout import SessionPaths, session_missing
from scanner.storage.facets.holding import Holding
from scanner.storage.facets.papers import check_papers
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.journal import lines
from scanner.storage.journal.progress import Fold
from scanner.storage.keeping.upkeep import Report

_log: Final = logging.getLogger(__name__)

_REFUSED: Final = frozenset({"EACCES", "EPERM"})

Flaw = Literal["missing", "hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be verified: the current photos by pass, and what was seen at first sight. ``lost``: photos of which
    the journal says that they are, and that were not taken again; ``ended``: passes that came completed, without them.
    """

    photos: tuple[tuple[PassName, Photo], ...]
    lost: tuple[Flawed, ...]
    ended: frozenset[PassName]
    damaged: tuple[str, ...]
    unlisted: tuple[str, ...]
    refused: tuple[str, ...] = ()  # documents that are not ours to read, a sentence each
    unread: tuple[str, ...] = ()  # photos, the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Flawed:
    """A photo that is not what was written."""

    name: PassName
    photo: Photo
    flaw: Flaw


class Verifier:
    """What ``storage.verify`` does."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    async def verify(self, session_id: SessionId, report: Report | None, origin: str) -> Verification:
        """Hash every current photo and mark what is not what was written, so that resume takes it again. A pass
        that came completed from an older format, but without photos, is opened again for them.

        ``report(done, total)`` is called on the loop after every photo; cancelling ends it between two. What cannot
        be marked (somebody works on the pass, its document is damaged) is told all the same, and said to be unmarked.
        A session of an older format is checked against what its files promise, and stays as it is. Errors:
        SessionNotFoundError, SessionBusyError, ConflictError (of an older format and changed meanwhile), StorageError.
        """
        shop = self._shop
        session = await shop.catalogue.ask(lambda queries: queries.session(session_id))
        known = await shop.catalogue.ask(lambda queries: queries.known_older(session_id))
        if session is not None and known is not None and known.format != FORMAT:
            photos = sum(info.saved + info.damaged for info in session.passes)
            return await self._older(known, photos, report, origin)
        await shop.ensure_current(session_id)
        paths = shop.paths(session_id)
        subject = await shop.reading(f"session {session_id} could not be read", lambda: look(paths))
        flaws = [flawed for flawed in subject.lost if flawed.name in subject.ended]
        unread: list[str] = []
        for done, (name, photo) in enumerate(subject.photos, 1):
            check = partial(flaw_of, paths, name, photo)
            try:
                flaws += await shop.reading(f"photo {photo.name} could not be read", check)
            except StorageError as error:
                if error.detail.get("errno") not in _REFUSED:
                    raise
                unread.append(f"photo {photo.name} may not be read by this program")
            if report is not None:
                report(done + len(subject.lost), len(subject.photos) + len(subject.lost))
        subject = replace(subject, unread=tuple(unread))
        return await shop.whole(lambda: self._conclude(session_id, subject, flaws, origin))

    async def _older(self, known: KnownOlder, total: int, report: Report | None, origin: str) -> Verification:
        """Only read, in the pool: looking at a session of an older format must not migrate it."""
        shop, loop, over = self._shop, asyncio.get_running_loop(), threading.Event()
        paths = [shop.layout.sessions / folder for folder in known.folders]
        zone = shop.keeper.premises.timezone()

        def tell(done: int, files: int) -> None:
            if report is not None and not over.is_set():
                report(min(done * total // max(files, 1), total), total)

        def check(done: int, files: int) -> None:
            shop.catalogue.require_time()
            if over.is_set():
                message = f"verifying session {known.id} was given up"
                raise ConflictError(message)
            loop.call_soon_threadsafe(tell, done, files)

        try:
            found = await shop.reading(
                f"session {known.id} could not be read",
                lambda: check_older(paths, known.id, timezone=zone, check=check),
            )
        finally:
            over.set()
        if report is not None:
            report(total, total)
        await shop.conclude(Deed(who=origin, what="verify", session_id=known.id, detail=_told(found)))
        return found

    async def _conclude(
        self, session_id: SessionId, subject: Subject, flaws: Iterable[Flawed], origin: str
    ) -> Verification:
        by_pass: dict[PassName, list[Flawed]] = {}
        for flawed in flaws:
            by_pass.setdefault(flawed.name, []).append(flawed)
        confirmed: list[Flawed] = []
        unmarked = [*subject.refused, *subject.unread]
        if by_pass:
            async with self._shop.editing(session_id):
                for name, suspects in by_pass.items():
                    still, why = await self._mark_or_say(session_id, name, suspects, origin)
                    confirmed += still
                    unmarked += why
        open_ = [flawed for flawed in subject.lost if flawed.name not in subject.ended]
        found = outcome(session_id, subject, [*open_, *confirmed], unmarked)
        deed = Deed(who=origin, what="verify", session_id=session_id, detail=_told(found))
        await self._shop.conclude(deed, *([SessionChanged(session_id=session_id)] if by_pass else []))
        return found

    async def _mark_or_say(
        self, session_id: SessionId, name: PassName, suspects: list[Flawed], origin: str
    ) -> tuple[Sequence[Flawed], tuple[str, ...]]:
        """What is still flawed; where it could not be marked, all as it was found, and why."""
        try:
            return await self._mark(session_id, name, suspects, origin), ()
        except (PassLockedError, PassNotFoundError, LockLostError, DamagedError) as error:
            if isinstance(error, DamagedError) and tells_of_database(error):
                raise
            why = f"{len(suspects)} photos of pass {name} are damaged and are not marked: {error.message}"
            return suspects, (why,)

    async def _mark(
        self, session_id: SessionId, name: PassName, suspects: list[Flawed], origin: str
    ) -> tuple[Flawed, ...]:
        """Mark what is still so now that nobody else can be at it: it was read without a lock, perhaps while a
        restoring moved the files.
        """
        keeper, paths = self._shop.keeper, self._shop.paths(session_id)

        def mark() -> tuple[Flawed, ...]:
            holding = Holding(keeper, session_id, origin)
            try:
                held = holding.take(name)
                lost = {*held.fold.lost.values()}  # taking it may have found out itself
                known = tuple(flawed for flawed in suspects if flawed.photo.name in lost)
                current = {photo.name for photo in held.fold.saved.values()}
                listed = [flawed.photo for flawed in suspects if flawed.photo.name in current]
                still = tuple(flawed for photo in listed for flawed in flaw_of(paths, name, photo))
                for flawed in still:
                    held.append(_damaged(flawed))
                for flawed in known:
                    if held.fold.state is PassState.COMPLETED:  # known to be lost, and never asked for again
                        held.append(_damaged(flawed))
            finally:
                holding.release()
            return known + still

        return await self._shop.writing(f"damage in pass {name} could not be marked", mark)


def look(paths: SessionPaths) -> Subject:
    """What the directory says there is. Errors: SessionNotFoundError, OSError."""
    if not is_session(paths):
        if is_hidden(paths):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        raise session_missing(paths.root.name)
    files = sorted(_image_files(paths))
    told = {name: _progress(paths, name) for name in pass_names(paths)}
    passes = {name: progress for name, (progress, _) in told.items()}
    photos = [(name, progress.saved[shot]) for name, progress in passes.items() for shot in sorted(progress.saved)]
    lost = [flawed for name, progress in passes.items() for flawed in _lost(paths, name, progress)]
    known = {f"{name}/{photo.name}" for name, photo in photos}
    known |= {f"{name}/{lost}" for name, progress in passes.items() for lost in progress.lost.values()}
    damaged, refused = check_papers(paths)
    at_work = tuple(f"{name}/" for name, progress in passes.items() if progress.state is PassState.RUNNING)
    return Subject(
        photos=tuple(photos),
        lost=tuple(lost),
        ended=frozenset(name for name, (_, as_it_came) in told.items() if as_it_came),
        damaged=damaged,
        refused=refused,
        unlisted=tuple(shown(name) for name in files if name not in known and not name.startswith(at_work)),
    )


def flaw_of(paths: SessionPaths, name: PassName, photo: Photo) -> tuple[Flawed, ...]:
    """What is wrong with a photo's file, if anything. Errors: OSError where it is there and cannot be read."""
    flaw = _flaw(paths.pass_(name).images / photo.name, photo)
    return () if flaw is None else (Flawed(name=name, photo=photo, flaw=flaw),)


def outcome(
    session_id: SessionId, subject: Subject, flaws: Iterable[Flawed], unmarked: Iterable[str] = ()
) -> Verification:
    """All that was found."""
    found = tuple(flaws)
    return Verification(
        session_id=session_id,
        checked=len(subject.photos) + len(subject.lost) - len(subject.unread),
        missing=tuple(flawed.photo.name for flawed in found if flawed.flaw == "missing"),
        damaged=(*(flawed.photo.name for flawed in found if flawed.flaw == "hash"), *subject.damaged),
        unlisted=subject.unlisted,
        unmarked=tuple(unmarked),
    )


def check_session(paths: SessionPaths) -> Verification:
    """The same for a directory at hand, of which nothing is changed or marked. Errors: SessionNotFoundError,
    OSError.
    """
    subject = look(paths)
    flaws = [flawed for name, photo in subject.photos for flawed in flaw_of(paths, name, photo)]
    return outcome(SessionId(paths.root.name), subject, [*subject.lost, *flaws], subject.refused)


def check_older(
    paths: Sequence[Path],
    session_id: SessionId,
    *,
    timezone: tzinfo = UTC,
    check: Callable[[int, int], None] = lambda _done, _files: None,
) -> Verification:
    """The same for a session of an older format in these folders: whole photos are counted as checked, files that are
    damaged or missing are named. ``check(done, files)`` is asked before every file, with how many were read and how
    many there are, and raises where the work is to be given up.

    Errors: NotFoundError (no such session), ConflictError (changed meanwhile), OSError.
    """
    from scanner.storage.formats import Flag, Folder, load_legacy  # noqa: PLC0415 - only where there are old sessions
    from scanner.storage.formats.bench import check_unchanged  # noqa: PLC0415 - as above

    files, done = sum(len(Folder.look(path).entries) for path in paths), iter(range(1, sys.maxsize))
    legacy = load_legacy(paths, timezone, session_id=session_id, check=lambda: check(next(done), files))
    check_unchanged(legacy)
    names = {flag: tuple(one.file for one in legacy.flagged if one.flag is flag) for flag in Flag}
    return Verification(
        session_id=session_id,
        checked=legacy.record.session.photos,
        missing=names[Flag.MISSING],
        damaged=names[Flag.DAMAGED],
        unlisted=names[Flag.UNREGISTERED],
    )


def _told(found: Verification) -> str:
    return (
        f"{found.checked} photos checked, {len(found.missing)} missing, {len(found.damaged)} damaged,"
        f" {len(found.unlisted)} unlisted"
    )


def _damaged(flawed: Flawed) -> lines.Damaged:
    return lines.Damaged(shot=flawed.photo.shot, file=flawed.photo.name, reason=flawed.flaw)


def _lost(paths: SessionPaths, name: PassName, progress: Fold) -> Iterator[Flawed]:
    """What the journal says is lost: where a file lies, it is not what was written."""
    for shot in sorted(progress.lost):
        photo = progress.photos[progress.lost[shot]]
        is_there = (paths.pass_(name).images / photo.name).is_file()
        yield Flawed(name=name, photo=photo, flaw="hash" if is_there else "missing")


def _flaw(path: Path, photo: Photo) -> Flaw | None:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return "missing"
        return None if found.st_size == photo.bytes and hash_file(path) == photo.sha256 else "hash"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return "hash"  # the disk no longer gives back what was written


def _progress(paths: SessionPaths, name: PassName) -> tuple[Fold, bool]:
    """How far the pass is, and whether it is completed as it came from an older format: nobody here has ended it."""
    progress, as_it_came = Fold(name), False
    for line in read_journal(paths.pass_(name)).lines:
        progress.apply(line)
        as_it_came = isinstance(line, lines.Migrated) or (as_it_came and not isinstance(line, lines.Finished))
    return progress, as_it_came and progress.state is PassState.COMPLETED


def _image_files(paths: SessionPaths) -> Iterator[str]:
    """Files below ``images``, with their directory, but for hidden and unfinished ones."""
    images = paths.root / "images"
    for directory, names, files in os.walk(images):
        names[:] = [name for name in names if not name.startswith(".")]
        below = Path(directory).relative_to(images)
        yield from ((below / name).as_posix() for name in files if not name.startswith(".") and not name.endswith(PART))
