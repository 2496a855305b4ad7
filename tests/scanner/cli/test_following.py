"""Jobs that are waited for and watched."""

from __future__ import annotations

import json

import pytest

from tests.scanner.cli.conftest import completed, job, paused
from tests.scanner.cli.stub import error

JOB = "GET /api/jobs/j-abc123"
PROGRESS = {"done": 5, "total": 10, "unit": "photos", "eta_s": 30.0}


def changed(job_id="j-abc123"):
    """The event that a job changed."""
    return ("job_changed", {"job_id": job_id})


def progress(done, job_id="j-abc123"):
    """The event that a job got on."""
    return ("progress", {"job_id": job_id, "pass": "main", "progress": PROGRESS | {"done": done}})


def test_a_job_is_followed_to_its_end(cli, stub):
    stub.answers[JOB] = [job(done=0), completed()]
    stub.streams = [[progress(2, "j-other"), progress(1), progress(2), changed("j-other"), changed(), progress(9)]]
    call = cli("jobs", "watch", "abc123")
    assert call.code == 0
    assert call.out.splitlines() == [
        "scan j-abc123 (Vase) running: 0 of 10 photos, 1 min 5 s left",
        "scan j-abc123 (Vase) running: 1 of 10 photos, 30 s left",
        "scan j-abc123 (Vase) running: 2 of 10 photos, 30 s left",
        "scan j-abc123 (Vase) completed: 10 of 10 photos",
        "scan j-abc123 completed: 10 photos, 4.2 MB, 3 min 5 s, 1 retaken",
    ]
    assert len(stub.asked(JOB)) == 2  # progress needs no further look
    assert stub.asked("GET /api/events?topics=job_changed,progress")


def test_lines_come_with_each_tenth_and_each_change_only(cli, stub):
    stub.answers[JOB] = [job(done=0, total=1000), job(done=0, total=1000), completed()]
    many = [
        ("progress", {"job_id": "j-abc123", "pass": "main", "progress": PROGRESS | {"done": n, "total": 1000}})
        for n in range(1000)
    ]
    stub.streams = [[changed(), *many, changed()]]
    assert len(cli("jobs", "watch", "j-abc123").out.splitlines()) == 12


def test_an_ended_job_is_told_at_once(cli, stub):
    stub.answers[JOB] = completed()
    assert cli("jobs", "watch", "j-abc123").code == 0
    assert not cli.slept


def test_json_is_a_line_for_each_change(cli, stub):
    stub.answers[JOB] = [job(done=0), completed()]
    stub.streams = [[progress(1), changed()]]
    lines = [json.loads(line) for line in cli("jobs", "watch", "j-abc123", "--json").out.splitlines()]
    assert [(line["state"], line["progress"]["done"]) for line in lines] == [
        ("running", 0),
        ("running", 1),
        ("completed", 10),
    ]


def test_a_terminal_gets_a_bar(cli, stub):
    stub.answers[JOB] = [job(done=0, title="[red]Vase\x1b[2J"), completed()]
    stub.streams = [[progress(4), changed()]]
    call = cli("jobs", "watch", "j-abc123", terminal=True)
    assert call.code == 0
    assert "━" in call.out
    assert "[red]Vase [2J) running: 4 of 10 photos" in call.out
    assert "\x1b[2J" not in call.out
    assert "scan j-abc123 completed: 10 photos" in call.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        (job("cancelled"), 1, "scan j-abc123 was cancelled"),
        (job("cancelled", error={"code": "disk_full", "message": "full"}), 1, "scan j-abc123 was cancelled: full"),
        (job("failed", error={"code": "axis_stuck", "message": "stuck"}), 6, "scan j-abc123 failed: stuck"),
        (job("failed", error={"code": "invalid_spec", "message": "bad"}), 2, "failed: bad"),
        (job("failed", error={"code": "of_the_future", "message": "?"}), 6, "failed: ?"),
        (paused("fault", "camera_timeout", "the camera is silent"), 6, "go on with: scanner jobs resume j-abc123"),
        (paused("restart", "interrupted", "the power failed"), 6, "the power failed"),
    ],
)
def test_the_exit_code_says_how_it_ended(cli, stub, ending, code, said):
    stub.answers[JOB] = [job(), ending]
    stub.streams = [[changed()]]
    call = cli("jobs", "watch", "j-abc123")
    assert call.code == code
    assert said in call.err


