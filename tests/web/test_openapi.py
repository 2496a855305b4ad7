"""The description of the API is made from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from web.routes import ROUTES

if TYPE_CHECKING:
    from scanner.config import Config


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    return safe_mode


async def test_every_route_is_described(ask: Callable[..., Any]) -> None:
    document = (await ask("GET", "/api/openapi.json")).body
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)) for route in ROUTES}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["x-role"] in {"public", "viewer", "operator", "admin"}
            assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == set(
                re.findall(r"\{(\w+)\}", path)
            )
            assert "default" in operation["responses"]


async def test_every_reference_leads_somewhere(ask: Callable[..., Any]) -> None:
    document = (await ask("GET", "/api/openapi.json")).body
    schemas = document["components"]["schemas"]
    references = set(found(document))
    assert len(references) > 20
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(schemas)


async def test_it_says_what_the_decoder_says(ask: Callable[..., Any]) -> None:
    schemas = (await ask("GET", "/api/openapi.json")).body["components"]["schemas"]
    assert schemas["ScanSpec"]["additionalProperties"] is False
    assert schemas["Ring"]["properties"]["count"]["maximum"] == 10_000
    assert "pass" in schemas["Job"]["properties"]


async def test_what_comes_as_json_or_as_a_file_says_both(ask: Callable[..., Any]) -> None:
    paths = (await ask("GET", "/api/openapi.json")).body["paths"]
    for path in ("/api/passes", "/api/jobs/report"):
        content = paths[path]["get"]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/csv"}
        assert content["application/json"]["schema"]
    assert set(paths["/api/locks"]["get"]["responses"]["200"]["content"]) == {"application/json"}


def found(value: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from found(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from found(inner)
