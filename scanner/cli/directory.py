"""``--data-dir DIR``: sessions as a directory tells them, without any daemon: an SD card in a PC.

Nothing is written, no lock is taken, no index is asked.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from scanner.cli.options import directory
from scanner.cli.text import count
from scanner.errors import DamagedError, NotFoundError, SessionNotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scanner.cli.context import Context, Json
    from scanner.records import Verification
    from scanner.storage import PassProgress
    from scanner.storage.formats import Found

CURRENT: Final = "current"  # this product's own format
INCOMPLETE: Final = frozenset({"planned", "running", "paused", "failed"})
_SORTS: Final[dict[str, tuple[Callable[[Json], object], bool]]] = {  # key, largest first
    "newest": (lambda one: (one["created_at"], one["id"]), True),
    "oldest": (lambda one: (one["created_at"], one["id"]), False),
    "title": (lambda one: (one["title"].casefold(), one["id"]), False),
    "size": (lambda one: (one["bytes"], one["id"]), True),
}


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command read a directory instead of asking the daemon."""
    parser.add_argument(
        "--data-dir", type=directory, metavar="DIR", help="read this directory instead, without a daemon; read-only"
    )


def listed(arguments: argparse.Namespace) -> tuple[list[Json], int]:
    """The sessions that are wanted, as the daemon would list them, and how many there are."""
    sessions = [_plain(found) for found in _found(arguments.data_dir)]
    wanted = [one for one in sessions if _has_state(one, arguments.status) and _has_words(one, arguments.search)]
    key, largest_first = _SORTS[arguments.sort]
    wanted.sort(key=key, reverse=largest_first)  # type: ignore[arg-type] # tuples of texts or numbers
    return wanted[: arguments.limit], len(wanted)


def looked_up(arguments: argparse.Namespace) -> tuple[Json, list[Json] | None]:
    """A session, and its photos where they are wanted. Errors: SessionNotFoundError, NotFoundError."""
    found = _one(arguments.data_dir, arguments.id)
    return _plain(found), _photos(found) if arguments.files else None


def verify(context: Context, arguments: argparse.Namespace) -> int:
    """Hash every photo of a session or of all, and say what is not as it was written; the exit code."""
    chosen = _found(arguments.data_dir) if arguments.id is None else (_one(arguments.data_dir, arguments.id),)
    results = [_verified(found) for found in chosen]
    output = context.output
    if output.as_json:
        from msgspec import to_builtins  # noqa: PLC0415 - only without a daemon

        output.data({"items": to_builtins(results), "total": len(results)})
    else:
        for result in results:
            for line in _lines(result):
                output.say(line)
        photos = count(sum(result.checked for result in results), "photo")
        output.say(f"{photos} of {count(len(results), 'session')} checked")
    broken = any(result.missing or result.damaged or result.unmarked for result in results)
    return DamagedError.exit_code if broken else 0


def _lines(result: Verification) -> Iterator[str]:
    for what in ("missing", "damaged", "unlisted"):
        for name in getattr(result, what):
            yield f"{result.session_id}: {name}: {what}"
    yield from (f"{result.session_id}: {sentence}" for sentence in result.unmarked)


def _found(root: Path) -> tuple[Found, ...]:
    """Every session in a data directory, in a directory of sessions, or the one that is the directory. Times that name
    no zone are read in that of this machine, as the daemon does. No link is followed but one to all of the sessions.
    """
    from scanner.storage.disk.layout import Layout  # noqa: PLC0415 - only without a daemon
    from scanner.storage.disk.zones import local_zone  # noqa: PLC0415 - as above
    from scanner.storage.formats import list_all  # noqa: PLC0415 - as above

    if not root.is_dir():
        message = f"there is no directory {root}"
        raise NotFoundError(message)
    sessions = Layout(data=root, state=root).sessions
    return list_all(sessions if sessions.is_symlink() and sessions.is_dir() else root, local_zone()).found


def _one(root: Path, session_id: str) -> Found:
    for found in _found(root):
        if found.id == session_id:
            return found
    message = f"there is no session {session_id[:100]!r} in {root}"
    raise SessionNotFoundError(message)


def _plain(found: Found) -> Json:
    """The session as the API would tell it."""
    from msgspec import to_builtins  # noqa: PLC0415 - only without a daemon

    plain: Json = to_builtins(found.session)
    return plain | {"id": found.id}


def _photos(found: Found) -> list[Json]:
    from msgspec import to_builtins  # noqa: PLC0415 - only without a daemon

    return [to_builtins(one.saved[shot]) for one in _passes(found) for shot in sorted(one.saved)]


def _passes(found: Found) -> list[PassProgress]:
    """What the journals of the passes amount to."""
    from scanner.storage import fold  # noqa: PLC0415 - only without a daemon
    from scanner.storage.directory.views import read_journal  # noqa: PLC0415 - as above
    from scanner.storage.disk.layout import SessionPaths  # noqa: PLC0415 - as above
    from scanner.storage.disk.zones import local_zone  # noqa: PLC0415 - as above
    from scanner.storage.formats import load_legacy  # noqa: PLC0415 - as above

    if found.format != CURRENT:
        older = load_legacy(found.paths, local_zone(), session_id=found.id)
        return [fold(one.lines, name=one.info.name) for one in older.passes]
    paths = SessionPaths(found.paths[0])
    names = [one.name for one in found.session.passes]
    return [fold(read_journal(paths.pass_(name)).lines, name=name) for name in names]


def _has_state(session: Json, status: str | None) -> bool:
    if status == "incomplete":
        return session["state"] in INCOMPLETE
    return status in (None, session["state"])


def _has_words(session: Json, words: str) -> bool:
    thing = session["object"] or {}
    fields = [session["id"], session["title"], session["notes"], session["operator"], *session["tags"]]
    fields += [one["name"] for one in session["passes"]] + [thing.get("id") or "", thing.get("label") or ""]
    text = "\n".join(fields).casefold()
    return all(word in text for word in words.casefold().split())


def _verified(found: Found) -> Verification:
    """Errors: StorageError where a photo is there and cannot be read."""
    from msgspec import structs  # noqa: PLC0415 - only without a daemon

    from scanner.storage.disk.layout import SessionPaths  # noqa: PLC0415 - only without a daemon
    from scanner.storage.facets.verifying import check_older, check_session  # noqa: PLC0415 - as above

    try:
        if found.format == CURRENT:
            return structs.replace(check_session(SessionPaths(found.paths[0])), session_id=found.id)
        return check_older(found.paths, found.id)
    except OSError as fault:
        message = f"session {found.id} cannot be read: {fault.strerror or fault}"
        raise StorageError(message, reason="io_error") from fault
