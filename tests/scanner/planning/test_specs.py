"""The two forms of a spec, and presets."""

from __future__ import annotations

import pytest

from scanner.errors import SpecError
from scanner.planning import apply_preset, normalise
from scanner.spec import CameraSettings, Fibonacci, PassSpec, Retake, Rings, ScanSpec, Spiral

FIELDS = {
    "plan": Spiral(),
    "cameras": ("main",),
    "camera": CameraSettings(quality=80),
    "lights": {"ring": 0.5},
    "settle": 1.0,
    "retake": Retake(attempts=3),
}


def test_pass_fields_at_the_top_make_one_pass_named_main():
    assert normalise(ScanSpec()) == (PassSpec(),)
    assert normalise(ScanSpec(title="x", **FIELDS)) == (PassSpec(name="main", **FIELDS),)


def test_passes_are_taken_as_they_are():
    passes = (PassSpec(name="a"), PassSpec(name="b"))
    assert normalise(ScanSpec(passes=passes)) == passes


@pytest.mark.parametrize("name", list(FIELDS))
def test_both_forms_at_once_are_refused(name):
    with pytest.raises(SpecError) as caught:
        normalise(ScanSpec(passes=(PassSpec(),), **{name: FIELDS[name]}))
    assert [fault["path"] for fault in caught.value.detail["errors"]] == [name]


def test_two_passes_of_one_name_are_refused():
    with pytest.raises(SpecError) as caught:
        normalise(ScanSpec(passes=(PassSpec(name="a"), PassSpec(name="b"), PassSpec(name="a"))))
    assert [fault["path"] for fault in caught.value.detail["errors"]] == ["passes[2].name"]


def test_a_preset_fills_in_what_is_left_out():
    preset = ScanSpec(plan=Fibonacci(), settle=2.0, tags=("a",), operator="anna", notes="n")
    spec = apply_preset(preset, ScanSpec(title="Vase", preset="even", settle=1.0, operator="bert"))
    assert spec == ScanSpec(
        title="Vase", preset="even", plan=Fibonacci(), settle=1.0, tags=("a",), operator="bert", notes="n"
    )


def test_top_fields_override_every_pass_of_a_preset():
    preset = ScanSpec(passes=(PassSpec(name="a", settle=2.0), PassSpec(name="b")))
    spec = apply_preset(preset, ScanSpec(plan=Spiral(), title="t"))
    assert spec.title == "t"
    assert normalise(spec) == (PassSpec(name="a", settle=2.0, plan=Spiral()), PassSpec(name="b", plan=Spiral()))
    assert normalise(apply_preset(preset, ScanSpec())) == preset.passes


def test_passes_replace_all_of_a_presets_passes():
    mine = (PassSpec(name="mine"),)
    for preset in (ScanSpec(passes=(PassSpec(name="a"),)), ScanSpec(plan=Rings(), camera=CameraSettings(quality=10))):
        assert normalise(apply_preset(preset, ScanSpec(passes=mine))) == mine
