"""The daemon and its machine, for those who look after them."""

from __future__ import annotations

from aiohttp import web

from web.context import context
from web.metrics import CONTENT_TYPE


async def metrics(request: web.Request) -> web.StreamResponse:
    """Figures for Prometheus, in its text format."""
    text = await context(request).metrics.text()
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})
