"""What streams send, encoded once for all who get it: events as JSON, pictures as parts of an MJPEG stream or frames
of the WebSocket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from scanner.events import Envelope, Event
from scanner.preview import PreviewImage
from web.codec import encode

K = TypeVar("K")

BOUNDARY: Final = "scanner-frame"
FACTS_KEPT: Final = 64
PICTURES_KEPT: Final = 4
TOPICS: Final = frozenset(str(kind.__struct_config__.tag) for kind in Event.__subclasses__())


class Once(Generic[K]):
    """A function that remembers its latest ``kept`` results by ``key``, and the very latest by the thing itself."""

    def __init__(self, encode_: Callable[[K], bytes], *, key: Callable[[K], object], kept: int) -> None:
        self._encode = encode_
        self._key = key
        self._limit = kept
        self._kept: dict[object, tuple[K, bytes]] = {}  # with the thing: its identity is nobody else's meanwhile
        self._last: tuple[K | None, bytes] = (None, b"")

    def __call__(self, value: K) -> bytes:
        last, found = self._last
        if last is not value:
            found = self._find(value)
            self._last = value, found
        return found

    def _find(self, value: K) -> bytes:
        key = self._key(value)
        if key not in self._kept:
            self._kept[key] = value, self._encode(value)
            if len(self._kept) > self._limit:
                del self._kept[next(iter(self._kept))]
        return self._kept[key][1]


class Wire:
    """The encodings of one daemon's events and pictures."""

    def __init__(self) -> None:
        self.event_sse: Once[Envelope] = Once(_event_sse, key=_event_key, kept=FACTS_KEPT)
        self.event_message: Once[Envelope] = Once(_event_message, key=_event_key, kept=FACTS_KEPT)
        self.picture_part: Once[PreviewImage] = Once(_picture_part, key=_picture_key, kept=PICTURES_KEPT)
        self.picture_message: Once[PreviewImage] = Once(_picture_message, key=_picture_key, kept=PICTURES_KEPT)


def topic(event: Event) -> str:
    """An event's name on the wire."""
    return str(type(event).__struct_config__.tag)


def sse(name: str, data: bytes, id_: str | None = None) -> bytes:
    """One server-sent event. JSON has no line breaks."""
    head = f"id: {id_}\nevent: {name}\n" if id_ else f"event: {name}\n"
    return head.encode() + b"data: " + data + b"\n\n"


def _event_sse(envelope: Envelope) -> bytes:
    """Identity, moment and the event's fields in one JSON object."""
    data = f'{{"id":"{envelope.id}","at":"{envelope.at}",'.encode() + encode(envelope.event)[1:]
    return sse(topic(envelope.event), data, envelope.id)


def _event_message(envelope: Envelope) -> bytes:
    return (
        f'{{"type":"event","id":"{envelope.id}","at":"{envelope.at}","event":'.encode() + encode(envelope.event) + b"}"
    )


def _event_key(envelope: Envelope) -> object:
    return envelope.seq


def _picture_part(image: PreviewImage) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(image.jpeg)}\r\n\r\n"
    return head.encode() + image.jpeg + b"\r\n"


def _picture_message(image: PreviewImage) -> bytes:
    """The length of the header (16 bit, big-endian), the header in JSON, the JPEG."""
    head = encode({"camera": image.camera, "number": image.number, "width": image.width, "height": image.height})
    return len(head).to_bytes(2, "big") + head + image.jpeg


def _picture_key(image: PreviewImage) -> object:
    return image.camera, id(image)