@pytest.mark.parametrize(
    "pause",
    [
        paused("user"),
        paused("guard", "disk_low", "no room", resumes_by_itself=True),
        paused("operator", "halted", "stop"),
    ],
)
def test_a_pause_that_others_end_is_waited_for(cli, stub, pause):
    stub.answers[JOB] = [job(), pause, job(), completed()]
    stub.streams = [[changed(), changed(), changed()]]
    call = cli("jobs", "watch", "j-abc123")
    assert call.code == 0
    assert f"paused: {pause['pause']['message']} (3 of 10 photos)" in call.out


def waiting(**more):
    """A job behind another."""
    return job("pending", 0, queue_position=1, waits_for="j-hers", **more)


HERS = "GET /api/jobs/j-hers"


def test_whoever_waits_hears_what_the_job_waits_for(cli, stub):
    """And what makes it go on, once, whenever that changes."""
    hers = paused(id="j-hers", title="Jug", message="paused by ben")
    stub.answers |= {"POST /api/sessions/s-1/passes/main/resume": (202, waiting())}
    stub.answers[JOB] = [waiting(), waiting(), job(), completed()]
    stub.answers[HERS] = [job(id="j-hers", title="Jug"), hers]
    more = ("progress", {"job_id": "j-hers", "pass": "main", "progress": PROGRESS})
    stub.streams = [[more, changed("j-other"), changed("j-hers"), changed(), changed()]]
    call = cli("sessions", "resume", "s-1", "--pass", "main", "--wait")
    assert call.code == 0
    assert call.out.splitlines()[:6] == [
        "scan j-abc123: going on with pass main of session s-1, number 1 in the queue, behind j-hers",
        "scan j-abc123 (Vase) pending: 0 of 10 photos, number 1 in the queue, behind j-hers",
        "waiting for scan j-hers (Jug) running",
        "waiting for scan j-hers (Jug) paused: paused by ben",
        "go on with: scanner jobs resume j-hers",
        "scan j-abc123 (Vase) running: 3 of 10 photos, 1 min 5 s left",
    ]
    assert (len(stub.asked(JOB)), cli.slept) == (4, [])


def test_what_goes_on_by_itself_needs_no_command(cli, stub):
    held = paused("guard", "too_hot", "the processor is hot", id="j-hers", title="", resumes_by_itself=True)
    stub.answers |= {JOB: [waiting(), completed()], HERS: held}
    stub.streams = [[changed()]]
    said = cli("jobs", "watch", "j-abc123").out
    assert "waiting for scan j-hers paused: the processor is hot\n" in said
    assert "go on with" not in said


def test_a_job_that_has_just_made_room_is_not_waited_for(cli, stub):
    stub.answers |= {JOB: [waiting(), completed()], HERS: (404, error("job_not_found", "there is no job j-hers"))}
    stub.streams = [[changed()]]
    call = cli("jobs", "watch", "j-abc123")
    assert call.code == 0
    assert "waiting for" not in call.out


@pytest.mark.parametrize("terminal", [False, True])
def test_a_pause_is_told_with_the_command_that_goes_on(cli, stub, terminal):
    stub.answers[JOB] = [job(), paused(), paused(), job(), completed()]
    stub.streams = [[changed(), changed(), changed(), changed()]]
    said = cli("jobs", "watch", "j-abc123", terminal=terminal).out
    assert said.count("go on with: scanner jobs resume j-abc123") == 1
    assert "paused: paused by anna" in said


