"""The moves that a restore has journaled: found by the fold alone, so that they can be finished after any cut.

The line ``restored`` says which photos are current. Current ones that lie in ``.superseded`` come back, others leave
for ``.superseded/<place>/``; then the manifest is made true, and the summary, which goes where the pass has not ended;
``superseded`` says that all is done. Doing it again changes nothing. Lives in the writer thread, under the pass's lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from scanner.model import PhotoName
from scanner.states import PassState
from scanner.storage.disk.files import Files, durable_write, make_dirs
from scanner.storage.disk.layout import PassPaths, is_photo_name
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile, encode
from scanner.storage.journal.facts import ended_summary, make_manifest
from scanner.storage.journal.progress import Fold
from scanner.storage.journal.text import JournalFile

_ENDED = frozenset({PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED})


class Moves:
    """What is left to do of the newest restore of a pass.

    Errors of all methods: OSError, LockLostError as soon as somebody has taken the pass; what was done stays done.
    """

    def __init__(self, files: Files, paths: PassPaths, document: PassFile, fold: Fold, journal: JournalFile) -> None:
        self._files = files
        self._paths = paths
        self._document = document
        self._fold = fold
        self._journal = journal
        self._left = [*self._leaving(), *self._returning()]
        self._touched: dict[Path, None] = {}  # directories whose names changed, targets before sources

    def some(self, count: int) -> bool:
        """Move up to ``count`` files; whether all are where they belong."""
        for source, target in self._left[:count]:
            self._journal.confirm()
            make_dirs(self._files, target.parent)
            self._files.rename(source, free_name(target))
            for directory in (target.parent, source.parent):
                self._touched[directory] = None
        del self._left[:count]
        return not self._left

    def settle(self) -> None:
        """Make the moves durable and say that they are done."""
        for directory in self._touched:
            self._files.fsync_dir(directory)
        progress, place = self._fold.progress(), self._fold.moving or 0
        self._journal.confirm()
        if progress.state not in _ENDED:
            with suppress(FileNotFoundError):  # first: the fsync that follows the manifest is for both
                self._files.unlink(self._paths.summary)
        durable_write(self._files, self._paths.manifest, make_manifest(self._paths.name, progress.saved))
        if progress.state in _ENDED:
            durable_write(self._files, self._paths.summary, encode(ended_summary(self._document, progress)))
        gone = tuple(sorted(name for name, at in self._fold.superseded.items() if at == place))
        self._fold.apply(self._journal.append(lines.Superseded(place=place, files=gone)))

    def finish(self) -> None:
        """All of it."""
        self.some(len(self._left))
        self.settle()

    def _leaving(self) -> Iterator[tuple[Path, Path]]:
        for name in sorted(_plain_files(self._paths.images)):
            place = self._fold.superseded.get(PhotoName(name))
            if place is not None:
                yield self._paths.images / name, self._paths.place(place) / name

    def _returning(self) -> Iterator[tuple[Path, Path]]:
        present, kept = _plain_files(self._paths.images), put_away(self._paths)
        for photo in self._fold.saved.values():
            if photo.name not in present and photo.name in kept:
                yield kept[photo.name], self._paths.images / photo.name


def put_away(paths: PassPaths) -> dict[str, Path]:
    """The photo files below ``.superseded``, by name. Errors: OSError."""
    found: dict[str, Path] = {}
    if paths.superseded.is_dir():
        places = [path for path in paths.superseded.iterdir() if path.name.isdecimal() and path.is_dir()]
        for directory in (paths.superseded, *sorted(places, key=lambda path: int(path.name))):
            found |= {name: directory / name for name in _plain_files(directory)}
    return found


def free_name(path: Path) -> Path:
    """``path``, or the same name with a number where that is taken."""
    target, number = path, 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return target


def _plain_files(directory: Path) -> set[str]:
    with os.scandir(directory) as entries:
        return {entry.name for entry in entries if is_photo_name(entry.name) and entry.is_file(follow_symlinks=False)}
