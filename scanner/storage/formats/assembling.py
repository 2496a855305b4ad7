"""From a draft to a session of this product's shapes, with everything that is to be said of its files. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from scanner.model import MAX_TITLE, SessionId
from scanner.records import Session
from scanner.states import session_state
from scanner.storage.directory.origins import ORIGIN
from scanner.storage.directory.views import PassRecord, SessionRecord, pass_record
from scanner.storage.formats.folder import Flag, Flagged, Folder
from scanner.storage.formats.legacy import Draft, LegacyPass, LegacySession
from scanner.storage.formats.passes import NO_TIME, make_pass, progress_of
from scanner.storage.formats.pictures import Depth

MOST_TEXT = 20_000  # characters of notes


def assemble(draft: Draft, folders: Sequence[Folder], session_id: SessionId, zone: str, depth: Depth) -> LegacySession:
    """The session in this product's shapes."""
    passes = tuple(make_pass(part, session_id, number) for number, part in enumerate(draft.passes, 1))
    flagged = tuple(flag for folder in folders for flag in folder.flagged)
    records = tuple(pass_record(part.document, progress_of(part)) for part in passes)
    signature = "|".join(folder.signature() for folder in folders)
    session = _session(draft, session_id, records, damage_of(flagged))
    return LegacySession(
        id=session_id,
        format=draft.format,
        record=SessionRecord(session=session, passes=records, signature=signature),
        passes=passes,
        folders=tuple(folders),
        created=draft.created,
        zone=zone,
        checked=depth is Depth.CHECK,
        flagged=flagged,
        notes=tuple(note for folder in folders for note in folder.notes),
        others=tuple(_others(folders, passes)),
        fingerprint=_fingerprint(folders, passes),
        documents={folder.name: dict(folder.documents) for folder in folders},
    )


def outline_of(folders: Sequence[Folder]) -> str:
    """Tells folders apart without reading their files: names and sizes of all of them."""
    digest = hashlib.sha256()
    for folder in folders:
        _outline(digest, folder)
    return digest.hexdigest()


def damage_of(flagged: Iterable[Flagged]) -> tuple[str, ...]:
    """A sentence for every file that is damaged or missing, and one for all that cannot be vouched for."""
    found: list[str] = []
    doubts: Counter[Flag] = Counter()
    for one in flagged:
        if one.flag in {Flag.DAMAGED, Flag.MISSING}:
            found.append(f"{one.file} is {one.flag.value}: {one.why}")
        else:
            doubts[one.flag] += 1
    found += [f"{count} files are {flag.value}" for flag, count in sorted(doubts.items())]
    return tuple(found)


def _session(draft: Draft, session_id: SessionId, records: tuple[PassRecord, ...], damage: tuple[str, ...]) -> Session:
    return Session(
        id=session_id,
        title=" ".join(draft.title.split())[:MAX_TITLE] or session_id,
        state=session_state(record.info.state for record in records),
        created_at=draft.created.text if draft.created else NO_TIME,
        created_from=None,
        origin=ORIGIN,
        operator=draft.operator[:MAX_TITLE],
        object=None,
        tags=(),
        notes=draft.notes[:MOST_TEXT],
        format=draft.format,
        passes=tuple(record.info for record in records),
        photos=sum(record.info.saved for record in records),
        bytes=sum(record.info.bytes for record in records),
        thumbnail=next((record.first for record in records if record.first), None),
        damage=damage,
    )


def _others(folders: Sequence[Folder], passes: tuple[LegacyPass, ...]) -> Iterable[tuple[Folder, str]]:
    """Files that are neither photos nor documents that were read."""
    photos = {placed.picture.path for part in passes for placed in part.placed if placed.picture.present}
    for folder in folders:
        for name in sorted(folder.entries):
            if name not in folder.documents and folder.path(name) not in photos:
                yield folder, name


def _fingerprint(folders: Sequence[Folder], passes: tuple[LegacyPass, ...]) -> str:
    """Tells contents apart: names and sizes of all files, and the checksums of the photos."""
    digest = hashlib.sha256()
    for folder in folders:
        _outline(digest, folder)
    for part in passes:
        for placed in part.placed:
            digest.update(f"{placed.name}\0{placed.picture.sha256}\n".encode())
    return digest.hexdigest()


def _outline(digest: hashlib._Hash, folder: Folder) -> None:
    for name in sorted(folder.entries):
        digest.update(f"{folder.name}\0{name}\0{folder.entries[name].size}\n".encode("utf-8", "surrogateescape"))
