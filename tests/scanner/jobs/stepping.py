"""Finds every await point of running code, and does something exactly there.

A task factory wraps the coroutines of the tasks it is asked to watch. Each time one suspends, the chain of awaits
inside it says where: that chain of ``module:line`` is an await point. Asked to strike at the n-th suspension at a
point, it calls back right then, before anything else runs.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3] / "scanner"
WATCHED = ("engine", "jobs", "rig")

Point = tuple[str, ...]


class Stepper:
    """Counts suspensions by await point; ``strike_at`` one of them."""

    def __init__(self) -> None:
        self.seen: Counter[Point] = Counter()
        self._target: tuple[Point, int] | None = None
        self._action: Callable[[], object] | None = None
        self.struck = False

    def strike_at(self, point: Point, occurrence: int, action: Callable[[], object]) -> None:
        self.seen.clear()
        self._target, self._action, self.struck = (point, occurrence), action, False

    def rest(self) -> None:
        self._target = self._action = None
        self.seen.clear()

    def suspended(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        point = where(coroutine)
        if not point:
            return
        self.seen[point] += 1
        if self._target == (point, self.seen[point]) and self._action is not None:
            self.struck = True
            self._action()

    def factory(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(_Watched(coroutine, self), loop=loop, **options)


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine that tells its stepper whenever it suspends."""

    def __init__(self, inner: Coroutine[Any, Any, Any], stepper: Stepper) -> None:
        self._inner = inner
        self._stepper = stepper

    def send(self, value: Any) -> Any:
        result = self._inner.send(value)
        self._stepper.suspended(self._inner)
        return result

    def throw(self, *error: Any) -> Any:
        result = self._inner.throw(*error)
        self._stepper.suspended(self._inner)
        return result

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


def where(coroutine: object) -> Point:
    """The chain of ``module:line`` in the watched packages at which ``coroutine`` is suspended, outermost first."""
    chain: list[str] = []
    inner: object = coroutine
    while inner is not None:
        frame = getattr(inner, "cr_frame", None) or getattr(inner, "ag_frame", None) or getattr(inner, "gi_frame", None)
        if frame is not None:
            place = _place(frame.f_code.co_filename, frame.f_lineno)
            if place:
                chain.append(place)
        inner = (
            getattr(inner, "cr_await", None) or getattr(inner, "ag_await", None) or getattr(inner, "gi_yieldfrom", None)
        )
    return tuple(chain)


def _place(filename: str, line: int) -> str | None:
    path = Path(filename)
    if not path.is_relative_to(ROOT):
        return None
    relative = path.relative_to(ROOT)
    return f"{relative.as_posix()}:{line}" if relative.parts[0] in WATCHED else None
