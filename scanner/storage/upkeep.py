"""Keeping the index and the directories in step: at the start what was being changed, behind it everything.

At the start only the sessions are looked at that the index has noted as changing. Behind READY every directory is
compared with the index by the size and time of its documents; what differs is read again, in a pool, and taken over in
the writer thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.errors import DamagedError, ScannerError
from scanner.model import SESSION_ID, PassName, SessionId
from scanner.states import PassState
from scanner.storage.claims import is_temporary, sweep
from scanner.storage.database import connect_reader, full_check, tells_of_database
from scanner.storage.files import reported
from scanner.storage.keeper import Keeper
from scanner.storage.layout import Layout
from scanner.storage.threads import Threads
from scanner.storage.views import SessionRecord, read_session, signature_of

_log: Final = logging.getLogger(__name__)
_BATCH: Final = 100  # sessions read between two looks at whether to stop

Report = Callable[[int, int], None]
Signatures = Callable[[str, str | None], Awaitable[list[tuple[SessionId, str]]]]  # ids behind, up to


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reconciliation found. ``finished`` False: it was stopped."""

    notices: tuple[str, ...]
    read: int
    gone: int
    finished: bool


def recover_noted(keeper: Keeper) -> list[str]:
    """Bring into order what was being changed when the daemon last stopped; a sentence for everything found.

    Errors: DamagedError where the index is damaged; the reconciliation of a new one finds the same.
    """
    notices: list[str] = []
    for session_id, name in keeper.index.intents():
        try:
            notices += _recover(keeper, session_id, (PassName(name),) if name else ())
            keeper.index.done(session_id, name)
        except (ScannerError, OSError) as error:
            if isinstance(error, DamagedError) and tells_of_database(error):
                raise
            notices.append(f"session {session_id} could not be brought into order: {error}")
    return notices


def _recover(keeper: Keeper, session_id: SessionId, names: Iterable[PassName]) -> list[str]:
    said: list[str] = []
    for name in names:
        said += [f"session {session_id}, pass {name}: {text}" for text in keeper.recover_abandoned(session_id, name)]
    keeper.take_in(session_id)
    return said


class Reconciler:
    """One comparison of all directories with the index."""

    def __init__(
        self, *, keeper: Keeper, signatures: Signatures, threads: Threads, layout: Layout, stopping: threading.Event
    ) -> None:
        self._keeper = keeper
        self._signatures = signatures
        self._threads = threads
        self._layout = layout
        self._stopping = stopping
        self._notices: list[str] = []
        self._read = 0
        self._gone = 0

    async def run(self, report: Report) -> Found:
        """Compare, read what differs, forget what is gone. ``report(done, total)`` is told now and then. Errors:
        StorageError.
        """
        await self._threads.writer.run(self._begin)
        names = await self._threads.pool.run(self._session_names)
        done, before = 0, ""
        while not self._stopping.is_set():
            batch = names[done : done + _BATCH]
            last = done + _BATCH >= len(names)
            upto = None if last else batch[-1]
            await self._compare(batch, before, upto)
            done += len(batch)
            report(done, len(names))
            if last:
                await self._threads.writer.run(self._keeper.index.mark_whole)
                return self._found(finished=True)
            before = batch[-1]
        return self._found(finished=False)

    def _found(self, *, finished: bool) -> Found:
        return Found(notices=tuple(self._notices), read=self._read, gone=self._gone, finished=finished)

    def _begin(self) -> None:
        self._keeper.tidy()
        self._keeper.touched.clear()

    async def _compare(self, names: Sequence[SessionId], before: str, upto: str | None) -> None:
        known = dict(await self._signatures(before, upto))
        gone = [session_id for session_id in known if session_id not in set(names)]
        changed = await self._threads.pool.run(lambda: self._changed(names, known))
        if changed or gone:
            await self._threads.writer.run(lambda: self._take_over(changed, gone))

    def _changed(self, names: Sequence[SessionId], known: dict[SessionId, str]) -> list[SessionRecord]:
        records: list[SessionRecord] = []
        for session_id in names:
            paths = self._layout.session(session_id)
            if known.get(session_id) != signature_of(paths) and (record := read_session(paths)) is not None:
                records.append(record)
        return records

    def _take_over(self, records: list[SessionRecord], gone: list[SessionId]) -> None:
        """In the writer thread: what was changed here meanwhile is in the index already, or is read again here."""
        keeper = self._keeper
        fresh: list[SessionRecord] = []
        for record in records:
            session_id = record.session.id
            running = [info.name for info in record.session.passes if info.state is PassState.RUNNING]
            if session_id in keeper.touched or keeper.is_open(session_id):
                if not keeper.index.knows(session_id):
                    keeper.take_in(session_id)
            elif running:
                self._notices += _recover(keeper, session_id, running)
            else:
                fresh.append(record)
        keeper.index.put(fresh)
        vanished = [name for name in gone if name not in keeper.touched]
        keeper.index.remove(vanished)
        self._read += len(records)
        self._gone += len(vanished)

    def _session_names(self) -> list[SessionId]:
        """All sessions, sorted; what cut-off creations and removals left is swept away on the way."""
        with reported("the sessions could not be listed", self._layout.data):
            names = [path.name for path in self._layout.sessions.iterdir()]
            if any(is_temporary(name) for name in names):
                sweep(self._keeper.premises.files, self._layout.sessions)
        return sorted(SessionId(name) for name in names if SESSION_ID.fullmatch(name))


def check_index(path: Path, stopping: threading.Event) -> str | None:
    """Read the whole index on a connection of its own; what is wrong with it, or None (also when stopped). Errors:
    sqlite3.Error.
    """
    with closing(connect_reader(path)) as connection:
        return full_check(connection, stopping.is_set)
