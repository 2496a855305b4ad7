"""The journal of a pass: reading it honestly, and appending to it durably.

Reading cuts off a torn last line (a power cut in mid-append) and stops at damage before it: nothing behind the damage
is believed, but the lines there that still read well are kept as ``hints`` against which the photo files can be
verified. Appending is one write and one fsync; after any failure the file is never appended to nor fsynced again but
written anew, prefix and line, and renamed into place. After a lock was taken by force, its
holder of generation n will write ``journal-<n>.jsonl``; this one is that of generation 1.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from msgspec import structs

from scanner.clock import Clock, utc_text
from scanner.storage.files import Files, durable_write
from scanner.storage.lines import AnyLine, Line, decode_line, encode_line

_APPEND: Final = os.O_WRONLY | os.O_APPEND
_SHOWN: Final = 120  # characters of an error that are worth a sentence

Fact = TypeVar("Fact", bound=Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalText:
    """A journal as read. ``length``: bytes that hold ``lines``. ``torn``: bytes cut off behind them.

    ``damage`` says what is wrong before the last line, or is None; ``hints`` are the readable lines behind it.
    ``ended``: the last line has its newline.
    """

    lines: tuple[AnyLine, ...]
    length: int
    torn: int = 0
    damage: str | None = None
    hints: tuple[AnyLine, ...] = ()
    ended: bool = True

    @property
    def sound(self) -> bool:
        """Whether a line can simply be appended."""
        return self.ended and not self.torn and self.damage is None


def parse(data: bytes) -> JournalText:
    """Read a journal's bytes; never raises, whatever they are."""
    lines: list[AnyLine] = []
    length = 0
    rest = data.split(b"\n")
    ended = rest[-1] == b""
    if ended:
        rest.pop()
    for position, raw in enumerate(rest):
        last = position == len(rest) - 1
        fault = _take(raw, lines)
        if fault is None:
            length += len(raw) + (0 if last and not ended else 1)
        elif last and not fault.readable:
            return JournalText(lines=tuple(lines), length=length, torn=len(data) - length)
        else:
            damage = f"line {position + 1} of the journal is damaged ({fault.message})"
            return JournalText(lines=tuple(lines), length=length, damage=damage, hints=_hints(rest[position:]))
    return JournalText(lines=tuple(lines), length=length, ended=ended)


@dataclass(frozen=True, slots=True)
class _Fault:
    message: str
    readable: bool  # the line itself is whole, but not the one that belongs here


def _take(raw: bytes, lines: list[AnyLine]) -> _Fault | None:
    try:
        line = decode_line(raw)
    except ValueError as error:
        return _Fault(str(error)[:_SHOWN], readable=False)
    if line.seq != len(lines) + 1:
        return _Fault(f"number {line.seq} stands where {len(lines) + 1} belongs", readable=True)
    lines.append(line)
    return None


def _hints(rest: list[bytes]) -> tuple[AnyLine, ...]:
    found: list[AnyLine] = []
    for raw in rest:
        try:
            found.append(decode_line(raw))
        except ValueError:
            continue
    return tuple(found)


class JournalFile:
    """A journal opened for appending by its only writer. Not thread-safe: it lives in the writer thread."""

    def __init__(self, files: Files, clock: Clock, path: Path, text: JournalText) -> None:
        self._files = files
        self._clock = clock
        self._path = path
        self._length = text.length
        self._seq = len(text.lines)
        self._sound = text.sound
        self._descriptor: int | None = None

    def append(self, fact: Fact) -> Fact:
        """Give a fact its number (and the time, where it has none) and add it; return when it is durable.

        Errors: OSError; the line then does not count, and the next append begins by writing the file anew.
        """
        line = structs.replace(fact, seq=self._seq + 1, at=fact.at or utc_text(self._clock.now()))
        data = encode_line(line)
        if self._sound:
            self._extend(data)
        else:
            self._renew(data)
        self._seq += 1
        self._length += len(data)
        return line

    def repair(self) -> None:
        """After a failure, or on what :func:`parse` found unsound: make the file hold the lines that count and nothing
        else.

        Errors: OSError.
        """
        if not self._sound:
            self._renew(b"")

    def close(self) -> None:
        """Let the file go; idempotent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._files.close(descriptor)

    def _extend(self, data: bytes) -> None:
        self._sound = False  # until the line is durable
        if self._descriptor is None:
            self._descriptor = self._files.open(self._path, _APPEND)
        self._files.write(self._descriptor, data)
        self._files.fsync(self._descriptor)
        self._sound = True

    def _renew(self, data: bytes) -> None:
        self.close()
        prefix = self._prefix()
        durable_write(self._files, self._path, prefix + data)
        self._length = len(prefix)
        self._sound = True

    def _prefix(self) -> bytes:
        if not self._length:
            return b""
        with self._path.open("rb") as file:
            prefix = file.read(self._length)
        if len(prefix) != self._length:
            message = f"{self._path.name} has become shorter than what was written to it"
            raise OSError(message)
        return prefix if prefix.endswith(b"\n") or not prefix else prefix + b"\n"


def set_aside(files: Files, path: Path) -> Path:
    """Keep a damaged journal under another name before a repaired one takes its place. Errors: OSError."""
    number = 1
    while (kept := path.with_name(f"{path.stem}.damaged-{number}.jsonl")).exists():
        number += 1
    durable_write(files, kept, path.read_bytes())
    return kept
