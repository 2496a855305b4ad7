"""Job, pass and shot states: one enum and one transition table each; pure functions.

A state has one writer; everybody else sends commands. ``next_job_state`` says where a command leads, ``job_may_become``
and ``pass_may_become`` check every change, also those of the runners.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from scanner.errors import CommandRefusedError


class JobState(StrEnum):
    """States of a job. The last three are ends."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PassState(StrEnum):
    """States of a pass. ``completed`` is final but for an explicit retake; ``failed`` and ``cancelled`` can be
    resumed.
    """

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ShotState(StrEnum):
    """States of a shot. A shot that fails is not a state: the job pauses on it."""

    PLANNED = "planned"
    SAVED = "saved"
    SKIPPED = "skipped"


class Command(StrEnum):
    """What people and other parts may ask of a job. They arrive at any time, twice, or late."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"
    HALT = "halt"
    SKIP = "skip"


ENDED = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})
ACTIVE = frozenset(JobState) - ENDED

_S = JobState
_JOB_COMMANDS: dict[tuple[JobState, Command], JobState] = {
    (_S.PENDING, Command.PAUSE): _S.PAUSED,
    (_S.PENDING, Command.RESUME): _S.PENDING,
    (_S.PENDING, Command.CANCEL): _S.CANCELLED,
    (_S.PENDING, Command.HALT): _S.PAUSED,
    (_S.RUNNING, Command.PAUSE): _S.PAUSED,
    (_S.RUNNING, Command.RESUME): _S.RUNNING,
    (_S.RUNNING, Command.CANCEL): _S.CANCELLED,
    (_S.RUNNING, Command.FINISH): _S.COMPLETED,
    (_S.RUNNING, Command.HALT): _S.PAUSED,
    (_S.PAUSED, Command.PAUSE): _S.PAUSED,
    (_S.PAUSED, Command.RESUME): _S.PENDING,
    (_S.PAUSED, Command.CANCEL): _S.CANCELLED,
    (_S.PAUSED, Command.FINISH): _S.COMPLETED,
    (_S.PAUSED, Command.HALT): _S.PAUSED,
    (_S.PAUSED, Command.SKIP): _S.PENDING,
    (_S.CANCELLED, Command.CANCEL): _S.CANCELLED,
    (_S.COMPLETED, Command.FINISH): _S.COMPLETED,
}

_JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.PAUSED, _S.COMPLETED, _S.CANCELLED, _S.FAILED}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.PENDING, _S.COMPLETED, _S.CANCELLED, _S.FAILED}),  # pending: begun anew
    _S.PAUSED: frozenset({_S.PENDING, _S.RUNNING, _S.COMPLETED, _S.CANCELLED, _S.FAILED}),
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
del _S

_PASS_MOVES: dict[PassState, frozenset[PassState]] = {
    PassState.PLANNED: frozenset(
        {PassState.RUNNING, PassState.PAUSED, PassState.CANCELLED, PassState.FAILED, PassState.COMPLETED}
    ),
    PassState.RUNNING: frozenset({PassState.PAUSED, PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED}),
    PassState.PAUSED: frozenset({PassState.RUNNING, PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED}),
    PassState.COMPLETED: frozenset({PassState.PAUSED}),
    PassState.CANCELLED: frozenset({PassState.RUNNING, PassState.PAUSED, PassState.COMPLETED}),
    PassState.FAILED: frozenset({PassState.RUNNING, PassState.PAUSED, PassState.COMPLETED, PassState.CANCELLED}),
}


def next_job_state(state: JobState, command: Command) -> JobState:
    """Where ``command`` leads a job in ``state``. A resumed or skipped job waits for its lane again: ``pending``.

    Errors: CommandRefusedError where the command does not fit. Repeating a command that has had its effect is no error.
    """
    try:
        return _JOB_COMMANDS[state, command]
    except KeyError:
        fitting = sorted(c.value for s, c in _JOB_COMMANDS if s is state and state not in ENDED)
        hint = f"possible now: {', '.join(fitting)}" if fitting else "it has ended"
        message = f"a job that is {state.value} cannot {command.value}; {hint}"
        raise CommandRefusedError(message, state=state.value, command=command.value, possible=fitting) from None


def job_may_become(state: JobState, new: JobState) -> bool:
    """Whether a job may go from ``state`` to ``new``, whoever moves it: a command or its runner."""
    return state is new or new in _JOB_MOVES[state]


def pass_may_become(state: PassState, new: PassState) -> bool:
    """Whether a pass may go from ``state`` to ``new``."""
    return new in _PASS_MOVES[state]


def session_state(passes: Iterable[PassState]) -> PassState:
    """A session's state, derived: running > paused or planned > failed > completed > cancelled.

    ``paused`` and ``planned`` rank alike: a session whose passes are all planned is planned, any other mix of the two
    is paused.
    """
    present = frozenset(passes)
    if PassState.RUNNING in present:
        return PassState.RUNNING
    if present <= {PassState.PLANNED}:
        return PassState.PLANNED
    for state in (PassState.PAUSED, PassState.FAILED, PassState.COMPLETED):
        if state in present or (state is PassState.PAUSED and PassState.PLANNED in present):
            return state
    return PassState.CANCELLED
