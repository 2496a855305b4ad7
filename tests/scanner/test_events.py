"""The bus: order, replay, bounded subscribers, coalesced progress."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.events import (
    FACTS,
    REPLAY,
    EventBus,
    JobChanged,
    JobCreated,
    ProgressMade,
    SessionChanged,
    Subscriber,
    WarningRaised,
)
from scanner.model import JobId, Progress, SessionId
from tests.support.clock import ManualClock


def fact(number: int = 0) -> SessionChanged:
    """A fact that can be told from others."""
    return SessionChanged(session_id=SessionId(f"s{number}"))


def progress(job: str, done: int) -> ProgressMade:
    """Progress of a job."""
    return ProgressMade(
        job_id=JobId(job), session_id=None, pass_=None, progress=Progress(done=done, total=100), phase="move", shot=done
    )


@pytest.fixture
def bus() -> EventBus:
    """A bus of a daemon that started as ``b``."""
    return EventBus(boot="b", clock=ManualClock())


async def taken(subscriber: Subscriber) -> list[str]:
    """The ids of what waits for a subscriber, which is then closed."""
    ids = []
    while (waiting := asyncio.ensure_future(subscriber.next())) and await asyncio.wait([waiting], timeout=0):
        if not waiting.done():
            await asyncio.sleep(0)
        if not waiting.done():
            subscriber.close()
        envelope = await waiting
        if envelope is None:
            return ids
        ids.append(envelope.id)
    return ids


async def test_events_have_ids_times_and_an_order(bus):
    first, _ = bus.subscribe()
    second, _ = bus.subscribe()
    envelopes = [bus.publish(fact(number)) for number in range(3)]
    assert [envelope.id for envelope in envelopes] == ["b:1", "b:2", "b:3"] == await taken(first)
    assert envelopes[0].at.endswith("Z")
    assert bus.last_id == "b:3"
    assert await taken(second) == ["b:1", "b:2", "b:3"]


async def test_a_subscriber_hears_what_comes_after_it(bus):
    bus.publish(fact())
    late, complete = bus.subscribe()
    assert complete
    bus.publish(fact())
    assert await taken(late) == ["b:2"]


async def test_next_waits_for_an_event(bus):
    subscriber, _ = bus.subscribe()
    waiting = asyncio.ensure_future(subscriber.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    envelope = bus.publish(fact())
    assert await waiting == envelope


async def test_progress_is_replaced_by_the_newest_of_the_same_job(bus):
    subscriber, _ = bus.subscribe()
    bus.publish(progress("j-a", 1))
    bus.publish(fact())
    for done in range(2, 2000):
        bus.publish(progress("j-a", done))
    bus.publish(progress("j-b", 5))
    bus.publish(fact())
    assert await taken(subscriber) == ["b:2", "b:2000", "b:2001", "b:2002"]


async def test_a_subscriber_that_stays_behind_is_cut_off_with_a_reason(bus):
    slow, _ = bus.subscribe()
    quick, _ = bus.subscribe()
    for _ in range(FACTS):
        bus.publish(fact())
    assert slow.dropped is None
    assert len(await taken(quick)) == FACTS
    bus.publish(progress("j-a", 1))
    bus.publish(fact())
    assert slow.dropped == f"more than {FACTS} events behind"
    bus.publish(fact())
    assert await slow.next() is None
    assert quick.dropped == "closed"


async def test_closing_leaves_the_bus_and_wakes_who_waits(bus):
    subscriber, _ = bus.subscribe()
    waiting = asyncio.ensure_future(subscriber.next())
    await asyncio.sleep(0)
    subscriber.close()
    subscriber.close()
    assert await waiting is None
    assert subscriber.dropped == "closed"
    bus.publish(fact())
    assert await subscriber.next() is None


async def test_a_listener_hears_every_event_of_its_kind_at_once_and_others_not(bus):
    heard = []
    bus.listen(SessionChanged, heard.append)
    for number in range(FACTS + 1):
        bus.publish(fact(number))
        bus.publish(WarningRaised(message="x"))
        assert heard[-1] == fact(number)
    assert len(heard) == FACTS + 1
    bus.close()
    bus.publish(fact())
    assert len(heard) == FACTS + 2


async def test_dropping_keeps_the_first_reason(bus):
    subscriber, _ = bus.subscribe()
    subscriber.drop("too slow")
    subscriber.close()
    assert subscriber.dropped == "too slow"


async def test_a_closed_bus_cuts_everybody_off_and_lets_nobody_wait(bus):
    before, _ = bus.subscribe()
    bus.publish(fact())
    bus.close()
    after, _ = bus.subscribe("b:0")
    assert before.dropped == after.dropped == "the daemon stops"
    assert await before.next() is None
    assert await after.next() is None


async def test_what_was_missed_is_replayed_without_progress(bus):
    for number in range(3):
        bus.publish(fact(number))
        bus.publish(progress("j-a", number))
    subscriber, complete = bus.subscribe("b:2")
    assert complete
    assert await taken(subscriber) == ["b:3", "b:5"]


@pytest.mark.parametrize(
    "after", ["", ":", "b", "b:", "b:x", "b:-1", "b:99", "other:1", "b:1:1", "b:\N{SUPERSCRIPT TWO}", "b: 1", "b:+1"]
)
async def test_an_id_that_is_not_ours_asks_for_a_snapshot(bus, after):
    bus.publish(fact())
    subscriber, complete = bus.subscribe(after)
    assert not complete
    assert await taken(subscriber) == []


async def test_replay_goes_as_far_back_as_it_can_and_says_when_it_cannot(bus):
    for number in range(REPLAY + 10):
        bus.publish(fact(number))
    oldest = 10  # the newest event that is forgotten
    for after, complete in ((oldest - 1, False), (REPLAY + 10 - FACTS, True), (REPLAY + 9 - FACTS, False)):
        subscriber, whole = bus.subscribe(f"b:{after}")
        assert whole is complete
        assert len(await taken(subscriber)) == (REPLAY + 10 - after if complete else 0)


async def test_progress_between_facts_does_not_make_replay_incomplete(bus):
    for number in range(5):
        bus.publish(progress("j-a", number))
    subscriber, complete = bus.subscribe("b:0")
    assert complete
    assert await taken(subscriber) == []


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 70))
async def test_replay_and_stream_together_miss_no_fact_and_repeat_none(kinds, cut):
    bus = EventBus(boot="x", clock=ManualClock())
    facts = []
    for number, is_fact in enumerate(kinds):
        envelope = bus.publish(fact(number) if is_fact else progress("j-a", number))
        facts += [envelope] if is_fact else []
    subscriber, complete = bus.subscribe(f"x:{cut}")
    assert complete is (cut <= len(kinds))
    new = bus.publish(fact(-1))
    expected = [envelope.id for envelope in facts if envelope.seq > cut] if complete else []
    assert await taken(subscriber) == [*expected, new.id]


def test_events_are_tagged_with_their_topic():
    created = JobCreated(job_id=JobId("j-a"), kind="scan", session_id=None, origin="cli")
    assert msgspec.json.decode(msgspec.json.encode(created)) == {
        "topic": "job_created",
        "job_id": "j-a",
        "kind": "scan",
        "session_id": None,
        "origin": "cli",
    }
    changed = JobChanged(
        job_id=JobId("j-a"), state="running", session_id=None, pass_=None, pause=None, queue_position=None
    )
    assert msgspec.to_builtins(changed)["pass"] is None
    assert msgspec.to_builtins(WarningRaised(message="m"))["topic"] == "warning"
