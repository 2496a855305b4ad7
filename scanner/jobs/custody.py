"""Who has a session: jobs that touch it, or somebody who does something to it as a whole.

Deleting a session or restoring a checkpoint holds it: from the look whether it is free to the end of the work none of
its jobs comes into being, goes on or is taken from the queue. Nothing is awaited between look and hold. Storage's locks
would keep the files whole without this; here nobody is told afterwards that his order came to nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from scanner.errors import ConflictError, SessionBusyError
from scanner.model import JobId, SessionId
from scanner.records import Job


class Custody:
    """Holds and touches by session. ``active``: jobs that have not ended; ``freed`` is called when a hold ends."""

    def __init__(self, active: Callable[[], Iterable[Job]], freed: Callable[[], None]) -> None:
        self._active = active
        self._freed = freed
        self._held: dict[SessionId, str] = {}  # and what is being done to it
        self._touched: defaultdict[SessionId, list[JobId | None]] = defaultdict(list)  # by whom
        self._ended = asyncio.Event()

    def is_held(self, session_id: SessionId | None) -> bool:
        """Whether something is being done to the session as a whole."""
        return session_id in self._held

    def require_unheld(self, session_id: SessionId | None) -> None:
        """Errors: SessionBusyError while something is done to the session as a whole."""
        what = None if session_id is None else self._held.get(session_id)
        if what is not None:
            message = f"session {session_id} is being {what}: try again in a moment"
            raise SessionBusyError(message, session_id=session_id, job_id=None)

    def require_free(self, session_id: SessionId, *, of_waiting: bool = True) -> None:
        """Errors: SessionBusyError while the session is held or touched; ``of_waiting``: also where a job of it waits
        or stands still.
        """
        self.require_unheld(session_id)
        touching = self._touched.get(session_id, [])
        waiting = [job.id for job in self._active() if job.session_id == session_id] if of_waiting else []
        if touching or waiting:
            job_id = next((one for one in (*touching, *waiting) if one is not None), None)
            who = "it is being worked on" if job_id is None else f"job {job_id} has it; let it end or cancel it"
            message = f"session {session_id} is not free: {who}"
            raise SessionBusyError(message, session_id=session_id, job_id=job_id)

    def require_new(self, job: Job) -> None:
        """Errors: ConflictError naming the job that does the same already; SessionBusyError where it has a session."""
        work = (job.kind, job.session_id, job.options)
        same = next((one for one in self._active() if (one.kind, one.session_id, one.options) == work), None)
        if same is None:
            return
        message = f"job {same.id} does this already"
        if job.session_id is None:
            raise ConflictError(message, job_id=same.id)
        raise SessionBusyError(message, session_id=job.session_id, job_id=same.id)

    @contextmanager
    def hold(self, session_id: SessionId, what: str) -> Iterator[None]:
        """Do something to a session as a whole; ``what``: a participle. The caller has looked whether it is free, and
        has awaited nothing since.
        """
        self._held[session_id] = what
        try:
            yield
        finally:
            del self._held[session_id]
            self._ended.set()
            self._ended = asyncio.Event()
            self._freed()

    @contextmanager
    def touch(self, session_id: SessionId | None, job_id: JobId | None) -> Iterator[None]:
        """Work on a session, or on none, for a job. Errors: SessionBusyError while it is held."""
        self.require_unheld(session_id)
        if session_id is None:
            yield
            return
        self._touched[session_id].append(job_id)
        try:
            yield
        finally:
            self._touched[session_id].remove(job_id)
            if not self._touched[session_id]:
                del self._touched[session_id]

    async def until_unheld(self, session_id: SessionId | None) -> None:
        """Return when nothing is done to the session as a whole."""
        while session_id in self._held:
            await self._ended.wait()
