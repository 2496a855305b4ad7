"""This API in OpenAPI's words (3.1), made from the table of routes and from the very types that decode requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from web.codec import JSON, ErrorAnswer

if TYPE_CHECKING:
    from web.routes import Route

REF: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"\{(\w+)(:[^}]*)?\}")

Json = dict[str, Any]


def describe(routes: Iterable[Route], version: str) -> bytes:
    """The description in JSON."""
    table = tuple(routes)
    types = [kind for route in table for kind in (route.takes, route.gives, route.query) if kind is not None]
    schemas, components = msgspec.json.schema_components([*types, ErrorAnswer], ref_template=REF)
    known = dict(zip(map(id, [*types, ErrorAnswer]), schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in table:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, known, components)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Scanner", "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }
    return msgspec.json.encode(document)


def _operation(route: Route, known: dict[int, Json], components: Json) -> Json:
    operation: Json = {
        "summary": route.summary,
        "x-role": route.role.name.lower(),
        "parameters": [*_in_path(route), *_in_query(route, components)],
        "responses": {
            str(route.status): _success(route, known),
            "default": {"description": "What went wrong.", "content": {JSON: {"schema": known[id(ErrorAnswer)]}}},
        },
    }
    if route.takes is not None:
        operation["requestBody"] = {"content": {JSON: {"schema": known[id(route.takes)]}}}
    return operation


def _success(route: Route, known: dict[int, Json]) -> Json:
    if route.status == HTTPStatus.NO_CONTENT:
        return {"description": route.summary}
    content: Json = {} if route.gives is None else {JSON: {"schema": known[id(route.gives)]}}
    if route.media not in content:
        content[route.media] = {}
    return {"description": route.summary, "content": content}


def _in_path(route: Route) -> list[Json]:
    names = _PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name, _ in names]


def _in_query(route: Route, components: Json) -> list[Json]:
    if route.query is None:
        return []
    properties = components[route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]
