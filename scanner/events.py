"""Typed events in the past tense, the bus that carries them, its replay buffer and its bounded subscribers.

An event is a fact, published after it is durable. Each gets an id ``boot:seq``; ``boot`` is new with every start of
the daemon. A subscriber's queue is bounded: ``progress`` is replaced by the newest of the same job, facts are kept up
to ``FACTS``; one that stays behind is dropped with a reason and catches up by snapshot, so a stalled page costs
neither memory nor scan time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct, field

from scanner.clock import Clock, utc_text
from scanner.model import JobId, PassName, Pause, Photo, Progress, SessionId

FACTS: Final = 512  # facts a subscriber may lag behind
REPLAY: Final = 2048  # facts kept for those who reconnect


class Event(Struct, frozen=True, kw_only=True, tag_field="topic", gc=False):
    """Base of all events; the tag is the topic on the wire."""


class JobCreated(Event, frozen=True, tag="job_created"):
    """A job came into being."""

    job_id: JobId
    kind: str
    session_id: SessionId | None
    origin: str


class JobChanged(Event, frozen=True, tag="job_changed"):
    """A job's state, pass, pause, error or place in the queue changed; the job as it now is can be read from the
    API.
    """

    job_id: JobId
    state: str
    session_id: SessionId | None
    pass_: PassName | None = field(name="pass")
    pause: Pause | None
    queue_position: int | None


class ProgressMade(Event, frozen=True, tag="progress"):
    """How far a job is now: replaced by newer ones, at most five a second. ``phase`` is move, settle, expose or
    save of ``shot``.
    """

    job_id: JobId
    session_id: SessionId | None
    pass_: PassName | None = field(name="pass")
    progress: Progress
    phase: str | None = None
    shot: int | None = None


class PhotoSaved(Event, frozen=True, tag="photo_saved"):
    """A photo is durable and indexed."""

    job_id: JobId
    session_id: SessionId
    photo: Photo


class ShotFailed(Event, frozen=True, tag="shot_failed"):
    """A shot could not be taken; its job pauses on it."""

    job_id: JobId
    session_id: SessionId
    pass_: PassName = field(name="pass")
    shot: int
    code: str
    message: str


class PassCompleted(Event, frozen=True, tag="pass_completed"):
    """A pass ended completed."""

    session_id: SessionId
    pass_: PassName = field(name="pass")
    saved: int


class SessionChanged(Event, frozen=True, tag="session_changed"):
    """A session's title, passes or states changed."""

    session_id: SessionId


class SessionDeleted(Event, frozen=True, tag="session_deleted"):
    """A session is no longer there."""

    session_id: SessionId


class LockChanged(Event, frozen=True, tag="lock_changed"):
    """A pass was locked, released, taken by force, or its holder stopped beating. ``state`` free: nobody holds it."""

    session_id: SessionId
    pass_: PassName = field(name="pass")
    state: Literal["alive", "stale", "gone", "free", "forced"]
    host: str
    origin: str
    message: str


class RigChanged(Event, frozen=True, tag="rig_changed"):
    """The rig opened, closed, moved or failed."""

    turntable: float | None
    tilt: float | None
    state: str


class GuardChanged(Event, frozen=True, tag="guard_changed"):
    """A guard began or ended to hold work up."""

    name: str
    active: bool
    message: str


class WarningRaised(Event, frozen=True, tag="warning"):
    """Something a person should know; nothing stopped."""

    message: str
    session_id: SessionId | None = None


class Envelope(Struct, frozen=True):
    """An event with its identity. ``seq`` counts from 1 within ``boot``."""

    boot: str
    seq: int
    at: str
    event: Event

    @property
    def id(self) -> str:
        """The id on the wire."""
        return f"{self.boot}:{self.seq}"


