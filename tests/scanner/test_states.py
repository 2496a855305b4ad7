"""Every state meets every command."""

from __future__ import annotations

import itertools

import pytest

from scanner.errors import CommandRefusedError
from scanner.states import ACTIVE, ENDED, Command, JobState, PassState, next_job_state, pass_may_become, session_state

P, R, Z, C, F, X = (
    JobState.PENDING,
    JobState.RUNNING,
    JobState.PAUSED,
    JobState.COMPLETED,
    JobState.FAILED,
    JobState.CANCELLED,
)

# state -> what pause, resume, cancel, finish, halt, skip make of it; None: refused
TABLE = {
    P: (Z, P, X, None, Z, None),
    R: (Z, R, X, C, Z, None),
    Z: (Z, P, X, C, Z, P),
    C: (None, None, None, C, None, None),
    F: (None, None, None, None, None, None),
    X: (None, None, X, None, None, None),
}
COMMANDS = (Command.PAUSE, Command.RESUME, Command.CANCEL, Command.FINISH, Command.HALT, Command.SKIP)
CASES = [(state, command, new) for state, row in TABLE.items() for command, new in zip(COMMANDS, row, strict=True)]


def test_the_cases_are_all_there_are():
    assert {(state, command) for state, command, _ in CASES} == set(itertools.product(JobState, Command))


@pytest.mark.parametrize(("state", "command", "new"), CASES)
def test_every_command_in_every_state(state, command, new):
    if new is not None:
        assert next_job_state(state, command) is new
        return
    with pytest.raises(CommandRefusedError) as caught:
        next_job_state(state, command)
    possible = sorted(c.value for s, c, n in CASES if s is state and n is not None and s not in ENDED)
    assert caught.value.detail == {"state": state.value, "command": command.value, "possible": possible}
    assert state.value in caught.value.message
    assert command.value in caught.value.message
    assert all(word in caught.value.message for word in possible)
    assert ("it has ended" in caught.value.message) == (state in ENDED)


@pytest.mark.parametrize(("command", "new"), sorted({(command, new) for _, command, new in CASES if new is not None}))
def test_a_command_that_had_its_effect_may_come_again(command, new):
    if command is not Command.SKIP:  # each skip is for another shot
        assert next_job_state(new, command) is new


def test_a_job_is_active_or_ended():
    assert set(JobState) == ACTIVE | ENDED
    assert not ACTIVE & ENDED
    assert all(next_job_state(state, Command.CANCEL) is X for state in ACTIVE)


MOVES = {
    PassState.PLANNED: {
        PassState.RUNNING,
        PassState.PAUSED,
        PassState.COMPLETED,
        PassState.CANCELLED,
        PassState.FAILED,
    },
    PassState.RUNNING: {PassState.PAUSED, PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED},
    PassState.PAUSED: {PassState.RUNNING, PassState.COMPLETED, PassState.CANCELLED, PassState.FAILED},
    PassState.COMPLETED: {PassState.PAUSED},
    PassState.CANCELLED: {PassState.RUNNING, PassState.PAUSED, PassState.COMPLETED},
    PassState.FAILED: {PassState.RUNNING, PassState.PAUSED, PassState.COMPLETED, PassState.CANCELLED},
}


@pytest.mark.parametrize(("state", "new"), list(itertools.product(PassState, PassState)))
def test_every_move_of_a_pass(state, new):
    assert pass_may_become(state, new) is (new in MOVES[state])


RANK = [PassState.RUNNING, PassState.PAUSED, PassState.FAILED, PassState.COMPLETED, PassState.CANCELLED]


def test_the_state_of_a_session_for_every_mix_of_passes():
    for size in range(len(PassState) + 1):
        for mix in itertools.combinations(PassState, size):
            state = session_state(mix)
            if set(mix) <= {PassState.PLANNED}:
                assert state is PassState.PLANNED
            else:
                ranked = [PassState.PAUSED if one is PassState.PLANNED else one for one in mix]
                assert state is min(ranked, key=RANK.index)


def test_a_session_does_not_depend_on_the_order_or_number_of_its_passes():
    mix = [PassState.COMPLETED, PassState.PLANNED, PassState.COMPLETED]
    assert {session_state(order) for order in itertools.permutations(mix)} == {PassState.PAUSED}
