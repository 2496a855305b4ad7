"""What readers of older formats give: first a draft as the old files tell it, then the session as this product sees it.

A draft keeps the old words: points, cameras, pictures. :mod:`passes` turns it into the same documents and journal lines
that a scan of this product leaves, so that ``fold`` tells the state of old and new alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scanner.model import CameraName, PhotoName, SessionId, Viewpoint
from scanner.records import PassInfo
from scanner.states import PassState
from scanner.storage.directory.views import SessionRecord
from scanner.storage.formats.fields import Moment
from scanner.storage.formats.folder import Flag, Flagged, Folder, Note
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.lines import Line

RASPI: Final = "raspi_v2"
DUAL: Final = "raspi_v2_dual"
OPENSCAN: Final = "openscan3"
STATES: Final[Mapping[str, PassState]] = {
    "completed": PassState.COMPLETED,
    "finished": PassState.COMPLETED,
    "cancelled": PassState.CANCELLED,
    "canceled": PassState.CANCELLED,
    "failed": PassState.FAILED,
    "pending": PassState.PLANNED,
}  # every other word (running, interrupted, incomplete, active, error, paused) means: there is something left to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A photo file as found in ``root``, or as promised and not there (``present`` False).

    ``viewpoint``: where the rig said it was; ``flag`` and ``why``: what is to be said of it.
    """

    root: Path
    file: str
    camera: CameraName
    point: int | None
    stack: int = 0
    viewpoint: Viewpoint | None = None
    size: int = 0
    sha256: str = ""
    width: int = 0
    height: int = 0
    taken: Moment | None = None
    exposure_us: int = 0
    gain: float = 0.0
    lens_position: float | None = None
    present: bool = True
    flag: Flag | None = None
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether it is a photo that counts."""
        return self.present and self.flag is not Flag.DAMAGED

    @property
    def path(self) -> Path:
        """Where it lies, or should."""
        return self.root / self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A planned point by its old number; ``viewpoint`` None: it is nowhere said where that is."""

    number: int
    viewpoint: Viewpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassDraft:
    """A pass as the old files tell it. ``planned``: points that were planned, None where nobody says.

    ``said``: the old word for its state. ``focus``: lens position of each picture of a focus stack. ``pictures`` in the
    order in which they were taken.
    """

    label: str
    description: str
    state: PassState
    said: str
    message: str
    points: tuple[Point, ...]
    planned: int | None
    cameras: tuple[CameraName, ...]
    pictures: tuple[Picture, ...]
    created: Moment | None
    started: Moment | None
    ended: Moment | None
    duration_s: float
    stacks: int = 1
    focus: tuple[float, ...] = ()
    model: str = ""
    make: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A session as the old files tell it."""

    format: str
    title: str
    created: Moment | None
    operator: str
    notes: str
    passes: tuple[PassDraft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A picture and the name it has as a photo of this product. ``shot`` None: it fits no shot and is kept aside."""

    picture: Picture
    name: PhotoName
    shot: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPass:
    """A pass in the shapes of this product: its document and the lines of its journal, and the files they speak of."""

    label: str
    description: str
    planned_points: int | None
    said: str
    info: PassInfo
    document: PassFile
    lines: tuple[Line, ...]
    placed: tuple[Placed, ...]

    @property
    def whole(self) -> int:
        """Photos that count."""
        return sum(placed.picture.whole for placed in self.placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacySession:
    """An old session, read completely: everything that migration and import need. Nothing of it was changed.

    ``folders``: where it comes from, the leading one first. ``checked``: every photo was hashed. ``others``: files that
    are neither photos nor readable documents. ``zone``: in which naive times were read. ``fingerprint`` tells whether
    two were read from the same content.
    """

    id: SessionId
    format: str
    record: SessionRecord
    passes: tuple[LegacyPass, ...]
    folders: tuple[Folder, ...]
    created: Moment | None
    zone: str
    checked: bool
    flagged: tuple[Flagged, ...]
    notes: tuple[Note, ...]
    others: tuple[tuple[Folder, str], ...]
    fingerprint: str
    documents: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Room that a copy needs."""
        return sum(entry.size for folder in self.folders for entry in folder.entries.values())
