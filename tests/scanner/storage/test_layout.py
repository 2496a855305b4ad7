"""Names and paths: safe, sortable, unique."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import SessionNotFoundError, SpecError
from scanner.model import PHOTO_NAME, SESSION_ID, CameraName, PassName, SessionId, Shot, Viewpoint
from scanner.spec import CameraSettings
from scanner.storage.disk.layout import Layout, check_names, is_photo_name, photo_name, session_ids, stamped_at

MOMENT = datetime(2026, 11, 20, 4, 15, 30, tzinfo=UTC)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)


def shot(index: int, camera: str = "main", **more: float) -> Shot:
    return Shot(index=index, viewpoint=Viewpoint(0.0, 0.0), camera=CameraName(camera), **more)


@pytest.mark.parametrize(
    ("title", "attempt", "wanted"),
    [
        ("Blue vase", 1, "20261120-041530-blue-vase"),
        ("Blue vase", 2, "20261120-041530-blue-vase-2"),
        ("", 1, "20261120-041530-scan"),
        ("///", 3, "20261120-041530-scan-3"),
    ],
)
def test_session_ids(title, attempt, wanted):
    assert session_ids(MOMENT, title, attempt) == wanted


@given(st.text(max_size=200), st.integers(1, 1000))
def test_every_title_makes_a_safe_id(title, attempt):
    assert SESSION_ID.fullmatch(session_ids(MOMENT, title, attempt))


@pytest.mark.parametrize("session_id", ["", "..", "a/b", "A", "../../etc", "a\n", "a" * 81, ".new-1", "ä", "a\0"])
def test_what_is_no_session_id_never_becomes_a_path(session_id):
    with pytest.raises(SessionNotFoundError):
        Layout(Path("/data"), Path("/state")).session(SessionId(session_id))


@pytest.mark.parametrize(
    ("settings", "given", "taken", "wanted"),
    [
        (CameraSettings(), shot(9), 0, "upright-00009-main.jpg"),
        (CameraSettings(), shot(9), 2, "upright-00009-main_r2.jpg"),
        (CameraSettings(bracket_ev=(-1.0, 0.0, 1.0)), shot(9, ev=-1.0), 0, "upright-00009-main_e-1.jpg"),
        (CameraSettings(bracket_ev=(-1.0, 0.0, 1.0)), shot(9), 0, "upright-00009-main_e0.jpg"),
        (CameraSettings(bracket_ev=(-0.33,)), shot(9, ev=-0.33), 1, "upright-00009-main_e-0p33_r1.jpg"),
        (CameraSettings(bracket_ev=(0.0, 2.5)), shot(9, ev=2.5), 0, "upright-00009-main_e2p5.jpg"),
        (CameraSettings(focus_steps=(1.0, 2.0)), shot(9, focus=2.0), 0, "upright-00009-main_f1.jpg"),
    ],
)
def test_photo_names(settings, given, taken, wanted):
    name = photo_name(PassName("upright"), given, settings, taken)
    assert name == wanted
    assert PHOTO_NAME.fullmatch(name)


@given(st.floats(-8, 8, allow_nan=False), st.integers(0, 20))
def test_every_bracket_has_a_name(ev, taken):
    assert is_photo_name(photo_name(PassName("p"), shot(1, ev=ev), CameraSettings(bracket_ev=(ev, 0.0)), taken))


@given(NAMES, NAMES, NAMES, NAMES, st.integers(1, 10_000), st.integers(1, 10_000))
def test_names_that_are_let_through_never_collide(one, camera, other, second_camera, first, second):
    for name, lens in ((one, camera), (other, second_camera)):
        try:
            check_names(name, frozenset({lens}))
        except SpecError:
            return
    names = [
        photo_name(PassName(name), shot(index, lens), CameraSettings(), 0)
        for name, index, lens in ((one, first, camera), (other, second, second_camera))
    ]
    assert (names[0] == names[1]) == ((one, camera, first) == (other, second_camera, second))


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "a_b", "x" * 49, "batch-20231", "20231", "20231-x", "a\n"])
def test_names_that_are_refused(name):
    with pytest.raises(SpecError, match="the pass name"):
        check_names(name, frozenset())
    with pytest.raises(SpecError, match="the camera name"):
        check_names("upright", frozenset({name}))


@pytest.mark.parametrize("name", ["../x.jpg", ".x.jpg", "x/y.jpg", "x.jpg\n", "x.part", "x", "", "ä.jpg"])
def test_what_is_no_photo_name(name):
    assert not is_photo_name(name)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("20261120-041530-blue-vase", "2026-11-20T04:15:30.000Z"),
        ("20261120-041530", "2026-11-20T04:15:30.000Z"),
        ("20261320-041530-no-month", ""),
        ("2cbedbd0-97bb-405c-9afa-e7f7d5954f7a", ""),
        ("", ""),
    ],
)
def test_the_moment_with_which_a_name_begins(name, moment):
    assert stamped_at(name) == moment
