"""Old sessions become sessions of this product, in their place; that can be undone.

The new directory is built beside the old folder, under a name that means nothing to anybody, written down as
an intent, and then changes places with the old one in one step; the old one stays as ``.migrated_<id>``. Cut at any
moment, the old or the new is whole and listed once; :func:`settle` finishes or takes back what was begun. The caller
sees to it that nobody works on the session meanwhile.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

import msgspec

from scanner.clock import utc_text
from scanner.errors import InvalidError, NotFoundError
from scanner.model import SESSION_ID, SessionId
from scanner.storage.disk.layout import UNDONE
from scanner.storage.formats.assembling import damage_of
from scanner.storage.formats.bench import Bench, built, check_checked, check_unchanged, name_taken
from scanner.storage.formats.building import Stamp, sources_of
from scanner.storage.formats.folder import Flagged
from scanner.storage.formats.intents import (
    INTENT,
    KEPT,
    READY,
    Intent,
    Source,
    declared,
    free_name,
    legacy_file,
    pending,
    taken_up,
    token_of,
)
from scanner.storage.formats.legacy import LegacySession
from scanner.storage.formats.loader import slug_of

_NO_EXCHANGE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def migrate(bench: Bench, legacy: LegacySession) -> SessionId:
    """Put a session of this product in the place of an old one, under the same id.

    Errors: InvalidError (photos unchecked, or folders elsewhere), ConflictError (changed, busy, id taken),
    DamagedError, OSError. After any of them the old session is as it was, or :func:`settle` finishes.
    """
    roots = [folder.root for folder in legacy.folders]
    _settle(bench, bench.sessions / f"{INTENT}{legacy.id}.json")
    _check(bench, legacy, roots)
    token = bench.token()
    sources = sources_of(roots, _kept_names(bench, legacy.id, roots))
    intent = Intent(id=legacy.id, token=token, sources=sources)
    stamp = Stamp(at=utc_text(bench.clock.now()), how="migrated", token=token, sources=sources)

    def check() -> None:
        check_unchanged(legacy)
        _check_kept_names(bench, intent)

    with (
        built(bench, legacy, stamp, linked=True) as root,
        declared(bench.files, bench.sessions, intent, bench.token(), check),
    ):
        bench.files.rename(root, bench.sessions / f"{READY}{legacy.id}")
        bench.files.fsync_dir(bench.sessions)
        _carry_out(bench, intent)
    return legacy.id


def undo(bench: Bench, session_id: SessionId) -> tuple[str, ...]:
    """Put the old folders of a migrated session back, bit for bit; their names. The new directory is kept aside.

    Errors: NotFoundError (not migrated here), ConflictError (a folder's name is taken, busy), OSError.
    """
    if SESSION_ID.fullmatch(session_id) is None:
        raise _not_migrated(session_id)
    _settle(bench, bench.sessions / f"{INTENT}{session_id}.json")
    root = bench.sessions / session_id
    token, sources = token_of(root), _sources(root)
    if token is None or not sources or not all((bench.sessions / source.kept_as).is_dir() for source in sources):
        raise _not_migrated(session_id)
    for source in sources:
        if source.folder != session_id and os.path.lexists(bench.sessions / source.folder):
            raise name_taken(source.folder)
    gone = free_name(bench.sessions, UNDONE, session_id)
    intent = Intent(id=session_id, token=token, sources=sources, gone=gone)

    def check() -> None:
        if token_of(root) != token:
            raise _not_migrated(session_id)

    with declared(bench.files, bench.sessions, intent, bench.token(), check):
        _carry_out(bench, intent)
    return tuple(source.folder for source in sources)


def damage_told(root: Path) -> tuple[str, ...]:
    """What was wrong with the files of which the session in ``root`` was made; a sentence each."""
    try:
        return damage_of(msgspec.convert(legacy_file(root).get("flagged", ()), tuple[Flagged, ...]))
    except msgspec.ValidationError:
        return ()


def settle(bench: Bench, session_id: SessionId | None = None) -> list[str]:
    """Finish, or take back, what a cut left half done, of one session or of all; a sentence for each. Before anybody
    looks at the sessions.

    Errors: OSError.
    """
    if session_id is not None:
        said = _settle(bench, bench.sessions / f"{INTENT}{session_id}.json")
        return [said] if said else []
    return [said for path in pending(bench.files, bench.sessions) if (said := _settle(bench, path))]


def _settle(bench: Bench, path: Path) -> str:
    """Finish or take back what the intent at ``path`` says, unless somebody is at it; a sentence, or "" for nothing."""
    with taken_up(bench.files, path) as intent:
        if intent is None:
            return ""
        what = "undoing of its migration" if intent.gone else "migration"
        done = _carry_out(bench, intent)
        bench.files.unlink(path)
        bench.files.fsync_dir(bench.sessions)
        return f"session {intent.id}: the {what} had been cut off and {'is now done' if done else 'was taken back'}"


def _check(bench: Bench, legacy: LegacySession, roots: list[Path]) -> None:
    check_checked(legacy)
    if any(root.parent != bench.sessions for root in roots):
        message = f"session {legacy.id} does not lie among the sessions; import it instead"
        raise InvalidError(message)
    target = bench.sessions / legacy.id
    if os.path.lexists(target) and target != roots[0]:
        raise name_taken(legacy.id)


def _kept_names(bench: Bench, session_id: SessionId, roots: list[Path]) -> list[str]:
    """What the old folders will be called; those that are merged in are told apart by a number."""
    names = [session_id, *(slug_of(root.name) for root in roots[1:])]
    told_apart = [name if name not in names[:place] else f"{name}-part-{place}" for place, name in enumerate(names)]
    return [free_name(bench.sessions, KEPT, name) for name in told_apart]


def _check_kept_names(bench: Bench, intent: Intent) -> None:
    """They were chosen before anybody else was kept away."""
    for source in intent.sources:
        if os.path.lexists(bench.sessions / source.kept_as):
            raise name_taken(source.kept_as)


def _sources(root: Path) -> tuple[Source, ...]:
    try:
        return msgspec.convert(legacy_file(root).get("sources"), tuple[Source, ...])
    except msgspec.ValidationError:
        return ()


def _not_migrated(session_id: str) -> NotFoundError:
    message = f"session {session_id[:100]!r} was not migrated here, or its old folder is gone: there is no way back"
    return NotFoundError(message)


def _carry_out(bench: Bench, intent: Intent) -> bool:
    """Do what is left of it, whatever was done before; False where there was nothing to go on with."""
    return _undo(bench, intent) if intent.gone else _publish(bench, intent)


def _publish(bench: Bench, intent: Intent) -> bool:
    files, sessions = bench.files, bench.sessions
    ready, target = sessions / f"{READY}{intent.id}", sessions / intent.id
    if token_of(ready) == intent.token:
        _change_places(bench, ready, target, sessions / intent.sources[0].kept_as)
    elif token_of(target) != intent.token:
        return False
    for source in intent.sources:
        for old in (ready, sessions / source.folder):
            if os.path.lexists(old) and token_of(old) != intent.token:
                files.rename(old, sessions / source.kept_as)
                break
    files.fsync_dir(sessions)
    return True


def _undo(bench: Bench, intent: Intent) -> bool:
    files, sessions = bench.files, bench.sessions
    target, gone = sessions / intent.id, sessions / intent.gone
    own = None
    for source in intent.sources:
        kept = sessions / source.kept_as
        if source.folder == intent.id:
            own = kept
        elif os.path.lexists(kept):
            files.rename(kept, sessions / source.folder)
    files.fsync_dir(sessions)
    if own is not None and os.path.lexists(own) and token_of(own) != intent.token:
        _change_places(bench, own, target, gone)
    for place in (target, own):
        if place is not None and token_of(place) == intent.token:
            files.rename(place, gone)
    files.fsync_dir(sessions)
    return True


def _change_places(bench: Bench, new: Path, target: Path, aside: Path) -> None:
    """``new`` takes the name ``target``; what had it is at ``new`` afterwards, or at ``aside`` where the disk cannot
    exchange names.
    """
    files = bench.files
    if not os.path.lexists(target):
        files.rename(new, target)
    else:
        try:
            files.exchange(new, target)
        except OSError as error:
            if error.errno not in _NO_EXCHANGE:
                raise
            files.rename(target, aside)
            files.rename(new, target)
    files.fsync_dir(bench.sessions)
