"""From what was asked for to passes: the two forms of a ScanSpec, and presets."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from scanner.decoding import Faults
from scanner.errors import SpecError
from scanner.spec import PassSpec, ScanSpec

PASS_FIELDS: Final = ("plan", "cameras", "camera", "lights", "settle", "retake")  # of a single pass named "main"


def normalise(spec: ScanSpec) -> tuple[PassSpec, ...]:
    """The passes of a spec; pass fields at its top make a single pass named "main".

    Errors: SpecError if both forms are used at once, or two passes have one name.
    """
    found = Faults()
    given = _given(spec, PASS_FIELDS)
    if spec.passes is None:
        return (PassSpec(**given),)
    for name in given:
        found.add((name,), "stands beside `passes`: put it into the passes it is meant for")
    names: set[str] = set()
    for index, one in enumerate(spec.passes):
        if one.name in names:
            found.add(("passes", index, "name"), f"{one.name!r} is the name of an earlier pass")
        names.add(one.name)
    if found.count:
        raise found.error(SpecError)
    return spec.passes


def apply_preset(preset: ScanSpec, spec: ScanSpec) -> ScanSpec:
    """``spec`` with what it leaves out taken from ``preset``.

    A field is taken whole. Pass fields at the top of ``spec`` override the same field in every pass of the preset;
    ``passes`` replaces all of the preset's.
    """
    given = _given(spec, PASS_FIELDS)
    values: dict[str, Any] = {}
    for name in ScanSpec.__struct_fields__:
        mine = getattr(spec, name)
        values[name] = getattr(preset, name) if mine in (None, "", ()) else mine
    if spec.passes is not None:
        values |= {name: getattr(spec, name) for name in PASS_FIELDS}
    elif preset.passes is not None and given:
        values |= dict.fromkeys(PASS_FIELDS)
        values["passes"] = tuple(msgspec.structs.replace(one, **given) for one in preset.passes)
    return ScanSpec(**values)


def _given(spec: ScanSpec, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(spec, name)) is not None}
