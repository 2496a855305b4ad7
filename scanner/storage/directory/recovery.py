"""Bringing a pass into order before anybody works on it: after a crash, and whenever it is opened.

The caller holds the pass's lock. Nothing announced is lost and no photo file is deleted: a torn last line is cut off; a
journal that is damaged before its last line is kept aside, and what followed the damage counts again only where a photo
file proves it by its hash, all of it in one step; ``.part`` files go; a photo file without a line is adopted if it is a
planned shot's and decodes (one of an earlier generation only where a journal is damaged), else moved to ``.orphans``; a
restore that was cut off is finished; a saved shot whose file is missing, or whose last file is not what was written, is
planned again. Every repair is a line in the journal and a sentence for people. Under a lock of a later generation this
is also what makes the pass its holder's: the journal of that generation comes first, and files of a still later one are
left alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field, structs

from scanner.clock import Clock, utc_text
from scanner.errors import DamagedError
from scanner.model import LockedSettings, Photo, PhotoName, Shot
from scanner.states import PassState
from scanner.storage.directory.generations import read_for
from scanner.storage.directory.moves import Moves, free_name, put_away
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.files import PART, Files, make_dirs, reading
from scanner.storage.disk.layout import PassPaths, generation_of, is_photo_name, photo_name
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.facts import forced_out, interrupted
from scanner.storage.journal.progress import Fold
from scanner.storage.journal.text import JournalFile, JournalText, set_aside, uncontested
from scanner.storage.locks.lockfile import journal_path
from scanner.storage.locks.passlock import PassLock


class OpenedPass(Struct, kw_only=True):
    """A pass in order: its journal open for appending, what it amounts to, and what was found and done, a sentence
    each.
    """

    journal: JournalFile
    fold: Fold
    notices: list[str] = field(default_factory=list)


def recover_pass(
    files: Files, clock: Clock, paths: PassPaths, document: PassFile, lock: PassLock | None = None
) -> OpenedPass:
    """Bring a pass into order. ``lock`` is the caller's; None: the pass is nobody else's yet. Errors: OSError,
    LockLostError.
    """
    if lock is None:
        text, held = read_journal(paths), Held(1, uncontested)
    else:
        text, held = read_for(paths.metadata, lock, utc_text(clock.now())), Held(lock.generation, lock.check)
        lock.check()
    return _Recovery(files, clock, paths, document, text, held).run()


class Held(Struct, frozen=True):
    """The lock as recovery needs it: whose files are ours, and whether the pass is still ours (or LockLostError)."""

    generation: int
    check: Callable[[], None]

    def concerns(self, name: str) -> bool:
        """Whether a file may be touched: those of a later generation are its holder's."""
        return generation_of(name) <= self.generation


def _remove_parts(files: Files, paths: PassPaths, held: Held) -> None:
    make_dirs(files, paths.images)
    for directory in (paths.images, paths.metadata):
        for path in tuple(directory.iterdir()):
            unfinished = path.name.endswith(PART) and held.concerns(path.name)
            if unfinished or path.name.startswith(".session.lock.new-"):
                with suppress(FileNotFoundError):  # whoever lost the pass may just have renamed it
                    files.unlink(path)