class Subscriber:
    """A bounded queue of envelopes. One reader iterates with :meth:`next`; ``dropped`` says why it was cut off, once it
    was.
    """

    def __init__(self, on_close: Callable[[Subscriber], None]) -> None:
        self._facts: deque[Envelope] = deque()
        self._progress: OrderedDict[JobId, Envelope] = OrderedDict()
        self._reader: asyncio.Future[None] | None = None  # waits for something to read
        self._on_close = on_close
        self.dropped: str | None = None

    def offer(self, envelope: Envelope) -> None:
        """Take an event in; never waits, never grows beyond the bound."""
        if self.dropped is not None:
            return
        if isinstance(envelope.event, ProgressMade):
            self._progress[envelope.event.job_id] = envelope
            self._progress.move_to_end(envelope.event.job_id)
        elif len(self._facts) >= FACTS:
            self._facts.clear()
            self._progress.clear()
            self.dropped = f"more than {FACTS} events behind"
        else:
            self._facts.append(envelope)
        self._wake()

    async def next(self) -> Envelope | None:
        """The next event in order of occurrence, or None once dropped or closed."""
        while not (self._facts or self._progress):
            if self.dropped is not None:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._take()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _take(self) -> Envelope:
        if not self._progress:
            return self._facts.popleft()
        job, oldest = next(iter(self._progress.items()))
        if self._facts and self._facts[0].seq < oldest.seq:
            return self._facts.popleft()
        del self._progress[job]
        return oldest

    def drop(self, reason: str) -> None:
        """Cut this subscriber off: what it has not taken yet is gone, and ``next`` returns None."""
        self._facts.clear()
        self._progress.clear()
        self.dropped = self.dropped or reason
        self._wake()

    def close(self) -> None:
        """Leave the bus; idempotent."""
        self.drop("closed")
        self._on_close(self)


class EventBus:
    """Publishes events to all subscribers, in order, from the loop's thread."""

    def __init__(self, *, boot: str, clock: Clock) -> None:
        self.boot = boot
        self._clock = clock
        self._seq = 0
        self._replay: deque[Envelope] = deque(maxlen=REPLAY)
        self._subscribers: set[Subscriber] = set()
        self._listeners: defaultdict[type[Event], list[Callable[[Event], None]]] = defaultdict(list)
        self._closed = False

    @property
    def last_id(self) -> str:
        """The id of the newest event; a snapshot taken now includes it."""
        return f"{self.boot}:{self._seq}"

    def publish(self, event: Event) -> Envelope:
        """Give the event its id and hand it to everybody."""
        self._seq += 1
        envelope = Envelope(self.boot, self._seq, utc_text(self._clock.now()), event)
        if not isinstance(event, ProgressMade):
            self._replay.append(envelope)
        for subscriber in self._subscribers:
            subscriber.offer(envelope)
        for listener in self._listeners.get(type(event), ()):
            listener(event)
        return envelope

    def listen(self, kind: type[Event], listener: Callable[[Event], None]) -> None:
        """Have ``listener`` called, at once, with every event of one kind, as long as the bus lives: for parts of the
        daemon that must not miss one. It must not wait.
        """
        self._listeners[kind].append(listener)

    def subscribe(self, after: str | None = None) -> tuple[Subscriber, bool]:
        """A new subscriber, and whether it missed nothing since the event id ``after`` (False: start from a
        snapshot).
        """
        subscriber = Subscriber(self._subscribers.discard)
        complete = after is None
        missed = None if after is None else self._missed(after)
        if missed is not None:
            complete = len(missed) <= FACTS
            for envelope in missed if complete else ():
                subscriber.offer(envelope)
        if self._closed:
            subscriber.drop("the daemon stops")
        else:
            self._subscribers.add(subscriber)
        return subscriber, complete

    def _missed(self, after: str) -> list[Envelope] | None:
        boot, _, text = after.rpartition(":")
        if boot != self.boot or not (text.isascii() and text.isdigit()) or int(text) > self._seq:
            return None
        seq = int(text)
        if len(self._replay) == self._replay.maxlen and self._replay[0].seq > seq + 1:
            return None
        return [envelope for envelope in self._replay if envelope.seq > seq]

    def close(self) -> None:
        """Cut everybody off: streams end at once, so that the daemon can stop."""
        self._closed = True
        for subscriber in tuple(self._subscribers):
            subscriber.drop("the daemon stops")