def test_with_json_what_is_waited_for_is_said_beside_it(cli, stub):
    stub.answers |= {JOB: [waiting(), paused(), completed()], HERS: job(id="j-hers")}
    stub.streams = [[changed(), changed()]]
    call = cli("jobs", "watch", "j-abc123", "--json")
    assert [json.loads(line)["state"] for line in call.out.splitlines()] == ["pending", "paused", "completed"]
    assert call.err.splitlines() == [
        "waiting for scan j-hers (Vase) running",
        "go on with: scanner jobs resume j-abc123",
    ]


def test_a_stream_that_breaks_is_taken_up_again(cli, stub):
    stub.answers[JOB] = [job(done=1), job(done=5), completed()]
    stub.streams = [[progress(2)], [changed()]]
    assert cli("jobs", "watch", "j-abc123").code == 0
    assert cli.slept == [1.0]


def test_a_daemon_that_stays_away_is_given_up(cli, stub):
    stub.answers[JOB] = job()
    stub.streams = [[lambda: stub.until(JOB), stub.path.unlink]]
    call = cli("jobs", "watch", "j-abc123")
    assert call.code == 7
    assert "no scanner daemon answers" in call.err
    assert len(cli.slept) == 61


def test_a_job_that_is_gone_after_a_restart_is_said(cli, stub):
    stub.answers[JOB] = [job(), (404, error("job_not_found", "there is no job j-abc123"))]
    stub.streams = [[], []]
    call = cli("jobs", "watch", "j-abc123")
    assert (call.code, call.err) == (3, "scanner: there is no job j-abc123\n")


def interrupt():
    """Ctrl+C."""
    raise KeyboardInterrupt


def test_ctrl_c_in_watch_only_looks_away(cli, stub):
    stub.answers[JOB] = job()
    cli.on_sleep = interrupt
    call = cli("jobs", "watch", "j-abc123")
    assert call.code == 0
    assert call.out.splitlines()[-1] == "no longer watched; the job is as it was"
    assert {request.method for request in stub.requests} == {"GET"}


def test_ctrl_c_while_waiting_pauses_the_job_and_says_how_to_go_on(cli, stub):
    stub.answers |= {"POST /api/scans": (202, job("pending")), JOB: job(), "POST /api/jobs/j-abc123/pause": paused()}
    cli.on_sleep = interrupt
    call = cli("scan", "start", "--wait")
    assert call.code == 130
    assert call.out.splitlines()[-1].endswith("go on with: scanner jobs resume j-abc123")
    (order,) = stub.asked("POST /api/jobs/j-abc123/pause")
    assert order.body == {"reason": "interrupted at the terminal"}


def test_ctrl_c_when_the_job_has_just_ended(cli, stub):
    refusal = (409, error("command_refused", "a job that is completed cannot pause; it has ended"))
    stub.answers |= {"POST /api/scans": (202, job()), JOB: job(), "POST /api/jobs/j-abc123/pause": refusal}
    cli.on_sleep = interrupt
    call = cli("scan", "start", "--wait")
    assert call.code == 130
    assert "it has ended" in call.err


def test_ctrl_c_where_nothing_is_waited_for_is_130(cli, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scanner.client.Client.get", interrupted)
    assert cli("status").code == 130


TURN = paused("operator", "turn_object", "Turn the object over.")


def test_whoever_waits_at_a_terminal_is_asked_to_turn_the_object(cli, stub):
    stub.answers |= {"POST /api/scans": (202, job()), JOB: [job(), TURN, completed()]}
    stub.answers["POST /api/jobs/j-abc123/resume"] = job()
    stub.streams = [[changed(), changed()]]
    call = cli("scan", "start", "--wait", terminal=True)
    assert call.code == 0
    assert cli.asked == ["Turn the object over. Press Enter when it is done. "]
    assert len(stub.asked("POST /api/jobs/j-abc123/resume")) == 1


def test_nobody_is_asked_where_nobody_is(cli, stub):
    stub.answers |= {"POST /api/scans": (202, job()), JOB: [job(), TURN, completed()]}
    stub.streams = [[changed(), changed()]]
    assert cli("scan", "start", "--wait").code == 0
    assert cli("jobs", "watch", "j-abc123", terminal=True).code == 0
    assert not cli.asked
