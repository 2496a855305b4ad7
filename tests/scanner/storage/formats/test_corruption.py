"""Whatever happened to a JSON file: nothing raises, the rest is read, and the file is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.storage.formats import list_all, load_legacy
from scanner.storage.formats.fields import Fields, decode, encode, local_moment
from tests.scanner.storage.formats.support import BERLIN, dual, openscan, raspi, tree_hash
from tests.support.sample import sample

KINDS = {"raspi": raspi, "dual": dual, "openscan": openscan}
RUNS = settings(
    max_examples=sample(60, 1500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.just("../../x.jpg"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(params=sorted(KINDS))
def folder(request, tmp_path) -> Path:
    KINDS[request.param](tmp_path / "whole")
    return tmp_path


def copy(folder: Path) -> Path:
    shutil.rmtree(folder / "broken", ignore_errors=True)
    return shutil.copytree(folder / "whole", folder / "broken")


def read(root: Path) -> list:
    before = tree_hash(root)
    found = [load_legacy(found.paths, BERLIN, session_id=found.id) for found in list_all(root, BERLIN).found]
    assert tree_hash(root) == before
    assert all(encode(legacy.documents) for legacy in found)
    return found


def documents(root: Path) -> list[Path]:
    return sorted(root.rglob("*.json"))


@RUNS
@given(data=st.data())
def test_any_bytes_in_any_file(folder, data):
    root = copy(folder)
    path = data.draw(st.sampled_from(documents(root)))
    whole = path.read_bytes()
    cut = st.integers(0, len(whole) - 1).map(lambda place: whole[:place])
    torn = st.tuples(st.integers(0, len(whole) - 1), st.binary(min_size=1, max_size=4)).map(
        lambda change: whole[: change[0]] + change[1] + whole[change[0] + len(change[1]) :]
    )
    path.write_bytes(data.draw(cut | torn | st.binary(max_size=40) | st.just(bytes(len(whole)))))
    found = read(root)
    assert found
    if decode(path.read_bytes())[0] is None:
        name = path.relative_to(root).as_posix().partition("/")[2]
        assert name in {flag.file for legacy in found for flag in legacy.flagged}


@RUNS
@given(data=st.data(), value=VALUES)
def test_any_value_in_any_field(folder, data, value):
    root = copy(folder)
    path = data.draw(st.sampled_from(documents(root)))
    content = json.loads(path.read_bytes())
    inner = content
    while True:
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = value
    path.write_text(json.dumps(content))
    found = read(root)
    assert sum(legacy.record.session.photos for legacy in found) > 0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"), (b"\0\0\0", "zeros"), (b"[1]", "no JSON object"), (b"{", "no JSON"),
        (b"\xff\xfe{", "no JSON"),
        (b"[" * 100_000, "no JSON"), (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
    ],
)  # fmt: skip
def test_why_a_file_cannot_be_read(data, why):
    found, said = decode(data)
    assert found is None
    assert why in said


def test_numbers_that_json_does_not_know_survive_as_texts():
    found, _ = decode(b'{"a": NaN, "b": [1e999, "\\ud800"], "c": {"d": -Infinity, "e": 1.5}}')
    assert found == {"a": "NaN", "b": [float("inf"), "\ud800"], "c": {"d": "-Infinity", "e": 1.5}}
    assert json.loads(encode(found)) == {"a": "NaN", "b": ["inf", "\ud800"], "c": {"d": "-Infinity", "e": 1.5}}


def test_a_document_that_is_too_large_or_cannot_be_opened(tmp_path, monkeypatch):
    root = raspi(tmp_path)
    monkeypatch.setattr("scanner.storage.formats.folder.LARGEST_DOCUMENT", 100)
    legacy = load_legacy(root, BERLIN)
    assert "it is too large to be read" in {flag.why for flag in legacy.flagged}
    assert legacy.record.session.photos == 6


@pytest.mark.parametrize("value", [1e14, -1e14, True, "1", 1e300])
def test_times_beyond_the_calendar(value):
    said: list[str] = []
    assert Fields({"at": value}, said.append).epoch("at", "x") is None
    assert said in (["at is no time"], ["at is no number"])
    assert Fields({"at": str(value)}, said.append).local("at", BERLIN, "x") is None


def test_times_with_a_zone_are_exact_and_those_at_the_edge_do_not_raise():
    assert local_moment("2026-02-14T16:20:05+02:00", BERLIN, "x").text == "2026-02-14T14:20:05.000Z"
    assert local_moment("2026-02-14T16:20:05+02:00", BERLIN, "x").naive is None
    assert local_moment("0001-01-01T00:00:00", BERLIN, "x") is None
    assert local_moment("2026-10-25T02:30:00", BERLIN, "x").text == "2026-10-25T00:30:00.000Z"


def test_what_has_another_type_is_said_once_and_counts_as_absent():
    said: list[str] = []
    fields = Fields({"n": 1.5, "t": 3, "o": [], "l": [1, "a"], "i": {"k": "x"}, "e": ""}, said.append)
    assert (fields.count("n"), fields.text("t"), fields.texts("l"), fields.numbers("l")) == (None, None, ("a",), ())
    assert (fields.count("none"), fields.inside("o").text("x"), fields.inside("i").number("k")) == (None, None, None)
    assert (fields.numbers("t"), fields.text("e"), fields.objects("l")) == ((), None, ())
    assert said == [
        "n is no whole number", "t is no text", "l is no list of texts", "l is no list of numbers", "o is no object",
        "i.k is no number", "t is no list", "l is no list of objects",
    ]  # fmt: skip
