"""The short way to what a journal amounts to says the same as the fold, whatever the journal; and what it skips."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.model import CameraName, PassName, PhotoName, Viewpoint
from scanner.spec import PassSpec
from scanner.storage.directory.views import pass_record, plain_record
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile
from scanner.storage.journal.plain import plain_story
from scanner.storage.journal.progress import fold
from tests.scanner.storage.support import LOCKED, MAIN, RIG, plan

NAME = PassName("upright")
DOCUMENT = PassFile(
    session_id="s", name=NAME, number=1, created_at="2026-11-20T04:15:30.000Z", spec=PassSpec(name=NAME), plan=plan(9),
    rig=RIG, submission=None,
)  # fmt: skip


def saved(shot: int, camera: str = MAIN, size: int = 1000, width: int = 32) -> lines.Saved:
    return lines.Saved(
        shot=shot, camera=CameraName(camera), planned=Viewpoint(0, 0), measured=Viewpoint(0, 0),
        file=PhotoName(f"upright-{shot:05}-{camera}.jpg"), bytes=size, sha256="0" * 64, width=width, height=24,
        taken_at="2026-11-20T04:15:30.120Z", exposure_us=1, gain=1.0, white_balance=None, lens_position=None,
        quality=None, sharpness_relative=None, settle_s=0.1, capture_s=0.1, worked_s=shot * 1.5,
    )  # fmt: skip


STARTED = lines.Started(at="t1", job_id=None, origin="cli", host="scan-pi", locked={MAIN: LOCKED})
ENDS = (
    lines.Finished(at="t9", reason="done", worked_s=9.0),
    lines.Cancelled(at="t9", reason="unwanted", worked_s=8.0),
    lines.PassFailed(at="t9", code="rig_fault", message="stuck", worked_s=7.0),
    lines.Paused(at="t9", by="user", reason="paused", message="m", resumes_by_itself=False, worked_s=6.0),
)
OTHERS = (
    lines.Resumed(at="t5", job_id=None, origin="web", host="other", locked=None),
    lines.Skipped(shot=2, reason="hidden"),
    lines.Failed(shot=3, code="camera_fault", message="no answer"),
    lines.Damaged(shot=1, file=PhotoName("upright-00001-main.jpg"), reason="hash"),
    lines.Marked(name="before"),
)
SAVES = st.builds(
    saved, st.integers(1, 9), st.sampled_from(("main", "side")), st.integers(1, 9), st.sampled_from((32, 64))
)
JOURNALS = st.one_of(
    st.lists(SAVES, max_size=9, unique_by=lambda line: line.shot).flatmap(
        lambda found: st.sampled_from(([STARTED, *found], *([STARTED, *found, end] for end in ENDS)))
    ),
    st.lists(st.one_of(st.just(STARTED), SAVES, st.sampled_from(ENDS + OTHERS)), max_size=12),
)


@given(JOURNALS)
def test_a_plain_story_is_what_the_fold_says(text):
    story = plain_story(text, NAME)
    if story is not None:
        assert plain_record(DOCUMENT, story) == pass_record(DOCUMENT, fold(text, name=NAME))


def test_nearly_all_journals_are_plain_and_no_other():
    whole = [STARTED, saved(1), saved(2)]
    for text in (whole, [STARTED], [STARTED, ENDS[0]], *([*whole, end] for end in ENDS)):
        assert plain_story(text, NAME) is not None
    for text in ([], [saved(1)], [*whole, saved(1)], *([*whole[:2], other, whole[2]] for other in OTHERS)):
        assert plain_story(text, NAME) is None
