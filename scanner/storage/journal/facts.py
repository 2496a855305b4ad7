"""The facts a pass writer journals, made from what it is given (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from scanner.model import Frame, PassName, Photo, PhotoName, Shot, Viewpoint
from scanner.states import PassState
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile, SummaryFile
from scanner.storage.journal.progress import PassProgress

Ending = lines.Finished | lines.Cancelled | lines.PassFailed


def saved_fact(shot: Shot, frame: Frame, measured: Viewpoint) -> lines.Saved:
    """What is known of a photo before it is written; file, sha256 and durations are still to be filled in."""
    exposure = frame.exposure
    return lines.Saved(
        shot=shot.index,
        camera=shot.camera,
        planned=shot.viewpoint,
        measured=measured,
        file=PhotoName(""),
        bytes=len(frame.data),
        sha256="",
        width=frame.width,
        height=frame.height,
        taken_at=exposure.taken_at,
        exposure_us=exposure.exposure_us,
        gain=exposure.gain,
        white_balance=exposure.white_balance,
        lens_position=exposure.lens_position,
        quality=frame.quality,
        sharpness_relative=None,
        settle_s=0.0,
        capture_s=0.0,
        worked_s=0.0,
    )


def retaken_fact(fact: lines.Saved, replaces: PhotoName) -> lines.Retaken:
    """The same, as the photo that takes the place of the file ``replaces``."""
    return lines.Retaken(**structs.asdict(fact), replaces=replaces)


def interrupted(worked: float) -> lines.Paused:
    """The end of work that ended without a word."""
    return lines.Paused(
        by="restart",
        reason="interrupted",
        message="the work was interrupted; resume to take the missing photos",
        resumes_by_itself=False,
        worked_s=worked,
    )


def make_manifest(name: PassName, photos: Mapping[int, Photo]) -> bytes:
    """The checksums of a pass's current photos, by shot, as ``sha256sum -c`` reads them in the session's directory."""
    lines_of = (f"{photos[shot].sha256}  images/{name}/{photos[shot].name}\n" for shot in sorted(photos))
    return "".join(lines_of).encode()


def forced_out(forced: lines.LockForced, worked: float) -> lines.Paused:
    """The end of work whose lock somebody else took."""
    who = " on ".join(part for part in (forced.from_origin, forced.from_host) if part) or "somebody"
    return lines.Paused(
        by="user",
        reason="lock_forced",
        message=f"{forced.origin} took it by force from {who}: {forced.reason}",
        resumes_by_itself=False,
        worked_s=worked,
    )


def make_summary(
    document: PassFile, progress: PassProgress, state: PassState, reason: str, ending: Ending
) -> SummaryFile:
    """What came of a pass that ends with ``ending``."""
    return SummaryFile(
        session_id=document.session_id,
        name=document.name,
        state=state,
        reason=reason,
        shots=len(document.plan.shots),
        saved=len(progress.saved),
        skipped=len(progress.skipped),
        retaken=progress.retaken,
        failures=progress.failures,
        bytes=progress.bytes,
        started_at=progress.started_at,
        ended_at=ending.at,
        duration_s=ending.worked_s,
    )


def ended_summary(document: PassFile, progress: PassProgress) -> SummaryFile:
    """The same of a pass that has ended by going back to a checkpoint."""
    ending = lines.Finished(at=progress.ended_at or "", reason=progress.reason, worked_s=progress.duration_s)
    return make_summary(document, progress, progress.state, progress.reason, ending)
