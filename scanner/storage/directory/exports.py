"""Publishing an export: built beside, made durable, put into place in one step."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from scanner.storage.directory.reading import check_export_name
from scanner.storage.disk.claims import claimed, remove_quietly, sweep
from scanner.storage.disk.files import Files, make_dirs, reported
from scanner.storage.disk.layout import BUILDING, SessionPaths

Build = Callable[[Path], None]


def publish_export(files: Files, paths: SessionPaths, name: str, token: str, build: Build) -> Path:
    """Let ``build`` fill an empty directory, make it durable and put it in place, in exchange for an older one.

    Runs in the pool. On any error nothing changes. Errors: NotFoundError for an impossible name, StorageError, and what
    ``build`` raises.
    """
    target = paths.exports / check_export_name(name)
    workplace = paths.exports / f"{BUILDING}{token}"
    with reported(f"export {name} could not be written", paths.root):
        make_dirs(files, paths.exports)
        sweep(files, paths.exports)
        with claimed(files, workplace):
            try:
                built = workplace / "content"
                files.mkdir(built)
                build(built)
                sync_tree(files, built)
                _put(files, built, target)
            finally:
                remove_quietly(files, workplace)
    return target


def _put(files: Files, built: Path, target: Path) -> None:
    if target.exists():
        files.exchange(built, target)
    else:
        files.rename(built, target)
    for directory in (target.parent, built.parent):
        files.fsync_dir(directory)


def sync_tree(files: Files, directory: Path) -> None:
    """Make everything below ``directory`` durable, files before the names that lead to them. Errors: OSError."""
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                sync_tree(files, Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                descriptor = files.open(Path(entry.path), os.O_RDONLY)
                try:
                    files.fsync(descriptor)
                finally:
                    files.close(descriptor)
    files.fsync_dir(directory)
