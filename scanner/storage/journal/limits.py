"""How large the figures of a document may be. What is beyond them is damage, as is text that is no JSON: it was not
written by any scanner, and a database could not hold it.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

LARGEST_COUNT: Final = 1 << 31
LARGEST_PHOTO: Final = 1 << 32  # bytes
LONGEST: Final = 1e9  # seconds, 31 years

Count = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
Pixels = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
Bytes = Annotated[int, Meta(ge=0, le=LARGEST_PHOTO)]
Seconds = Annotated[float, Meta(ge=0, le=LONGEST)]
