"""Reading journals whatever is in them, and appending to them whatever the disk does."""

from __future__ import annotations

import errno

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.storage.journal import lines
from scanner.storage.journal.lines import decode_line, encode_line
from scanner.storage.journal.text import JournalFile, parse, set_aside
from tests.scanner.storage.support import FailingFiles, StepClock

FACTS = [
    lines.Started(job_id=None, origin="cli", locked={}),
    lines.Failed(shot=1, code="camera_timeout", message="no picture"),
    lines.Skipped(shot=1, reason="broken"),
    lines.Paused(by="user", reason="paused", message="", resumes_by_itself=False, worked_s=1.0),
    lines.Finished(reason="all", worked_s=2.0),
]


def text_of(facts, first: int = 1) -> bytes:
    return b"".join(
        encode_line(msgspec.structs.replace(fact, seq=number, at="2026-11-20T04:15:30.120Z"))
        for number, fact in enumerate(facts, first)
    )


def test_every_line_comes_back():
    text = parse(text_of(FACTS))
    assert [type(line) for line in text.lines] == [type(fact) for fact in FACTS]
    assert text.sound
    assert text.length == len(text_of(FACTS))


def test_an_empty_journal_is_sound():
    assert parse(b"").sound
    assert parse(b"").lines == ()


@given(cut=st.integers(min_value=0))
def test_a_cut_anywhere_loses_at_most_the_last_line(cut):
    whole = text_of(FACTS)
    data = whole[: cut % (len(whole) + 1)]
    text = parse(data)
    complete = data.count(b"\n")
    assert text.damage is None
    assert len(text.lines) in {complete, complete + 1}  # all but the newline may have been written
    assert whole.startswith(text_of(FACTS)[: text.length])
    assert text.length + text.torn == len(data)
    assert text.sound == (data.endswith(b"\n") or not data)


@given(tail=st.binary(min_size=1, max_size=60).filter(lambda tail: b"\n" not in tail and b"{" not in tail))
def test_noise_behind_the_last_line_is_torn(tail):
    text = parse(text_of(FACTS) + tail)
    assert (len(text.lines), text.torn, text.damage) == (len(FACTS), len(tail), None)
    assert parse(text_of(FACTS) + tail + b"\n").torn == len(tail) + 1


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_never_guessed_over(position, bit):
    data = bytearray(text_of(FACTS))
    data[position % len(data)] ^= 1 << bit
    text = parse(bytes(data))
    originals = parse(text_of(FACTS)).lines
    line = bytes(text_of(FACTS))[: position % len(data)].count(b"\n")
    assert text.lines[:line] == originals[:line]
    if text.damage is None and not text.torn:
        assert len(text.lines) == len(originals)  # the flip made another valid value of the same line


def test_damage_before_the_last_line_ends_the_reading_and_keeps_hints():
    rows = text_of(FACTS).splitlines(keepends=True)
    rows[2] = b'{"event": "skip\n'
    text = parse(b"".join(rows))
    assert len(text.lines) == 2
    assert text.damage is not None
    assert "line 3" in text.damage
    assert [type(line) for line in text.hints] == [lines.Paused, lines.Finished]
    assert not text.sound


def test_a_missing_line_is_damage_even_if_it_was_the_last_but_one():
    rows = text_of(FACTS).splitlines(keepends=True)
    text = parse(b"".join(rows[:3] + rows[4:]))
    assert len(text.lines) == 3
    assert text.damage is not None
    assert "number 5 stands where 4 belongs" in text.damage
    assert len(text.hints) == 1


def test_unknown_events_are_kept_without_effect():
    data = text_of(FACTS[:1]) + b'{"event":"levitated","seq":2,"at":"x","height":3}\n' + text_of(FACTS[1:2], first=3)
    text = parse(data)
    assert text.sound
    assert isinstance(text.lines[1], lines.Unknown)


def test_a_known_event_with_wrong_fields_is_no_unknown_event():
    with pytest.raises(ValueError, match="shot"):
        decode_line(b'{"event":"skipped","seq":2,"at":"x","shot":"three","reason":""}')


@pytest.mark.parametrize(
    "raw", [b"[]", b"7", b'{"event":"saved"}', b"\xff\xfe", b'{"seq":1,"at":""}', b'{"event":"new"}']
)
def test_what_is_no_line_is_a_value_error(raw):
    with pytest.raises(ValueError, match=r"."):
        decode_line(raw)


def test_lines_of_newer_versions_may_have_more_fields():
    line = decode_line(b'{"event":"skipped","seq":1,"at":"x","shot":3,"reason":"r","by":"anna"}')
    assert line == lines.Skipped(seq=1, at="x", shot=3, reason="r")


class Journal:
    def __init__(self, path, files=None):
        self.path, self.files = path, files or FailingFiles()
        if not path.exists():
            path.write_bytes(b"")
        self.file = JournalFile(self.files, StepClock(), path, parse(path.read_bytes()))

    def read(self):
        return parse(self.path.read_bytes())


@pytest.fixture
def journal(tmp_path):
    opened = Journal(tmp_path / "journal.jsonl")
    yield opened
    opened.file.close()


