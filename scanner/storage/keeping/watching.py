"""Noticing what others do to the data directory under a running daemon: directories copied in, removed, renamed, by
hand or by another scanner on the same share; and what becomes of our own places.

Idle it costs some 10 ms of a processor every 3 s, with 100,000 sessions as with 1,000: names are compared only when the
directory of the sessions has changed, journals are looked at of the newest sessions, of those that are worked on and of
the newest unfinished ones, and, in turn, of a few others: of the unfinished ones, and of all. So everything is noticed
in the end, among 400 sessions within 12 s, among 100,000 within the hour; at once where somebody looks at it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

from scanner.errors import ScannerError
from scanner.events import SessionChanged, WarningRaised
from scanner.model import SESSION_ID, PassName, SessionId
from scanner.storage.directory.views import read_session
from scanner.storage.keeping.catalogue import Catalogue, Workplace
from scanner.storage.keeping.upkeep import recover_left, unfinished_work

INTERVAL: Final = 3.0  # seconds between two looks
_SETTLED: Final = 10  # looks in a row that found a new directory the same: nobody is copying into it any more
_RECENT: Final = 10  # sessions, the newest, that are looked at every time even if nothing is left to do in them
_NEWEST: Final = 25  # unfinished sessions that are looked at every time
_OTHERS: Final = 75  # and so many of the others, in turn: of 250 none waits longer than 10 s
_ANY: Final = 100  # and so many of all, in turn: of 400 none waits longer than 12 s

_log: Final = logging.getLogger(__name__)


class Watcher:
    """One for each daemon. What it finds is told: SessionChanged, SessionDeleted, WarningRaised."""

    def __init__(self, workplace: Workplace, catalogue: Catalogue) -> None:
        self._place = workplace
        self._catalogue = catalogue
        self._layout = workplace.layout
        self._threads = workplace.threads
        self._keeper = workplace.keeper
        self._clock = workplace.keeper.premises.clock
        self._seen: tuple[int, int, int] | None = None  # the directory of the sessions when names were compared last
        self._again = False  # the clock of a file system is coarse: what has changed is compared once more
        self._young: dict[SessionId, tuple[str, int]] = {}  # signature, and how many looks found it
        self._strange: tuple[Path, ...] = ()  # directories that are no sessions yet
        self._cursor = 0  # in the turn of the unfinished ones
        self._any = 0  # in that of all
        self._said: set[str] = set()
        self._state = _identity(workplace.layout.jobs)

    async def watch(self) -> None:
        """Look every few seconds, for good."""
        while True:
            await self._clock.sleep(INTERVAL)
            try:
                await self.look()
            except ScannerError as error:
                self._say("look", f"the sessions could not be looked through: {error.message}")
            except OSError as error:
                self._say("look", f"the sessions could not be looked through: {error.strerror}")
            else:
                self._said.discard("look")

    async def look(self) -> None:
        """Compare once. Errors: StorageError."""
        self._look_at_state()
        now = await self._threads.pool.run(partial(_identity, self._layout.sessions))
        if now is None:
            self._say("data", f"the directory {self._layout.sessions} is gone: nothing can be scanned or looked at")
            return
        self._said.discard("data")
        if now != self._seen or self._again:
            self._again = now != self._seen
            self._seen = now
            await self._compare_names()
        elif await self._threads.pool.run(partial(_any_session, self._strange)):
            self._again = True  # a session whose directory was there before its documents were
        else:
            await self._catalogue.gather()
        await self._look_after_young()
        for session_id, name in tuple(self._keeper.broken_off):
            if await self._threads.writer.run(partial(self._look_after, session_id, name)):
                self._place.tell(SessionChanged(session_id=session_id))
        await self._look_at_known()
        if self._catalogue.doubtful:
            self._again = True  # also where it fails now
            await self._compare_names()

    async def _compare_names(self) -> None:
        found = await self._catalogue.compare_names()
        self._strange = tuple(self._layout.sessions / name for name in found.strange if SESSION_ID.fullmatch(name))
        for session_id in found.names_read:
            self._young[session_id] = ("", 0)
        for session_id in found.names_gone:
            self._young.pop(session_id, None)
        for session_id in found.at_work:
            self._again = True  # until its pass is let go of
            self._say(
                session_id,
                f"the directory of session {session_id} was removed or renamed while it was being worked on",
                session_id,
            )

    async def _look_after_young(self) -> None:
        """What was copied in may still be growing; work that was left off in it is brought into order once it does not
        grow any more.
        """
        changed = await self._catalogue.refresh(*self._young)
        for session_id, (signature, looks) in tuple(self._young.items()):
            if session_id in changed or looks < _SETTLED:
                self._young[session_id] = (signature, 0 if session_id in changed else looks + 1)
                continue
            del self._young[session_id]
            if await self._threads.writer.run(partial(self._recover, session_id)):
                self._place.tell(SessionChanged(session_id=session_id))

    async def _look_at_known(self) -> None:
        """Others work on them, perhaps."""
        cursor, any_ = self._cursor, self._any
        chosen, self._cursor = await self._catalogue.ask(lambda queries: queries.restless(_NEWEST, cursor, _OTHERS))
        running = [session_id for session_id, _ in await self._catalogue.ask(lambda queries: queries.running())]
        recent = await self._catalogue.ask(lambda queries: queries.newest(_RECENT))
        turn, self._any = await self._catalogue.ask(lambda queries: queries.in_turn(any_, _ANY))
        found = dict.fromkeys([*running, *recent, *chosen, *turn])
        await self._catalogue.refresh(*(session_id for session_id in found if session_id not in self._young))

    def _recover(self, session_id: SessionId) -> bool:
        """In the writer thread: whether there was something to bring into order."""
        record = read_session(self._layout.session(session_id))
        left = unfinished_work(record) if record is not None and not self._keeper.is_open(session_id) else []
        if left:
            for said in recover_left(self._keeper, session_id, left):
                _log.warning("%s", said)
        return bool(left)

    def _look_after(self, session_id: SessionId, name: str) -> bool:
        """In the writer thread: see what came of a change that failed; False while it cannot be seen, or is at work.
        Until then nothing that others do to the session would be noticed.
        """
        keeper = self._keeper
        if keeper.is_open(session_id) or (session_id, name) not in keeper.broken_off:
            return False
        try:
            for said in recover_left(keeper, session_id, (PassName(name),) if name else ()):
                _log.warning("%s", said)
            keeper.index.done(session_id, name)
        except (ScannerError, OSError) as error:
            _log.info("session %s cannot be looked after yet: %s", session_id, error)
            return False
        keeper.broken_off.discard((session_id, name))
        return True

    def _look_at_state(self) -> None:
        if self._state == _identity(self._layout.jobs):
            self._said.discard("state")
        else:
            self._say(
                "state",
                f"the state directory {self._layout.state} was moved or replaced under the running daemon: queue and"
                " index are no longer where they belong; stop the daemon, put it back, and start again",
            )

    def _say(self, about: str, message: str, session_id: SessionId | None = None) -> None:
        """Once, until it is over."""
        if about not in self._said:
            self._said.add(about)
            _log.error("%s", message)
            self._place.tell(WarningRaised(message=message, session_id=session_id))


def _any_session(paths: Iterable[Path]) -> bool:
    """Whether one of the directories has become a session; what cannot be looked into has not."""
    return any(os.path.isdir(path / "metadata/passes") for path in paths)  # noqa: PTH112 - Path's raises for some


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Which file or directory it is, and when its names changed; None where there is none. It is opened, since a
    network file system believes what it knew about a path that is only asked for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return found.st_dev, found.st_ino, found.st_mtime_ns if path.is_dir() else 0
