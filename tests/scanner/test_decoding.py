"""Strict decoding: all faults at once, in words, whatever the data holds."""

from __future__ import annotations

import enum
import json
import time
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from scanner.decoding import decode, decode_json, encode_json, nearest, parse_json
from scanner.errors import ConfigError, InvalidError, SpecError
from scanner.model import Value, Viewpoint
from scanner.spec import Fibonacci, Listed, PlanSpec, Rings, ScanSpec


class Colour(enum.StrEnum):
    """An enumeration to decode."""

    RED = "red"
    BLUE = "blue"


class Everything(Value, frozen=True, kw_only=True):
    """One field of each kind that the edge knows."""

    whole: Annotated[int, Meta(gt=0, lt=10, multiple_of=2)] = 2
    number: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    flag: bool = True
    nothing: None = None
    text: Annotated[str, Meta(min_length=2, max_length=4)] = "ab"
    code: Annotated[str, Meta(pattern="^[a-z]+$")] = "abc"
    colour: Colour = Colour.RED
    choice: Literal["one", "two"] | None = "one"
    level: Literal[1, 2] = 1
    either: int | str = 1
    both: Annotated[int, Meta(ge=5)] | Annotated[float, Meta(ge=5)] = 5
    pair: tuple[int, str] = (1, "a")
    many: tuple[int, ...] = ()
    rows: list[int] = field(default_factory=list)
    table: Annotated[dict[str, int], Meta(max_length=2)] = field(default_factory=dict)
    place: Path = Path("x")
    anything: Any = None
    moment: datetime | None = None
    birth: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class Tagged(Value, frozen=True, tag_field="kind", tag="only"):
    """A struct with a tag that stands alone."""

    size: int = 1


class Loose(Struct, frozen=True):
    """A struct that lets unknown keys pass."""

    size: int


def faults(kind: Any, data: object, error: type[InvalidError] = SpecError) -> dict[str, str]:
    """Path -> message of every fault."""
    with pytest.raises(error) as caught:
        decode(kind, data, error=error)
    return {fault["path"]: fault["message"] for fault in caught.value.detail["errors"]}


def test_sound_data_becomes_the_struct():
    data = {
        "title": "Blue vase",
        "passes": [{"name": "a", "plan": {"kind": "rings", "rings": [{"count": 3, "elevation": 5}]}, "settle": 1.5}],
        "tags": ["x"],
    }
    spec = decode(ScanSpec, data)
    assert spec.title == "Blue vase"
    assert spec.passes is not None
    assert spec.passes[0].settle == 1.5
    assert isinstance(spec.passes[0].plan, Rings)
    assert spec.tags == ("x",)


