"""The journal of a pass: reading it honestly, and appending to it durably.

Reading cuts off a torn last line (a power cut in mid-append) and stops at damage before it: nothing behind the damage
is believed, but the lines there that still read well are kept as ``hints`` against which the photo files can be
verified. Appending is one write and one fsync; after any failure the file is never appended to nor fsynced again but
written anew, prefix and line, and renamed into place. So it is where somebody removed or replaced it meanwhile: what
was written is still in the file that is open. A line counts once nobody can have taken the pass meanwhile: ``confirm``
says so, after the line is durable and before its writer hears of it. ``generations`` reads the journals of all
generations as one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct, structs

from scanner.clock import Clock, utc_text
from scanner.storage.disk.files import Files, durable_write, read_whole
from scanner.storage.journal.lines import AnyLine, Line, decode_line, decode_lines, encode_line

_log: Final = logging.getLogger(__name__)

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK  # not to wait for a reader of a pipe of that name
_SHOWN: Final = 120  # characters of an error that are worth a sentence

Fact = TypeVar("Fact", bound=Line)


class JournalText(Struct, frozen=True, kw_only=True):
    """A journal as read. ``length``: bytes that hold ``lines``. ``torn``: bytes cut off behind them.

    ``damage`` says what is wrong before the last line, or is None; ``hints`` are the readable lines behind it.
    ``ended``: the last line has its newline. Of several generations, ``lines`` are all that count, and the rest is
    about the newest journal, that of ``generation``; ``head``: what that has to begin with, where its own beginning
    does not count or it does not exist yet.
    """

    lines: tuple[AnyLine, ...]
    length: int
    torn: int = 0
    damage: str | None = None
    hints: tuple[AnyLine, ...] = ()
    ended: bool = True
    generation: int = 1
    head: bytes | None = None

    @property
    def sound(self) -> bool:
        """Whether a line can simply be appended."""
        return self.ended and not self.torn and self.damage is None and self.head is None


def parse(data: bytes, before: int = 0) -> JournalText:
    """Read a journal's bytes; never raises, whatever they are. ``before``: lines of the journals before this one."""
    flawless = _flawless(data, before)
    if flawless is not None:
        return JournalText(lines=flawless, length=len(data))
    lines: list[AnyLine] = []
    length = 0
    rest = data.split(b"\n")
    ended = rest[-1] == b""
    if ended:
        rest.pop()
    for position, raw in enumerate(rest):
        last = position == len(rest) - 1
        fault = _take(raw, before, lines)
        if fault is None:
            length += len(raw) + (0 if last and not ended else 1)
        elif last and not fault.readable:
            return JournalText(lines=tuple(lines), length=length, torn=len(data) - length)
        else:
            damage = f"line {position + 1} of the journal is damaged ({fault.message})"
            return JournalText(lines=tuple(lines), length=length, damage=damage, hints=readable(rest[position:]))
    return JournalText(lines=tuple(lines), length=length, ended=ended)


def _flawless(data: bytes, before: int) -> tuple[AnyLine, ...] | None:
    """The lines of a journal that nothing is wrong with, decoded at once, which is what nearly all are; else None."""
    if not data.endswith(b"\n"):
        return None
    try:
        lines = decode_lines(data)
    except ValueError:
        return None
    numbers = range(before + 1, before + 1 + data.count(b"\n"))
    return tuple(lines) if [line.seq for line in lines] == list(numbers) else None


@dataclass(frozen=True, slots=True)
class _Fault:
    message: str
    readable: bool  # the line itself is whole, but not the one that belongs here


def _take(raw: bytes, before: int, lines: list[AnyLine]) -> _Fault | None:
    try:
        line = decode_line(raw)
    except ValueError as error:
        return _Fault(str(error)[:_SHOWN], readable=False)
    if line.seq != before + len(lines) + 1:
        return _Fault(f"number {line.seq} stands where {before + len(lines) + 1} belongs", readable=True)
    lines.append(line)
    return None


def readable(rest: Iterable[bytes]) -> tuple[AnyLine, ...]:
    """The lines among ``rest`` that read well."""
    found: list[AnyLine] = []
    for raw in rest:
        try:
            found.append(decode_line(raw))
        except ValueError:
            continue
    return tuple(found)


