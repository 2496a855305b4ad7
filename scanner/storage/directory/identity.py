"""What is known of a session whose ``session.json`` is missing or damaged: the document that takes its place when
somebody changes the session. Changes nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs

from scanner.errors import DamagedError
from scanner.storage.directory.origins import ORIGIN, told_creation
from scanner.storage.directory.views import SessionRecord
from scanner.storage.disk.layout import stamped_at
from scanner.storage.journal.documents import SOFTWARE, VERSION, SessionFile

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def document_anew(root: Path, record: SessionRecord, data: bytes) -> SessionFile:
    """The document of the session ``root``, of which ``record`` tells the rest: every field that still reads well in
    ``data``, the others from its passes, its name and what it was migrated from, or empty. Errors: DamagedError where
    a newer version wrote it.
    """
    session, told = record.session, told_creation(root)
    moments = (one.created_at for one in record.passes)
    known = SessionFile(
        id=session.id,
        title=session.title,
        created_at=(told and told.at) or _created(session.id, moments),
        created_from=None,
        origin="" if told is None else ORIGIN,
        operator="",
        object=None,
        tags=(),
        notes="",
        rig=record.passes[0].rig if record.passes else "",
        software=SOFTWARE,
    )
    return structs.replace(known, **_sound(session.id, data))


def all_fields(data: bytes) -> dict[str, msgspec.Raw]:
    """The fields of a document, also those that this version does not know; none where it is no document."""
    try:
        return _FIELDS.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _sound(session_id: str, data: bytes) -> dict[str, Any]:
    """The fields that read well. Errors: DamagedError."""
    raw, found = all_fields(data), dict[str, Any]()
    for field in structs.fields(SessionFile):
        if field.name in raw:
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                found[field.name] = msgspec.json.decode(raw[field.name], type=field.type)
    if found.get("version", VERSION) > VERSION:
        message = f"session.json of session {session_id} was written by a newer version; use that to change it"
        raise DamagedError(message, reason="io_error")
    return found


def _created(session_id: str, moments: Iterable[str]) -> str:
    """When the first pass was planned, or what the id says; "" where nothing does."""
    return min((moment for moment in moments if moment), default=stamped_at(session_id))
