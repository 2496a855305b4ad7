"""``scanner export``: a session for a photogrammetry program."""

from __future__ import annotations

import argparse
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from scanner.cli.following import wait
from scanner.errors import ConflictError, DamagedError, StorageError

if TYPE_CHECKING:
    import zipfile

    from scanner.cli.context import Context, Groups


def add(groups: Groups) -> None:
    """Add the command."""
    parser = groups.add("export", export, "make a session ready for a photogrammetry program")
    parser.add_argument("session", metavar="SESSION")
    parser.add_argument("--format", required=True, help="such as colmap")
    parser.add_argument("--to", type=Path, metavar="DIR", help="also copy it into this directory, new or empty")


def export(context: Context, arguments: argparse.Namespace) -> int:
    """Make the export, wait for it, and fetch it if asked to."""
    target: Path | None = arguments.to
    if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
        message = f"{target} is not an empty directory: name another"
        raise ConflictError(message)
    url = f"/api/sessions/{arguments.session}/exports"
    job = context.client.post(url, {"format": arguments.format})
    code = wait(context, job, on_interrupt="cancel")
    if code or target is None:
        return code
    _fetch(context, f"{url}/{arguments.format}", target)
    context.output.say(f"copied to {target}")
    return 0


def _fetch(context: Context, url: str, target: Path) -> None:
    """Unpack the archive at ``url`` into ``target``, without the one folder around everything."""
    import tempfile  # noqa: PLC0415 - only here
    import zipfile  # noqa: PLC0415 - as above

    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target) as archive:
            context.client.download(url, archive.write)
            with zipfile.ZipFile(archive) as content:
                _unpack(content, target)
    except zipfile.BadZipFile as fault:
        message = f"the archive of {url} arrived damaged: try again"
        raise DamagedError(message) from fault
    except OSError as fault:
        message = f"cannot write to {target}: {fault.strerror}"
        raise StorageError(message, reason="io_error") from fault


def _unpack(content: zipfile.ZipFile, target: Path) -> None:
    """Nothing is written before it is known that nothing would lie outside the target."""
    for name in content.namelist():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            message = f"the archive holds {name!r}, which would lie outside"
            raise DamagedError(message)
    roots = {name.partition("/")[0] for name in content.namelist()}
    around = f"{roots.pop()}/" if len(roots) == 1 else ""
    for entry in content.infolist():
        entry.filename = entry.filename.removeprefix(around)
        if entry.filename:
            content.extract(entry, target)
