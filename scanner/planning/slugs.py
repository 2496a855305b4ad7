"""Names for directories and passes, made from titles."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_SLUG: Final = 48
_TITLE_PART: Final = 400  # characters of a title that are looked at

# letters that Unicode does not decompose into Latin ones, with the usual transliterations
_ALIKE: Final = (
    ("абвгдезийклмнопрстуфыэєіїґё", "abvgdeziiklmnoprstufyeeiige"),
    ("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo"),
    ("ðđłıħ", "ddlih"),
)
_LONGER: Final = (
    "ж=zh х=kh ц=ts ч=ch ш=sh щ=shch ъ= ь= ю=yu я=ya "  # noqa: RUF001 - Cyrillic is meant
    "θ=th χ=ch ψ=ps ä=ae ö=oe ü=ue ß=ss æ=ae œ=oe ø=oe å=aa þ=th ŋ=ng '= \N{RIGHT SINGLE QUOTATION MARK}="
)
_LETTERS: Final = str.maketrans(
    {
        **{letter: plain for letters, plains in _ALIKE for letter, plain in zip(letters, plains, strict=True)},
        **{letter: plain for letter, _, plain in (word.partition("=") for word in _LONGER.split())},
    }
)


def slugify(title: str) -> str:
    """``title`` as ``[a-z0-9][a-z0-9-]{0,47}``, transliterated; "" if nothing is left."""
    text = unicodedata.normalize("NFC", title[:_TITLE_PART]).lower().translate(_LETTERS)
    bare = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in bare if not unicodedata.combining(letter)).lower().translate(_LETTERS)
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].rstrip("-")
