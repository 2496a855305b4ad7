"""Formats by name."""

from __future__ import annotations

import pytest

from scanner.errors import InvalidError
from scanner.exports.colmap import export
from scanner.exports.registry import exporter


def test_a_format_is_found_by_its_name():
    assert exporter("colmap") is export


def test_an_unknown_format_is_refused_and_the_known_ones_are_named():
    with pytest.raises(InvalidError, match="'stl'; there are: colmap") as refused:
        exporter("stl")
    assert refused.value.detail == {"format": "stl", "formats": ["colmap"]}
