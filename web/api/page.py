"""The page: one document for all its views, and its files."""

from __future__ import annotations

from aiohttp import web

from web.codec import raw_answer
from web.context import context


async def view(request: web.Request) -> web.StreamResponse:
    """The page's document; which view it shows is the page's own business."""
    return context(request).pages.answer(request, "index.html")


async def asset(request: web.Request) -> web.StreamResponse:
    """One of the page's files."""
    return context(request).pages.answer(request, request.match_info["path"])


async def openapi(request: web.Request) -> web.StreamResponse:
    """This API in OpenAPI's words."""
    return raw_answer(context(request).openapi())
