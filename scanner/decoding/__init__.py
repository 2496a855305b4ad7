"""Strict decoding at the edge: plain data (parsed JSON or YAML) into msgspec structs, naming *all* faults at once.

msgspec converts and stops at the first fault. Only when it refuses is the wanted type walked beside the data to find
every fault, each with its path (``passes[0].plan.rings[1].count``) and a message for people. Whatever the data holds,
the result is either a value or the error asked for.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TypeVar, cast

import msgspec
from msgspec import inspect

from scanner.decoding.faults import Fault, Faults, Key, Keys, nearest, unknown
from scanner.decoding.walk import Walk, scan
from scanner.errors import InvalidError, SpecError

__all__ = [
    "Fault",
    "Faults",
    "Key",
    "Keys",
    "convert",
    "decode",
    "decode_json",
    "encode_json",
    "nearest",
    "parse_json",
    "unknown",
]

T = TypeVar("T")


def convert(kind: type[T], data: object, found: Faults) -> T | None:
    """``data`` as a ``kind``, or None with every fault added to ``found``."""
    reason = ""
    before = found.count
    scan(data, found)
    if found.count == before:
        try:
            return msgspec.convert(data, kind, dec_hook=_custom)
        except (msgspec.MsgspecError, ValueError, RecursionError) as refusal:
            reason = str(refusal)
    if found.bottomless:
        return None
    Walk(found).check(inspect.type_info(kind), data, ())
    if found.count == before:
        found.add((), reason)
    return None


def _custom(kind: type[object], data: object) -> object:
    """Values msgspec does not know: paths, written as text."""
    if kind is Path and isinstance(data, str) and data and "\0" not in data:
        return Path(data)
    message = "expected a path"
    raise ValueError(message)


def decode(kind: type[T], data: object, *, error: type[InvalidError] = SpecError) -> T:
    """``data`` (as parsed from JSON or YAML) as a ``kind``.

    Errors: ``error``; its ``detail["errors"]`` lists ``{"path", "message"}``, ``detail["count"]`` is the number of all.
    """
    found = Faults()
    value = convert(kind, data, found)
    if found.count:
        raise found.error(error)
    return cast("T", value)


def decode_json(kind: type[T], body: bytes, *, error: type[InvalidError] = SpecError) -> T:
    """As :func:`decode`, from JSON text. Text that is no JSON is a fault of the top (path ``""``)."""
    return decode(kind, parse_json(body, error=error), error=error)


def parse_json(body: bytes, *, error: type[InvalidError] = SpecError) -> object:
    """The plain data in JSON text. Errors: ``error``."""
    found = Faults()
    try:
        data: object = msgspec.json.decode(body)
    except UnicodeDecodeError:
        found.add((), "the text is not UTF-8")
    except RecursionError:
        found.add((), "the JSON is nested too deeply")
    except (msgspec.MsgspecError, ValueError) as refusal:
        found.add((), f"the text is no JSON: {refusal}")
    else:
        return data
    raise found.error(error)


def encode_json(value: object) -> bytes:
    """``value`` (structs, dataclasses or plain data; paths become text) as JSON text, UTF-8."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _plain(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    message = f"a {type(value).__name__} is no JSON"
    raise TypeError(message)
