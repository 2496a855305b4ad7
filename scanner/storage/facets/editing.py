"""Changing what a session says of itself: title, tags, notes, operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, structs

from scanner.errors import DamagedError
from scanner.events import Event, SessionChanged, WarningRaised
from scanner.model import MAX_TITLE, ONE_LINE, PLAIN, Line100, SessionId, Value
from scanner.records import Session
from scanner.spec import Notes, Tag
from scanner.storage.directory.identity import all_fields, document_anew
from scanner.storage.directory.views import read_session
from scanner.storage.disk.files import durable_write, read_whole
from scanner.storage.disk.layout import SessionPaths, session_missing
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.journal.documents import SessionFile, encode, session_file
from scanner.storage.journal.text import set_aside

_Title = Annotated[
    str,
    Meta(max_length=MAX_TITLE, pattern=r"^(?=.*\S)" + PLAIN[1:], description=f"{ONE_LINE}, not only spaces"),
]


class SessionChanges(Value, frozen=True):
    """What to change; None leaves a field as it is."""

    title: _Title | None = None
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] | None = None
    notes: Notes | None = None
    operator: Line100 | None = None


@dataclass(frozen=True, slots=True)
class _Edited:
    """Which fields are different now; ``anew``: a sentence where the document had to be written anew."""

    changed: tuple[str, ...]
    anew: str = ""


class Editor:
    """What ``storage.edit`` does."""

    def __init__(self, shop: Workshop, session: Callable[[SessionId], Awaitable[Session]]) -> None:
        self._shop = shop
        self._session = session

    async def edit(self, session_id: SessionId, changes: SessionChanges, origin: str) -> Session:
        """Change a session's identity; the session as it then is. A document that is missing or damaged is written
        anew of what is still known, the damaged one is kept beside it, and that is said.

        Errors: SessionNotFoundError, SessionBusyError, DamagedError where a newer version wrote the document,
        StorageError; nothing is changed then.
        """
        given = {name: value for name, value in structs.asdict(changes).items() if value is not None}
        await self._shop.ensure_current(session_id)
        await self._shop.whole(lambda: self._edit(session_id, given, origin))
        return await self._session(session_id)

    async def _edit(self, session_id: SessionId, given: dict[str, Any], origin: str) -> None:
        shop = self._shop
        what = f"session {session_id} could not be changed"
        async with shop.editing(session_id):
            edited = await shop.writing(what, lambda: self._write(session_id, given))
        if edited.changed or edited.anew:
            detail = ", ".join(filter(None, [*edited.changed, edited.anew]))
            events: list[Event] = [SessionChanged(session_id=session_id)]
            if edited.anew:
                events.append(WarningRaised(message=f"session {session_id}: {edited.anew}", session_id=session_id))
            await shop.conclude(Deed(who=origin, what="edit", session_id=session_id, detail=detail), *events)

    def _write(self, session_id: SessionId, given: dict[str, Any]) -> _Edited:
        """In the writer thread."""
        keeper, paths = self._shop.keeper, self._shop.paths(session_id)
        data = _document(paths)
        try:
            old, sound = session_file(data), True
        except DamagedError:
            old, sound = _anew(paths, data), False
        new = structs.replace(old, **given)
        changed = tuple(name for name in given if getattr(old, name) != getattr(new, name))
        anew = ""
        with keeper.noted(session_id):
            try:
                if not sound:
                    anew = self._keep(paths, data)
                if changed or anew:
                    durable_write(keeper.premises.files, paths.document, _merged(data, new))
            finally:
                keeper.take_in(session_id)  # after a failure, too: it may stand there already
        return _Edited(changed, anew)

    def _keep(self, paths: SessionPaths, data: bytes) -> str:
        """Keep a damaged document before another takes its place; what is to be said."""
        if not data and not paths.document.exists():
            return "session.json was missing and is written anew"
        kept = set_aside(self._shop.keeper.premises.files, paths.document)
        return f"session.json was damaged and is written anew; the old one is kept as {kept.name}"


def _document(paths: SessionPaths) -> bytes:
    """What there is; nothing where it is missing."""
    try:
        return read_whole(paths.document)
    except FileNotFoundError:
        return b""


def _anew(paths: SessionPaths, data: bytes) -> SessionFile:
    """Errors: SessionNotFoundError where nothing else tells of a session either, DamagedError."""
    record = read_session(paths)
    if record is None:
        raise session_missing(SessionId(paths.root.name))
    return document_anew(paths.root, record, data)


def _merged(data: bytes, new: SessionFile) -> bytes:
    """The document with its fields that this version does not know."""
    fields = all_fields(data) | all_fields(encode(new))
    return msgspec.json.format(msgspec.json.encode(fields), indent=1) + b"\n"
