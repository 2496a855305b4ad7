"""Folders of the older formats, made in code with any oddity, and the tree hashes that prove them unchanged."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

from scanner.model import Photo
from scanner.storage import Files
from scanner.storage.formats import Bench, LegacySession, load_legacy
from scanner.storage.formats.passes import progress_of
from tests.scanner.storage.support import StepClock

BERLIN = ZoneInfo("Europe/Berlin")
WEB = "241484e3-de30-43df-8448-d2fdb7d1d2ce"
IMAGES = "8b184bae-5993-4910-a00d-0e106e59fa30"
PLAIN = "2cbedbd0-97bb-405c-9afa-e7f7d5954f7a"
BEGUN = datetime.fromisoformat("2025-10-12T14:03:11.284517")  # local time
EPOCH = 1760270591.284517


def picture(number: int) -> bytes:
    """A whole JPEG, another one for every number."""
    target = io.BytesIO()
    Image.new("RGB", (32, 24), (number * 37 % 256, number * 91 % 256, number * 13 % 256)).save(target, "JPEG")
    return target.getvalue()


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=2).encode())
    return path


def tree_hash(root: Path) -> str:
    """As the samples' README defines it."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file()):
        name = path.relative_to(root).as_posix()
        if name in {"expected.json", "README.md"}:
            continue
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def load(root: Path, **more: Any) -> LegacySession:
    """Load a folder; looking leaves every byte as it was."""
    before = tree_hash(root)
    legacy = load_legacy(root, BERLIN, **more)
    assert tree_hash(root) == before
    return legacy


def flags(legacy: LegacySession) -> list[tuple[str, str]]:
    """What is wrong with which file."""
    return sorted((flag.file, flag.flag.value) for flag in legacy.flagged)


def place(index: int) -> dict[str, float]:
    return {"x": 30.0, "y": 40.0, "z": index * 60.0, "c": -20.0}


def raspi(
    sessions: Path, name: str = PLAIN, *, title: str = "Blue vase", points: int = 3, photos: int | None = None, **more
) -> Path:
    """A session of the predecessor with two cameras. ``photos``: how many were taken, None for all.

    Further: ``session`` (fields over those of session.json, None: no file), ``state`` (word, None: no file),
    ``long`` (sidecars with 15 keys), ``positions`` (False: none).
    """
    root = sessions / name
    (root / "metadata").mkdir(parents=True)
    session = {
        "session_id": name, "scan_name": title, "description": "Cylindrical scan", "operator": "Web Interface User",
        "start_time": EPOCH, "scan_parameters": {},
    }  # fmt: skip
    given = more.get("session", {})
    if given is not None:
        write(root / "metadata/session.json", session | given)
    if more.get("positions", True):
        items = [{"point_index": index, "position": place(index)} for index in range(points)]
        positions = {"scan_info": {"scan_id": name, "total_points": points}, "scan_positions": items}
        for target in (root, root / "metadata"):
            write(target / f"{name}_scan_positions.json", positions)
    word = more.get("state", "completed")
    if word is not None:
        write(root / f"{name}_state.json", state_file(name, word, points))
    taken = itertools.islice(itertools.product(range(points), range(2)), photos)
    for index, camera in taken:
        add_photo(root, index, camera, long=more.get("long", False))
    return root


def state_file(name: str, word: str, points: int) -> dict[str, object]:
    return {
        "scan_id": name, "status": word, "phase": "cleanup", "last_successful_point": None, "errors": [],
        "progress": {"current_point": 0, "total_points": points, "images_captured": 0},
        "timing": {"start_time": BEGUN.isoformat(), "end_time": None, "elapsed_time": 38.14},
        "scan_parameters": {"scan_name": "Name in the state", "total_points": points},
        "metadata": {"created_at": BEGUN.isoformat(), "version": "2.0"},
    }  # fmt: skip