def test_all_faults_of_a_spec_at_once_each_with_its_path():
    data = {
        "titel": "x",
        "passes": [
            {"name": "A B", "plan": {"kind": "rings", "rings": [{"count": 1}, {"count": 20000, "elevation": "x"}, {}]}},
            {"plan": {"kind": "ring"}, "settle": "soon"},
            {"plan": {}, "cameras": [], "lights": {"ring": 2, "a b": 1}},
            {"plan": {"kind": 5}, "camera": {"exposure": "manual", "white_balance": {"red": 1}, "quality": "abc"}},
            7,
        ],
    }
    assert faults(ScanSpec, data) == {
        "titel": "is unknown; did you mean 'title'?",
        "passes[0].name": "must be made of a-z, 0-9 and '-', at most 48 characters, got 'A B'",
        "passes[0].plan.rings[1].count": "must be at most 10000",
        "passes[0].plan.rings[1].elevation": "expected a number, got a text 'x'",
        "passes[0].plan.rings[2].count": "is missing",
        "passes[1].plan.kind": "expected one of 'rings', 'fibonacci', 'spiral', 'grid', 'list', got a text 'ring'; "
        "did you mean 'rings'?",
        "passes[1].settle": "expected 'auto' or a number, got a text 'soon'",
        "passes[2].plan.kind": "is missing; one of 'rings', 'fibonacci', 'spiral', 'grid', 'list'",
        "passes[2].cameras": "must not be empty",
        "passes[2].lights.ring": "must be at most 1",
        "passes[2].lights['a b']": "must be made of a-z, 0-9 and '-', at most 48 characters, got 'a b'",
        "passes[3].plan.kind": "expected one of 'rings', 'fibonacci', 'spiral', 'grid', 'list', got the number 5",
        "passes[3].camera.exposure": "expected 'auto' or a group of keys (shutter_us, gain), got a text 'manual'",
        "passes[3].camera.white_balance.blue": "is missing",
        "passes[3].camera.quality": "expected a whole number, got a text 'abc'",
        "passes[4]": "expected a group of keys (name, plan, cameras, camera, lights, settle, retake), got the number 7",
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("whole", 0, "must be more than 0"),
        ("whole", 10, "must be less than 10"),
        ("whole", 3, "must be a multiple of 2"),
        ("whole", 2.5, "expected a whole number, got the number 2.5"),
        ("whole", True, "expected a whole number, got true"),
        ("whole", 10**300, "must be less than 10"),
        ("anything", 10**400, "is too large a number"),
        ("whole", None, "expected a whole number, got nothing"),
        ("number", float("nan"), "must be a finite number"),
        ("number", "1", "expected a number, got a text '1'"),
        ("number", 10**300, "must be less than 1"),
        ("flag", 1, "expected true or false, got the number 1"),
        ("nothing", 10**20, "expected nothing, got a very large number"),
        ("text", "a", "must have at least 2 characters"),
        ("text", "abcde", "must have at most 4 characters, has 5"),
        ("text", b"ab", "expected a text, got a bytes"),
        ("code", "A", "must be text like ^[a-z]+$, got 'A'"),
        ("colour", "green", "expected 'red' or 'blue', got a text 'green'"),
        ("colour", 1, "expected 'red' or 'blue', got the number 1"),
        ("choice", "three", "expected 'one' or 'two', got a text 'three'"),
        ("level", 3, "expected 1 or 2, got the number 3"),
        ("either", 1.5, "expected a whole number or a text, got the number 1.5"),
        ("both", 4, "must be at least 5"),
        ("pair", [1], "must have 2 entries, has 1"),
        ("pair", "ab", "expected a list, got a text 'ab'"),
        ("many", {}, "expected a list, got a group of keys"),
        ("rows", 1, "expected a list, got the number 1"),
        ("table", {"a": 1, "b": 2, "c": 3}, "must have at most 2 keys, has 3"),
        ("table", [], "expected a group of keys, got a list"),
        ("place", "", "expected a path, got a text ''"),
        ("place", "a\0b", "expected a path, got a text 'a\\x00b'"),
        ("place", 5, "expected a path, got the number 5"),
    ],
)
def test_each_kind_of_fault_in_words(field, value, message):
    found = faults(Everything, {field: value})
    assert list(found) == [field]
    assert found[field].startswith(message)


def test_items_are_named_by_their_place():
    found = faults(Everything, {"pair": [1, 2], "many": [1, "x"], "rows": ["y"], "table": {"a": "b", 5: 1}})
    assert found == {
        "pair[1]": "expected a text, got the number 2",
        "many[1]": "expected a whole number, got a text 'x'",
        "rows[0]": "expected a whole number, got a text 'y'",
        "table.a": "expected a whole number, got a text 'b'",
        "table['the number 5']": "expected a text, got the number 5",
    }


def test_every_kind_of_value_decodes():
    data = {
        "whole": 4,
        "colour": "blue",
        "choice": None,
        "level": 2,
        "either": "x",
        "pair": [3, "b"],
        "place": "/a/b",
        "both": 7,
    }
    value = decode(Everything, data)
    assert value.colour is Colour.BLUE
    assert value.place == Path("/a/b")
    assert value.both == 7
    assert value.pair == (3, "b")


def test_what_only_msgspec_knows_is_told_in_its_words():
    assert "Invalid RFC3339" in faults(Everything, {"birth": "yesterday"})[""]
    assert "Invalid RFC3339" in faults(Everything, {"moment": "yesterday"})[""]
    assert list(faults(Everything, {"moment": "yesterday", "flag": 3})) == ["flag"]
    assert faults(slice, 5) == {"": "expected a path, got the number 5"}


def test_a_lone_tagged_struct_wants_its_tag():
    assert decode(Tagged, {"kind": "only", "size": 3}).size == 3
    assert faults(Tagged, {"kind": "other"}) == {"kind": "expected 'only', got a text 'other'"}


def test_structs_that_allow_unknown_keys_do():
    assert decode(Loose, {"size": 1, "more": 2}).size == 1
    assert faults(Loose, {"more": 2}) == {"size": "is missing"}


def test_an_unknown_key_without_a_near_one_lists_the_few_there_are():
    assert faults(Tagged, {"kind": "only", "zzz": 1}) == {"zzz": "is unknown; there is 'size'"}
    assert faults(ScanSpec, {"zzz": 1}) == {"zzz": "is unknown"}
    assert faults(ScanSpec, {5: 1}) == {"['the number 5']": "is unknown"}