def test_appended_lines_are_numbered_and_timed(journal):
    first, second = journal.file.append(FACTS[0]), journal.file.append(FACTS[1])
    assert (first.seq, second.seq) == (1, 2)
    assert first.at < second.at
    assert journal.read().lines == (first, second)


def test_a_fact_that_has_a_time_keeps_it(journal):
    line = journal.file.append(lines.Finished(at="2026-01-01T00:00:00.000Z", reason="", worked_s=0.0))
    assert line.at == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("operation", [1, 2, 3])
def test_after_a_failed_append_the_file_is_written_anew(journal, operation):
    """Operations of the first append: open, write, fsync."""
    journal.files.arm(operation, errno.EIO)
    before = journal.path.stat().st_ino
    with pytest.raises(OSError, match="Input/output"):
        journal.file.append(FACTS[0])
    journal.files.arm(None)
    kept = journal.file.append(FACTS[1])
    assert kept.seq == 1
    assert journal.read().lines == (kept,)
    assert journal.path.stat().st_ino != before
    again = journal.file.append(FACTS[2])
    assert journal.read().lines == (kept, again)


def test_a_failed_renewal_can_be_tried_again(journal):
    first = journal.file.append(FACTS[0])
    journal.files.arm(1, errno.ENOSPC, for_good=True)
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            journal.file.append(FACTS[1])
    journal.files.arm(None)
    journal.file.repair()
    assert journal.read().lines == (first,)
    assert journal.read().sound


@pytest.mark.parametrize("instead", [None, b"", b"somebody's own\n"])
@pytest.mark.parametrize("act", ["append", "repair"])
def test_a_file_that_somebody_removed_or_replaced_is_written_anew(journal, caplog, instead, act):
    kept = [journal.file.append(fact) for fact in FACTS[:2]]
    if instead is None:
        journal.path.unlink()
    else:
        other = journal.path.with_name("other")
        other.write_bytes(instead)
        other.rename(journal.path)
    if act == "append":
        kept.append(journal.file.append(FACTS[2]))
    else:
        journal.file.repair()
    assert journal.read().lines == tuple(kept)
    assert "removed or replaced" in caplog.text
    aside = [path.read_bytes() for path in journal.path.parent.glob("*.damaged-*")]
    assert aside == ([] if instead is None else [instead])
    kept.append(journal.file.append(FACTS[3]))
    assert journal.read().lines == tuple(kept)


def test_a_file_that_was_moved_away_is_copied_back_and_no_more_written_to(journal):
    first = journal.file.append(FACTS[0])
    moved = journal.path.rename(journal.path.with_name("moved"))
    before = moved.read_bytes()
    second = journal.file.append(FACTS[1])
    assert journal.read().lines == (first, second)
    assert moved.read_bytes() == before


def test_a_directory_that_was_renamed_keeps_its_journal(tmp_path):
    (tmp_path / "a").mkdir()
    journal = Journal(tmp_path / "a/journal.jsonl")
    first = journal.file.append(FACTS[0])
    (tmp_path / "a").rename(tmp_path / "b")
    second = journal.file.append(FACTS[1])
    journal.file.close()
    assert parse((tmp_path / "b/journal.jsonl").read_bytes()).lines == (first, second)
    assert not (tmp_path / "a").exists()


def test_what_the_disk_refuses_while_the_file_is_brought_back_can_be_tried_again(journal):
    first = journal.file.append(FACTS[0])
    journal.path.unlink()
    journal.files.arm(1, errno.ENOSPC, for_good=True)
    for _ in range(2):
        with pytest.raises(OSError, match=r"No space|No such file"):
            journal.file.append(FACTS[1])
    journal.files.arm(None)
    journal.file.repair()
    assert journal.read().lines == (first,)


def test_what_was_torn_is_cut_off_before_the_next_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(text_of(FACTS[:2]) + b'{"event":"sa')
    journal = Journal(path)
    line = journal.file.append(FACTS[2])
    journal.file.close()
    assert line.seq == 3
    assert journal.read().sound
    assert len(journal.read().lines) == 3


def test_a_line_that_only_lacks_its_newline_counts(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(text_of(FACTS[:2])[:-1])
    assert len(parse(path.read_bytes()).lines) == 2
    journal = Journal(path)
    journal.file.repair()
    assert path.read_bytes() == text_of(FACTS[:2])


def test_a_file_that_became_shorter_is_not_rewritten(journal):
    journal.file.append(FACTS[0])
    journal.files.arm(1)
    with pytest.raises(OSError, match="No space"):
        journal.file.append(FACTS[1])
    journal.files.arm(None)
    journal.path.write_bytes(b"")
    with pytest.raises(OSError, match="shorter"):
        journal.file.append(FACTS[1])


def test_damaged_journals_are_kept_under_free_names(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"noise")
    files = FailingFiles()
    assert set_aside(files, path).name == "journal.damaged-1.jsonl"
    assert set_aside(files, path).name == "journal.damaged-2.jsonl"
    assert (tmp_path / "journal.damaged-2.jsonl").read_bytes() == b"noise"
