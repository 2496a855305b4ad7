"""What a journal amounts to whose story is plain, as nearly all are: begun, photos saved one after the other, and
perhaps an end.

The same as :func:`.progress.fold` says, without making an object for every photo: 100,000 sessions are
read this way when the index is made anew. Any other journal is for the fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, cast

from scanner.model import PassName, Photo, PhotoName
from scanner.storage.journal import lines
from scanner.storage.journal.lines import AnyLine
from scanner.storage.journal.progress import Fold

Size = tuple[str, int, int, int, int]  # camera, width, height, how many photos, their bytes

_ENDS: Final = (lines.Paused, lines.Finished, lines.Cancelled, lines.PassFailed)
_SAVED: Final = {lines.Saved}
_SHOT: Final = attrgetter("shot")
_BYTES: Final = attrgetter("bytes")
_KIND: Final = attrgetter("camera", "width", "height")


@dataclass(slots=True)
class Story:
    """Everything but the photos is in ``fold``. ``first``: the photo of the lowest shot."""

    fold: Fold
    saved: int
    bytes: int
    duration_s: float
    sizes: tuple[Size, ...]
    first: PhotoName | None


def plain_story(text: Sequence[AnyLine], name: PassName) -> Story | None:
    """None where the journal is not plain."""
    if not text or type(text[0]) is not lines.Started:
        return None
    end = text[-1] if isinstance(text[-1], _ENDS) else None
    saved = cast("Sequence[lines.Saved]", text[1:-1] if end else text[1:])
    if not set(map(type, saved)) <= _SAVED or len(set(map(_SHOT, saved))) != len(saved):
        return None
    fold = Fold(name)
    fold.apply(text[0])
    if end:
        fold.apply(end)
    return _story(fold, saved, ended=end is not None)


def _story(fold: Fold, saved: Sequence[lines.Saved], *, ended: bool) -> Story:
    size = sum(map(_BYTES, saved))
    return Story(
        fold=fold,
        saved=len(saved),
        bytes=size,
        duration_s=saved[-1].worked_s if saved and not ended else fold.duration_s,
        sizes=sizes_of(saved, size),
        first=min(saved, key=_SHOT).file if saved else None,
    )


def sizes_of(photos: Sequence[Photo | lines.Saved], size: int) -> tuple[Size, ...]:
    """How many photos there are of each camera and size, and their bytes; ``size``: of all together."""
    kinds = set(map(_KIND, photos))
    if len(kinds) == 1:
        return ((*kinds.pop(), len(photos), size),)
    of = {kind: [photo.bytes for photo in photos if _KIND(photo) == kind] for kind in kinds}
    return tuple((*kind, len(of[kind]), sum(of[kind])) for kind in sorted(kinds))
