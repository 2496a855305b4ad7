"""The journals of a pass read as one: what counts of the earlier generations, and the newest.

The first line of ``journal-<n>.jsonl`` says how many bytes of every earlier journal count, and their sha256. Whatever
those gained later was written by somebody who had lost the pass, and is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, structs

from scanner.storage.disk.files import read_whole
from scanner.storage.journal.lines import Accepted, AnyLine, LockForced, LockTaken, decode_line, encode_line
from scanner.storage.journal.text import JournalText, parse, readable
from scanner.storage.locks.lockfile import journal_path, newest_journal
from scanner.storage.locks.passlock import PassLock, loss_of


class _Chain(Struct, frozen=True):
    """Journals up to and with ``text``'s, what a later one would have to accept of each, and the lines in that."""

    text: JournalText
    accepted: tuple[Accepted, ...]
    lines: tuple[AnyLine, ...]


def read_generations(metadata: Path) -> JournalText:
    """All journals as they can be read; a missing one is empty and damaged."""
    return _newest(metadata).text


def read_for(metadata: Path, lock: PassLock, at: str) -> JournalText:
    """All journals for the holder of ``lock``, who will append to that of its generation. Where that does not exist
    yet, the text has the ``head`` that it is to begin with: what counts of the others, as they are now. Errors:
    LockLostError where there is a later one.
    """
    chain = _newest(metadata)
    if chain.text.generation > lock.generation:
        raise loss_of(metadata, chain.text.generation)
    if chain.text.generation == lock.generation:
        return chain.text
    return _continued(chain, structs.replace(_first_line(lock), at=at))


def _first_line(lock: PassLock) -> LockTaken:
    record, displaced = lock.record, lock.displaced
    if not record.reason:
        return LockTaken(generation=record.generation, host=record.host, origin=record.origin, earlier=())
    return LockForced(
        generation=record.generation,
        host=record.host,
        origin=record.origin,
        earlier=(),
        from_host=displaced.host if displaced else "",
        from_origin=displaced.origin if displaced else "",
        reason=record.reason,
    )


def _continued(chain: _Chain, first: LockTaken) -> JournalText:
    """What the journal that begins with ``first`` amounts to before it has any other line."""
    text = chain.text
    line = structs.replace(first, seq=len(chain.lines) + 1, earlier=chain.accepted)
    return JournalText(
        lines=(*chain.lines, line),
        length=0,
        damage=text.damage,
        hints=text.hints,
        generation=first.generation,
        head=encode_line(line),
    )


def _newest(metadata: Path) -> _Chain:
    try:
        return _read(metadata, newest_journal(metadata))
    except OSError as error:
        return _missing(error, 1)


def _missing(error: OSError, generation: int) -> _Chain:
    damage = f"the journal cannot be read ({error.strerror})"
    nothing = Accepted(generation=generation, length=0, sha256=_sha256(b""))
    return _Chain(JournalText(lines=(), length=0, damage=damage, generation=generation), (nothing,), ())


def _read(metadata: Path, generation: int) -> _Chain:
    try:
        data = read_whole(journal_path(metadata, generation))
    except OSError as error:
        if generation == 1:
            return _missing(error, 1)
        data = b""
    if generation == 1:
        text = parse(data)
        return _Chain(text, (_accept(1, data, text),), text.lines)
    first = _opening(data, generation)
    if first is None:
        return _without_head(metadata, generation, data)
    before = _accepted(metadata, first.earlier)
    if before.text.damage is not None:
        return _headless(before, first, data)
    text = parse(data, len(before.lines))
    whole = _joined(before.lines, text, generation)
    return _Chain(whole, (*first.earlier, _accept(generation, data, text)), whole.lines)


def _joined(earlier: tuple[AnyLine, ...], text: JournalText, generation: int) -> JournalText:
    """The newest journal with the lines of those before it."""
    return JournalText(
        lines=(*earlier, *text.lines),
        length=text.length,
        torn=text.torn,
        damage=text.damage,
        hints=text.hints,
        ended=text.ended,
        generation=generation,
    )


def _opening(data: bytes, generation: int) -> LockTaken | None:
    try:
        line = decode_line(data.split(b"\n", 1)[0])
    except ValueError:
        return None
    return line if isinstance(line, LockTaken) and line.generation == generation else None


def _accepted(metadata: Path, earlier: Iterable[Accepted]) -> _Chain:
    """The accepted parts, up to the first that is no longer what was accepted; what follows that are hints."""
    lines: tuple[AnyLine, ...] = ()
    parts: list[Accepted] = []
    damage: str | None = None
    hints: tuple[AnyLine, ...] = ()
    for part in earlier:
        data = _beginning(journal_path(metadata, part.generation), part.length)
        if damage is not None:
            hints += readable(data.split(b"\n"))
            parts.append(Accepted(generation=part.generation, length=0, sha256=_sha256(b"")))
            continue
        text = parse(data, len(lines))
        lines += text.lines
        parts.append(_accept(part.generation, data, text))
        if parts[-1] != part:
            name = journal_path(metadata, part.generation).name
            damage = f"{name} is not what it was when its pass was taken over"
            hints = text.hints
    return _Chain(JournalText(lines=lines, length=0, damage=damage, hints=hints), tuple(parts), lines)


def _headless(before: _Chain, first: LockTaken, data: bytes) -> _Chain:
    """Where what it accepted is damaged, all that follows must be proven anew."""
    hints = (*before.text.hints, *readable(data.split(b"\n")[1:]))
    return _mended(before, first, before.text.damage, hints)


def _without_head(metadata: Path, generation: int, data: bytes) -> _Chain:
    """A journal whose beginning is lost does not say what counts of the others: everything must be proven anew."""
    before = _read(metadata, _below(metadata, generation))
    hints = (*before.text.hints, *readable(data.split(b"\n")))
    damage = f"the beginning of {journal_path(metadata, generation).name} is damaged"
    first = LockTaken(generation=generation, host="", origin="recovery", earlier=())
    return _mended(before, first, damage, hints)


def _mended(before: _Chain, first: LockTaken, damage: str | None, hints: tuple[AnyLine, ...]) -> _Chain:
    """A newest journal as it will have to be written anew; until it is, nothing of it counts."""
    damaged = JournalText(lines=before.lines, length=0, damage=damage, hints=hints)
    text = _continued(_Chain(damaged, before.accepted, before.lines), first)
    nothing = Accepted(generation=first.generation, length=0, sha256=_sha256(b""))
    return _Chain(text, (*before.accepted, nothing), before.lines)


def _below(metadata: Path, generation: int) -> int:
    return next((n for n in range(generation - 1, 1, -1) if journal_path(metadata, n).exists()), 1)


def _accept(generation: int, data: bytes, text: JournalText) -> Accepted:
    return Accepted(generation=generation, length=text.length, sha256=_sha256(data[: text.length]))


def _beginning(path: Path, length: int) -> bytes:
    try:
        return read_whole(path, length)
    except OSError:
        return b""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
