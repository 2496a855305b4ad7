"""Text as it is searched: the same word however it is written, on both sides of the search (pure).

SQLite's own tokenizer folds capitals, and the accents of Latin letters alone. It does not know that ``ß`` is ``ss``,
and tells symbols from letters by the table of an old Unicode: to it most emoji are nothing, some a part of the word
beside them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SYMBOL: Final = "\ue000"  # begins the word that stands for a symbol; of private use, a letter to SQLite
_DIGITS: Final = 6  # hexadecimal ones behind it, so that no symbol is the beginning of another
_OTHERS: Final = re.compile(r"[^\w\x00-\x7f]")  # accents by themselves, symbols, punctuation
_POINTS: Final = range(10, 37)  # combining classes: Hebrew, Arabic and Syriac vowels, which hardly anybody types
_ACCENTS: Final = 200  # combining classes from here on; those below make another letter, as the voicing of kana does
# Letters that are none with an accent to Unicode, as people type them whose keyboard has no such key.
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)
_KINDS: Final = frozenset({"So", "Sm", "Sc", "Cn", "Co"})  # Cn: this Python is older than the emoji
_LONGEST: Final = 40  # characters of a word that count in a search
_WORD: Final = re.compile(rf"{SYMBOL}[0-9a-f]{{{_DIGITS}}}|[^\W_]+")


def folded(text: str) -> str:
    """``text`` without capitals and accents, every symbol as a word of its own; plain ASCII is left to SQLite."""
    if text.isascii():
        return text
    bare = _OTHERS.sub(_bare, unicodedata.normalize("NFKD", text)).casefold().translate(_PLAIN)
    return _OTHERS.sub(_other, unicodedata.normalize("NFKC", bare))


def words_in(text: str) -> list[str]:
    """The words of a text that is searched for, as they stand in what was folded; of long ones the beginning."""
    return [word[:_LONGEST] for word in _WORD.findall(folded(text))]


def _bare(found: re.Match[str]) -> str:
    """Nothing for the accent of a letter."""
    kind = unicodedata.combining(found[0])
    return "" if kind >= _ACCENTS or kind in _POINTS else found[0]


def _other(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) in _KINDS:
        return f" {SYMBOL}{ord(character):0{_DIGITS}x} "
    return " "
