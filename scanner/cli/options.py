"""Values of options, checked where they are typed: what is wrong is said in words, not in names of functions."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Final

HIGHEST_PORT: Final = 65535
FASTEST: Final = 1000.0  # the limit of the configuration


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        message = f"expected a number, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return value


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    return [number(part) for part in text.split(",")]


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        message = f"expected a whole number, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def positive(text: str) -> int:
    """A whole number from 1."""
    value = whole(text)
    if value < 1:
        message = "must be at least 1"
        raise argparse.ArgumentTypeError(message)
    return value


def port(text: str) -> int:
    """A TCP port; 0: any free one."""
    value = whole(text)
    if not 0 <= value <= HIGHEST_PORT:
        message = f"must be from 0 to {HIGHEST_PORT}"
        raise argparse.ArgumentTypeError(message)
    return value


def speed(text: str) -> float:
    """How many times as fast as the world."""
    value = number(text)
    if not 0 < value <= FASTEST:
        message = f"must be more than 0 and at most {FASTEST:g}"
        raise argparse.ArgumentTypeError(message)
    return value


def directory(text: str) -> Path:
    """A directory; the empty text is none (it would be the current one)."""
    if not text:
        message = "must name a directory"
        raise argparse.ArgumentTypeError(message)
    return Path(text)
