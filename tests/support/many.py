"""Very many session directories, made quickly: real documents and journals, only the photo files are left out.

Session number ``n`` is the same in every directory: two passes of 8 to 40 photos, mostly completed; operators, rigs,
presets, titles and tags repeat as they do in a museum.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from scanner.clock import utc_text
from scanner.model import (
    CameraInfo,
    CameraName,
    LockedSettings,
    ObjectRef,
    PassName,
    PhotoName,
    Plan,
    Quality,
    RigInfo,
    SessionId,
    Shot,
    Viewpoint,
    WhiteBalance,
)
from scanner.spec import PassSpec
from scanner.storage.disk.layout import SessionPaths, session_ids
from scanner.storage.journal import lines
from scanner.storage.journal.documents import PassFile, SessionFile, encode

BEGIN: Final = datetime(2021, 11, 20, 4, 15, 30, tzinfo=UTC)
SPAN: Final = timedelta(days=1825)  # over which any number of sessions is spread
SIZES: Final = (8, 16, 24, 32, 40)
PASSES: Final = ("upright", "flipped")
OPERATORS: Final = ("anna", "bert", "carla", "dmitri", "")
RIGS: Final = ("bench", "dome", "attic")
PRESETS: Final = ("quick", "standard", "fine", "coins", "archive", None)
COLOURS: Final = ("Blue", "Red", "Green", "White", "Black", "Golden", "Brown", "Striped")
THINGS: Final = (
    "vase",
    "bowl",
    "krug",
    "figurine",
    "coin",
    "shard",
    "mask",
    "plate",
    "spoon",
    "helmet",
    "lamp",
    "bead",
)
_MAIN: Final = CameraName("main")
_WORK: Final = timedelta(seconds=3)  # a photo


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of one session, to compare with."""

    id: SessionId
    state: str
    photos: int


def make_sessions(
    root: Path, count: int, *, of: int | None = None, first: int = 0, begin: datetime = BEGIN
) -> list[Made]:
    """Sessions ``first`` to ``first + count`` below ``root`` (the ``sessions`` directory), ``of`` so many in all."""
    root.mkdir(parents=True, exist_ok=True)
    return [_make(root, number, begin + SPAN * (number / (of or count))) for number in range(first, first + count)]


