"""Kill the daemon without warning while it scans, start it again, let it go on, and look what became of the photos.

One session is scanned from beginning to end by a daemon that is killed again and again: when it is heard to move,
settle or expose, when a ``.part`` file is seen, when a photo is seen that has not been announced. A client follows the
event stream all the while; what was announced to it must be there afterwards, byte for byte, and never taken again.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.daemon import Daemon, small_scan
from tests.support.stream import EventStream

AIMS = ("move", "settle", "expose", "part", "file")
SHOTS_PER_KILL = 7  # as many as may be taken between two kills, and some to spare
SPEED = 4.0  # slow enough for every phase to last longer than the events' own spacing
AIMING = 1.5  # seconds in which the moment aimed at should come
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill and the start after it. ``phase`` and ``shot`` are the last the client heard of, ``left`` what lay on
    disk that had not been announced; seconds.
    """

    number: int
    aim: str
    phase: str
    shot: int
    left: str
    announced: int
    restart: float


@dataclass(slots=True)
class Campaign:
    """Kills of one daemon over one session, and what the client knows of its photos."""

    daemon: Daemon
    random: random.Random
    kills: list[Kill] = field(default_factory=list)
    announced: dict[str, dict[str, Any]] = field(default_factory=dict)  # photo name -> as announced
    listed: frozenset[str] = frozenset()  # names of the photos that the daemon knew of at its last start
    session: str = ""
    job: str = ""

    def run(self, kills: int) -> None:
        """Scan one session with ``kills`` kills in it, to its end. Fails on whatever was lost or done twice."""
        shots = kills * SHOTS_PER_KILL + 2
        self.daemon.start()
        for number, aim in zip(range(1, kills + 1), itertools.cycle(AIMS), strict=False):
            with EventStream(self.daemon.port) as stream:
                self._go_on(number, shots)
                self._wait_for(stream, aim)
                self.daemon.kill()
                stream.wait(lambda *_: False, 5.0)
                self._note(stream)
                last = (stream.of("progress") or [{}])[-1]
            left = self._unannounced()
            self.daemon.start()
            self._check_announced()
            self.kills.append(
                Kill(
                    number=number,
                    aim=aim,
                    phase=str(last.get("phase")),
                    shot=int(last.get("shot") or 0),
                    left=left,
                    announced=len(self.announced),
                    restart=self.daemon.started_in,
                )
            )
        with EventStream(self.daemon.port) as stream:
            self._go_on(kills + 1, shots)
            self.daemon.until(lambda: self.daemon.job_state(self.job) in ENDED, "the job has ended", 300.0)
            self._note(stream)
        self._check_end(shots)

    def _go_on(self, number: int, shots: int) -> None:
        """Begin the scan, or go on with it: through the job and through the pass in turn."""
        if number == 1:
            job = self.daemon.scan(**small_scan(shots, title="Killed"))
            self.session, self.job = job["session_id"], job["id"]
            return
        (session,) = self.daemon.get("/api/sessions")["items"]
        assert session["id"] == self.session
        (one,) = session["passes"]
        assert one["state"] == "paused", one
        assert one["pause"]["by"] == "restart", one
        route = f"/api/sessions/{self.session}/passes/{one['name']}/resume"
        job = self.daemon.post(route if number % 2 else f"/api/jobs/{self.job}/resume")
        assert job["id"] == self.job, "resuming keeps the job"

    def _wait_for(self, stream: EventStream, aim: str) -> None:
        """Wait for a few photos, then for the moment aimed at; if it does not come soon, any moment will do."""
        photos = itertools.count(1)
        enough = self.random.randint(1, 3)
        found = stream.wait(lambda topic, _: topic == "photo_saved" and next(photos) >= enough, 30.0)
        assert found is not None, f"no photos come:\n{self.daemon.log[-3000:]}"
        if aim in ("part", "file"):
            self._watch_disk(stream, aim)
            return
        heard = len(stream.of("progress"))
        seen = itertools.count()
        stream.wait(
            lambda topic, data: topic == "progress" and next(seen) >= heard and data.get("phase") == aim, AIMING
        )
        time.sleep(self.random.uniform(0.0, 0.04))

    def _watch_disk(self, stream: EventStream, aim: str) -> None:
        (folder,) = {path.parent for path in self._images() if path.suffix == ".jpg"}
        end = time.monotonic() + AIMING
        while time.monotonic() < end:
            names = set(os.listdir(folder))  # noqa: PTH208 - as quick as can be
            if aim == "part" and any(name.endswith(".part") for name in names):
                return
            told = {event["photo"]["name"] for event in stream.of("photo_saved")} | {*self.announced, *self.listed}
            if aim == "file" and any(name.endswith(".jpg") and name not in told for name in names):
                return

    def _unannounced(self) -> str:
        """What this kill left on disk that nobody had been told of."""
        names = {path.name for path in self._images() if path.is_file()}
        parts = sum(name.endswith(".part") for name in names)
        files = sum(name.endswith(".jpg") and name not in {*self.announced, *self.listed} for name in names)
        return ", ".join([".part"] * parts + ["photo"] * files) or "-"

    def _note(self, stream: EventStream) -> None:
        for event in stream.of("photo_saved"):
            assert event["session_id"] == self.session, event
            photo = event["photo"]
            known = self.announced.setdefault(photo["name"], photo)
            assert known["sha256"] == photo["sha256"], f"announced twice, differently: {photo['name']}"
        shots = Counter(photo["shot"] for photo in self.announced.values())
        assert max(shots.values(), default=0) <= 1, f"taken again: {shots.most_common(3)}"

    def _check_announced(self) -> None:
        """All announced photos are on disk and listed as they were announced."""
        listed = {photo["name"]: photo["sha256"] for photo in self.daemon.photos(self.session)}
        for name, photo in self.announced.items():
            assert listed.get(name) == photo["sha256"], f"{name} was announced and is not listed"
            assert self._digest(name) == photo["sha256"], f"{name} is not what was announced"
        assert self.listed <= set(listed), "a photo that was listed is gone"
        self.listed = frozenset(listed)

    def _check_end(self, shots: int) -> None:
        assert self.daemon.job_state(self.job) == "completed", self.daemon.log[-3000:]
        photos = self.daemon.photos(self.session)
        assert sorted(photo["shot"] for photo in photos) == list(range(1, shots + 1))
        for photo in photos:
            assert self._digest(photo["name"]) == photo["sha256"], photo["name"]
        self._check_announced()
        files = {path.name for path in self._images() if path.is_file()}
        assert files == {photo["name"] for photo in photos}
        assert len(list(self.daemon.sessions.iterdir())) == 1

    def _images(self) -> list[Path]:
        """Every file of the session's photos, hidden ones too."""
        return list((self.daemon.sessions / self.session / "images").rglob("*"))

    def _digest(self, name: str) -> str:
        (path,) = [path for path in self._images() if path.name == name]
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def table(self) -> str:
        """The kills as a Markdown table."""
        rows = [
            "| kill | aimed at | last heard | shot | left on disk | announced | restart |",
            "|---|---|---|---|---|---|---|",
        ]
        rows += [
            f"| {kill.number} | {kill.aim} | {kill.phase} | {kill.shot} | {kill.left} | {kill.announced} "
            f"| {kill.restart:.2f} s |"
            for kill in self.kills
        ]
        return "\n".join(rows)


def campaign(directory: Path, kills: int, seed: int) -> Campaign:
    """A finished campaign of ``kills`` kills, below ``directory``."""
    daemon = Daemon(directory / "demo", speed=SPEED)
    daemon.measured = False
    done = Campaign(daemon, random.Random(seed))  # noqa: S311 - it chooses moments, not secrets
    try:
        done.run(kills)
    finally:
        daemon.kill()
    return done