def add_photo(root: Path, index: int, camera: int, *, long: bool = False, **over) -> Path:
    """A photo and its sidecar; ``over`` replaces fields of the sidecar (``sidecar=None``: none)."""
    number = index * 2 + camera
    data = picture(number)
    path = write(root / "images" / f"scan_point_{index:03}_camera_{camera}.jpg", data)
    if over.get("sidecar", ...) is None:
        return path
    exposed = {"ExposureTime": 32746, "AnalogueGain": 8.0, "LensPosition": 6.25, "ColourTemperature": 4100}
    sidecar = {
        "file_id": f"f{number}", "filename": path.name, "session_id": root.name, "data_type": "scan_image",
        "file_path": f"/home/pi/scanner_data/sessions/{root.name}/images/{path.name}", "file_size": len(data),
        "checksum": hashlib.sha256(data).hexdigest(), "scan_point_id": f"point_{index:03}", "camera_id": str(camera),
        "created_at": (BEGUN + timedelta(seconds=10 + number)).isoformat(),
        "metadata": {"scan_point_index": index, "camera_metadata": exposed, "scan_position": place(index)},
    }  # fmt: skip
    if long:
        sidecar |= {
            "position_data": place(index), "lighting_settings": {"flash_used": True}, "tags": ["point"],
            "camera_settings": {"picamera2_metadata": exposed, "embedded_exif": {"make": "Arducam", "model": "64MP"}},
        }  # fmt: skip
    write(root / "metadata" / f"f{number}_metadata.json", sidecar | over)
    return path


def dual(sessions: Path, *, linked: bool = True) -> tuple[Path, Path]:
    """One scan in two folders: documents in the first, photos in the second."""
    web = raspi(sessions, WEB, title="Chess knight", photos=0)
    parameters = {"scan_id": WEB, "total_points": 3} if linked else {}
    over = {"start_time": EPOCH + 0.4, "operator": "web_user", "scan_parameters": parameters}
    images = raspi(sessions, IMAGES, title="Chess knight", state=None, positions=False, session=over)
    if linked:
        positions = (web / f"{WEB}_scan_positions.json").read_bytes()
        write(images / "metadata" / f"{WEB}_scan_positions.json", positions)
    return web, images


def openscan(projects: Path, name: str = "Ceramic Owl", *, points: int = 4, scans: int = 2, **more) -> Path:
    """A project of OpenScan3. Further: ``photos`` (taken), ``status``, ``stacks``, ``project`` (None: no file)."""
    root = projects / name
    listed = {f"scan{number:02}": {"index": number} for number in range(1, scans + 1)}
    project = {
        "name": name, "path": f"/var/openscan3/projects/{name}", "created": "2026-02-14T16:20:05.120450",
        "description": "on the shelf", "uploaded": False, "scans": listed,
    }  # fmt: skip
    if more.get("project", ...) is not None:
        write(root / "openscan_project.json", project | more.get("project", {}))
    write(root / "thumbnail.jpg", picture(99))
    for number in range(1, scans + 1):
        _scan(root, number, points, more)
    return root


def _scan(root: Path, number: int, points: int, more: dict) -> None:
    scan = root / f"scan{number:02}"
    stacks = more.get("stacks", 1)
    order = [*range(points - 1, 0, -1), 0]
    names = [
        f"{scan.name}_{step:03}" + (f"_fs{stack:02}" if stacks > 1 else "") + ".jpg"
        for step in order
        for stack in range(stacks)
    ][: more.get("photos")]
    write(scan / "scan.json", {
        "project_name": root.name, "index": number, "created": f"2026-02-14T16:2{number}:05", "duration": 26.1,
        "status": more.get("status", "completed"), "camera_name": "imx519", "current_step": len(names) + 1,
        "settings": {"points": points, "focus_stacks": stacks, "focus_range": [10.0, 15.0], "image_format": "jpeg"},
        "system_message": None, "last_updated": "2026-02-14T16:29:31", "description": "upright", "photos": names,
    })  # fmt: skip
    write(scan / "path.json", {"points": [
        {"execution_step": place, "original_step": step, "polar": {"theta": 30.0 + step, "fi": step * 40.0, "r": 1.0}}
        for place, step in enumerate(order)
    ]})  # fmt: skip
    for count, file in enumerate(names):
        step = int(file[7:10])
        write(scan / file, picture(number * 50 + count))
        write(scan / "metadata" / f"{file[:-4]}.json", {
            "format": "jpeg",
            "camera_metadata": {"raw_metadata": {"ExposureTime": 49998, "AnalogueGain": 1.0, "LensPosition": 12.0}},
            "scan_metadata": {"step": step, "polar_coordinates": {"theta": 30.0 + step, "fi": step * 40.0}},
        })  # fmt: skip


def bench(sessions: Path, files: Files | None = None) -> Bench:
    tokens: Callable[[], str] = map("token{}".format, itertools.count(1)).__next__
    return Bench(files=files or Files(), sessions=sessions, clock=StepClock(), token=tokens)


def photos_of(legacy: LegacySession) -> list[Photo]:
    """Its photos by pass and shot."""
    found = [progress_of(part).saved for part in legacy.passes]
    return [saved[shot] for saved in found for shot in sorted(saved)]