def _make(root: Path, number: int, begun: datetime) -> Made:
    chance = random.Random(number)  # noqa: S311 - nothing here is secret
    moment = begun + timedelta(milliseconds=number % 997)
    title = f"{chance.choice(COLOURS)} {chance.choice(THINGS)} {number}"
    session_id = session_ids(moment, title, 1)
    paths = SessionPaths(root / session_id)
    for name in PASSES:
        paths.pass_(PassName(name)).metadata.mkdir(parents=True)
        paths.pass_(PassName(name)).images.mkdir(parents=True)
    rig = chance.choice(RIGS)
    document = SessionFile(
        id=session_id,
        title=title,
        created_at=utc_text(moment),
        created_from=chance.choice(PRESETS),
        origin="web",
        operator=chance.choice(OPERATORS),
        object=ObjectRef(id=f"INV-{number:06}", label=f"Vitrine {number % 40}") if number % 3 == 0 else None,
        tags=("museum", f"batch-{number // 500}"),
        notes="fragile handle" if number % 50 == 0 else "",
        rig=rig,
        software="scanner 0.2.0",
    )
    paths.document.write_bytes(encode(document))
    fate = chance.choices(("finished", "paused", "cancelled", "planned"), (90, 5, 3, 2))[0]
    photos = 0
    for place, name in enumerate(PASSES, 1):
        size = chance.choice(SIZES)
        saved = {"finished": size, "planned": 0}.get(fate, size // 2)
        pass_paths = paths.pass_(PassName(name))
        at = utc_text(moment)
        text = _PASS_FILES[size, name].replace('"@@rig"', f'"{rig}"').replace('"number": 0', f'"number": {place}')
        pass_paths.document.write_bytes(text.replace("@@id", session_id).replace("@@at", at).encode())
        began = moment + timedelta(seconds=20 + place * 300)
        pass_paths.journal.write_bytes(_journal(name, saved, fate, began).encode())
        photos += saved
    state = {"finished": "completed"}.get(fate, fate)
    return Made(session_id, state, photos)


def _journal(name: str, saved: int, fate: str, began: datetime) -> str:
    if fate == "planned":
        return ""
    second = [utc_text(began + _WORK * shot) for shot in range(saved + 2)]
    text = [_STARTED.replace("@@at", second[0])]
    for shot, line in enumerate(_SAVED[name][:saved], 1):
        text.append(line.replace("@@at", second[shot]))
    text.append(
        _ENDS[fate]
        .replace('"seq":0', f'"seq":{saved + 2}')
        .replace("@@at", second[-1])
        .replace("9876.5", f"{3.0 * saved}")
    )
    return "".join(text)


def _pass_text(size: int, name: str) -> str:
    camera = CameraInfo(
        name=_MAIN,
        model="imx708",
        make="sony",
        width=4608,
        height=2592,
        focal_mm=4.7,
        sensor_width_mm=6.4,
        f_number=1.8,
        bytes_per_photo=4_000_000,
    )
    shots = tuple(
        Shot(index=index, viewpoint=Viewpoint(round(index * 360 / size, 3), 20.0), camera=_MAIN)
        for index in range(1, size + 1)
    )
    document = PassFile(
        session_id=SessionId("@@id"),
        name=PassName(name),
        number=0,
        created_at="@@at",
        spec=PassSpec(name=name),
        plan=Plan(kind="rings", shots=shots),
        rig=RigInfo(name="@@rig", geometry=None, fixed_elevation=None, cameras=(camera,)),
        submission=None,
    )
    return encode(document).decode()


def _saved_text(name: str, shot: int) -> str:
    line = lines.Saved(
        seq=shot + 1,
        at="@@at",
        shot=shot,
        camera=_MAIN,
        planned=Viewpoint(shot * 9.0, 20.0),
        measured=Viewpoint(shot * 9.0 + 0.0137, 20.004),
        file=PhotoName(f"{name}-{shot:05}-main.jpg"),
        bytes=4_000_000 + shot * 1373,
        sha256=f"{shot:02x}" * 32,
        width=4608,
        height=2592,
        taken_at="@@at",
        exposure_us=8000,
        gain=1.0,
        white_balance=WhiteBalance(red=2.1, blue=1.4),
        lens_position=None,
        quality=Quality(sharpness=100.5 + shot, clipped=0.00125, shadows=0.0133, mean=0.512),
        sharpness_relative=0.983,
        settle_s=0.312,
        capture_s=0.118,
        worked_s=3.0 * shot,
    )
    return lines.encode_line(line).decode()


_LOCKED: Final = LockedSettings(
    exposure_us=8000,
    gain=1.0,
    white_balance=WhiteBalance(red=2.1, blue=1.4),
    lens_position=None,
    width=4608,
    height=2592,
)
_STARTED: Final = lines.encode_line(
    lines.Started(seq=1, at="@@at", job_id=None, origin="web", host="scan-pi", locked={_MAIN: _LOCKED})
).decode()
_SAVED: Final = {name: [_saved_text(name, shot) for shot in range(1, max(SIZES) + 1)] for name in PASSES}
_PASS_FILES: Final = {(size, name): _pass_text(size, name) for size in SIZES for name in PASSES}
_ENDS: Final = {
    "finished": lines.encode_line(lines.Finished(at="@@at", reason="complete", worked_s=9876.5)).decode(),
    "cancelled": lines.encode_line(lines.Cancelled(at="@@at", reason="unwanted", worked_s=9876.5)).decode(),
    "paused": lines.encode_line(
        lines.Paused(at="@@at", by="user", reason="paused", message="", resumes_by_itself=False, worked_s=9876.5)
    ).decode(),
}
