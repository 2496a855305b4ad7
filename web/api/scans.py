"""Starting scans, and what they would cost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from scanner.errors import InvalidError, SpecError
from scanner.events import JobChanged, PhotoSaved, ProgressMade, ShotFailed, Subscriber
from scanner.planning import PlanEstimate
from scanner.records import Job
from scanner.spec import PassSpec, ScanSpec
from scanner.states import ENDED, JobState
from web.codec import answer, body_of, encode, session_id
from web.context import context, daemon, origin
from web.streams import SSE_BEAT, SSE_START, Stream, sse_response
from web.wire import Wire, sse

if TYPE_CHECKING:
    from scanner.jobs import JobQueue

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_OF_A_JOB: Final = (JobChanged, ProgressMade, PhotoSaved, ShotFailed)


class PlansAnswer(msgspec.Struct, frozen=True):
    """What a scan would cost, pass by pass and in all."""

    passes: tuple[PlanEstimate, ...]
    count: int
    duration_s: float
    bytes: int
    warnings: tuple[str, ...]


async def start(request: web.Request) -> web.StreamResponse:
    """Start or queue a scan."""
    submit = await _prepared(request)
    return accepted(await submit())


async def start_stream(request: web.Request) -> web.StreamResponse:
    """Start or queue a scan and tell what becomes of it, until it has ended. Closing the stream stops nothing."""
    parts = context(request)
    submit = await _prepared(request)
    subscriber, _ = parts.app.bus.subscribe()
    response = sse_response()
    try:
        with parts.streams.open(request, response, subscriber.drop, beat=SSE_BEAT) as stream:
            job = await submit()
            response.headers.update(_headers(job))
            await stream.start()
            created = {"job_id": job.id, "session_id": job.session_id, "job": job}
            await stream.write(SSE_START + sse("job_created", encode(created)))
            await _follow(stream, subscriber, job, parts.app.jobs, parts.streams.wire)
    finally:
        subscriber.close()
    return response


async def _follow(stream: Stream, subscriber: Subscriber, job: Job, jobs: JobQueue, wire: Wire) -> None:
    """Send the job's events as they happened, each pause and the end with the whole job."""
    state = job.state
    while state not in ENDED:
        envelope = await subscriber.next()
        if envelope is None:
            await stream.write(sse("dropped", encode({"reason": subscriber.dropped})))
            return
        event = envelope.event
        if not isinstance(event, _OF_A_JOB) or event.job_id != job.id:
            continue
        await stream.write(wire.event_sse(envelope))
        if isinstance(event, JobChanged):
            state = JobState(event.state)
            if state is JobState.PAUSED:
                await stream.write(sse("paused", encode(jobs.get(job.id))))
    await stream.write(sse(state, encode(jobs.get(job.id))))


async def plans(request: web.Request) -> web.StreamResponse:
    """Count, viewpoints, duration and disk need of a scan; nothing is created."""
    spec = await body_of(request, ScanSpec, error=SpecError)
    passes = await daemon(request).jobs.plan(spec)
    return answer(
        PlansAnswer(
            passes=passes,
            count=sum(one.count for one in passes),
            duration_s=round(sum(one.duration_s for one in passes), 1),
            bytes=sum(one.bytes for one in passes),
            warnings=tuple(f"{one.name}: {text}" for one in passes for text in one.warnings),
        )
    )


async def add_pass(request: web.Request) -> web.StreamResponse:
    """Another pass of a session."""
    session = session_id(request)
    spec = await body_of(request, PassSpec, error=SpecError)
    job = await daemon(request).jobs.submit_pass(
        session, spec, origin(request), idempotency_key=_idempotency_key(request), digest=_digest(spec)
    )
    return accepted(job)


async def _prepared(request: web.Request) -> Callable[[], Awaitable[Job]]:
    """A submission that is decoded and ready to be made."""
    spec = await body_of(request, ScanSpec, error=SpecError)
    key = _idempotency_key(request)
    jobs, asker = daemon(request).jobs, origin(request)
    return lambda: jobs.submit_scan(spec, asker, idempotency_key=key, digest=_digest(spec))


def accepted(job: Job) -> web.Response:
    """The answer to whatever became a job."""
    return answer(job, 202, _headers(job))


def _headers(job: Job) -> dict[str, str]:
    headers = {"Location": f"/api/jobs/{job.id}", "X-Job-ID": job.id}
    if job.session_id is not None:
        headers["X-Session-ID"] = job.session_id
    return headers


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and IDEMPOTENCY_KEY.fullmatch(key) is None:
        message = "the header Idempotency-Key takes 1 to 200 printable ASCII characters without spaces"
        raise InvalidError(message)
    return key


def _digest(spec: ScanSpec | PassSpec) -> str:
    """Of what was asked for, not of how it was written: other spaces are no other request."""
    return hashlib.sha256(encode(spec)).hexdigest()
