"""Migration, its undoing, and import: whole at any moment, verified, and back bit for bit."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from scanner.errors import ConflictError, DamagedError, InvalidError, NotFoundError, SessionBusyError
from scanner.states import PassState
from scanner.storage import Files, SessionQuery
from scanner.storage.directory.marks import mark_names, read_mark
from scanner.storage.directory.recovery import recover_pass
from scanner.storage.directory.views import read_journal, read_session
from scanner.storage.disk.claims import sweep
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.formats import (
    Depth,
    import_current,
    import_session,
    list_all,
    load_any,
    load_legacy,
    merged_order,
    migrate,
    settle,
    undo,
)
from scanner.storage.formats.folder import Folder, open_plain
from scanner.storage.formats.intents import Intent, Source, declared, read_intent, token_of
from scanner.storage.journal.documents import read_pass_file
from scanner.storage.journal.lines import Migrated, Saved
from scanner.storage.journal.progress import fold
from tests.scanner.storage.formats.support import (
    BERLIN,
    IMAGES,
    PLAIN,
    WEB,
    add_photo,
    bench,
    dual,
    openscan,
    photos_of,
    picture,
    raspi,
    tree_hash,
    write,
)
from tests.scanner.storage.support import FailingFiles, PowerCutFiles, StepClock, new_session, plan, save, working
from tests.support.sample import sample


def small_raspi(sessions: Path) -> list[Path]:
    root = raspi(sessions, points=2, photos=2, state="running")
    write(root / "notes.txt", b"by hand")
    write(root / "manual_capture_camera_0.jpg", b"")
    return [root]


def small_dual(sessions: Path) -> list[Path]:
    web, images = dual(sessions)
    for path in sorted(images.rglob("f[2-5]_metadata.json")):
        path.unlink()
    for path in sorted(images.glob("images/scan_point_00[12]*")):
        path.unlink()
    return [web, images]


def small_project(sessions: Path) -> list[Path]:
    return [openscan(sessions, points=2, scans=1)]


KINDS = {"raspi": small_raspi, "dual": small_dual, "openscan": small_project}


class NoExchange(FailingFiles):
    """On a disk that cannot exchange names or link files."""

    def exchange(self, source: Path, target: Path) -> None:  # noqa: ARG002 - it never can
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def link(self, source: Path, target: Path) -> None:
        if target.suffix == ".jpg":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        super().link(source, target)


def hashes(root: Path) -> dict[str, str]:
    photos = [path for path in sorted(root.rglob("*.jpg")) if ".orphans" not in path.parts]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in photos}


def load(sessions: Path):
    (found,) = list_all(sessions, BERLIN).found
    return load_legacy(found.paths, BERLIN, session_id=found.id)


def visible(sessions: Path) -> list[str]:
    return sorted(path.name for path in sessions.iterdir() if not path.name.startswith("."))


def hidden(sessions: Path) -> list[str]:
    return sorted(path.name for path in sessions.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_migration_makes_a_whole_session_and_keeps_the_old_one(tmp_path, kind):
    roots = KINDS[kind](tmp_path)
    before = {root.name: tree_hash(root) for root in roots}
    legacy = load(tmp_path)
    assert migrate(bench(tmp_path), legacy) == legacy.id
    assert visible(tmp_path) == [legacy.id]
    assert hidden(tmp_path)[0] == f".migrated_{legacy.id}"
    story = json.loads((tmp_path / legacy.id / "metadata/legacy.json").read_text())
    assert {source["folder"]: tree_hash(tmp_path / source["kept_as"]) for source in story["sources"]} == before
    assert story["documents"].keys() == before.keys()
    record = load_any(tmp_path / legacy.id)
    assert record.passes == legacy.record.passes
    assert (record.session.format, record.session.damage) == ("current", ())
    for part in legacy.passes:
        for placed in part.placed:
            aside = "" if placed.shot else ".orphans"
            made = tmp_path / legacy.id / "images" / part.document.name / aside / placed.name
            assert made.read_bytes() == (tmp_path / story["sources"][-1]["kept_as"] / placed.picture.file).read_bytes()


def test_documents_journal_summary_and_manifest(tmp_path):
    root = raspi(tmp_path)
    add_photo(root, 1, 1, checksum="0" * 64)
    (root / "images/scan_point_002_camera_1.jpg").unlink()
    migrate(bench(tmp_path), load(tmp_path))
    paths = SessionPaths(tmp_path / PLAIN).pass_("images")
    lines = read_journal(paths).lines
    progress = fold(lines, name="images")
    assert (progress.state, len(progress.saved), len(progress.lost)) == (PassState.COMPLETED, 4, 2)
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert isinstance(lines[-1], Migrated)
    assert json.loads(paths.summary.read_text())["saved"] == 4
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", "metadata/passes/images/manifest.sha256"], cwd=tmp_path / PLAIN, check=False
    )
    assert done.returncode == 0
    assert (paths.images / "images-00004-camera-1.jpg").exists()
    assert next(line.file for line in lines if isinstance(line, Saved)) == "images-00001-camera-0.jpg"
    assert read_pass_file(paths.document).plan.kind == "list"


def test_a_pass_that_was_cut_off_can_be_taken_up_where_it_stood(tmp_path):
    """Recovery finds nothing to repair: the new directory is in order as it was built."""
    small_raspi(tmp_path)
    legacy = load(tmp_path)
    migrate(bench(tmp_path), legacy)
    paths = SessionPaths(tmp_path / PLAIN).pass_("images")
    assert not paths.summary.exists()
    assert not paths.manifest.exists()
    opened = recover_pass(Files(), StepClock(), paths, read_pass_file(paths.document))
    opened.journal.close()
    assert opened.notices == []
    assert opened.fold.state is PassState.PAUSED


def test_damaged_photos_without_a_shot_and_other_files_are_kept(tmp_path):
    root = raspi(tmp_path, photos=2, positions=False, state="completed")
    write(root / "manual_capture_camera_0.jpg", b"")
    write(root / "metadata/broken_metadata.json", b"{")
    write(root / "xmp_sidecar_files/a.xmp", b"<x/>")
    legacy = load(tmp_path)
    migrate(bench(tmp_path), legacy)
    new = tmp_path / PLAIN
    assert [path.stat().st_size for path in new.glob("images/images/.orphans/*")] == [0]
    below = new / "exports/legacy" / PLAIN
    assert (below / "xmp_sidecar_files/a.xmp").read_bytes() == b"<x/>"
    assert (below / "metadata/broken_metadata.json").read_bytes() == b"{"


def test_what_another_daemon_migrates_between_two_looks_is_not_migrated_again(tmp_path, monkeypatch):
    root = raspi(tmp_path)
    look = Folder.look

    def late(path: Path, *more) -> Folder:
        monkeypatch.undo()
        migrate(bench(tmp_path), load(tmp_path))
        return look(path, *more)

    monkeypatch.setattr(Folder, "look", late)
    with pytest.raises(NotFoundError, match="no session of an older format"):
        load_legacy(root, BERLIN)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("files", [Files, NoExchange])
def test_undo_gives_the_old_folders_back_bit_for_bit(tmp_path, kind, files):
    KINDS[kind](tmp_path)
    before = tree_hash(tmp_path)
    names = visible(tmp_path)
    legacy = load(tmp_path)
    work = bench(tmp_path, files())
    migrate(work, legacy)
    assert sorted(undo(work, legacy.id)) == names
    assert visible(tmp_path) == names
    (gone,) = hidden(tmp_path)
    assert gone == f".undone_{legacy.id}"
    assert read_session(SessionPaths(tmp_path / gone)).passes == legacy.record.passes
    shutil.rmtree(tmp_path / gone)
    assert tree_hash(tmp_path) == before
    migrate(work, load(tmp_path))
    undo(work, legacy.id)
    assert names == visible(tmp_path)


def check_and_finish(sessions: Path, truth: dict, *, undoing: bool = False) -> None:
    """The session is there once and whole, whatever was cut; settling and running again finish it."""
    for _ in range(2):
        listing = list_all(sessions, BERLIN).found
        assert [(found.id, found.session.photos) for found in listing] == [(truth["id"], len(truth["photos"]))]
        settle(bench(sessions))
        sweep(Files(), sessions)
    (found,) = listing
    if found.format != "current" and not undoing:
        migrate(bench(sessions), load_legacy(found.paths, BERLIN, session_id=found.id))
    if undoing and found.format == "current":
        undo(bench(sessions), found.id)
    if undoing:
        assert {root: tree_hash(sessions / root) for root in truth["trees"]} == truth["trees"]
    else:
        kept = [tree_hash(path) for path in sorted(sessions.glob(".migrated_*"))]
        assert sorted(kept) == sorted(truth["trees"].values())
        assert list(load_any(sessions / truth["id"]).passes) == truth["passes"]
        assert set(hashes(sessions / truth["id"] / "images").values()) == truth["photos"]
        check_mark(sessions / truth["id"], truth)
    left = [name for name in hidden(sessions) if not name.startswith((".migrated_", ".undone_"))]
    assert left == []


def check_mark(root: Path, truth: dict) -> None:
    """The only checkpoint tells how the session came."""
    assert mark_names(SessionPaths(root)) == ("auto-1",)
    mark = read_mark(SessionPaths(root), "auto-1")
    assert (mark.session_id, mark.name, mark.automatic, mark.left_out) == (truth["id"], "auto-1", True, ())
    assert [(one.name, one.state) for one in mark.passes] == [
        (record.info.name, record.info.state) for record in truth["passes"]
    ]
    assert {photo.sha256 for one in mark.passes for photo in one.saved} == truth["photos"]
    named = {photo.file: photo.sha256 for one in mark.passes for photo in one.saved}
    assert named.items() <= hashes(root / "images").items()


def truth_of(sessions: Path, roots: list[Path]) -> dict:
    legacy = load(sessions)
    photos = {photo.sha256 for photo in photos_of(legacy)}
    return {
        "id": legacy.id,
        "photos": photos,
        "passes": list(legacy.record.passes),
        "trees": {root.name: tree_hash(root) for root in roots},
    }


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("for_good", [False, True])
@pytest.mark.parametrize("files", [FailingFiles, NoExchange])
def test_migration_that_fails_at_any_operation(tmp_path, kind, for_good, files):
    """Once, or from then on (as after a kill): old or new is whole, and running again finishes."""
    roots = KINDS[kind](tmp_path / "truth")
    truth = truth_of(tmp_path / "truth", roots)
    number = 1 + sum(map(ord, kind)) % sample(3, 1)
    while True:
        sessions = tmp_path / "sessions"
        shutil.copytree(tmp_path / "truth", sessions)
        failing = files()
        legacy = load(sessions)
        failing.arm(number, errno.EIO, for_good=for_good)
        with suppress(OSError):
            migrate(bench(sessions, failing), legacy)
        if not failing.failed:
            break
        if files is not NoExchange or not gap(sessions, truth):
            check_and_finish(sessions, truth)
        shutil.rmtree(sessions)
        number += sample(3, 1)
    assert number > 30


def gap(sessions: Path, truth: dict) -> bool:
    """On a disk that cannot exchange names there is one moment without the name: starting finds both halves whole."""
    if list_all(sessions, BERLIN).found:
        return False
    settle(bench(sessions))
    check_and_finish(sessions, truth)
    return True


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("files", [FailingFiles, NoExchange])
def test_undoing_that_fails_at_any_operation(tmp_path, kind, files):
    roots = KINDS[kind](tmp_path / "truth")
    truth = truth_of(tmp_path / "truth", roots)
    migrate(bench(tmp_path / "truth"), load(tmp_path / "truth"))
    for number in range(1, 100):
        sessions = tmp_path / "sessions"
        shutil.copytree(tmp_path / "truth", sessions)
        failing = files()
        failing.arm(number, errno.EIO, for_good=True)
        with suppress(OSError):
            undo(bench(sessions, failing), truth["id"])
        if not failing.failed:
            break
        if not list_all(sessions, BERLIN).found:
            assert files is NoExchange
            settle(bench(sessions))
        check_and_finish(sessions, truth, undoing=True)
        shutil.rmtree(sessions)
    else:
        pytest.fail("it never came to an end")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_power_cut_at_any_moment_of_a_migration(tmp_path, kind):
    """At worst: only what was fsynced is there."""
    sessions = tmp_path / "sessions"
    roots = KINDS[kind](sessions)
    truth = truth_of(sessions, roots)
    moments: list[Path] = []
    step = sample(4, 1)

    def cut(files: PowerCutFiles) -> None:
        count[0] += 1
        if count[0] % step == 0 or files.near_the_end:
            moments.append(tmp_path / f"cut{count[0]}")
            files.materialise(sessions, moments[-1])

    class Cutting(PowerCutFiles):
        near_the_end = False

        def rename(self, source: Path, target: Path) -> None:
            self.near_the_end = self.near_the_end or target.name.startswith(".ready_")
            super().rename(source, target)

    count = [0]
    files = Cutting(cut)
    files.seed(sessions)
    migrate(bench(sessions, files), load(sessions))
    assert len(moments) > 15
    for moment in moments:
        check_and_finish(moment, truth)


def left_by_a_cut(files: PowerCutFiles, sessions: Path, target: Path) -> Path:
    files.materialise(sessions, target)
    return target


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_was_said_to_be_done_survives_a_power_cut(tmp_path, kind):
    """Also where the old software had not made its photos durable."""
    sessions, others = tmp_path / "sessions", tmp_path / "others"
    truth = truth_of(sessions, KINDS[kind](sessions))
    others.mkdir()
    files = PowerCutFiles()
    files.seed(sessions)
    files.seed(others)
    for path in sessions.rglob("*.jpg"):
        files._content.pop(path.stat().st_ino)
    legacy = load(sessions)
    for name in (import_session(bench(others, files), legacy).id, "again"):
        left = left_by_a_cut(files, others, tmp_path / f"cut-{name}")
        assert tree_hash(left / name) == tree_hash(others / name)
        import_current(
            bench(others, files), shutil.copytree(others / name, tmp_path / "stick/again", dirs_exist_ok=True)
        )
    migrate(bench(sessions, files), legacy)
    migrated = left_by_a_cut(files, sessions, tmp_path / "b")
    assert tree_hash(migrated / legacy.id) == tree_hash(sessions / legacy.id)
    assert [name for name in hidden(migrated) if not name.startswith(".migrated_")] == []
    files.seed(sessions)
    undo(bench(sessions, files), legacy.id)
    undone = left_by_a_cut(files, sessions, tmp_path / "c")
    assert {root: tree_hash(undone / root) for root in truth["trees"]} == truth["trees"]
    assert [name for name in hidden(undone) if not name.startswith(".undone_")] == []


class Replaying(Files):
    """Notes every change of a name among the sessions from the intent on, and keeps a copy of how it stood before.

    ``states``: what a power cut can leave: all that was done before the last fsync, and any of what came after it.
    """

    def __init__(self, sessions: Path, before: Path, *, exchanging: bool) -> None:
        self._sessions, self._before, self._exchanging = sessions, before, exchanging
        self.done: list[tuple[str, ...]] = []

    def _note(self, *operation: str | Path) -> None:
        names = [part.name if isinstance(part, Path) else part for part in operation]
        if self.done or names[-1].startswith(".migrating_"):
            if not self.done:
                shutil.copytree(self._sessions, self._before)
            self.done.append(tuple(names))

    def link(self, source: Path, target: Path) -> None:
        if target.parent == self._sessions:
            self._note("link", source, target)
        super().link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        if target.parent == self._sessions:
            self._note("rename", source, target)
        super().rename(source, target)

    def exchange(self, source: Path, target: Path) -> None:
        if not self._exchanging:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._note("exchange", source, target)
        super().exchange(source, target)

    def unlink(self, path: Path) -> None:
        if path.parent == self._sessions and self.done:
            self._note("unlink", path)
        super().unlink(path)

    def fsync_dir(self, directory: Path) -> None:
        if directory == self._sessions and self.done:
            self._note("fsync")
        super().fsync_dir(directory)

    def states(self) -> Iterator[list[tuple[str, ...]]]:
        seen = set()
        for moment in range(len(self.done) + 1):
            past = self.done[:moment]
            fence = max((place + 1 for place, done in enumerate(past) if done[0] == "fsync"), default=0)
            loose = past[fence:]
            for some in itertools.product((False, True), repeat=len(loose)):
                state = (*past[:fence], *(done for done, chosen in zip(loose, some, strict=True) if chosen))
                if state not in seen:
                    seen.add(state)
                    yield [done for done in state if done[0] != "fsync"]

    def replay(self, state: list[tuple[str, ...]], target: Path) -> None:
        shutil.copytree(self._before, target)
        for operation, *names in state:
            with suppress(OSError):  # it rests on one that did not happen
                getattr(Files, operation)(Files(), *(target / name for name in names))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("exchanging", [True, False])
@pytest.mark.parametrize("undoing", [False, True])
def test_renames_in_any_order_that_a_disk_may_keep(tmp_path, kind, exchanging, undoing):
    sessions = tmp_path / "sessions"
    truth = truth_of(sessions, KINDS[kind](sessions))
    files = Replaying(sessions, tmp_path / "before", exchanging=exchanging)
    if undoing:
        migrate(bench(sessions), load(sessions))
        undo(bench(sessions, files), truth["id"])
    else:
        migrate(bench(sessions, files), load(sessions))
    assert len(files.done) > 7
    for number, state in enumerate(files.states()):
        moment = tmp_path / f"cut{number}"
        files.replay(state, moment)
        if not list_all(moment, BERLIN).found:
            assert not exchanging
            settle(bench(moment))
        check_and_finish(moment, truth, undoing=undoing)
        shutil.rmtree(moment)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("exchanging", [True, False])
def test_a_power_cut_at_any_moment_of_an_undoing(tmp_path, kind, exchanging):
    class Cutting(PowerCutFiles):
        def exchange(self, source: Path, target: Path) -> None:
            if not exchanging:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            super().exchange(source, target)

    sessions = tmp_path / "sessions"
    truth = truth_of(sessions, KINDS[kind](sessions))
    migrate(bench(sessions), load(sessions))
    moments: list[Path] = []

    def cut(files: PowerCutFiles) -> None:
        moments.append(left_by_a_cut(files, sessions, tmp_path / f"cut{len(moments)}"))

    files = Cutting(cut)
    files.seed(sessions)
    undo(bench(sessions, files), truth["id"])
    for moment in moments:
        if not list_all(moment, BERLIN).found:
            assert not exchanging
            settle(bench(moment))
        check_and_finish(moment, truth, undoing=True)


def test_photos_are_linked_in_place_and_copied_where_that_is_not_possible(tmp_path):
    for files, links in ((Files, 2), (NoExchange, 1)):
        sessions = tmp_path / files.__name__
        raspi(sessions)
        migrate(bench(sessions, files()), load(sessions))
        assert {path.stat().st_nlink for path in sessions.glob(f"{PLAIN}/images/images/*.jpg")} == {links}


def test_a_photo_that_does_not_read_back_as_it_was_written(tmp_path):
    class Lying(NoExchange):
        def write(self, descriptor: int, data: bytes) -> None:
            super().write(descriptor, data.replace(b"\xff\xd9", b"\xff\xd8"))

    raspi(tmp_path)
    before = tree_hash(tmp_path)
    with pytest.raises(DamagedError, match="reads back as something else"):
        migrate(bench(tmp_path, Lying()), load(tmp_path))
    assert tree_hash(tmp_path) == before


def test_a_session_that_somebody_changes_meanwhile(tmp_path):
    root = raspi(tmp_path)
    legacy = load(tmp_path)
    (root / "images/scan_point_000_camera_0.jpg").write_bytes(picture(200))
    with pytest.raises(DamagedError, match="changed while"):
        migrate(bench(tmp_path), legacy)
    legacy = load(tmp_path)
    write(root / "new.txt", b"")
    with pytest.raises(ConflictError, match="somebody else"):
        migrate(bench(tmp_path), legacy)
    assert visible(tmp_path) == [PLAIN]
    assert hidden(tmp_path) == []


def test_what_cannot_be_migrated(tmp_path):
    root = raspi(tmp_path / "elsewhere")
    with pytest.raises(InvalidError, match="import it"):
        migrate(bench(tmp_path / "sessions"), load_legacy(root, BERLIN))
    with pytest.raises(InvalidError, match="not checked"):
        migrate(bench(tmp_path / "elsewhere"), load_legacy(root, BERLIN, depth=Depth.GLANCE))
    openscan(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/ceramic-owl").mkdir()
    legacy = load_legacy(tmp_path / "elsewhere/Ceramic Owl", BERLIN)
    with pytest.raises(ConflictError, match="is taken"):
        migrate(bench(tmp_path / "elsewhere"), legacy)


def test_a_migration_that_another_one_is_at(tmp_path):
    raspi(tmp_path)
    intent = Intent(id=PLAIN, token=PLAIN, sources=(Source(PLAIN, ".migrated_x"),))
    with declared(Files(), tmp_path, intent, "draft", lambda: None):
        with pytest.raises(SessionBusyError):
            migrate(bench(tmp_path), load(tmp_path))
        assert settle(bench(tmp_path)) == []
    migrate(bench(tmp_path), load(tmp_path))
    with declared(Files(), tmp_path, intent, "draft", lambda: None), pytest.raises(SessionBusyError):
        undo(bench(tmp_path), PLAIN)


class Overtaken(Files):
    """Somebody else does ``what`` wholly just before the intent is published."""

    def __init__(self, what: Callable[[], object]) -> None:
        self._what: Callable[[], object] | None = what

    def link(self, source: Path, target: Path) -> None:
        if target.name.startswith(".migrating_") and self._what is not None:
            what, self._what = self._what, None
            what()
        super().link(source, target)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_somebody_who_was_quicker_has_migrated_it_and_nothing_is_done_twice(tmp_path, kind):
    roots = KINDS[kind](tmp_path)
    before = sorted(tree_hash(root) for root in roots)
    legacy = load(tmp_path)
    first = replace(bench(tmp_path), token=lambda: "first")
    overtaken = bench(tmp_path, Overtaken(lambda: migrate(first, legacy)))
    with pytest.raises(ConflictError, match="changed by somebody else"):
        migrate(overtaken, legacy)
    assert token_of(tmp_path / legacy.id) == "first"
    assert sorted(tree_hash(path) for path in tmp_path.glob(".migrated_*")) == before
    assert [name for name in hidden(tmp_path) if not name.startswith(".migrated_")] == []
    with pytest.raises(NotFoundError):
        undo(bench(tmp_path, Overtaken(lambda: undo(first, legacy.id))), legacy.id)
    assert sorted(tree_hash(tmp_path / name) for name in visible(tmp_path)) == before
    assert [name for name in hidden(tmp_path) if not name.startswith(".undone_")] == []


def test_a_name_to_keep_it_under_that_is_taken_at_the_last_moment(tmp_path):
    raspi(tmp_path)
    before = tree_hash(tmp_path)
    overtaken = bench(tmp_path, Overtaken(lambda: write(tmp_path / f".migrated_{PLAIN}/x", b"")))
    with pytest.raises(ConflictError, match="is taken"):
        migrate(overtaken, load(tmp_path))
    shutil.rmtree(tmp_path / f".migrated_{PLAIN}")
    assert tree_hash(tmp_path) == before


def test_intents_that_say_nothing_are_left_alone(tmp_path):
    write(tmp_path / ".migrating_a.json", b"{")
    write(tmp_path / ".migrating_b.json.token.part", b"{")
    assert settle(bench(tmp_path)) == []
    assert hidden(tmp_path) == [".migrating_a.json"]
    assert read_intent(tmp_path / "none") is None


@pytest.mark.parametrize("given", ["no-such", "../x", PLAIN])
def test_nothing_to_go_back_to(tmp_path, given):
    raspi(tmp_path)
    with pytest.raises(NotFoundError, match="no way back"):
        undo(bench(tmp_path), given)


def test_no_way_back_where_the_old_folder_or_its_name_is_gone(tmp_path):
    openscan(tmp_path)
    migrate(bench(tmp_path), load(tmp_path))
    (tmp_path / "Ceramic Owl").mkdir()
    with pytest.raises(ConflictError, match="taken"):
        undo(bench(tmp_path), "ceramic-owl")
    (tmp_path / "Ceramic Owl").rmdir()
    shutil.rmtree(tmp_path / ".migrated_ceramic-owl")
    with pytest.raises(NotFoundError):
        undo(bench(tmp_path), "ceramic-owl")
    write(tmp_path / "ceramic-owl/metadata/legacy.json", {"format": "scanner-legacy", "token": "t", "sources": 3})
    with pytest.raises(NotFoundError):
        undo(bench(tmp_path), "ceramic-owl")


@pytest.mark.parametrize("text", [b"{", b'{"id": 3}', b'{"id": "\xff", "legacy_format": "openscan3"}'])
def test_a_session_is_read_though_its_story_cannot_be(tmp_path, text):
    openscan(tmp_path)
    migrate(bench(tmp_path), load(tmp_path))
    before = read_session(SessionPaths(tmp_path / "ceramic-owl")).session
    assert before.migrated_from == "openscan3"
    write(tmp_path / "ceramic-owl/metadata/legacy.json", text)
    assert read_session(SessionPaths(tmp_path / "ceramic-owl")).session == structs.replace(before, migrated_from=None)


def test_two_folders_that_a_person_says_are_one(tmp_path):
    web, images = dual(tmp_path, linked=False)
    legacy = load_legacy(merged_order(web, images), BERLIN)
    migrate(bench(tmp_path), legacy)
    assert visible(tmp_path) == [WEB]
    assert hidden(tmp_path) == [f".migrated_{WEB}", f".migrated_{IMAGES}"]
    assert undo(bench(tmp_path), WEB) == (WEB, IMAGES)


def test_import_copies_and_takes_the_same_in_once(tmp_path):
    source = tmp_path / "stick"
    roots = small_dual(source)
    openscan(source)
    before = tree_hash(source)
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    found = list_all(source, BERLIN).found
    for one in found:
        legacy = load_legacy(one.paths, BERLIN, session_id=one.id)
        assert import_session(bench(sessions), legacy).done
        assert not import_session(bench(sessions), legacy).done
    assert sorted(visible(sessions)) == sorted(one.id for one in found)
    assert hidden(sessions) == []
    assert tree_hash(source) == before
    write(roots[0] / "more.txt", b"")
    again = import_session(bench(sessions), load_legacy(roots[0], BERLIN))
    assert (again.done, again.id) == (True, f"{WEB}-2")
    with pytest.raises(NotFoundError):
        undo(bench(sessions), WEB)


@pytest.mark.parametrize("for_good", [False, True])
def test_import_that_fails_at_any_operation(tmp_path, for_good):
    small_raspi(tmp_path / "stick")
    legacy = load(tmp_path / "stick")
    before = tree_hash(tmp_path / "stick")
    number = 1
    while True:
        sessions = tmp_path / f"sessions{number}"
        sessions.mkdir()
        failing = FailingFiles()
        failing.arm(number, errno.ENOSPC, for_good=for_good)
        with suppress(OSError):
            import_session(bench(sessions, failing), legacy)
        if not failing.failed:
            break
        assert visible(sessions) in ([], [PLAIN])
        sweep(Files(), sessions)
        assert import_session(bench(sessions), legacy).id == PLAIN
        assert load_any(sessions / PLAIN).passes == legacy.record.passes
        assert hidden(sessions) == []
        number += sample(3, 1)
    assert tree_hash(tmp_path / "stick") == before


def test_a_name_that_is_taken_at_the_last_moment(tmp_path):
    class Late(Files):
        def rename(self, source: Path, target: Path) -> None:
            if target.name == PLAIN:
                write(target / "somebody", b"")
            super().rename(source, target)

    raspi(tmp_path / "stick")
    with pytest.raises(ConflictError, match="is taken"):
        import_session(bench(tmp_path, Late()), load(tmp_path / "stick"))
    assert hidden(tmp_path) == []


async def test_a_daemon_takes_migrated_sessions_for_its_own(place):
    place.sessions.mkdir(parents=True)
    small_raspi(place.sessions)
    migrate(bench(place.sessions), load(place.sessions))
    async with place.storage() as storage:
        session = await storage.get_session(PLAIN)
        assert (session.photos, session.state, session.format) == (2, PassState.PAUSED, "current")
        assert len(await storage.photos(PLAIN)) == 2
        assert (await storage.list_sessions(SessionQuery())).items[0].id == PLAIN
        assert await storage.photo_file(PLAIN, "images-00001-camera-0.jpg")


def test_what_cannot_be_opened_is_left_out_unless_it_is_a_whole_photo(tmp_path, monkeypatch):
    root = raspi(tmp_path)
    write(root / "locked.txt", b"")
    legacy = load(tmp_path)

    def refuse(path: Path) -> int:
        if path.name.startswith(refused):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_plain(path)

    monkeypatch.setattr("scanner.storage.formats.building.open_plain", refuse)
    refused = "scan_point_001"
    with pytest.raises(PermissionError):
        migrate(bench(tmp_path), legacy)
    assert (visible(tmp_path), hidden(tmp_path)) == ([PLAIN], [])
    refused = "locked"
    migrate(bench(tmp_path), legacy)
    assert json.loads((tmp_path / PLAIN / "metadata/legacy.json").read_text())["left_out"] == [f"{PLAIN}/locked.txt"]


def test_a_disk_that_fails_in_other_ways_is_reported(tmp_path):
    class Refusing(Files):
        def link(self, source: Path, target: Path) -> None:
            if target.suffix == ".jpg":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().link(source, target)

        def exchange(self, source: Path, target: Path) -> None:  # noqa: ARG002 - it never can
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    raspi(tmp_path)
    with pytest.raises(OSError, match="Input/output"):
        migrate(bench(tmp_path, Refusing()), load(tmp_path))
    Refusing.link = Files.link
    with pytest.raises(OSError, match="Read-only"):
        migrate(bench(tmp_path, Refusing()), load(tmp_path))
    files = PowerCutFiles()
    files.seed(tmp_path)
    assert settle(bench(tmp_path, files)) == [f"session {PLAIN}: the migration had been cut off and is now done"]
    assert settle(bench(tmp_path)) == []
    cut = left_by_a_cut(files, tmp_path, tmp_path.with_name(f"{tmp_path.name}-cut"))
    assert (visible(cut), hidden(cut)) == ([PLAIN], [f".migrated_{PLAIN}"])
    shutil.rmtree(cut)


def test_an_intent_of_which_nothing_came_is_taken_back(tmp_path):
    raspi(tmp_path)
    intent = Intent(id=PLAIN, token=PLAIN, sources=(Source(PLAIN, ".migrated_x"),))
    with suppress(KeyError), declared(Files(), tmp_path, intent, "draft", lambda: None):
        raise KeyError
    assert hidden(tmp_path) == [f".migrating_{PLAIN}.json"]
    assert settle(bench(tmp_path)) == [f"session {PLAIN}: the migration had been cut off and was taken back"]
    assert (visible(tmp_path), hidden(tmp_path)) == ([PLAIN], [])


def test_folders_that_make_the_same_name_are_kept_apart(tmp_path):
    first, second = raspi(tmp_path, "One", photos=0), raspi(tmp_path, "one_", state=None)
    legacy = load_legacy((first, second), BERLIN)
    migrate(bench(tmp_path), legacy)
    assert (visible(tmp_path), hidden(tmp_path)) == (["one"], [".migrated_one", ".migrated_one-part-1"])
    assert undo(bench(tmp_path), "one") == ("One", "one_")


def test_a_thousand_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.setattr("scanner.storage.formats.importing.MOST_NAMES", 3)
    raspi(tmp_path / "stick")
    for name in (PLAIN, f"{PLAIN}-2"):
        (tmp_path / name).mkdir()
    with pytest.raises(ConflictError):
        import_session(bench(tmp_path), load(tmp_path / "stick"))


def test_what_was_built_must_read_as_what_was_meant(tmp_path, monkeypatch):
    monkeypatch.setattr("scanner.storage.formats.bench.read_session", lambda _: None)
    raspi(tmp_path)
    with pytest.raises(DamagedError, match="did not become"):
        migrate(bench(tmp_path), load(tmp_path))
    assert (visible(tmp_path), hidden(tmp_path)) == ([PLAIN], [])


async def test_a_session_of_this_product_is_copied_as_it_is(storage, place, tmp_path):
    handle = await storage.create_session(new_session())
    async with working(storage, handle) as writer:
        for shot in plan(2).shots:
            await save(writer, shot)
    source = place.sessions / handle.id
    write(source / "images/upright/upright-00003-main.jpg.part", b"half")
    write(source / "metadata/passes/.new-x/pass.json", b"half")
    before = tree_hash(source)
    target = tmp_path / "elsewhere"
    target.mkdir()
    assert import_current(bench(target), source).id == handle.id
    assert not import_current(bench(target), source).done
    assert tree_hash(source) == before
    assert load_any(target / handle.id).passes == load_any(source).passes
    left_behind = {".session.lock.1", "upright-00003-main.jpg.part"}
    names = {path.name for path in source.rglob("*") if path.is_file() and ".new-x" not in path.parts}
    assert {path.name for path in (target / handle.id).rglob("*") if path.is_file()} == names - left_behind
    (source / "metadata/session.json").write_bytes(b"{}")
    renamed = source.rename(source.with_name("Renamed by hand"))
    assert import_current(bench(target), renamed).id == "renamed-by-hand"
    with pytest.raises(NotFoundError):
        import_current(bench(target), tmp_path)
