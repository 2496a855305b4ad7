"""Faults in decoded data: where and what, collected, in words for people whatever the data holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Final

from scanner.errors import InvalidError

Key = str | int
Keys = tuple[Key, ...]

MAX_FAULTS: Final = 100  # listed; the others are counted
_SENTENCE_FAULTS: Final = 5  # repeated in the message
FEW: Final = 12  # names that are all listed
_SHOWN: Final = 40  # characters of a value or key that are repeated
_LARGE: Final = 1e15
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the data: where (keys and list positions from the top) and what, for a person."""

    keys: Keys
    message: str

    @property
    def path(self) -> str:
        """The place as text, ``passes[0].name``; empty for the top."""
        return "".join(_steps(self.keys)).removeprefix(".")


class Faults:
    """Collects faults: the first hundred are kept, all are counted."""

    def __init__(self) -> None:
        self.listed: list[Fault] = []
        self.count = 0
        self.bottomless = False  # the data is too deep or too large to be looked through

    def add(self, keys: Keys, message: str) -> None:
        """Take one in."""
        self.count += 1
        if len(self.listed) < MAX_FAULTS:
            self.listed.append(Fault(keys, message))

    @property
    def full(self) -> bool:
        """Whether further ones are only counted, so that their messages need no making."""
        return len(self.listed) >= MAX_FAULTS

    def error(self, kind: type[InvalidError], **detail: object) -> InvalidError:
        """The error that tells them all; ``detail`` is added to its own."""
        lines = [f"{fault.path}: {fault.message}" if fault.keys else fault.message for fault in self.listed]
        message = "; ".join(lines[:_SENTENCE_FAULTS])
        if self.count > _SENTENCE_FAULTS:
            message = f"{message}; and {self.count - _SENTENCE_FAULTS} more"
        errors = [{"path": fault.path, "message": fault.message} for fault in self.listed]
        return kind(message, errors=errors, count=self.count, **detail)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be."""
    import difflib  # noqa: PLC0415 - wanted where something is misspelt

    close = difflib.get_close_matches(name[:_SHOWN].lower(), list(known), n=1)
    return close[0] if close else None


def unknown(name: str, known: Iterable[str]) -> str:
    """The message about an unknown name: with the nearest right one, or with all there are if they are few."""
    names = sorted(known)
    guess = nearest(name, names)
    if guess is not None:
        return f"is unknown; did you mean {guess!r}?"
    return f"is unknown; there is {listed(names)}" if 0 < len(names) <= FEW else "is unknown"


def _steps(keys: Keys) -> Iterator[str]:
    for key in keys:
        if isinstance(key, int):
            yield f"[{key}]"
        elif _PLAIN_KEY.fullmatch(key):
            yield f".{key}"
        else:
            yield f"[{quoted(key)}]"


def quoted(text: str) -> str:
    """``text`` in quotes, short, printable and encodable whatever it holds."""
    return ascii(text[:_SHOWN] + "...") if len(text) > _SHOWN else repr(text.encode("utf-8", "replace").decode())


def listed(values: Iterable[object]) -> str:
    """The values in a row."""
    return ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in values)


def named(value: object) -> str:
    """What ``value`` is, for a message."""
    if isinstance(value, str):
        return f"a text {quoted(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "a very large number" if abs(value) >= _LARGE else f"the number {value}"
    words = {NoneType: "nothing", list: "a list", tuple: "a list", dict: "a group of keys"}
    return words.get(type(value), f"a {type(value).__name__}")


def step(key: object) -> Key:
    """A key of a mapping as a step of a path."""
    return key if isinstance(key, str) else named(key)
