"""Several journals read as one: what counts of each, whatever became of them."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from scanner.errors import LockLostError
from scanner.states import PassState
from scanner.storage import Files
from scanner.storage.directory.generations import read_for, read_generations
from scanner.storage.disk.layout import generation_of
from scanner.storage.journal import lines
from scanner.storage.journal.lines import Accepted, LockTaken, encode_line
from scanner.storage.locks.lockfile import journal_path, journal_paths, lock_path, newest_journal
from scanner.storage.locks.passlock import PassLock
from tests.scanner.storage.sharing import SHARE, daemon
from tests.scanner.storage.support import PRESSED, UPRIGHT, names, new_session, save, working
from tests.scanner.storage.test_fencing import images, metadata, record, seen
from tests.support.memory import in_memory

AT = "2026-11-20T04:15:30.120Z"


def journal(directory, generation: int, facts, first: int, earlier=()) -> bytes:
    """Write the journal of a generation; its bytes."""
    taken = [] if generation == 1 else [LockTaken(generation=generation, host="h", origin="o", earlier=tuple(earlier))]
    stamped = [structs.replace(fact, seq=number, at=AT) for number, fact in enumerate([*taken, *facts], first)]
    data = b"".join(encode_line(line) for line in stamped)
    journal_path(directory, generation).write_bytes(data)
    return data


def accepted(generation: int, data: bytes) -> Accepted:
    return Accepted(generation=generation, length=len(data), sha256=hashlib.sha256(data).hexdigest())


def skips(*shots: int) -> list[lines.Line]:
    return [lines.Skipped(shot=shot, reason="r") for shot in shots]


def skipped(text) -> list[int]:
    return [line.shot for line in text.lines if isinstance(line, lines.Skipped)]


@pytest.fixture
def three(tmp_path):
    """Journals of three generations; the first two gained lines after they were taken over."""
    one = journal(tmp_path, 1, skips(1, 2), 1)
    two = journal(tmp_path, 2, skips(3), 3, [accepted(1, one)])
    journal(tmp_path, 3, skips(4, 5), 5, [accepted(1, one), accepted(2, two)])
    for generation, data in ((1, one), (2, two)):
        late = encode_line(lines.Skipped(shot=9, reason="late", seq=data.count(b"\n") + 1, at=AT))
        journal_path(tmp_path, generation).write_bytes(data + late)
    return tmp_path


def test_only_what_was_accepted_counts_of_the_earlier_ones(three):
    text = read_generations(three)
    assert skipped(text) == [1, 2, 3, 4, 5]
    assert [line.seq for line in text.lines] == list(range(1, 8))
    assert text.sound
    assert text.generation == 3
    assert [path.name for path in journal_paths(three)] == ["journal.jsonl", "journal-2.jsonl", "journal-3.jsonl"]


@given(noise=st.binary(max_size=80), generation=st.sampled_from([1, 2]))
def test_nothing_that_an_earlier_one_gains_changes_anything(noise, generation, tmp_path_factory):
    with in_memory(tmp_path_factory.mktemp("journals")) as directory:
        one = journal(directory, 1, skips(1, 2), 1)
        two = journal(directory, 2, skips(3), 3, [accepted(1, one)])
        journal(directory, 3, skips(4, 5), 5, [accepted(1, one), accepted(2, two)])
        before = read_generations(directory)
        with journal_path(directory, generation).open("ab") as file:
            file.write(noise)
        assert read_generations(directory) == before


def test_a_torn_end_of_the_newest_is_cut_off(three):
    with journal_path(three, 3).open("ab") as file:
        file.write(b'{"event":"skip')
    text = read_generations(three)
    assert skipped(text) == [1, 2, 3, 4, 5]
    assert text.torn == 14


@pytest.mark.parametrize("harm", ["shorter", "changed", "missing"])
def test_an_earlier_one_that_is_not_what_was_accepted_is_damage(three, harm):
    path = journal_path(three, 2)
    if harm == "shorter":
        path.write_bytes(path.read_bytes()[:60])
    elif harm == "changed":
        path.write_bytes(path.read_bytes().replace(b'"shot":3', b'"shot":8'))
    else:
        path.unlink()
    text = read_generations(three)
    assert text.damage == "journal-2.jsonl is not what it was when its pass was taken over"
    assert skipped(text)[:2] == [1, 2]
    assert {line.shot for line in text.hints if isinstance(line, lines.Skipped)} >= {4, 5}
    assert text.generation == 3
    assert text.head is not None
    first = lines.decode_line(text.head.rstrip())
    assert isinstance(first, LockTaken)
    journal_path(three, 3).write_bytes(text.head)  # what recovery does
    again = read_generations(three)
    assert again.sound
    assert again.lines == text.lines


def test_damage_in_the_first_lets_all_that_follows_be_proven_anew(three):
    path = journal_path(three, 1)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    text = read_generations(three)
    assert text.damage == "journal.jsonl is not what it was when its pass was taken over"
    assert skipped(text) == []
    assert {line.shot for line in text.hints if isinstance(line, lines.Skipped)} == {2, 3, 4, 5}
    assert text.head is not None
    journal_path(three, 3).write_bytes(text.head)
    assert read_generations(three).lines == text.lines


@pytest.mark.parametrize("content", [b"", b"noise\n", b'{"event":"lock_taken","generation":7}\n', b"\xff\xfe\n"])
def test_a_newest_one_whose_beginning_is_lost_does_not_hide_the_others(three, content):
    journal_path(three, 3).write_bytes(content)
    text = read_generations(three)
    assert text.damage == "the beginning of journal-3.jsonl is damaged"
    assert skipped(text)[:3] == [1, 2, 3]
    assert text.head is not None
    journal_path(three, 3).write_bytes(text.head)
    assert read_generations(three).sound


def test_a_newest_one_that_cannot_be_read_is_damage(three):
    journal_path(three, 3).unlink()
    journal_path(three, 3).mkdir()
    assert read_generations(three).damage is not None
    assert skipped(read_generations(three))[:3] == [1, 2, 3]


def test_no_journal_at_all_is_damage(tmp_path):
    assert "cannot be read" in (read_generations(tmp_path).damage or "")
    assert "cannot be read" in (read_generations(tmp_path / "nothing").damage or "")
    assert journal_paths(tmp_path / "nothing") == [tmp_path / "nothing" / "journal.jsonl"]


def test_a_generation_without_a_journal_of_its_own_is_passed_over(tmp_path):
    """Generation 2 was taken, and its holder frozen before it wrote anything; it wakes up when generation 3 works."""
    one = journal(tmp_path, 1, skips(1), 1)
    journal(tmp_path, 3, skips(2), 2, [accepted(1, one)])
    journal(tmp_path, 2, skips(7, 8, 9), 2, [accepted(1, one)])
    assert skipped(read_generations(tmp_path)) == [1, 2]
    lock = PassLock.take(Files(), tmp_path, record())
    assert lock.generation == 3  # a journal without its lock: the session was copied without hidden files
    lock.release()


def test_whoever_comes_with_an_old_lock_is_told(three):
    lock_path(three, 2).touch()
    lock = PassLock(Files(), three, 0, record(generation=2), shared=False, displaced=None)
    with pytest.raises(LockLostError):
        read_for(three, lock, AT)


def test_a_new_generation_begins_with_what_counts(three):
    lock = PassLock(Files(), three, 0, record(generation=4), shared=False, displaced=None)
    text = read_for(three, lock, AT)
    assert not text.sound
    assert text.head is not None
    first = json.loads(text.head)
    assert (first["event"], first["seq"], first["generation"]) == ("lock_taken", 8, 4)
    assert [part["generation"] for part in first["earlier"]] == [1, 2, 3]
    journal_path(three, 4).write_bytes(text.head)
    assert read_generations(three).lines == text.lines
    assert newest_journal(three) == 4


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        ("upright-00001-main.jpg", 1),
        ("upright-00001-main_r1_g12.jpg", 12),
        ("upright-00001-main_e0p5_f2_r1_g2.jpg.part", 2),
        ("journal.jsonl", 1),
        ("journal-3.jsonl.part", 3),
        ("session.json", 1),
    ],
)
def test_files_tell_their_generation(name, generation):
    assert generation_of(name) == generation


async def test_a_damaged_chain_is_rebuilt_from_its_photos(tmp_path):
    """Bit rot in the journal of the first generation, found when the third takes over: no photo is lost."""
    async with daemon(tmp_path, "one", sharing=SHARE) as one:
        handle = await one.create_session(new_session())
        for shots in ((0, 1), (2,)):
            async with working(one, handle) as writer:
                for number in shots:
                    await save(writer, writer.plan.shots[number])
                await writer.pause(PRESSED)
        assert newest_journal(metadata(tmp_path, handle)) == 2
        before = dict(seen(tmp_path, handle).saved)
        path = metadata(tmp_path, handle) / "journal.jsonl"
        rotten = path.read_bytes().splitlines(keepends=True)
        rotten[1] = rotten[1].replace(b'"shot":1', b'"shot":"1"')
        path.write_bytes(b"".join(rotten))
        assert seen(tmp_path, handle).saved != before
        async with working(one, handle) as writer:
            now = writer.progress.saved
            assert {shot: photo for shot, photo in now.items() if shot != 1} == {2: before[2], 3: before[3]}
            assert (now[1].name, now[1].sha256) == (before[1].name, before[1].sha256)  # its line is gone, it decodes
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all")
        assert sorted(seen(tmp_path, handle).saved) == [1, 2, 3, 4]
        assert {photo.name for photo in before.values()} <= set(names(images(tmp_path, handle)))


async def test_on_a_share_every_taking_is_a_generation(tmp_path):
    async with daemon(tmp_path, "one", sharing=SHARE) as one:
        handle = await one.create_session(new_session())
        for generation in (1, 2, 3):
            async with working(one, handle) as writer:
                assert writer.record.generation == generation
                photo = await save(writer, writer.plan.shots[generation - 1])
                assert generation_of(photo.name) == generation
                await writer.pause(PRESSED)
        async with working(one, handle) as writer:
            for shot in writer.remaining():
                await save(writer, shot)
            await writer.finish("all")
        assert seen(tmp_path, handle).state is PassState.COMPLETED
        assert len(await one.photos(handle.id, UPRIGHT)) == 4
        found = [name for name in names(metadata(tmp_path, handle)) if "lock" in name]
        assert found == [".session.lock.1", ".session.lock.2", ".session.lock.3", ".session.lock.4"]
    async with daemon(tmp_path, "fresh", sharing=SHARE) as fresh:
        await fresh.reconcile()
        assert (await fresh.get_session(handle.id)).photos == 4
