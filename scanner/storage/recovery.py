"""Bringing a pass into order before anybody works on it: after a crash, and whenever it is opened.

The caller holds the pass's lock. Nothing announced is lost and no photo file is deleted: a torn last line is cut off; a
journal that is damaged before its last line is kept aside, and what followed the damage counts again only where a photo
file proves it by its hash; ``.part`` files go; a photo file without a line is adopted if it is a planned shot's and
decodes, else moved to ``.orphans``; a saved shot whose file is missing, or whose last file is not what was written, is
planned again. Every repair is a line in the journal and a sentence for people.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from scanner.clock import Clock, utc_text
from scanner.errors import DamagedError
from scanner.model import LockedSettings, PhotoName, Shot
from scanner.states import PassState
from scanner.storage import lines
from scanner.storage.documents import PassFile
from scanner.storage.facts import interrupted
from scanner.storage.files import PART, Files, make_dirs
from scanner.storage.journal import JournalFile, JournalText, set_aside
from scanner.storage.layout import PassPaths, is_photo_name, photo_name
from scanner.storage.progress import Fold
from scanner.storage.views import read_journal


@dataclass(slots=True, kw_only=True)
class OpenedPass:
    """A pass in order: its journal open for appending, what it amounts to, and what was found and done, a sentence
    each.
    """

    journal: JournalFile
    fold: Fold
    notices: list[str] = field(default_factory=list)


def recover_pass(files: Files, clock: Clock, paths: PassPaths, document: PassFile) -> OpenedPass:
    """Bring a pass into order. Errors: OSError."""
    _remove_parts(files, paths)
    text = read_journal(paths)
    return _Recovery(files, clock, paths, document, text).run()


def _remove_parts(files: Files, paths: PassPaths) -> None:
    make_dirs(files, paths.images)
    for directory in (paths.images, paths.metadata):
        for path in tuple(directory.iterdir()):
            if path.name.endswith(PART) or path.name.startswith(".session.lock.new-"):
                files.unlink(path)


class _Recovery:
    def __init__(self, files: Files, clock: Clock, paths: PassPaths, document: PassFile, text: JournalText) -> None:
        self._files = files
        self._paths = paths
        self._document = document
        self._text = text
        self._journal = JournalFile(files, clock, paths.journal, text)
        self._fold = Fold(paths.name)
        for line in text.lines:
            self._fold.apply(line)
        self._notices: list[str] = []

    def run(self) -> OpenedPass:
        try:
            self._mend_journal()
            if self._fold.state is not PassState.COMPLETED:
                present = self._photo_files()
                self._check_saved(present)
                self._place_strays(present)
                self._close_gap()
        except BaseException:
            self._journal.close()
            raise
        return OpenedPass(journal=self._journal, fold=self._fold, notices=self._notices)

    def _mend_journal(self) -> None:
        if self._text.torn:
            self._notices.append(f"a torn last line of {self._text.torn} bytes was cut off its journal")
        if self._text.damage is not None:
            kept = self._set_aside()
            self._notices.append(
                f"{self._text.damage}; {kept}the pass was rebuilt from what is sound and from its photos"
            )
        self._journal.repair()

    def _set_aside(self) -> str:
        if not self._paths.journal.exists():
            return ""
        return f"the old one is kept as {set_aside(self._files, self._paths.journal).name}; "

    def _photo_files(self) -> dict[str, os.DirEntry[str]]:
        with os.scandir(self._paths.images) as entries:
            return {
                entry.name: entry
                for entry in entries
                if is_photo_name(entry.name) and entry.is_file(follow_symlinks=False)
            }

    def _check_saved(self, present: Mapping[str, os.DirEntry[str]]) -> None:
        """Missing files, and the last photo by its hash: what a crash can have harmed. All by their hash if the journal
        was damaged.
        """
        saved = self._fold.saved
        last = next(reversed(saved.values()), None)
        for photo in tuple(saved.values()):
            if photo.name not in present:
                self._damaged(photo.shot, photo.name, "missing")
            elif (photo is last or self._text.damage is not None) and hash_file(
                self._paths.images / photo.name
            ) != photo.sha256:
                self._damaged(photo.shot, photo.name, "hash")

    def _damaged(self, shot: int, name: PhotoName, reason: str) -> None:
        self._append(lines.Damaged(shot=shot, file=name, reason=reason))
        what = "is missing" if reason == "missing" else "is not what was written"
        self._notices.append(f"photo {name} {what}; its shot will be taken again")

    def _place_strays(self, present: Mapping[str, os.DirEntry[str]]) -> None:
        """Photo files that are nobody's current photo."""
        known = {photo.name for photo in self._fold.saved.values()} | set(self._fold.lost.values())
        hints = {line.file: line for line in self._text.hints if isinstance(line, lines.Saved)}
        expected = {
            self._next_name(shot): shot for shot in self._document.plan.shots if shot.index not in self._fold.saved
        }
        for name in sorted(present.keys() - known):
            shot = expected.get(PhotoName(name))
            if name in self._fold.superseded:
                self._move(name, self._paths.superseded)
            elif shot is not None and self._adopt(shot, PhotoName(name), hints.get(PhotoName(name))):
                self._notices.append(f"photo {name} had no line in the journal; it is whole and was adopted")
            else:
                self._move(name, self._paths.orphans)
                self._notices.append(
                    f"photo {name} had no line in the journal and was moved to images/{self._paths.name}/.orphans"
                )

    def _next_name(self, shot: Shot) -> PhotoName:
        taken = self._fold.files.get(shot.index, 0)
        return photo_name(self._paths.name, shot, self._document.spec.camera, taken)

    def _adopt(self, shot: Shot, name: PhotoName, hint: lines.Saved | None) -> bool:
        path = self._paths.images / name
        digest = hash_file(path)
        if hint is not None and hint.sha256 == digest and hint.shot == shot.index:
            self._append(structs.replace(hint, seq=0))
            return True
        if self._fold.started_at is None and self._text.damage is None:
            return False  # nothing was taken yet: the file is left over from something else
        try:
            size = decoded_size(path)
        except DamagedError:
            return False
        self._append(self._adopted(shot, name, digest, size))
        return True

    def _adopted(self, shot: Shot, name: PhotoName, digest: str, size: tuple[int, int]) -> lines.Saved:
        found = (self._paths.images / name).stat()
        locked: LockedSettings | None = self._fold.locked.get(shot.camera)
        return lines.Saved(
            shot=shot.index,
            camera=shot.camera,
            planned=shot.viewpoint,
            measured=shot.viewpoint,
            file=name,
            bytes=found.st_size,
            sha256=digest,
            width=size[0],
            height=size[1],
            taken_at=utc_text(datetime.fromtimestamp(found.st_mtime, UTC)),
            exposure_us=round(locked.exposure_us * 2**shot.ev) if locked else 0,
            gain=locked.gain if locked else 0.0,
            white_balance=locked.white_balance if locked else None,
            lens_position=shot.focus if shot.focus is not None else locked.lens_position if locked else None,
            quality=None,
            sharpness_relative=None,
            settle_s=0.0,
            capture_s=0.0,
            worked_s=self._fold.duration_s,
            adopted=True,
        )

    def _move(self, name: str, directory: Path) -> None:
        make_dirs(self._files, directory)
        move_aside(self._files, self._paths.images / name, directory)

    def _close_gap(self) -> None:
        """A pass that says it runs, while its lock was free, was interrupted."""
        if self._fold.state is not PassState.RUNNING:
            return
        left = len(self._document.plan.shots) - len(self._fold.saved) - len(self._fold.skipped)
        self._append(interrupted(self._fold.duration_s))
        self._notices.append(
            f"it was interrupted; {len(self._fold.saved)} photos are safe, {left} are still to be taken"
        )

    def _append(self, fact: lines.Line) -> None:
        self._fold.apply(self._journal.append(fact))


def move_aside(files: Files, path: Path, directory: Path) -> None:
    """Move a file into ``directory`` of the same disk under a name that is free there. Errors: OSError."""
    target, number = directory / path.name, 1
    while target.exists():
        number += 1
        target = directory / f"{path.stem}.{number}{path.suffix}"
    files.rename(path, target)
    files.fsync_dir(directory)
    files.fsync_dir(path.parent)


def hash_file(path: Path) -> str:
    """sha256 of a file, in hexadecimal. Errors: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def decoded_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture that decodes to its end. Errors: DamagedError."""
    from PIL import Image  # noqa: PLC0415 - a daemon that has nothing to adopt never loads it

    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.size
    except (OSError, SyntaxError, ValueError) as error:
        message = f"{path.name} is no whole picture"
        raise DamagedError(message, reason="io_error") from error
