"""Sessions whose files do not lie where ours do: those of older formats, in one or two folders, and those of this
product in a folder of another name. What the index keeps of them, and how one looks into them.

The old folders are never changed. What a page asks for again and again (plan, shots, photos) is therefore kept in the
index, in the shapes of this product, as it was last read; photos and other files are where they always were.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from scanner.errors import DamagedError
from scanner.model import PassName, Photo, PhotoName, SessionId
from scanner.records import ShotInfo
from scanner.storage.directory.reading import (
    StoredFile,
    check_export_name,
    pass_answer,
    photo_missing,
    shot_infos,
    walk,
)
from scanner.storage.disk.files import reported
from scanner.storage.disk.layout import pass_missing
from scanner.storage.journal.documents import PassDocument, PassFile
from scanner.storage.journal.progress import PassProgress, fold
from scanner.storage.journal.text import parse

CLEAR: Final = ("DELETE FROM legacy_passes WHERE session = ?", "DELETE FROM legacy WHERE session = ?")
_KNOWN: Final = "SELECT id, format, folders, legacy.signature FROM legacy JOIN sessions ON number = session"


class OlderPass(Struct, frozen=True, dict=True):
    """A pass in the shapes of this product: its document, the lines of its journal, and by photo the file, below the
    directory of the sessions.
    """

    name: PassName
    document: bytes
    journal: bytes
    files: dict[PhotoName, bytes]

    @cached_property
    def plan(self) -> PassFile:
        """Its document."""
        return msgspec.json.decode(self.document, type=PassFile)

    @cached_property
    def progress(self) -> PassProgress:
        """What its lines amount to."""
        return fold(parse(self.journal).lines, name=self.name)

    @cached_property
    def photos(self) -> dict[str, Photo]:
        """Its photos by name, in order."""
        return {photo.name: photo for photo in sorted(self.progress.saved.values(), key=lambda photo: photo.name)}


class Older(Struct, frozen=True, kw_only=True):
    """What the index keeps. ``folders``: names below the directory of the sessions, the leading one first. ``passes``:
    none for a session of this product, which is read where it lies.
    """

    folders: tuple[str, ...]
    passes: tuple[OlderPass, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOlder:
    """What is compared with the folders: ``signature`` tells what they looked like when they were read."""

    id: SessionId
    format: str
    folders: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderSession:
    """To be looked into. ``sessions`` is the directory of all sessions."""

    id: SessionId
    format: str
    folders: tuple[str, ...]
    passes: Mapping[PassName, OlderPass]

    def named(self, name: PassName) -> OlderPass:
        """A pass. Errors: PassNotFoundError."""
        try:
            return self.passes[name]
        except KeyError as error:
            raise pass_missing(self.id, name) from error

    def photos(self, name: PassName | None) -> tuple[Photo, ...]:
        """The photos of one pass or of all, by name."""
        chosen = [one for one in self.passes.values() if name in {None, one.name}]
        return tuple(sorted((photo for one in chosen for photo in one.photos.values()), key=lambda photo: photo.name))

    def document(self, name: PassName) -> PassDocument:
        """A pass as planned. Errors: PassNotFoundError."""
        one = self.named(name)
        return pass_answer(one.plan, one.progress)

    def shots(self, name: PassName) -> tuple[ShotInfo, ...]:
        """Every shot of a pass with its state. Errors: PassNotFoundError."""
        one = self.named(name)
        return shot_infos(one.plan, one.progress)

    def located(self, sessions: Path, name: str) -> tuple[Photo, Path] | None:
        """A photo and its file, or None; no link on the way to it is followed.

        Errors: PhotoNotFoundError where the file is missing, DamagedError where it has another size than it had.
        """
        one = next((one for one in self.passes.values() if name in one.photos), None)
        if one is None:
            return None
        photo = one.photos[name]
        below = Path(os.fsdecode(one.files[photo.name]))
        size = _plain_size(sessions, below)
        if size is None:
            raise photo_missing(self.id, photo.name)
        if size != photo.bytes:
            message = f"photo {photo.name} is damaged: it has {size} bytes, {photo.bytes} were there before"
            raise DamagedError(message, reason="io_error")
        return photo, sessions / below

    def files(self, sessions: Path, export: str | None) -> tuple[StoredFile, ...]:
        """All files, below the folder's name where there are several, but for hidden ones; sorted by name. There are no
        exports. Errors: NotFoundError for an impossible name of an export, StorageError.
        """
        if export is not None:
            check_export_name(export)
            return ()
        single = len(self.folders) == 1
        found: list[StoredFile] = []
        for folder in self.folders:
            root = sessions / folder
            with reported("the files could not be listed", sessions):
                found += walk(root, root if single else sessions)
        return tuple(sorted(found, key=lambda file: file.name))


def _plain_size(sessions: Path, below: Path) -> int | None:
    """The size of a plain file; None where there is none, or a link or ``..`` on the way."""
    size = 0
    for depth in range(1, len(below.parts) + 1):
        try:
            found = sessions.joinpath(*below.parts[:depth]).lstat()
        except OSError:
            return None
        wanted = stat.S_IFREG if depth == len(below.parts) else stat.S_IFDIR
        if stat.S_IFMT(found.st_mode) != wanted or below.parts[depth - 1] == "..":
            return None
        size = found.st_size
    return size


def write_older(connection: sqlite3.Connection, number: int, signature: str, older: Older) -> None:
    """The rows of a session. Errors: sqlite3.Error."""
    connection.execute("INSERT INTO legacy VALUES (?, ?, ?)", (number, _packed_names(older.folders), signature))
    connection.executemany(
        "INSERT INTO legacy_passes VALUES (?, ?, ?)",
        [(number, one.name, zlib.compress(msgspec.msgpack.encode(one), 1)) for one in older.passes],
    )


def known_older(connection: sqlite3.Connection, session_id: SessionId | None = None) -> Iterator[KnownOlder]:
    """All of them, by id, or the one of this id. Errors: sqlite3.Error."""
    where, values = (" WHERE id = ?", (session_id,)) if session_id is not None else (" ORDER BY id", ())
    for row in connection.execute(_KNOWN + where, values):
        yield KnownOlder(id=SessionId(row[0]), format=row[1], folders=_names(row[2]), signature=row[3])


def read_older(connection: sqlite3.Connection, known: KnownOlder) -> OlderSession:
    """Everything that is kept of a session. Errors: sqlite3.Error."""
    rows = connection.execute(
        "SELECT content FROM legacy_passes JOIN sessions ON number = session WHERE id = ? ORDER BY name", (known.id,)
    )
    passes = [msgspec.msgpack.decode(zlib.decompress(content), type=OlderPass) for (content,) in rows]
    passes.sort(key=lambda one: one.plan.number)
    return OlderSession(
        id=known.id, format=known.format, folders=known.folders, passes={one.name: one for one in passes}
    )


def _packed_names(names: Sequence[str]) -> bytes:
    return b"\0".join(os.fsencode(name) for name in names)


def _names(packed: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(name) for name in packed.split(b"\0"))
