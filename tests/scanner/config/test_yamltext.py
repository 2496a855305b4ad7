"""YAML text: safe, nothing twice, lines remembered."""

from __future__ import annotations

import pytest

from scanner.config.yamltext import YamlError, read_yaml

TEXT = b"""# comment
a: 1
b:
  c: [1,
      {d: 2}]
e: &anchor
  f: 3
g: *anchor
h:
  <<: *anchor
  i: 4
5: six
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), 2),
        (("a",), 2),
        (("b", "c"), 4),
        (("b", "c", 1), 5),
        (("b", "c", 1, "d"), 5),
        (("b", "c", 9), 4),
        (("b", "x", "y"), 3),
        (("a", "x"), 2),
        (("g", "f"), 7),
        (("h", "f"), 7),
        (("h", "i"), 11),
        (("x",), 2),
    ],
)
def test_everything_has_its_line_or_that_of_what_encloses_it(keys, line):
    assert read_yaml(TEXT).line(keys) == line


def test_anchors_and_merges_are_read():
    assert read_yaml(TEXT).data == {
        "a": 1,
        "b": {"c": [1, {"d": 2}]},
        "e": {"f": 3},
        "g": {"f": 3},
        "h": {"f": 3, "i": 4},
        5: "six",
    }


def test_an_empty_text_is_an_empty_mapping_without_lines():
    assert read_yaml(b"").data == {}
    assert read_yaml(b"").line(("a",)) is None


def problems(text: bytes) -> list[tuple[int | None, str, str]]:
    """Line, path, message."""
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    return [(one.line, one.fault.path, one.fault.message) for one in caught.value.problems]


def test_every_key_that_stands_twice_is_named():
    assert problems(b"a: 1\nb:\n  c: 1\n  c: 2\nd:\n  - {e: 1, e: 2}\na: 3\n") == [
        (4, "b.c", "stands there twice, first in line 3"),
        (6, "d[0].e", "stands there twice, first in line 6"),
        (7, "a", "stands there twice, first in line 1"),
    ]


def test_what_is_merged_in_may_be_overridden():
    assert read_yaml(b"a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n").data == {"a": {"b": 1}, "c": {"b": 2}}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"a: [\n", 2, "while parsing a flow node"),
        (b"a: 1\n b: 2", 2, "mapping values are not allowed here"),
        (b"a: !!python/object/apply:os.system [ls]", 1, "could not determine a constructor"),
        (b"a: 1\n---\nb: 2", 2, "expected a single document"),
        (b"? [1]\n: 2", 1, "found unhashable key"),
        (b"a: *nobody", 1, "found undefined alias"),
        (b"a: \xff", None, "cannot be read"),
        (b"a: \x00", None, "cannot be read"),
        (b"a: " + b"1" * 5000, None, "cannot be read"),
        (b"[" * 5000, None, "cannot be read"),
    ],
)
def test_text_that_is_no_yaml_is_refused_with_its_line(text, line, message):
    ((found, path, told),) = problems(text)
    assert (found, path) == (line, "")
    assert message in told
    assert "\n" not in told
