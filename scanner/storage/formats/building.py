"""A complete session directory of this product made from an old session, under whatever name the caller gives it.

Every photo is hashed where it was and again where it is now. Files that are neither photos nor readable documents go
below ``exports/legacy``; the documents themselves, with every field, into ``metadata/legacy.json``. A migrated session
has an automatic checkpoint, by which a person gets back to how it came.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec import Struct

from scanner.errors import DamagedError
from scanner.model import SessionId
from scanner.storage.directory.marks import mark_pass, next_automatic, write_mark
from scanner.storage.disk.files import Files, durable_write, make_dirs
from scanner.storage.disk.layout import PassPaths, SessionPaths
from scanner.storage.formats import fields
from scanner.storage.formats.assembling import outline_of
from scanner.storage.formats.copying import take
from scanner.storage.formats.folder import open_plain
from scanner.storage.formats.intents import LEGACY_FILE, LEGACY_FORMAT, Source
from scanner.storage.formats.legacy import LegacyPass, LegacySession, Placed
from scanner.storage.formats.passes import ending_of, progress_of
from scanner.storage.journal.documents import SOFTWARE, CheckpointFile, SessionFile, encode
from scanner.storage.journal.facts import make_summary
from scanner.storage.journal.lines import Migrated, encode_line

KEPT_BELOW: Final = "legacy"  # the export that holds what is no photo


class Stamp(Struct, frozen=True, kw_only=True):
    """Of one making: when, by which word (``migrated``, ``imported``), and what the old folders are kept as."""

    at: str
    how: str
    token: str
    sources: tuple[Source, ...] = ()


@dataclass(slots=True)
class Building:
    """A directory being made. ``check`` is asked before every file, and raises where the work is to be given up.
    ``linked``: files are given a second name instead of being copied, where the disk can.
    """

    files: Files
    check: Callable[[], None]
    root: Path = field(kw_only=True)
    legacy: LegacySession = field(kw_only=True)
    stamp: Stamp = field(kw_only=True)
    linked: bool = field(kw_only=True)
    left_out: list[str] = field(default_factory=list)

    def fill(self) -> None:
        """Everything that does not depend on the id. Errors: DamagedError, OSError."""
        paths = SessionPaths(self.root)
        for directory in (paths.passes, paths.checkpoints, paths.exports, self.root / "images"):
            make_dirs(self.files, directory)
        for part in self.legacy.passes:
            self._pass(paths.pass_(part.document.name), part)
        self._others(paths.exports / KEPT_BELOW)

    def write(self, session_id: SessionId) -> None:
        """The documents. Errors: OSError."""
        paths = SessionPaths(self.root)
        for part in self.legacy.passes:
            document = msgspec.structs.replace(part.document, session_id=session_id)
            place = paths.pass_(part.document.name)
            durable_write(self.files, place.document, encode(document))
            ending = ending_of(part)
            if ending is not None:
                progress = progress_of(part)
                summary = make_summary(document, progress, progress.state, progress.reason, ending)
                durable_write(self.files, place.summary, encode(summary))
        if self.stamp.sources:  # it replaces what was here; an import replaces nothing
            write_mark(self.files, paths, self._mark(session_id))
        durable_write(self.files, self.root / LEGACY_FILE, fields.encode(self._story(session_id)))
        durable_write(self.files, paths.document, encode(self._identity(session_id)))

    def _pass(self, paths: PassPaths, part: LegacyPass) -> None:
        make_dirs(self.files, paths.metadata)
        make_dirs(self.files, paths.images)
        for placed in part.placed:
            self._photo(paths, placed)
        self.files.fsync_dir(paths.images)
        said = Migrated(seq=len(part.lines) + 1, at=self.stamp.at, format=self.legacy.format, software=SOFTWARE)
        durable_write(self.files, paths.journal, b"".join(encode_line(line) for line in (*part.lines, said)))
        if ending_of(part) is not None:
            saved = progress_of(part).saved
            listed = (f"{saved[shot].sha256}  images/{paths.name}/{saved[shot].name}\n" for shot in sorted(saved))
            durable_write(self.files, paths.manifest, "".join(listed).encode())

    def _photo(self, paths: PassPaths, placed: Placed) -> None:
        picture = placed.picture
        if not picture.present:
            return
        directory = paths.images if placed.shot is not None else paths.orphans
        make_dirs(self.files, directory)
        digest = self._take(picture.path, directory / placed.name, needed=picture.whole)
        if picture.whole and digest != picture.sha256:
            message = f"photo {fields.printable(picture.file)} changed while it was being migrated; try again"
            raise DamagedError(message, reason="io_error")
        if placed.shot is None:
            self.files.fsync_dir(directory)

    def _others(self, root: Path) -> None:
        touched: dict[Path, None] = {}
        for folder, name in self.legacy.others:
            target = root / slug_of_folder(folder.root.name) / PurePosixPath(name)
            make_dirs(self.files, target.parent)
            self._take(folder.path(name), target, needed=False)
            touched[target.parent] = None
        for directory in touched:
            self.files.fsync_dir(directory)

    def _take(self, source: Path, target: Path, *, needed: bool) -> str:
        """Put a file in place; its hash. One that cannot be read is left out, unless it is ``needed``."""
        self.check()
        try:
            descriptor = open_plain(source)
        except OSError:
            if needed:
                raise
            self.left_out.append(f"{fields.printable(source.parent.name)}/{fields.printable(source.name)}")
            return ""
        try:
            return take(self.files, descriptor, source, target, linked=self.linked)
        finally:
            os.close(descriptor)

    def _identity(self, session_id: SessionId) -> SessionFile:
        session = self.legacy.record.session
        return SessionFile(
            id=session_id,
            title=session.title,
            created_at=session.created_at,
            created_from=None,
            origin=session.origin,
            operator=session.operator,
            object=None,
            tags=(),
            notes=session.notes,
            rig="",
            software=SOFTWARE,
        )

    def _mark(self, session_id: SessionId) -> CheckpointFile:
        """How far every pass was when it came."""
        return CheckpointFile(
            session_id=session_id,
            name=next_automatic(SessionPaths(self.root)),
            created_at=self.stamp.at,
            origin=self.legacy.record.session.origin,
            automatic=True,
            passes=tuple(mark_pass(part.document.name, progress_of(part)) for part in self.legacy.passes),
        )

    def _story(self, session_id: SessionId) -> dict[str, object]:
        """What ``legacy.json`` holds."""
        legacy = self.legacy
        created = legacy.created
        return {
            "format": LEGACY_FORMAT,
            "version": 1,
            "id": session_id,
            "legacy_format": legacy.format,
            "how": self.stamp.how,
            "at": self.stamp.at,
            "token": self.stamp.token,
            "fingerprint": legacy.fingerprint,
            "outline": outline_of(legacy.folders),
            "zone": legacy.zone,
            "created": created and {"at": created.text, "naive": created.naive, "from": created.origin},
            "sources": [{"folder": source.folder, "kept_as": source.kept_as} for source in self.stamp.sources],
            "passes": [_told(part) for part in legacy.passes],
            "flagged": [msgspec.to_builtins(flag) for flag in legacy.flagged],
            "notes": [msgspec.to_builtins(note) for note in legacy.notes],
            "left_out": self.left_out,
            "documents": legacy.documents,
        }


def slug_of_folder(name: str) -> str:
    """A folder's name as part of a path of ours."""
    return fields.printable(name).replace("/", "-").lstrip(".") or "folder"


def sources_of(roots: Sequence[Path], kept: Sequence[str]) -> tuple[Source, ...]:
    """The old folders and what they are kept as."""
    return tuple(Source(root.name, name) for root, name in zip(roots, kept, strict=True))


def _told(part: LegacyPass) -> dict[str, object]:
    files = {placed.name: fields.printable(placed.picture.file) for placed in part.placed}
    return {
        "name": part.document.name,
        "label": part.label,
        "description": part.description,
        "said": part.said,
        "planned_points": part.planned_points,
        "photos": files,
    }
