"""The model of a power cut: what must be there, what may be there, and what can never be."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crash.disk import BLOCK, Content, Disk, Leaf, Tree, identity
from tests.crash.plain import read_tree, write_tree
from tests.crash.record import MADE, Op, Recorder

Plain = dict[str, bytes | None]


def chance() -> random.Random:
    """The same for every use."""
    return random.Random(1)  # noqa: S311 - it chooses states, not secrets


def plain(tree: Tree) -> Plain:
    return {path: None if leaf is None else leaf.content.data for path, leaf in tree.items()}


def disk(*done: Op, **files: bytes) -> Disk:
    """A disk with these files, all durable, and a directory ``d``, after these operations."""
    leaves = {name: Leaf(number, Content(data)) for number, (name, data) in enumerate(files.items(), 1)}
    made = Disk({**leaves, "d": None})
    for op in done:
        made.apply(op)
    return made


def left(disk: Disk) -> list[Plain]:
    """All that may be left, without the directory ``d`` where it is empty."""
    trees = [plain(tree) for tree in disk.left(1000, chance())]
    return [{path: data for path, data in tree.items() if path != "d"} for tree in trees]


def same(found: Iterable[Plain], expected: Iterable[Plain]) -> bool:
    return sorted(map(repr, found)) == sorted(map(repr, expected))


def written(name: str, data: bytes) -> tuple[Op, Op]:
    return Op(name=MADE, path=name, file=1), Op(name="write", path=name, file=1, data=data, mtime=7)


SYNC = Op(name="fsync", path="", file=1)


def names(name: str, path: str, other: str = "") -> Op:
    return Op(name=name, path=path, other=other)


SYNC_DIR = names("fsync_dir", ".")


def test_what_was_not_fsynced_is_there_whole_in_part_as_zeros_or_not_at_all():
    assert same(left(disk(*written("a", b"1234"))), [{}, *({"a": data} for data in (
        b"1234", b"", b"1", b"12", b"123", b"\0\0\0\0"
    ))])  # fmt: skip


def test_a_name_may_be_there_without_its_content_and_the_content_without_its_name():
    assert {"a": b""} in left(disk(*written("a", b"12"), SYNC_DIR))
    assert same(left(disk(*written("a", b"12"), SYNC)), [{}, {"a": b"12"}])
    assert same(left(disk(*written("a", b"12"), SYNC, SYNC_DIR)), [{"a": b"12"}])


def test_a_durable_write_in_the_right_order_is_old_or_new():
    done = (*written("a.part", b"new"), SYNC, names("rename", "a.part", "a"))
    assert same(left(disk(*done, a=b"old")), [{"a": b"old"}, {"a": b"old", "a.part": b"new"}, {"a": b"new"}])
    assert same(left(disk(*done, SYNC_DIR, a=b"old")), [{"a": b"new"}])
    unsafe = [op for op in done if op is not SYNC]
    assert {"a": b""} in left(disk(*unsafe, a=b"old"))


def test_changes_of_the_same_name_keep_their_order():
    done = (names("rename", "a", "b"), names("rename", "b", "c"))
    assert same(left(disk(*done, a=b"1")), [{"a": b"1"}, {"b": b"1"}, {"c": b"1"}])


def test_changes_of_other_names_come_in_any_order():
    done = (names("rename", "a", "b"), names("rename", "c", "d2"))
    pairs = itertools.product(({"a": b"1"}, {"b": b"1"}), ({"c": b"2"}, {"d2": b"2"}))
    assert same(left(disk(*done, a=b"1", c=b"2")), [dict(sorted((one | other).items())) for one, other in pairs])


def test_a_link_may_be_lost_although_the_first_name_is_gone():
    found = left(disk(names("link", "a", "b"), names("unlink", "a"), a=b"1"))
    assert same(found, [{"a": b"1"}, {"a": b"1", "b": b"1"}, {"b": b"1"}, {}])


def test_an_exchange_is_one_step():
    found = left(disk(names("exchange", "a", "b"), a=b"1", b=b"2"))
    assert same(found, [{"a": b"1", "b": b"2"}, {"a": b"2", "b": b"1"}])


def test_a_move_between_directories_is_durable_when_both_were_fsynced():
    move = names("rename", "a", "d/a")
    both = [{"a": b"1"}, {"d/a": b"1"}]
    assert same(left(disk(move, a=b"1")), both)
    assert same(left(disk(move, SYNC_DIR, a=b"1")), both)
    assert same(left(disk(move, names("fsync_dir", "d"), a=b"1")), both)
    assert same(left(disk(move, names("fsync_dir", "d"), SYNC_DIR, a=b"1")), [{"d/a": b"1"}])


def test_what_is_durable_in_a_directory_without_a_durable_name_is_lost():
    made = (names("mkdir", "e"), Op(name=MADE, path="e/a", file=1), names("fsync_dir", "e"))
    assert same(left(disk(*made)), [{}, {"e": None, "e/a": b""}])


def test_a_later_change_brings_the_earlier_ones_of_its_name():
    moved = (names("rename", "a", "d/a"), *written("a", b"2"), SYNC)
    assert same(left(disk(*moved, a=b"1")), [{"a": b"1"}, {"d/a": b"1"}, {"a": b"2", "d/a": b"1"}])
    assert same(left(disk(*moved, SYNC_DIR, a=b"1")), [{"a": b"2", "d/a": b"1"}])


def test_appending_is_torn_and_overwriting_is_not():
    opened = Op(name="open", path="a", file=1)
    appended = disk(opened, Op(name="write", path="a", file=1, data=b"cd", offset=2), a=b"ab")
    assert same(left(appended), [{"a": b"ab"}, {"a": b"abc"}, {"a": b"abcd"}, {"a": b"ab\0\0"}])
    over = disk(opened, Op(name="pwrite", path="a", file=1, data=b"XY", offset=1), a=b"abcd")
    assert same(left(over), [{"a": b"abcd"}, {"a": b"aXYd"}])
    cut = disk(opened, Op(name="truncate", path="a", file=1, offset=1), a=b"abcd")
    assert same(left(cut), [{"a": b"abcd"}, {"a": b"a"}])


def test_a_block_in_the_middle_may_be_zeros():
    data = b"x" * (3 * BLOCK)
    found = left(disk(*written("a", data), SYNC_DIR))
    assert {"a": b"x" * BLOCK + bytes(BLOCK) + b"x" * BLOCK} in found


def test_times_come_and_go_with_the_content():
    times = {leaf.content for tree in disk(*written("a", b"1"), SYNC_DIR).left(9, chance())
             for leaf in tree.values() if leaf}  # fmt: skip
    assert {content.mtime for content in times if content.data} == {7}


def test_all_are_enumerated_where_that_is_feasible_else_telling_ones_and_some_by_chance():
    many = [names("unlink", str(number)) for number in range(4)]
    files = {str(number): b"" for number in range(4)}
    assert len(left(disk(*many, **files))) == 16
    few = disk(*many, **files)
    assert len(list(few.left(12, chance()))) == 12
    assert plain(next(few.left(12, chance()))) == {"d": None}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "rename", "exchange", "link", "unlink", "mkdir", "rmdir", "sync", "cut"]),
        st.sampled_from(["a", "b", "d/a", "d/b", "e", "e/a"]),
        st.sampled_from(["a", "b", "d/a", "d/b", "e", "e/a"]),
    ),
    max_size=25,
)


def step(files: Recorder, root: Path, what: str, one: Path, other: Path) -> None:
    """One operation on the real disk; those that cannot be done are not."""
    if what in ("write", "cut"):
        descriptor = files.open(one, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if what == "write" else 0))
        try:
            files.write(descriptor, one.name.encode() * 5)
            if what == "cut":
                files.truncate(descriptor, 3)
                files.pwrite(descriptor, b"X", 1)
        finally:
            files.close(descriptor)
    elif what == "sync":
        files.fsync_dir(root)
    elif what in ("unlink", "mkdir", "rmdir"):
        getattr(files, what)(one)
    else:
        getattr(files, what)(one, other)


@given(STEPS)
def test_the_model_goes_as_the_real_disk_goes(steps):
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "data"
        (root / "d").mkdir(parents=True)
        before = read_tree(root)
        files = Recorder(root)
        for what, one, other in steps:
            try:
                step(files, root, what, root / one, root / other)
            except OSError:
                continue
        disk = Disk(before)
        for op in files.operations:
            disk.apply(op)
        assert identity(disk.whole()) == identity(read_tree(root))
        write_tree(disk.whole(), root.with_name("copy"))
        assert identity(read_tree(root.with_name("copy"))) == identity(read_tree(root))
        for name in ["", *(path for path, leaf in disk.whole().items() if leaf is None)]:
            disk.apply(names("fsync_dir", name or "."))
        assert set(plain(disk.worst())) == set(plain(disk.whole()))


def test_what_is_elsewhere_is_not_recorded(tmp_path):
    (tmp_path / "data").mkdir()
    files = Recorder(tmp_path / "data")
    descriptor = files.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    files.write(descriptor, b"x")
    files.fsync(descriptor)
    files.close(descriptor)
    files.rename(tmp_path / "other", tmp_path / "another")
    files.fsync_dir(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.unlink(tmp_path / "data/nothing")
    files.tell("something", 1)
    assert files.operations == []
    assert [entry.fact.what for entry in files.entries] == ["something"]
