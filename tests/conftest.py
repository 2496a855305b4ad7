"""Fixtures shared by all tests. Those of one package stand in its own ``conftest.py``."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import hypothesis
import pytest

from scanner.clock import SystemClock
from tests.support import leaks as leaking
from tests.support.clock import ManualClock
from tests.support.sample import FULL

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config
    from scanner.hardware.api import Rig

TWIN_SPEED = 100.0  # of the twin in tests that need no real speeds

# In the gate the examples are the same every time: it must not depend on luck. The full run draws new ones.
hypothesis.settings.register_profile("gate", derandomize=True, deadline=None, max_examples=100, database=None)
hypothesis.settings.register_profile("full", deadline=None, max_examples=1000, stateful_step_count=100, print_blob=True)
hypothesis.settings.load_profile("full" if FULL else "gate")

LIMIT = 3600.0 if FULL else 240.0  # seconds for one test: one that hangs must not take the others' time

FIGURE = "figure"  # name of what a test has measured, among the properties of its report


class Figures(Protocol):
    """Notes a figure that is printed at the end of the run; ``full``: in the full run alone."""

    def __call__(self, text: str, *, full: bool = False) -> None: ...


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Lets a test say what it measured."""

    def note(text: str, *, full: bool = False) -> None:
        if FULL or not full:
            request.node.user_properties.append((FIGURE, text))  # goes with the report, out of a worker too

    return note


def pytest_configure() -> None:
    """Hear Ctrl+C, and let what the tests start hear it: a shell makes what it starts in the background deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that hangs, where it hangs."""

    def ring(*_: object) -> None:
        pytest.fail(f"{item.nodeid} takes longer than {LIMIT:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, test by test, before the closing line."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    told = {
        report.nodeid: [text for name, text in report.user_properties if name == FIGURE]
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
    }
    if any(told.values()):
        terminalreporter.section("figures")
    for node in sorted(node for node, figures in told.items() if figures):
        terminalreporter.write_line(node)
        for text in told[node]:
            terminalreporter.write_line("  " + text.replace("\n", "\n  "))


@pytest.fixture
def leaks_of_process() -> Iterator[None]:
    """Fails the test if it leaves a thread or a descriptor open after its loop is closed."""
    threads, descriptors = leaking.threads(), leaking.descriptors()
    yield
    if left := leaking.leaked_threads(threads):
        pytest.fail(f"leaked threads: {', '.join(left)}")
    if open_still := leaking.leaked_descriptors(descriptors):
        pytest.fail(f"leaked file descriptors: {', '.join(open_still)}")


@pytest.fixture
async def leaks_of_loop(leaks_of_process: None) -> AsyncIterator[None]:  # noqa: ARG001 - outlives this one
    """Fails the test if it leaves a task running after its other fixtures are gone."""
    before = asyncio.all_tasks()
    yield
    if left := await leaking.leaked_tasks(before):
        pytest.fail("leaked tasks: " + "; ".join(left))


@pytest.fixture(autouse=True)
def leaks(request: pytest.FixtureRequest, leaks_of_process: None) -> None:  # noqa: ARG001 - set up first, ends last
    """Every test cleans up: no task, no thread, no descriptor stays.

    Set up before the test's own fixtures, so that it looks after they are gone.
    """
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("leaks_of_loop")


@pytest.fixture
def demo(tmp_path: Path) -> Config:
    """The configuration of ``scanner demo`` below ``tmp_path``: the twin, fast, on any free port."""
    from scanner.config import demo_config  # noqa: PLC0415 - only those who ask for it load it

    return demo_config(tmp_path / "demo", port=0, speed=TWIN_SPEED)


@pytest.fixture
async def rig(demo: Config) -> AsyncIterator[Rig]:
    """The twin's devices, not opened; let go at the end."""
    from scanner.hardware.registry import build_rig  # noqa: PLC0415 - only those who ask for it load it

    assert demo.rig is not None
    devices = build_rig(demo.rig, SystemClock(demo.rig.speed))
    yield devices
    for device in (devices.turntable, devices.tilt, *devices.cameras.values(), *devices.lights.values()):
        if device is not None:
            await device.close()


@pytest.fixture
async def app(demo: Config) -> AsyncIterator[App]:
    """The whole daemon but its web side: storage, twin, engine, jobs, as ``scanner demo`` builds them."""
    from scanner.app import open_app  # noqa: PLC0415 - only those who ask for it load it

    running = await open_app(demo, demo=True)
    yield running
    await running.close()


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock()
