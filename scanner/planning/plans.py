"""Plans: viewpoints times cameras, focus steps and exposure brackets, in the order they are taken."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.decoding import Faults, Keys, unknown
from scanner.errors import InvalidError, PlanTooLargeError, SpecError
from scanner.model import MAX_SHOTS, CameraInfo, Plan, Shot
from scanner.planning.motion import RigLimits
from scanner.planning.specs import normalise
from scanner.planning.viewpoints import count_viewpoints, make_viewpoints
from scanner.spec import CameraSettings, PassSpec, ScanSpec


def make_plans(spec: ScanSpec, limits: RigLimits) -> tuple[tuple[PassSpec, Plan], ...]:
    """Every pass of a spec with its plan.

    Errors: as :func:`normalise` and :func:`make_plan`, all faults of all passes at once.
    """
    found = Faults()
    passes = normalise(spec)
    places: list[Keys] = [("passes", index) for index in range(len(passes))] if spec.passes is not None else [()]
    plans = [(one, _plan(one, limits, found, keys)) for one, keys in zip(passes, places, strict=True)]
    if found.count:
        raise found.error(SpecError)
    return tuple(plans)


def make_plan(spec: PassSpec, limits: RigLimits, *, keys: Keys = ("passes", 0)) -> Plan:
    """The plan of one pass: shots numbered from 1, in order. ``keys``: where the pass stands, for the paths of faults.

    Errors: SpecError with every fault (out of range, unknown camera or light, a picture too large), PlanTooLargeError.
    """
    found = Faults()
    plan = _plan(spec, limits, found, keys)
    if found.count:
        raise found.error(SpecError)
    return plan


def chosen_cameras(spec: PassSpec, limits: RigLimits) -> tuple[CameraInfo, ...]:
    """The cameras of a pass, in the order they take their photos: those it names, else all."""
    known = {camera.name: camera for camera in limits.cameras}
    names = known if spec.cameras is None else [name for name in spec.cameras if name in known]
    return tuple(camera for name, camera in known.items() if name in names)


def _plan(spec: PassSpec, limits: RigLimits, found: Faults, keys: Keys) -> Plan:
    before = found.count
    kind = str(spec.plan.__struct_config__.tag)
    _check_devices(spec, limits, found, keys)
    _check_camera(spec.camera, chosen_cameras(spec, limits), found, (*keys, "camera"))
    cameras = len(spec.cameras or limits.cameras)
    viewpoints = count_viewpoints(spec.plan, limits)
    count = viewpoints * cameras * len(spec.camera.bracket_ev) * len(spec.camera.focus_steps or (None,))
    if count > MAX_SHOTS:
        raise _too_large(count, found, (*keys, "plan"))
    points = make_viewpoints(spec.plan, limits, found, (*keys, "plan"))
    if found.count > before:
        return Plan(kind=kind, shots=())
    places = (
        (point, camera.name, ev, focus)
        for point in points
        for camera in chosen_cameras(spec, limits)
        for focus in spec.camera.focus_steps or (None,)
        for ev in spec.camera.bracket_ev
    )
    shots = (
        Shot(index=index, viewpoint=point, camera=camera, ev=ev, focus=focus)
        for index, (point, camera, ev, focus) in enumerate(places, 1)
    )
    return Plan(kind=kind, shots=tuple(shots))


def _too_large(count: int, found: Faults, keys: Keys) -> InvalidError:
    message = f"{count:,} shots are too many: a pass may have {MAX_SHOTS:,}; take fewer viewpoints, or more passes"
    found.add(keys, message)
    return found.error(PlanTooLargeError, shots=count, limit=MAX_SHOTS)


def _check_devices(spec: PassSpec, limits: RigLimits, found: Faults, keys: Keys) -> None:
    cameras = [str(camera.name) for camera in limits.cameras]
    for index, name in enumerate(spec.cameras or ()):
        if name not in cameras:
            found.add((*keys, "cameras", index), f"{name!r} {unknown(name, cameras)}")
    _check_repeats(spec.cameras or (), found, (*keys, "cameras"))
    if limits.lights is not None:
        for name in spec.lights or {}:
            if name not in limits.lights:
                found.add((*keys, "lights", name), unknown(name, limits.lights))


def _check_camera(settings: CameraSettings, cameras: Iterable[CameraInfo], found: Faults, keys: Keys) -> None:
    for camera in cameras:
        for side, asked, most in (("width", settings.width, camera.width), ("height", settings.height, camera.height)):
            if asked is not None and asked > most:
                found.add((*keys, side), f"must be at most {most}, all that camera {camera.name!r} has")
    _check_repeats(settings.bracket_ev, found, (*keys, "bracket_ev"))
    _check_repeats(settings.focus_steps or (), found, (*keys, "focus_steps"))


def _check_repeats(values: Iterable[object], found: Faults, keys: Keys) -> None:
    """Two equal shots of one viewpoint would be one photo."""
    seen: set[object] = set()
    for index, value in enumerate(values):
        if value in seen:
            found.add((*keys, index), f"{value} stands there twice")
        seen.add(value)