def uncontested() -> None:
    """Nobody can have taken the pass meanwhile."""


class JournalFile:
    """A journal opened for appending by its only writer. Not thread-safe: it lives in the writer thread."""

    def __init__(
        self, files: Files, clock: Clock, path: Path, text: JournalText, confirm: Callable[[], None] = uncontested
    ) -> None:
        self._files = files
        self._clock = clock
        self._path = path
        self._confirm = confirm
        self._head = text.head
        self._length = text.length
        self._seq = len(text.lines)
        self._sound = text.sound
        self._descriptor: int | None = None
        self._gathered: list[bytes] | None = None

    def append(self, fact: Fact) -> Fact:
        """Give a fact its number (and the time, where it has none) and add it; return when it is durable and counts, or
        at once after :meth:`gather`.

        Errors: OSError; the line then does not count, and the next append begins by writing the file anew.
        LockLostError where the pass was taken; nothing may then be written any more.
        """
        line = structs.replace(fact, seq=self._seq + 1, at=fact.at or utc_text(self._clock.now()))
        data = encode_line(line)
        if self._gathered is not None:
            self._gathered.append(data)
        else:
            self._add(data)
        self._seq += 1
        return line

    def gather(self) -> None:
        """From now on lines are only gathered, and :meth:`publish` makes them durable in one step: either all that was
        proven of a damaged journal counts, or the damage is still there and all is proven again.
        """
        self._gathered = []

    def publish(self) -> None:
        """Write the file anew, with the lines that were gathered. Errors: OSError, LockLostError."""
        data, self._gathered, self._sound = b"".join(self._gathered or ()), None, False
        self._add(data)

    def confirm(self) -> None:
        """Return if nobody has taken the pass. Errors: LockLostError, OSError."""
        self._confirm()

    def repair(self) -> None:
        """After a failure, on what :func:`parse` found unsound, or where the file is gone: make it hold the lines that
        count and nothing else.

        Errors: OSError, LockLostError.
        """
        if not self._sound or self._is_away():
            self._renew(b"")

    def close(self) -> None:
        """Let the file go; idempotent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._files.close(descriptor)

    def _add(self, data: bytes) -> None:
        if self._sound and not self._is_away():
            self._extend(data)
        else:
            self._renew(data)
        self._sound = False  # until it is sure that nobody took the pass before the line was durable
        self._confirm()
        self._sound = True
        self._length += len(data)

    def _extend(self, data: bytes) -> None:
        self._sound = False  # until the line is durable
        if self._descriptor is None:
            self._descriptor = self._files.open(self._path, _APPEND)
        self._files.write(self._descriptor, data)
        self._files.fsync(self._descriptor)
        self._sound = True

    def _is_away(self) -> bool:
        """Whether somebody removed or replaced the file that is open. A directory that is gone or was renamed as a
        whole is somebody else's matter.
        """
        if self._descriptor is None:
            return False
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return self._path.parent.is_dir()

    def _renew(self, data: bytes) -> None:
        self._confirm()
        away = self._is_away()
        prefix = self._prefix(away=away) if self._head is None else self._head
        if away:
            self._make_place()
        durable_write(self._files, self._path, prefix + data)
        self.close()  # not before: what is away is nowhere else
        self._head = None
        self._length = len(prefix)
        self._sound = True

    def _make_place(self) -> None:
        """What lies there instead of the file is kept under another name."""
        if self._path.exists():
            set_aside(self._files, self._path)
        _log.warning(
            "%s of pass %s had been removed or replaced while the pass was worked on: it is written anew",
            self._path.name,
            self._path.parent.name,
        )

    def _prefix(self, *, away: bool) -> bytes:
        """The lines that count, ``away`` from what is still open."""
        if not self._length:
            return b""
        source = Path(f"/proc/self/fd/{self._descriptor}") if away else self._path
        prefix = read_whole(source, self._length)
        if len(prefix) != self._length:
            message = f"{self._path.name} has become shorter than what was written to it"
            raise OSError(message)
        return prefix if prefix.endswith(b"\n") or not prefix else prefix + b"\n"


def set_aside(files: Files, path: Path) -> Path:
    """Keep a damaged file under another name before a repaired one takes its place. Errors: OSError."""
    number = 1
    while (kept := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    durable_write(files, kept, read_whole(path))
    return kept
