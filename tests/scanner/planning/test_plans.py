"""From specs to frozen plans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.decoding import decode
from scanner.errors import PlanTooLargeError, SpecError
from scanner.model import MAX_SHOTS
from scanner.planning import make_plan, make_plans
from scanner.spec import CameraSettings, Fibonacci, Grid, Listed, PassSpec, Ring, Rings, ScanSpec, Spiral
from tests.scanner.planning.rigs import TILTED, TWO_CAMERAS

ONE = Listed(viewpoints=((0, 10),))


def one_pass(**values):
    """A pass of two viewpoints."""
    return PassSpec(**({"plan": Listed(viewpoints=((0, 10), (90, 20)))} | values))


def faults(error, call, *args):
    """Path -> message."""
    with pytest.raises(error) as caught:
        call(*args)
    return {fault["path"]: fault["message"] for fault in caught.value.detail["errors"]}


def test_shots_are_numbered_in_the_order_they_are_taken():
    settings = CameraSettings(bracket_ev=(-1.0, 1.0), focus_steps=(2.0, 3.0))
    plan = make_plan(one_pass(camera=settings), TWO_CAMERAS)
    assert [shot.index for shot in plan.shots] == list(range(1, 17))
    assert [(shot.viewpoint.azimuth, shot.camera, shot.focus, shot.ev) for shot in plan.shots] == [
        (azimuth, camera, focus, ev) for azimuth in (0, 90) for camera in "ab" for focus in (2, 3) for ev in (-1, 1)
    ]


def test_a_plain_pass_has_one_shot_a_viewpoint_and_camera():
    plan = make_plan(one_pass(cameras=("b",)), TWO_CAMERAS)
    assert [(shot.camera, shot.ev, shot.focus) for shot in plan.shots] == [("b", 0, None)] * 2


@pytest.mark.parametrize("plan", [Rings(), Fibonacci(), Spiral(), Grid(), ONE])
def test_a_plan_knows_its_kind(plan):
    kind = make_plan(PassSpec(plan=plan), TILTED).kind
    assert isinstance(decode(PassSpec, {"plan": {"kind": kind}}).plan, type(plan))


def test_ten_thousand_shots_are_allowed_and_not_one_more():
    most = Rings(rings=(Ring(count=MAX_SHOTS, elevation=10),))
    assert len(make_plan(PassSpec(plan=most), TILTED).shots) == MAX_SHOTS
    more = Rings(rings=(Ring(count=MAX_SHOTS, elevation=10), Ring(count=1, elevation=20)))
    with pytest.raises(PlanTooLargeError) as caught:
        make_plan(PassSpec(plan=more), TILTED)
    assert caught.value.detail["shots"] == 10_001
    assert caught.value.detail["limit"] == MAX_SHOTS
    assert caught.value.detail["errors"][0]["path"] == "passes[0].plan"
    assert "10,001 shots are too many" in caught.value.message


@pytest.mark.parametrize(
    "spec",
    [
        PassSpec(plan=Grid(azimuth_step=1e-300, elevation_step=1e-300)),
        PassSpec(plan=Listed(csv="0,10\n" * 10_001)),
        PassSpec(plan=Rings(rings=(Ring(count=3000, elevation=10),)), camera=CameraSettings(focus_steps=(1, 2, 3, 4))),
        PassSpec(plan=Fibonacci(count=2501), camera=CameraSettings(bracket_ev=(-1, 0, 1, 2))),
    ],
)
def test_every_way_to_ask_for_too_many_is_refused_quickly(spec):
    with pytest.raises(PlanTooLargeError):
        make_plan(spec, TILTED)


def test_cameras_multiply_too():
    spec = PassSpec(plan=Rings(rings=(Ring(count=5001, elevation=10),)))
    assert len(make_plan(spec, TILTED).shots) == 5001
    with pytest.raises(PlanTooLargeError):
        make_plan(spec, TWO_CAMERAS)


def test_all_faults_of_all_passes_come_at_once():
    spec = ScanSpec(
        passes=(
            PassSpec(name="a", cameras=("mian",), lights={"rign": 1.0}, plan=Fibonacci(elevation=(-5, 50))),
            PassSpec(
                name="b", camera=CameraSettings(width=9000, height=9000, bracket_ev=(0, 1, 1), focus_steps=(2, 2))
            ),
            PassSpec(name="c", cameras=("main", "main")),
            PassSpec(name="d", cameras=("main",), lights={"ring": 1.0}),
        )
    )
    assert faults(SpecError, make_plans, spec, TILTED) == {
        "passes[0].cameras[0]": "'mian' is unknown; did you mean 'main'?",
        "passes[0].lights.rign": "is unknown; did you mean 'ring'?",
        "passes[0].plan.elevation[0]": "-5 degrees is beyond the tilt's range of 0 to 80",
        "passes[1].camera.width": "must be at most 4608, all that camera 'main' has",
        "passes[1].camera.height": "must be at most 2592, all that camera 'main' has",
        "passes[1].camera.bracket_ev[2]": "1 stands there twice",
        "passes[1].camera.focus_steps[1]": "2 stands there twice",
        "passes[2].cameras[1]": "main stands there twice",
    }


def test_paths_follow_the_form_of_the_spec():
    assert set(faults(SpecError, make_plans, ScanSpec(cameras=("x",)), TILTED)) == {"cameras[0]"}
    assert set(faults(SpecError, make_plan, PassSpec(cameras=("x",)), TILTED)) == {"passes[0].cameras[0]"}


def test_lights_are_not_checked_where_they_are_not_known():
    assert make_plan(one_pass(lights={"any": 0.5}), TWO_CAMERAS).shots


def test_a_picture_size_is_checked_for_the_cameras_that_take_part():
    assert make_plan(one_pass(cameras=("a",), camera=CameraSettings(width=2000)), TWO_CAMERAS).shots
    assert set(faults(SpecError, make_plan, one_pass(camera=CameraSettings(width=2000)), TWO_CAMERAS)) == {
        "passes[0].camera.width"
    }


def test_every_pass_gets_its_plan():
    spec = ScanSpec(passes=(PassSpec(name="a", plan=ONE), PassSpec(name="b")))
    made = make_plans(spec, TILTED)
    assert [(one.name, len(plan.shots)) for one, plan in made] == [("a", 1), ("b", 72)]
    ((alone, plan),) = make_plans(ScanSpec(), TILTED)
    assert (alone.name, len(plan.shots)) == ("main", 72)


@given(st.integers(1, 60), st.integers(1, 3), st.integers(1, 3), st.sampled_from([TILTED, TWO_CAMERAS]))
def test_the_number_of_shots_is_the_product(count, ev, focus, limits):
    settings = CameraSettings(
        bracket_ev=tuple(float(step) for step in range(ev)), focus_steps=tuple(float(step) for step in range(focus))
    )
    plan = make_plan(PassSpec(plan=Fibonacci(count=count), camera=settings), limits)
    assert len(plan.shots) == count * ev * focus * len(limits.cameras)
    assert len({(s.viewpoint, s.camera, s.ev, s.focus) for s in plan.shots}) == len(plan.shots)
