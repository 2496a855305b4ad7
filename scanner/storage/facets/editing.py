"""Changing what a session says of itself: title, tags, notes, operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, structs

from scanner.errors import DamagedError
from scanner.events import SessionChanged
from scanner.model import MAX_TITLE, ONE_LINE, PLAIN, Line100, SessionId, Value
from scanner.records import Session
from scanner.spec import Notes, Tag
from scanner.storage.disk.files import durable_write
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.facets.workshop import Deed, Workshop
from scanner.storage.journal.documents import SessionFile, encode, read_session_file

_Title = Annotated[
    str,
    Meta(max_length=MAX_TITLE, pattern=r"^(?=.*\S)" + PLAIN[1:], description=f"{ONE_LINE}, not only spaces"),
]
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class SessionChanges(Value, frozen=True):
    """What to change; None leaves a field as it is."""

    title: _Title | None = None
    tags: Annotated[tuple[Tag, ...], Meta(max_length=50)] | None = None
    notes: Notes | None = None
    operator: Line100 | None = None


class Editor:
    """What ``storage.edit`` does."""

    def __init__(self, shop: Workshop, session: Callable[[SessionId], Awaitable[Session]]) -> None:
        self._shop = shop
        self._session = session

    async def edit(self, session_id: SessionId, changes: SessionChanges, origin: str) -> Session:
        """Change a session's identity; the session as it then is. Errors: SessionNotFoundError, SessionBusyError,
        DamagedError where it cannot be read, StorageError; nothing is changed then.
        """
        given = {name: value for name, value in structs.asdict(changes).items() if value is not None}
        await self._shop.ensure_current(session_id)
        await self._shop.whole(lambda: self._edit(session_id, given, origin))
        return await self._session(session_id)

    async def _edit(self, session_id: SessionId, given: dict[str, Any], origin: str) -> None:
        shop = self._shop
        what = f"session {session_id} could not be changed"
        async with shop.editing(session_id):
            changed = await shop.writing(what, lambda: self._write(session_id, given))
        if changed:
            deed = Deed(who=origin, what="edit", session_id=session_id, detail=", ".join(changed))
            await shop.conclude(deed, SessionChanged(session_id=session_id))

    def _write(self, session_id: SessionId, given: dict[str, Any]) -> tuple[str, ...]:
        """In the writer thread: which fields are different now."""
        keeper, paths = self._shop.keeper, self._shop.paths(session_id)
        try:
            old = read_session_file(paths.document)
        except FileNotFoundError as error:
            message = f"session.json of session {session_id} is missing; there is nothing to change"
            raise DamagedError(message, reason="io_error") from error
        new = structs.replace(old, **given)
        changed = tuple(name for name in given if getattr(old, name) != getattr(new, name))
        with keeper.noted(session_id):
            try:
                if changed:
                    durable_write(keeper.premises.files, paths.document, _merged(paths, new))
            finally:
                keeper.take_in(session_id)  # after a failure, too: it may stand there already
        return changed


def _merged(paths: SessionPaths, new: SessionFile) -> bytes:
    """The document with its fields that this version does not know."""
    fields = _FIELDS.decode(paths.document.read_bytes()) | _FIELDS.decode(encode(new))
    return msgspec.json.format(msgspec.json.encode(fields), indent=1) + b"\n"
