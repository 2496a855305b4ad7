"""Live pictures and what is known of the cameras."""

from __future__ import annotations

from aiohttp import web

from scanner.errors import DeviceNotFoundError
from web.codec import answer, camera_name
from web.context import context, daemon
from web.streams import mjpeg_response, send_pictures


async def preview(request: web.Request) -> web.StreamResponse:
    """Live pictures as MJPEG, for machines and other programs; the page uses its WebSocket."""
    parts = context(request)
    response = mjpeg_response()
    viewer = parts.app.preview.watch(camera_name(request))
    with viewer, parts.streams.open(request, response, lambda _: viewer.close()) as stream:
        await stream.start()
        await send_pictures(stream, viewer, parts.streams.wire)
    return response


async def snapshot(request: web.Request) -> web.StreamResponse:
    """One live picture."""
    image = await daemon(request).preview.snapshot(camera_name(request))
    return web.Response(body=image.jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def settings(request: web.Request) -> web.StreamResponse:
    """What is known of a camera without taking a picture."""
    name = camera_name(request)
    for camera in daemon(request).rig.info().cameras:
        if camera.name == name:
            return answer(camera)
    message = f"the rig has no camera {name!r}"
    raise DeviceNotFoundError(message, name=name)