class _Recovery:
    def __init__(
        self, files: Files, clock: Clock, paths: PassPaths, document: PassFile, text: JournalText, held: Held
    ) -> None:
        self._files = files
        self._paths = paths
        self._document = document
        self._text = text
        self._held = held
        self._path = journal_path(paths.metadata, text.generation)
        self._journal = JournalFile(files, clock, self._path, text, held.check)
        self._fold = Fold(paths.name)
        for line in text.lines:
            self._fold.apply(line)
        self._notices: list[str] = []
        self._kept: dict[str, Path] | None = None  # below ``.superseded``, once it was asked for

    def run(self) -> OpenedPass:
        try:
            self._begin()
            _remove_parts(self._files, self._paths, self._held)
            self._finish_restore()
            if self._fold.state is not PassState.COMPLETED:
                present = self._photo_files()
                self._check_saved(present)
                self._prove_earlier(present)
                self._place_strays(present)
                self._close_gap()
            if self._text.damage is not None:
                self._mend_journal(self._text.damage)
        except BaseException:
            self._journal.close()
            raise
        return OpenedPass(journal=self._journal, fold=self._fold, notices=self._notices)

    def _begin(self) -> None:
        if self._text.torn:
            self._notices.append(f"a torn last line of {self._text.torn} bytes was cut off its journal")
        if self._text.damage is not None:
            self._journal.gather()
        else:
            self._journal.repair()

    def _mend_journal(self, damage: str) -> None:
        kept = self._set_aside()
        said = f"{damage}; {kept}the pass was rebuilt from what is sound and from its photos"
        self._notices.insert(0, said)
        self._journal.publish()

    def _finish_restore(self) -> None:
        if self._fold.moving is not None:
            Moves(self._files, self._paths, self._document, self._fold, self._journal).finish()
            self._notices.append("its restore from a checkpoint was cut off and is finished now")

    def _set_aside(self) -> str:
        if not self._path.exists():
            return ""
        return f"the old one is kept as {set_aside(self._files, self._path).name}; "

    def _photo_files(self) -> dict[str, os.DirEntry[str]]:
        with os.scandir(self._paths.images) as entries:
            return {
                entry.name: entry
                for entry in entries
                if is_photo_name(entry.name)
                and self._held.concerns(entry.name)
                and entry.is_file(follow_symlinks=False)
            }

    def _check_saved(self, present: Mapping[str, os.DirEntry[str]]) -> None:
        """Missing files, and the last photo by its hash: what a crash can have harmed. All by their hash if the journal
        was damaged.
        """
        saved = self._fold.saved
        last = next(reversed(saved.values()), None)
        for photo in tuple(saved.values()):
            if photo.name not in present:
                if not self._bring_back(photo):
                    self._damaged(photo.shot, photo.name, "missing")
            elif (photo is last or self._text.damage is not None) and hash_file(
                self._paths.images / photo.name
            ) != photo.sha256:
                self._damaged(photo.shot, photo.name, "hash")

    def _bring_back(self, photo: Photo) -> bool:
        """A current photo that a restore had put away whose line is lost; whether it was there, and whole."""
        if self._kept is None:
            self._kept = put_away(self._paths)
        kept = self._kept.get(photo.name)
        if kept is None or hash_file(kept) != photo.sha256:
            return False
        self._held.check()
        self._files.rename(kept, self._paths.images / photo.name)
        self._files.fsync_dir(self._paths.images)
        self._files.fsync_dir(kept.parent)
        self._notices.append(f"photo {photo.name} had been put away and is back")
        return True

    def _damaged(self, shot: int, name: PhotoName, reason: str) -> None:
        self._append(lines.Damaged(shot=shot, file=name, reason=reason))
        what = "is missing" if reason == "missing" else "is not what was written"
        self._notices.append(f"photo {name} {what}; its shot will be taken again")

    def _prove_earlier(self, present: Mapping[str, os.DirEntry[str]]) -> None:
        """Photos of earlier generations whose lines stand behind damage: the last one of each shot, by its hash."""
        found = {line.shot: line for line in self._text.hints if isinstance(line, lines.Saved)}
        for hint in found.values():
            earlier = generation_of(hint.file) < self._held.generation and hint.file in present
            planned = 1 <= hint.shot <= len(self._document.plan.shots) and hint.shot not in self._fold.saved
            if earlier and planned and hash_file(self._paths.images / hint.file) == hint.sha256:
                self._append(structs.replace(hint, seq=0))
                self._notices.append(f"photo {hint.file} is proven by its hash; it counts again")

    def _place_strays(self, present: Mapping[str, os.DirEntry[str]]) -> None:
        """Photo files that are nobody's current photo."""
        known = {photo.name for photo in self._fold.saved.values()} | set(self._fold.lost.values())
        hints = {line.file: line for line in self._text.hints if isinstance(line, lines.Saved)}
        expected = {
            self._next_name(shot, generation): shot
            for shot in self._document.plan.shots
            if shot.index not in self._fold.saved
            for generation in self._unproven
        }
        for name in sorted(present.keys() - known):
            shot = expected.get(PhotoName(name))
            place = self._fold.superseded.get(PhotoName(name))
            if place is not None:
                self._move(name, self._paths.place(place))
            elif shot is not None and self._adopt(shot, PhotoName(name), hints.get(PhotoName(name))):
                self._notices.append(f"photo {name} had no line in the journal; it is whole and was adopted")
            else:
                self._move(name, self._paths.orphans)
                self._notices.append(
                    f"photo {name} had no line in the journal and was moved to images/{self._paths.name}/.orphans"
                )

    @property
    def _unproven(self) -> Iterable[int]:
        """Generations whose photos may count without a line: ours, where the power went before it was written. A photo
        of an earlier one without a line was written by somebody who had lost the pass, unless lines are damaged.
        """
        return (self._held.generation,) if self._text.damage is None else range(1, self._held.generation + 1)

    def _next_name(self, shot: Shot, generation: int) -> PhotoName:
        taken = self._fold.files.get(shot.index, 0)
        return photo_name(self._paths.name, shot, self._document.spec.camera, taken, generation)

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
        self._held.check()
        make_dirs(self._files, directory)
        move_aside(self._files, self._paths.images / name, directory)

    def _close_gap(self) -> None:
        """A pass that says it runs, while nobody works on it, was interrupted."""
        if self._fold.state is not PassState.RUNNING:
            return
        if self._forced is not None:
            self._append(forced_out(self._forced, self._fold.duration_s))
            return
        left = len(self._document.plan.shots) - len(self._fold.saved) - len(self._fold.skipped)
        self._append(interrupted(self._fold.duration_s))
        self._notices.append(
            f"it was interrupted; {len(self._fold.saved)} photos are safe, {left} are still to be taken"
        )

    @property
    def _forced(self) -> lines.LockForced | None:
        """The taking by force, where nothing has happened since."""
        last = self._text.lines[-1] if self._text.lines else None
        return last if isinstance(last, lines.LockForced) else None

    def _append(self, fact: lines.Line) -> None:
        self._fold.apply(self._journal.append(fact))


def move_aside(files: Files, path: Path, directory: Path) -> None:
    """Move a file into ``directory`` of the same disk under a name that is free there. Errors: OSError."""
    files.rename(path, free_name(directory / path.name))
    files.fsync_dir(directory)
    files.fsync_dir(path.parent)


def hash_file(path: Path) -> str:
    """sha256 of a plain file, in hexadecimal. Errors: OSError."""
    with reading(path) as file:
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
