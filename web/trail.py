"""The audit of every changing request: who asked for what from where, and what came of it.

Entries are gathered for a second and written together, so that a slider that is drawn does not cost an fsync a step. A
disk that takes none is said once; the requests themselves have been done. What a caller without a name tries, and is
refused, is not entered: nobody can fill the disk with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from scanner.access import Role
from scanner.errors import StorageError
from scanner.model import SESSION_ID, SessionId
from scanner.records import AuditEntry
from web.context import PRINCIPAL

log = logging.getLogger(__name__)

GATHERED: Final = 1.0  # seconds
_MOST: Final = 1000  # entries that wait to be written; more are counted, and said
_SHOWN: Final = 200  # characters of an address

Write = Callable[[Sequence[AuditEntry]], Awaitable[None]]


class Trail:
    """Gathers entries and writes them. ``write`` raises StorageError where the disk refuses."""

    def __init__(self, write: Write, now: Callable[[], str], *, gathered: float = GATHERED) -> None:
        self._write = write
        self._now = now
        self._gathered = gathered
        self._entries: list[AuditEntry] = []
        self._left_out = 0
        self._writing: asyncio.Task[None] | None = None
        self._faulty = False

    def note(self, request: web.Request, status: int, address: str) -> None:
        """Enter a request that was admitted, with the status of its answer."""
        principal = request[PRINCIPAL]
        if principal.role is Role.PUBLIC:
            return
        if len(self._entries) >= _MOST:
            self._left_out += 1
            return
        session = request.match_info.get("id", "")
        about = SessionId(session) if "/sessions/" in request.path and SESSION_ID.fullmatch(session) else None
        entry = AuditEntry(
            at=self._now(),
            who=principal.origin,
            what=f"{request.method} {request.path[:_SHOWN]}",
            session_id=about,
            detail=f"{status}{f' from {address}' if address else ''}",
        )
        self._entries.append(entry)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        """Write what is still there; idempotent."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
            self._writing = None
        await self._flush()

    async def _write_soon(self) -> None:
        await asyncio.sleep(self._gathered)
        self._writing = None
        await asyncio.shield(self._flush())

    async def _flush(self) -> None:
        entries, self._entries = self._entries, []
        left_out, self._left_out = self._left_out, 0
        if left_out:
            log.warning("%d requests are not in the audit: they came faster than they could be written", left_out)
        if not entries:
            return
        try:
            await self._write(entries)
        except StorageError as error:
            if not self._faulty:
                log.warning("requests could not be entered in the audit: %s", error.message)
            self._faulty = True
        else:
            self._faulty = False
