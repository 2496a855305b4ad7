"""Small pictures of photos, made when first asked for and kept in the state directory. The cache may be deleted at any
time.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final, Literal

from scanner.errors import DamagedError, StorageError
from scanner.model import Photo, SessionId
from scanner.storage.disk.files import Files, durable_write, make_dirs, reported
from scanner.storage.disk.threads import Operations, Threads

Size = Literal["thumb", "preview"]

_log: Final = logging.getLogger(__name__)
_SIDES: Final[dict[Size, int]] = {"thumb": 480, "preview": 1600}  # pixels of the longer side
_QUALITY: Final[dict[Size, int]] = {"thumb": 78, "preview": 85}


def make_thumbnail(source: Path, max_side: int, quality: int) -> bytes:
    """A JPEG of at most ``max_side`` pixels. Errors: DamagedError."""
    from scanner.imaging import thumbnail  # noqa: PLC0415 - Pillow is loaded when the first picture is wanted

    return thumbnail(source, max_side, quality)


class Thumbnails:
    """The cache. A picture that several ask for at once is made once."""

    def __init__(self, *, files: Files, threads: Threads, operations: Operations, root: Path) -> None:
        self._files = files
        self._threads = threads
        self._operations = operations
        self._root = root
        self._making: dict[Path, asyncio.Task[None]] = {}

    async def path(self, session_id: SessionId, photo: Photo, source: Path, size: Size) -> Path:
        """The file of a photo's small picture; the photo itself while none can be kept. Errors: DamagedError."""
        target = self._root / session_id / f"{photo.sha256[:16]}-{photo.name.rpartition('.')[0]}-{size}.jpg"
        if target not in self._making and await self._threads.reader.run(target.exists):
            return target
        task = self._making.get(target)
        if task is None:
            task = self._operations.start(self._make(source, target, size))
            self._making[target] = task
            task.add_done_callback(lambda _: self._making.pop(target))
        try:
            await asyncio.shield(task)
        except DamagedError:
            raise
        except StorageError as error:
            _log.warning("%s", error.message, extra={"session": session_id})
            return source
        return target

    async def _make(self, source: Path, target: Path, size: Size) -> None:
        await self._threads.pool.run(lambda: self._write(source, target, size))

    def _write(self, source: Path, target: Path, size: Size) -> None:
        with reported(f"a small picture of {source.name} could not be made", self._root.parent.parent):
            data = make_thumbnail(source, _SIDES[size], _QUALITY[size])
            make_dirs(self._files, target.parent)
            durable_write(self._files, target, data)
