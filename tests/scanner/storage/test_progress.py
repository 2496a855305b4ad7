"""``fold``: whatever the lines of a journal are, what they amount to is one pure function of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from scanner.model import CameraName, Pause, PhotoName, Quality, Viewpoint
from scanner.states import PassState
from scanner.storage.journal import lines
from scanner.storage.journal.progress import Fold, PassProgress, fold, photo_of
from tests.scanner.storage.support import BALANCE, LOCKED, MAIN, UPRIGHT

SHOTS = st.integers(1, 6)
SECONDS = st.floats(0, 1000, allow_nan=False)
NAMES = st.builds(lambda shot, number: PhotoName(f"upright-{shot:05}-main_r{number}.jpg"), SHOTS, st.integers(1, 4))


def saved(shot: int, size: int = 100, worked: float = 1.0, name: str | None = None) -> lines.Saved:
    return lines.Saved(
        at="t",
        shot=shot,
        camera=MAIN,
        planned=Viewpoint(1.0, 2.0),
        measured=Viewpoint(1.1, 2.1),
        file=PhotoName(name or f"upright-{shot:05}-main.jpg"),
        bytes=size,
        sha256="ab",
        width=4,
        height=3,
        taken_at="t",
        exposure_us=1,
        gain=1.0,
        white_balance=BALANCE,
        lens_position=None,
        quality=Quality(sharpness=5.0, clipped=0.1, shadows=0.0, mean=0.5),
        sharpness_relative=1.0,
        settle_s=0.0,
        capture_s=0.0,
        worked_s=worked,
    )


def retaken(shot: int, size: int, attempt: int) -> lines.Retaken:
    fact = saved(shot, size, name=f"upright-{shot:05}-main_r{attempt}.jpg")
    values = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return lines.Retaken(**values, replaces=PhotoName(f"upright-{shot:05}-main.jpg"))


FACTS = st.one_of(
    st.builds(lines.Started, at=st.just("s"), job_id=st.none(), origin=st.just("cli"), locked=st.just({MAIN: LOCKED})),
    st.builds(lines.Resumed, at=st.just("r"), job_id=st.none(), origin=st.just("cli"), locked=st.none()),
    st.builds(saved, SHOTS, st.integers(1, 1000), SECONDS),
    st.builds(retaken, SHOTS, st.integers(1, 1000), st.integers(1, 9)),
    st.builds(lines.Failed, shot=SHOTS, code=st.just("c"), message=st.just("m")),
    st.builds(lines.Skipped, shot=SHOTS, reason=st.just("broken")),
    st.builds(lines.Damaged, shot=SHOTS, file=st.just(PhotoName("x.jpg")), reason=st.just("hash")),
    st.builds(
        lines.Paused,
        by=st.sampled_from(["user", "guard", "restart", "fault", "operator"]),
        reason=st.just("r"),
        message=st.just("m"),
        resumes_by_itself=st.booleans(),
        worked_s=SECONDS,
    ),
    st.builds(lines.Finished, at=st.just("e"), reason=st.just("all"), worked_s=SECONDS),
    st.builds(lines.Cancelled, at=st.just("e"), reason=st.just("no"), worked_s=SECONDS),
    st.builds(lines.PassFailed, at=st.just("e"), code=st.just("c"), message=st.just("m"), worked_s=SECONDS),
    st.builds(lines.Unknown, seq=st.just(0), at=st.just("u"), event=st.just("levitated")),
    st.builds(lines.Marked, name=st.just("before")),
    st.builds(
        lines.Restored,
        at=st.just("b"),
        checkpoint=st.just("before"),
        state=st.sampled_from(["planned", "paused", "completed", "cancelled", "failed"]),
        saved=st.dictionaries(SHOTS, NAMES),
        skipped=st.dictionaries(SHOTS, st.just("broken")),
        place=st.integers(1, 5),
        worked_s=SECONDS,
    ),
    st.builds(lines.Superseded, place=st.integers(1, 5), files=st.just(())),
)
ENDS = {PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED}


def numbered(facts: list[lines.Line]) -> list[lines.Line]:
    """The same with a name of its own for every photo, as storage gives them."""
    taken: Counter[int] = Counter()
    named: list[lines.Line] = []
    for fact in facts:
        if isinstance(fact, lines.Saved):
            taken[fact.shot] += 1
            fact = structs.replace(fact, file=PhotoName(f"upright-{fact.shot:05}-main_r{taken[fact.shot]}.jpg"))  # noqa: PLW2901 - the same fact
        named.append(fact)
    return named


def back_to(progress: PassProgress, place: int) -> lines.Restored:
    """The line by which a pass becomes what it was."""
    return lines.Restored(
        at="b",
        checkpoint="before",
        state="paused",
        saved={shot: photo.name for shot, photo in progress.saved.items()},
        skipped=dict(progress.skipped),
        place=place,
        worked_s=progress.duration_s,
    )


@given(st.lists(FACTS, max_size=40))
def test_what_counts_agrees_with_the_photos_that_count(facts):
    progress = fold(facts, name=UPRIGHT)
    assert progress.bytes == sum(photo.bytes for photo in progress.saved.values())
    assert not set(progress.saved) & set(progress.skipped)
    assert not set(progress.saved) & set(progress.lost)
    assert all(photo.shot == shot and photo.pass_ == UPRIGHT for shot, photo in progress.saved.items())
    assert progress.retaken == sum(isinstance(fact, lines.Retaken) for fact in facts)
    assert progress.failures == sum(isinstance(fact, lines.Failed) for fact in facts)
    assert progress.lines == len(facts)
    for shot in progress.saved:
        assert progress.files[shot] == sum(isinstance(fact, lines.Saved) and fact.shot == shot for fact in facts)


def said(facts: list[lines.AnyLine]) -> PassState:
    """The state by the last fact that speaks of it; damage speaks where it strikes a photo of a completed pass."""
    states = {
        lines.Started: PassState.RUNNING,
        lines.Resumed: PassState.RUNNING,
        lines.Paused: PassState.PAUSED,
        lines.Finished: PassState.COMPLETED,
        lines.Cancelled: PassState.CANCELLED,
        lines.PassFailed: PassState.FAILED,
    }
    state = PassState.PLANNED
    for number, fact in enumerate(facts):
        if isinstance(fact, lines.Restored):
            state = PassState(fact.state)
        elif isinstance(fact, lines.Damaged) and state is PassState.COMPLETED:
            struck = fact.shot in fold(facts[:number], name=UPRIGHT).saved
            state = PassState.PAUSED if struck else state
        else:
            state = states.get(type(fact), state)
    return state


@given(st.lists(FACTS, max_size=40))
def test_the_last_word_on_the_state_decides(facts):
    progress = fold(facts, name=UPRIGHT)
    assert progress.state is said(facts)
    assert (progress.pause is not None) == (progress.state is PassState.PAUSED)
    assert (progress.ended_at is not None) == (
        progress.state in {PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED}
    )
    assert (progress.fault is not None) <= (progress.state is not PassState.RUNNING)


@given(st.lists(FACTS, max_size=40), st.integers(0, 40))
def test_line_by_line_is_the_same_as_all_at_once(facts, at):
    state = Fold(UPRIGHT)
    for fact in facts[:at]:
        state.apply(fact)
    middle = state.progress()
    for fact in facts[at:]:
        state.apply(fact)
    assert state.progress() == fold(facts, name=UPRIGHT)
    assert middle.lines <= state.lines


@given(st.lists(FACTS, max_size=20))
def test_unknown_facts_change_nothing_but_the_count(facts):
    unknown = lines.Unknown(seq=0, at="", event="levitated")
    mixed = [item for fact in facts for item in (unknown, fact)]
    one, other = fold(facts, name=UPRIGHT), fold(mixed, name=UPRIGHT)
    assert (one.state, one.saved, one.skipped, one.bytes) == (other.state, other.saved, other.skipped, other.bytes)


@given(st.lists(FACTS, max_size=30), st.lists(FACTS, max_size=30))
def test_whatever_happened_since_the_photos_of_a_moment_come_back(before, since):
    """Back to a moment, and forward again to where one was."""
    facts = numbered([*before, *since])
    then, now = fold(facts[: len(before)], name=UPRIGHT), fold(facts, name=UPRIGHT)
    back = [*facts, back_to(then, 8)]
    assert fold(back, name=UPRIGHT).saved == then.saved
    assert fold(back, name=UPRIGHT).skipped == then.skipped
    assert fold(back, name=UPRIGHT).bytes == then.bytes
    forward = fold([*back, back_to(now, 9)], name=UPRIGHT)
    assert (forward.saved, forward.skipped, forward.bytes) == (now.saved, now.skipped, now.bytes)
    assert forward.lost == {}
    assert forward.files == now.files


@given(st.lists(FACTS, max_size=40))
def test_the_number_of_files_of_a_shot_never_goes_back(facts):
    state, before = Fold(UPRIGHT), dict[int, int]()
    for fact in facts:
        state.apply(fact)
        assert all(state.files[shot] >= count for shot, count in before.items())
        before = dict(state.files)


@given(st.lists(FACTS, max_size=40))
def test_every_photo_is_current_lost_or_has_a_place(facts):
    state = Fold(UPRIGHT)
    for fact in numbered(facts):
        state.apply(fact)
    current = {photo.name for photo in state.saved.values()}
    assert state.photos.keys() <= current | set(state.lost.values()) | state.superseded.keys()
    assert not current & state.superseded.keys()
    assert not set(state.lost.values()) & state.superseded.keys()


def test_a_pass_goes_back_to_a_checkpoint():
    facts = [saved(1), saved(2), lines.Finished(at="e", reason="all", worked_s=9.0)]
    then = fold(facts[:1], name=UPRIGHT)
    progress = fold([*facts, back_to(then, 1)], name=UPRIGHT)
    assert set(progress.saved) == {1}
    assert progress.pause == Pause(by="operator", reason="restored", message="restored to checkpoint before")
    assert (progress.ended_at, progress.duration_s, progress.unsettled) == (None, 1.0, True)
    settled = fold([*facts, back_to(then, 1), lines.Superseded(place=1, files=())], name=UPRIGHT)
    assert not settled.unsettled


@pytest.mark.parametrize("state", ["completed", "cancelled", "failed"])
def test_a_pass_goes_back_to_an_end(state):
    line = structs.replace(back_to(fold([], name=UPRIGHT), 1), state=state)
    progress = fold([saved(1), line], name=UPRIGHT)
    assert (progress.state.value, progress.ended_at, progress.reason) == (state, "b", "restored to checkpoint before")
    assert (progress.fault is not None) == (state == "failed")


def test_damage_reopens_a_completed_pass_and_no_other():
    struck = lines.Damaged(shot=1, file=PhotoName("x.jpg"), reason="missing")
    finished = lines.Finished(at="e", reason="all", worked_s=1.0)
    progress = fold([saved(1), finished, struck], name=UPRIGHT)
    assert progress.pause is not None
    assert (progress.pause.by, progress.pause.reason, progress.pause.resumes_by_itself) == ("fault", "damaged", False)
    assert (progress.state, progress.ended_at) == (PassState.PAUSED, None)
    assert fold([saved(2), finished, struck], name=UPRIGHT).state is PassState.COMPLETED
    cancelled = lines.Cancelled(at="e", reason="no", worked_s=1.0)
    assert fold([saved(1), cancelled, struck], name=UPRIGHT).state is PassState.CANCELLED


def test_a_photo_that_was_lost_before_the_end_reopens_the_pass_when_it_is_said_again():
    struck = lines.Damaged(shot=1, file=PhotoName("upright-00001-main.jpg"), reason="missing")
    facts = [saved(1), saved(2), struck, lines.Finished(at="e", reason="", worked_s=1.0)]
    before = fold(facts, name=UPRIGHT)
    assert (before.state, before.lost) == (PassState.COMPLETED, {1: struck.file})
    after = fold([*facts, struck], name=UPRIGHT)
    assert after.pause is not None
    assert (after.state, after.pause.reason, after.ended_at) == (PassState.PAUSED, "damaged", None)
    assert (after.lost, after.bytes) == (before.lost, before.bytes)


def test_nothing_folded_is_a_planned_pass():
    progress = fold([], name=UPRIGHT)
    assert progress.state is PassState.PLANNED
    assert not progress.saved
    assert progress.started_at is None


def test_a_retake_takes_the_place_and_the_bytes():
    progress = fold([saved(1, 100), retaken(1, 250, 1)], name=UPRIGHT)
    assert progress.saved[1].name == "upright-00001-main_r1.jpg"
    assert (progress.bytes, progress.retaken, progress.files[1]) == (250, 1, 2)


def test_a_damaged_photo_is_planned_again_and_its_file_remembered():
    facts = [saved(1), saved(2), lines.Damaged(shot=1, file=PhotoName("upright-00001-main.jpg"), reason="hash")]
    progress = fold(facts, name=UPRIGHT)
    assert set(progress.saved) == {2}
    assert progress.lost == {1: "upright-00001-main.jpg"}
    assert progress.bytes == 100


def test_resuming_keeps_the_first_start_and_forgets_the_end():
    facts = [
        lines.Started(at="1", job_id=None, origin="cli", locked={MAIN: LOCKED}),
        lines.PassFailed(at="2", code="camera_gone", message="gone", worked_s=5.0),
        lines.Resumed(at="3", job_id=None, origin="cli", locked=None),
    ]
    progress = fold(facts, name=UPRIGHT)
    assert (progress.started_at, progress.ended_at, progress.fault, progress.reason) == ("1", None, None, "")
    assert progress.duration_s == 5.0
    assert progress.locked == {MAIN: LOCKED}


def test_cameras_locked_anew_join_those_that_hold():
    other = CameraName("top")
    facts = [
        lines.Started(job_id=None, origin="cli", locked={MAIN: LOCKED}),
        lines.Resumed(job_id=None, origin="cli", locked={other: LOCKED}),
    ]
    assert set(fold(facts, name=UPRIGHT).locked) == {MAIN, other}


def test_views_cannot_be_changed():
    progress = fold([saved(1)], name=UPRIGHT)
    with pytest.raises(TypeError):
        progress.saved[2] = progress.saved[1]  # type: ignore[index] - the point of it


def test_a_photo_without_measured_quality_says_so():
    values = {name: getattr(saved(1), name) for name in saved(1).__struct_fields__} | {"quality": None}
    photo = photo_of(UPRIGHT, lines.Saved(**values))
    assert (photo.sharpness, photo.clipped) == (None, None)