def test_nearest_looks_past_case():
    assert nearest("TITLE", ["title", "notes"]) == "title"
    assert nearest("qqq", ["title"]) is None


def test_the_error_asked_for_is_raised_and_counts_every_fault():
    with pytest.raises(ConfigError) as caught:
        decode(Listed, {"viewpoints": [["x", 1]] * 3000}, error=ConfigError)
    assert caught.value.detail["count"] == 3000
    assert len(caught.value.detail["errors"]) == 100
    assert caught.value.message.endswith("and 2995 more")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the text is no JSON"),
        (b"{", "the text is no JSON"),
        (b"NaN", "the text is no JSON"),
        (b"1e999", "the text is no JSON"),
        (b'"\\ud800"', "the text is no JSON"),
        (b'"\xff"', "the text is not UTF-8"),
        (b"[" * 100_000, "the JSON is nested too deeply"),
    ],
)
def test_text_that_is_no_json(body, message):
    with pytest.raises(SpecError) as caught:
        decode_json(ScanSpec, body)
    (fault,) = caught.value.detail["errors"]
    assert fault["path"] == ""
    assert fault["message"].startswith(message)


def test_the_top_itself_can_be_wrong():
    assert "expected a group of keys" in faults(ScanSpec, [])[""]
    assert faults(float, float("nan")) == {"": "must be a finite number"}
    assert list(faults(Everything, {"both": 6, "flag": 1})) == ["flag"]


@pytest.mark.parametrize(
    ("data", "path"),
    [({"title": "a\ud800"}, "title"), ({"a\ud800": 1}, "['a?']"), ({"notes": float("inf")}, "notes")],
)
def test_what_no_json_can_carry_is_refused(data, path):
    found = faults(ScanSpec, data)
    assert list(found) == [path]
    encode_json(found)


def test_data_that_holds_itself_is_refused():
    loop: list[object] = []
    loop.append(loop)
    assert list(faults(ScanSpec, {"passes": loop}).values()) == ["is nested too deeply"]
    bomb: list[object] = [1] * 200
    for _ in range(4):
        bomb = [bomb] * 200
    assert list(faults(ScanSpec, {"tags": bomb}).values()) == ["holds too many values"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**30), "auto", "rings", "\0", "a\ud800", "x" * 500])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["title", "passes", "plan", "kind", "rings", "count", "camera", "settle", "lights", "\ud800"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
plans = st.fixed_dictionaries(
    {"kind": st.sampled_from(["rings", "fibonacci", "spiral", "grid", "list"]) | json_values},
    optional=dict.fromkeys(("rings", "count", "elevation", "turns", "viewpoints", "csv"), json_values),
)


@given(json_values | st.fixed_dictionaries({"plan": plans}, optional={"camera": json_values, "passes": json_values}))
def test_any_data_is_decoded_or_refused_with_printable_faults(data):
    try:
        spec = decode(ScanSpec, data)
    except SpecError as fault:
        assert fault.detail["errors"]
        body = encode_json({"message": fault.message, **fault.detail})
        assert json.loads(body)["count"] >= 1
    else:
        assert decode_json(ScanSpec, encode_json(spec)) == spec


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(body):
    try:
        parse_json(body)
    except SpecError as fault:
        encode_json(fault.detail)


def test_ten_thousand_viewpoints_are_quick():
    body = encode_json({"kind": "list", "viewpoints": [[index / 7 % 360, 10.5] for index in range(10_000)]})
    times = []
    for _ in range(3):
        began = time.process_time()
        plan = decode_json(Listed, body)
        times.append(time.process_time() - began)
    assert len(plan.viewpoints) == 10_000
    assert min(times) < 0.1  # 15 ms on a PC, more while coverage is measured


def test_encoding_takes_structs_and_paths_and_nothing_odd():
    assert encode_json({"a": Viewpoint(1.5, 2.0), "b": PurePosixPath("/x")}) == (
        b'{"a":{"azimuth":1.5,"elevation":2.0},"b":"/x"}'
    )
    with pytest.raises(TypeError, match="a object is no JSON"):
        encode_json(object())


def test_a_union_of_tagged_structs_can_be_decoded_itself():
    plan: PlanSpec = decode(PlanSpec, {"kind": "fibonacci", "count": 5})
    assert plan == Fibonacci(count=5)
