"""What the facts of a journal amount to: ``fold(lines)``, a pure function, and its incremental form for a pass at work.

Live progress, recovery, history and the index all come from here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from scanner.model import CameraName, LockedSettings, PassName, Pause, Photo, PhotoName
from scanner.records import Fault
from scanner.states import PassState
from scanner.storage.journal import lines
from scanner.storage.journal.lines import AnyLine


class PassProgress(Struct, frozen=True, kw_only=True):
    """How far a pass is. The mappings are read-only views that follow a pass at work; everything else is of the moment.

    ``saved``: the current photo of each saved shot. ``skipped``: reason by shot. ``files``: photo files made so far, by
    shot. ``lost``: the damaged file of each shot that is planned again. ``duration_s``: time worked, without pauses.
    ``reason``: why it ended. ``host``, ``origin``: where and for whom it was worked on last. ``unsettled``: files may
    still have to move for a restore.
    """

    state: PassState
    saved: Mapping[int, Photo]
    skipped: Mapping[int, str]
    files: Mapping[int, int]
    lost: Mapping[int, PhotoName]
    locked: Mapping[CameraName, LockedSettings]
    retaken: int
    failures: int
    bytes: int
    pause: Pause | None
    fault: Fault | None
    reason: str
    started_at: str | None
    ended_at: str | None
    duration_s: float
    lines: int
    host: str = ""
    origin: str = ""
    unsettled: bool = False


class Standing(NamedTuple):
    """Figures of a pass as one more photo makes them. ``first``: the photo of the lowest shot."""

    retaken: int
    damaged: int
    skipped: int
    duration_s: float
    first: PhotoName


class Fold:
    """The state after the lines applied so far; :meth:`apply` costs the same for every line."""

    def __init__(self, name: PassName) -> None:
        self._name = name
        self.state = PassState.PLANNED
        self.saved: dict[int, Photo] = {}
        self.skipped: dict[int, str] = {}
        self.files: dict[int, int] = {}
        self.lost: dict[int, PhotoName] = {}
        self.locked: dict[CameraName, LockedSettings] = {}
        self.photos: dict[PhotoName, Photo] = {}  # every one that was ever saved: a restore may bring it back
        self.superseded: dict[PhotoName, int] = {}  # files that gave way, with their place (0: to a retake)
        self.places = 0  # restores so far
        self.moving: int | None = None  # place of a restore whose moves are not known to be done
        self.retaken = 0
        self.failures = 0
        self.bytes = 0
        self.pause: Pause | None = None
        self.fault: Fault | None = None
        self.reason = ""
        self.host = ""
        self.origin = ""
        self.started_at: str | None = None
        self.ended_at: str | None = None
        self.duration_s = 0.0
        self.lines = 0

    def apply(self, line: AnyLine) -> None:
        """Take in the next fact."""
        self.lines += 1
        handler = _HANDLERS.get(type(line))
        if handler is not None:
            handler(self, line)

    def progress(self) -> PassProgress:
        """The state now."""
        return PassProgress(
            state=self.state,
            saved=MappingProxyType(self.saved),
            skipped=MappingProxyType(self.skipped),
            files=MappingProxyType(self.files),
            lost=MappingProxyType(self.lost),
            locked=MappingProxyType(self.locked),
            retaken=self.retaken,
            failures=self.failures,
            bytes=self.bytes,
            pause=self.pause,
            fault=self.fault,
            reason=self.reason,
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration_s=self.duration_s,
            lines=self.lines,
            host=self.host,
            origin=self.origin,
            unsettled=self.moving is not None,
        )

    def standing(self, line: lines.Saved) -> Standing:
        """What this line would make of the pass."""
        lowest = min(self.saved, default=line.shot)
        return Standing(
            retaken=self.retaken + isinstance(line, lines.Retaken),
            damaged=len(self.lost.keys() - {line.shot}),
            skipped=len(self.skipped.keys() - {line.shot}),
            duration_s=line.worked_s,
            first=line.file if line.shot <= lowest else self.saved[lowest].name,
        )

    def on_started(self, line: lines.Started) -> None:
        """Work began."""
        self._go_on(line)
        self.locked = dict(line.locked)

    def on_resumed(self, line: lines.Resumed) -> None:
        """Work went on."""
        self._go_on(line)
        if line.locked is not None:
            self.locked |= line.locked

    def _go_on(self, line: lines.Started | lines.Resumed) -> None:
        self.state = PassState.RUNNING
        self.host, self.origin = line.host, line.origin
        self.started_at = self.started_at or line.at
        self.ended_at = self.pause = self.fault = None
        self.reason = ""

    def on_saved(self, line: lines.Saved) -> None:
        """A shot has its photo; an earlier file of the shot is superseded."""
        photo = photo_of(self._name, line)
        earlier = self.saved.get(line.shot)
        if earlier is not None:
            self.bytes -= earlier.bytes
            self.superseded[earlier.name] = 0
        lost = self.lost.pop(line.shot, None)
        if lost is not None:
            self.superseded[lost] = 0
        self.skipped.pop(line.shot, None)
        self.saved[line.shot] = self.photos[photo.name] = photo
        self.superseded.pop(photo.name, None)
        self.files[line.shot] = self.files.get(line.shot, 0) + 1
        self.bytes += photo.bytes
        self.duration_s = line.worked_s

    def on_retaken(self, line: lines.Retaken) -> None:
        """As saved, and counted."""
        self.on_saved(line)
        self.retaken += 1

    def on_failed(self, line: lines.Failed) -> None:  # noqa: ARG002 - every handler takes its line
        """Counted only: the shot is still planned."""
        self.failures += 1

    def on_skipped(self, line: lines.Skipped) -> None:
        """A shot is left out, unless it has its photo."""
        if line.shot not in self.saved:
            self.skipped[line.shot] = line.reason

    def on_damaged(self, line: lines.Damaged) -> None:
        """The shot is planned again; a completed pass is open again, also where the photo was lost before its end."""
        photo = self.saved.pop(line.shot, None)
        if photo is not None:
            self.bytes -= photo.bytes
            self.lost[line.shot] = photo.name
        elif self.lost.get(line.shot) != line.file:
            return
        if self.state is PassState.COMPLETED:
            message = "photos were found missing or damaged; resume to take them again"
            self._stand("fault", "damaged", message)

    def on_restored(self, line: lines.Restored) -> None:
        """The pass is as it was at a checkpoint; photos that this fold does not know stay planned."""
        before = {photo.name for photo in self.saved.values()} | set(self.lost.values())
        chosen = {shot: photo for shot, name in line.saved.items() if (photo := self._photo_of(shot, name)) is not None}
        self.saved.clear()
        self.saved.update(chosen)
        self.skipped.clear()
        self.skipped.update((shot, why) for shot, why in line.skipped.items() if shot not in chosen)
        self.lost.clear()
        self.superseded.update((name, line.place) for name in before)
        for photo in chosen.values():
            self.superseded.pop(photo.name, None)
        self.bytes = sum(photo.bytes for photo in chosen.values())
        self.duration_s = line.worked_s
        self.places = max(self.places, line.place)
        self.moving = line.place
        self._go_back(line)

    def _photo_of(self, shot: int, name: PhotoName) -> Photo | None:
        photo = self.photos.get(name)
        return photo if photo is not None and photo.shot == shot else None

    def _go_back(self, line: lines.Restored) -> None:
        said = f"restored to checkpoint {line.checkpoint}"
        self.state, self.pause, self.fault, self.ended_at, self.reason = PassState(line.state), None, None, None, ""
        if self.state is PassState.PAUSED:
            self._stand("operator", "restored", said)
        elif self.state is not PassState.PLANNED:
            self.ended_at, self.reason = line.at, said
        if self.state is PassState.FAILED:
            self.fault = Fault(code="restored", message=said)

    def on_superseded(self, line: lines.Superseded) -> None:
        """The files lie where they belong."""
        if line.place == self.moving:
            self.moving = None

    def _stand(self, by: Literal["operator", "fault"], reason: str, message: str) -> None:
        self.state = PassState.PAUSED
        self.pause = Pause(by=by, reason=reason, message=message)
        self.fault = self.ended_at = None
        self.reason = ""

    def on_paused(self, line: lines.Paused) -> None:
        """Work stands still."""
        self.state = PassState.PAUSED
        self.pause = Pause(
            by=line.by, reason=line.reason, message=line.message, resumes_by_itself=line.resumes_by_itself
        )
        self.ended_at = None
        self.duration_s = line.worked_s

    def _end(self, state: PassState, line: lines.Finished | lines.Cancelled | lines.PassFailed) -> None:
        self.state = state
        self.pause = None
        self.ended_at = line.at
        self.duration_s = line.worked_s

    def on_finished(self, line: lines.Finished) -> None:
        """The end: completed."""
        self._end(PassState.COMPLETED, line)
        self.reason = line.reason

    def on_cancelled(self, line: lines.Cancelled) -> None:
        """The end: cancelled."""
        self._end(PassState.CANCELLED, line)
        self.reason = line.reason

    def on_pass_failed(self, line: lines.PassFailed) -> None:
        """The end: failed."""
        self._end(PassState.FAILED, line)
        self.reason = line.message
        self.fault = Fault(code=line.code, message=line.message)


_HANDLERS: Final[Mapping[type[AnyLine], Callable[[Fold, Any], None]]] = MappingProxyType(
    {
        lines.Started: Fold.on_started,
        lines.Resumed: Fold.on_resumed,
        lines.Saved: Fold.on_saved,
        lines.Retaken: Fold.on_retaken,
        lines.Failed: Fold.on_failed,
        lines.Skipped: Fold.on_skipped,
        lines.Damaged: Fold.on_damaged,
        lines.Paused: Fold.on_paused,
        lines.Finished: Fold.on_finished,
        lines.Cancelled: Fold.on_cancelled,
        lines.PassFailed: Fold.on_pass_failed,
        lines.Restored: Fold.on_restored,
        lines.Superseded: Fold.on_superseded,
    }
)


def fold(facts: Iterable[AnyLine], *, name: PassName) -> PassProgress:
    """What ``facts`` amount to for the pass ``name``."""
    state = Fold(name)
    for line in facts:
        state.apply(line)
    return state.progress()


def photo_of(name: PassName, line: lines.Saved) -> Photo:
    """The photo a line speaks of."""
    quality = line.quality
    return Photo(
        name=line.file,
        shot=line.shot,
        pass_=name,
        camera=line.camera,
        azimuth=line.planned.azimuth,
        elevation=line.planned.elevation,
        measured=line.measured,
        bytes=line.bytes,
        sha256=line.sha256,
        width=line.width,
        height=line.height,
        taken_at=line.taken_at,
        exposure_us=line.exposure_us,
        gain=line.gain,
        sharpness=quality.sharpness if quality else None,
        sharpness_relative=line.sharpness_relative,
        clipped=quality.clipped if quality else None,
    )
