"""Taking back what was created: a session or a pass that nobody has saved a photo in.

In the writer thread, under the locks of the passes: what somebody works on, here or elsewhere, stays.
"""

from __future__ import annotations

from scanner.errors import ConflictError, SessionBusyError
from scanner.model import PassName, SessionId
from scanner.storage.directory.views import SessionRecord, pass_names, read_session
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import session_missing
from scanner.storage.journal.documents import SessionHandle
from scanner.storage.keeping.keeper import Keeper

_ORIGIN = "discard"


def discard_session(keeper: Keeper, handle: SessionHandle) -> None:
    """Undo a creation. Errors: SessionNotFoundError, SessionBusyError, PassLockedError, ConflictError once a photo is
    saved, StorageError.
    """
    layout, session_id = keeper.premises.layout, handle.id
    names = pass_names(layout.session(session_id))
    _existing(keeper, session_id)
    if keeper.is_open(session_id):
        message = f"session {session_id} is being worked on"
        raise SessionBusyError(message)
    doing = reported(f"session {session_id} could not be removed", layout.data)
    with doing, keeper.locked(session_id, names, _ORIGIN):
        if _existing(keeper, session_id).session.photos:
            message = f"session {session_id} has photos; it cannot be discarded"
            raise ConflictError(message)
        with keeper.noted(session_id):
            keeper.builder.remove(session_id, keeper.premises.token())
            keeper.index.remove([session_id])


def discard_pass(keeper: Keeper, session_id: SessionId, name: PassName) -> None:
    """Undo the making of a pass. Errors: PassNotFoundError, SessionBusyError, PassLockedError, ConflictError once a
    photo is saved, StorageError.
    """
    keeper.document(session_id, name)
    if keeper.disk(session_id, name) is not None:
        message = f"pass {name} of session {session_id} is being worked on"
        raise SessionBusyError(message)
    doing = reported(f"pass {name} could not be removed", keeper.premises.layout.data)
    with doing, keeper.locked(session_id, (name,), _ORIGIN):
        if any(info.name == name and info.saved for info in _existing(keeper, session_id).session.passes):
            message = f"pass {name} of session {session_id} has photos; it cannot be discarded"
            raise ConflictError(message)
        with keeper.noted(session_id):
            try:
                keeper.builder.remove_pass(session_id, name, keeper.premises.token())
            finally:
                keeper.take_in(session_id)  # after a failure, too: it may be away already


def _existing(keeper: Keeper, session_id: SessionId) -> SessionRecord:
    record = read_session(keeper.premises.layout.session(session_id))
    if record is None:
        raise session_missing(session_id)
    return record
