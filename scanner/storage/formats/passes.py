"""An old pass in the shapes of this product: plan, document, journal lines, photo names. Pure.

Every planned point becomes a shot for each camera and focus step; a whole photo that fits none of them gets a shot of
its own behind the plan, so that no photo is lost. The state is then what ``fold`` makes of the lines, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from scanner.errors import SpecError
from scanner.model import CameraInfo, CameraName, PassName, PhotoName, Plan, RigInfo, SessionId, Shot, Viewpoint
from scanner.planning import slugify
from scanner.spec import CameraSettings, Listed, PassSpec
from scanner.states import PassState
from scanner.storage.directory.views import pass_info
from scanner.storage.disk.layout import check_names, photo_name
from scanner.storage.formats.legacy import LegacyPass, PassDraft, Picture, Placed
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.facts import Ending, interrupted
from scanner.storage.journal.limits import LONGEST
from scanner.storage.journal.progress import PassProgress, fold

NO_TIME: Final = "1970-01-01T00:00:00.000Z"  # where nobody says when
SOMEWHERE: Final = Viewpoint(0.0, 0.0)  # where nobody says from where
LIKELY_FOCAL: Final = 1.2  # focal length against sensor width, where nobody says: what photogrammetry programs assume
LIKELY_SENSOR_MM: Final = 5.0
LIKELY_F_NUMBER: Final = 2.0
MOST_STACKS: Final = 64  # focus steps in a pass
DEEPEST_FOCUS: Final = 50.0  # dioptres
_Slot = tuple[int | None, CameraName, int]


@dataclass(slots=True)
class _Layout:
    """A plan in the making, and the shot of each picture by its place in the draft."""

    draft: PassDraft
    settings: CameraSettings
    shots: list[Shot] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    def fill(self) -> _Layout:
        """Shots for all points of known place, the pictures on them, and shots of their own for those that fit none."""
        known = {picture.point: picture.viewpoint for picture in self.draft.pictures if picture.viewpoint is not None}
        slots = self._slots(known)
        for place, picture in sorted(enumerate(self.draft.pictures), key=lambda pair: _rank(pair[1])):
            slot = slots.pop((picture.point, picture.camera, picture.stack), None)
            if slot is None and picture.whole:
                slot = self._add(picture.viewpoint or known.get(picture.point), picture.camera, picture.stack)
            if slot is not None:
                self.places[place] = slot
        return self

    def _slots(self, known: Mapping[int | None, Viewpoint]) -> dict[_Slot, int]:
        taken = {picture.point for picture in self.draft.pictures}
        slots: dict[_Slot, int] = {}
        for point in self.draft.points:
            viewpoint = point.viewpoint or known.get(point.number)
            if viewpoint is None and point.number not in taken:
                continue
            for camera in self.draft.cameras:
                for stack in range(self.draft.stacks):
                    slots[point.number, camera, stack] = self._add(viewpoint, camera, stack)
        return slots

    def _add(self, viewpoint: Viewpoint | None, camera: CameraName, stack: int) -> int:
        steps = self.settings.focus_steps
        focus = steps[stack] if steps and stack < len(steps) else None
        shot = Shot(index=len(self.shots) + 1, viewpoint=viewpoint or SOMEWHERE, camera=camera, focus=focus)
        self.shots.append(shot)
        return shot.index


def make_pass(draft: PassDraft, session_id: SessionId, number: int) -> LegacyPass:
    """The pass as this product would have left it."""
    name = PassName(usable_name(draft.label, f"pass-{number}"))
    settings = _settings(draft)
    laid = _Layout(draft, settings).fill()
    document = PassFile(
        session_id=session_id,
        name=name,
        number=number,
        created_at=_begin(draft),
        spec=_spec(name, draft, laid, settings),
        plan=Plan(kind="list", shots=tuple(laid.shots)),
        rig=_rig(draft),
        submission=None,
    )
    placed = tuple(_placed(name, draft, laid, settings))
    facts = tuple(_numbered(_facts(draft, laid, placed)))
    return LegacyPass(
        label=draft.label,
        description=draft.description,
        planned_points=draft.planned,
        said=draft.said,
        info=pass_info(document, fold(facts, name=name)),
        document=document,
        lines=facts,
        placed=placed,
    )


def progress_of(part: LegacyPass) -> PassProgress:
    """What its lines amount to."""
    return fold(part.lines, name=part.document.name)


def usable_name(text: str, default: str) -> str:
    """``text`` as a name of a pass or camera that photo names can carry."""
    name = slugify(text) or default
    try:
        check_names(name, frozenset())
    except SpecError:
        return "n" + re.sub("-", "", name)[:40]
    return name


def _settings(draft: PassDraft) -> CameraSettings:
    steps = draft.focus
    usable = len(set(steps)) == len(steps) == draft.stacks > 1 and all(0 <= step <= DEEPEST_FOCUS for step in steps)
    return CameraSettings(focus_steps=steps if usable and len(steps) <= MOST_STACKS else None)


def _rank(picture: Picture) -> int:
    """Who comes first where two claim the same shot: the sound one."""
    if not picture.present:
        return 3
    return 2 if not picture.whole else 1 if picture.flag is not None else 0


def _spec(name: PassName, draft: PassDraft, laid: _Layout, settings: CameraSettings) -> PassSpec:
    viewpoints = dict.fromkeys((shot.viewpoint.azimuth, shot.viewpoint.elevation) for shot in laid.shots)
    return PassSpec(
        name=name, plan=Listed(viewpoints=tuple(viewpoints)), cameras=_cameras(draft) or None, camera=settings
    )


def _cameras(draft: PassDraft) -> tuple[CameraName, ...]:
    return tuple(sorted({*draft.cameras, *(picture.camera for picture in draft.pictures)}))


def _rig(draft: PassDraft) -> RigInfo:
    cameras: list[CameraInfo] = []
    for name in _cameras(draft):
        whole = [picture for picture in draft.pictures if picture.camera == name and picture.whole]
        cameras.append(
            CameraInfo(
                name=name,
                model=draft.model,
                make=draft.make,
                width=max((picture.width for picture in whole), default=0),
                height=max((picture.height for picture in whole), default=0),
                focal_mm=LIKELY_FOCAL * LIKELY_SENSOR_MM,
                sensor_width_mm=LIKELY_SENSOR_MM,
                f_number=LIKELY_F_NUMBER,
                bytes_per_photo=sum(picture.size for picture in whole) // len(whole) if whole else 0,
            )
        )
    return RigInfo(name="", geometry=None, fixed_elevation=None, cameras=tuple(cameras))


def _placed(name: PassName, draft: PassDraft, laid: _Layout, settings: CameraSettings) -> Iterator[Placed]:
    by_index = {shot.index: shot for shot in laid.shots}
    for place, picture in enumerate(draft.pictures):
        shot = by_index.get(laid.places.get(place, 0))
        if shot is not None:
            yield Placed(picture=picture, name=photo_name(name, shot, settings, 0), shot=shot.index)
        elif picture.present:
            yield Placed(picture=picture, name=PhotoName(f"{name}-aside-{place + 1}.jpg"), shot=None)


def _begin(draft: PassDraft) -> str:
    moments = (draft.created, draft.started, *(picture.taken for picture in draft.pictures))
    return next((moment.text for moment in moments if moment is not None), NO_TIME)


def _facts(draft: PassDraft, laid: _Layout, placed: tuple[Placed, ...]) -> Iterator[lines.Line]:
    """The lines without their numbers; none for a pass that nobody began."""
    if draft.state is PassState.PLANNED:
        return
    begin = draft.started.text if draft.started else _begin(draft)
    yield lines.Started(at=begin, job_id=None, origin="", locked={})
    last = begin
    shots = {shot.index: shot for shot in laid.shots}
    for one in placed:
        if one.shot is None:
            continue
        fact = _saved(shots[one.shot], one, last)
        last = fact.at
        yield fact
        if not one.picture.whole:
            reason = "hash" if one.picture.present else "missing"
            yield lines.Damaged(at=last, shot=one.shot, file=one.name, reason=reason)
    yield _end(draft, draft.ended.text if draft.ended else last)


def _saved(shot: Shot, one: Placed, last: str) -> lines.Saved:
    picture = one.picture
    at = picture.taken.text if picture.taken else last
    return lines.Saved(
        at=at,
        shot=shot.index,
        camera=shot.camera,
        planned=shot.viewpoint,
        measured=picture.viewpoint or shot.viewpoint,
        file=one.name,
        bytes=picture.size,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        taken_at=at,
        exposure_us=picture.exposure_us,
        gain=picture.gain,
        white_balance=None,
        lens_position=picture.lens_position,
        quality=None,
        sharpness_relative=None,
        settle_s=0.0,
        capture_s=0.0,
        worked_s=0.0,
    )


def _end(draft: PassDraft, at: str) -> lines.Line:
    worked = min(draft.duration_s, LONGEST)
    if draft.state is PassState.COMPLETED:
        return lines.Finished(at=at, reason="", worked_s=worked)
    if draft.state is PassState.CANCELLED:
        return lines.Cancelled(at=at, reason=draft.message, worked_s=worked)
    if draft.state is PassState.FAILED:
        return lines.PassFailed(
            at=at, code="legacy", message=draft.message or "the old scanner said: failed", worked_s=worked
        )
    if draft.said == "paused":
        return lines.Paused(
            at=at, by="user", reason="paused", message=draft.message, resumes_by_itself=False, worked_s=worked
        )
    line = interrupted(worked)
    return lines.Paused(
        at=at,
        by=line.by,
        reason=line.reason,
        message=draft.message or line.message,
        resumes_by_itself=False,
        worked_s=worked,
    )


def _numbered(facts: Iterator[lines.Line]) -> Iterator[lines.Line]:
    for number, fact in enumerate(facts, 1):
        yield structs.replace(fact, seq=number)


def ending_of(part: LegacyPass) -> Ending | None:
    """The line that ended the pass, or None where it has not ended."""
    last = part.lines[-1] if part.lines else None
    return last if isinstance(last, lines.Finished | lines.Cancelled | lines.PassFailed) else None
