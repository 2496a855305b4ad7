"""``scanner jobs``."""

from __future__ import annotations

import json

import pytest

from tests.scanner.cli.conftest import completed, job, paused
from tests.scanner.cli.stub import error


def listed(*jobs):
    """A list of the API."""
    return {"items": list(jobs), "next": None, "total": len(jobs)}


def test_jobs_are_listed(cli, stub):
    stub.answers["GET /api/jobs"] = listed(
        job(),
        paused(id="j-b", title="Red\x1b[31m"),
        job("pending", 0, 5, id="j-c", queue_position=2),
        job("failed", id="j-d", error={"code": "axis_stuck", "message": "the plate is stuck"}),
    )
    assert cli("jobs", "list").out.splitlines() == [
        "ID        KIND  STATE    DONE  SINCE             TITLE",
        "j-abc123  scan  running  3/10  2026-11-20 04:15  Vase",
        "j-b       scan  paused   3/10  2026-11-20 04:15  Red [31m  paused by anna",
        "j-c       scan  pending  0/5   2026-11-20 04:15  Vase      number 2 in the queue",
        "j-d       scan  failed   3/10  2026-11-20 04:15  Vase      the plate is stuck",
    ]


def test_a_terminal_gets_a_table(cli, stub):
    stub.answers["GET /api/jobs"] = listed(job(title="[bold]Vase"))
    call = cli("jobs", "list", terminal=True)
    assert "[bold]Vase" in call.out
    assert "─" in call.out


def test_no_jobs(cli, stub):
    stub.answers["GET /api/jobs/active"] = listed()
    assert cli("jobs", "list", "--active").out == "there are no jobs\n"
    assert cli("jobs", "list", "-a", "--json").out == '{"items": [], "next": null, "total": 0}\n'


def test_one_job(cli, stub):
    stub.answers["GET /api/jobs/j-abc123"] = job()
    assert cli("jobs", "show", "abc123").out == "scan j-abc123 (Vase) running: 3 of 10 photos, 1 min 5 s left\n"
    assert json.loads(cli("jobs", "show", "j-abc123", "--json").out) == job()
    stub.answers["GET /api/jobs/j-abc123"] = completed()
    assert cli("jobs", "show", "j-abc123").out.startswith("scan j-abc123 completed: 10 photos, 4.2 MB")
    stub.answers["GET /api/jobs/j-abc123"] = job("completed", 10, title="")
    assert cli("jobs", "show", "j-abc123").out == "scan j-abc123 completed: 10 of 10 photos\n"
    stub.answers["GET /api/jobs/j-abc123"] = job(
        "cancelled", error={"code": "disk_full", "message": "The disk is full"}
    )
    assert cli("jobs", "show", "j-abc123").out.splitlines()[1:] == ["The disk is full"]


def test_where_a_job_is_in_queue_and_passes(cli, stub):
    stub.answers["GET /api/jobs/j-abc123"] = job("pending", queue_position=2, passes=["up", "down"], **{"pass": "down"})
    line = "scan j-abc123 (Vase) pending: 3 of 10 photos of pass down, number 2 in the queue\n"
    assert cli("jobs", "show", "abc123").out == line


def test_strange_ids_stay_inside_the_address(cli, stub):
    call = cli("jobs", "show", "../../x?y")
    assert call.code == 3
    assert stub.requests[-1].path == "/api/jobs/j-..%2F..%2Fx%3Fy"


@pytest.mark.parametrize("order", ["pause", "resume", "cancel", "finish", "halt", "skip"])
def test_orders_are_given_with_their_reason(cli, stub, order):
    stub.answers[f"POST /api/jobs/j-abc123/{order}"] = paused()
    call = cli("jobs", order, "abc123", "--reason", "lunch")
    assert (call.code, call.out) == (0, "scan j-abc123 (Vase) paused: paused by anna (3 of 10 photos)\n")
    assert stub.requests[-1].body == {"reason": "lunch"}


@pytest.mark.parametrize(
    ("order", "chosen"),
    [("pause", "j-run"), ("cancel", "j-run"), ("finish", "j-run"), ("resume", "j-wait"), ("skip", "j-wait")],
)
def test_the_job_that_is_meant_need_not_be_named(cli, stub, order, chosen):
    stub.answers["GET /api/jobs/active"] = listed(job(id="j-run"), paused(id="j-wait"), job("pending", id="j-next"))
    stub.answers[f"POST /api/jobs/{chosen}/{order}"] = job(id=chosen)
    assert cli("jobs", order).code == 0


def test_several_that_may_be_meant_are_asked_about(cli, stub):
    stub.answers["GET /api/jobs/active"] = listed(paused(id="j-a"), paused(id="j-b"))
    call = cli("jobs", "resume")
    assert (call.code, call.err) == (2, "scanner: which one? paused are j-a, j-b\n")


def test_nothing_that_could_be_meant(cli, stub):
    stub.answers["GET /api/jobs/active"] = listed(job())
    call = cli("jobs", "resume")
    assert (call.code, call.err) == (3, "scanner: no job is paused\n")


def test_watching_takes_the_job_at_work(cli, stub):
    stub.answers |= {"GET /api/jobs/active": listed(job()), "GET /api/jobs/j-abc123": completed()}
    assert cli("jobs", "watch").code == 0


def test_halting_without_a_name_stops_the_rig_whatever_runs(cli, stub):
    stub.answers["POST /api/rig/stop"] = {}
    call = cli("jobs", "halt")
    assert call.code == 0
    assert "everything is off" in call.out
    assert [request.key for request in stub.requests] == ["POST /api/rig/stop"]


def test_refusals_are_sentences_with_their_exit_code(cli, stub):
    refusal = error("command_refused", "a job that is completed cannot pause; it has ended", state="completed")
    stub.answers["POST /api/jobs/j-abc123/pause"] = (409, refusal)
    call = cli("jobs", "pause", "abc123")
    assert (call.code, call.out) == (4, "")
    assert call.err == "scanner: a job that is completed cannot pause; it has ended\n"
    assert json.loads(cli("jobs", "pause", "abc123", "--json").out) == refusal


def test_the_queue_is_reordered_and_cleared(cli, stub):
    stub.answers |= {
        "POST /api/jobs/j-abc123/move": job("pending", queue_position=1),
        "DELETE /api/jobs/j-abc123": job("cancelled"),
        "DELETE /api/jobs": (204, b""),
    }
    assert "number 1 in the queue" in cli("jobs", "move", "abc123", "1").out
    assert stub.requests[-1].body == {"position": 1}
    assert "cancelled" in cli("jobs", "delete", "abc123").out
    assert cli("jobs", "clear").out == "all ended jobs are off the list\n"
    assert stub.requests[-1].key == "DELETE /api/jobs"


def test_the_report_is_the_file_that_the_daemon_makes(cli, stub):
    stub.answers["GET /api/jobs/report?format=csv"] = b"id,kind\r\nj-1,scan\r\n"
    stub.answers["GET /api/jobs/report?format=json"] = {"items": [], "next": None, "total": 0}
    assert cli("jobs", "report").out == "id,kind\r\nj-1,scan\r\n"
    assert cli("jobs", "report", "--json").out == '{"items": [], "next": null, "total": 0}\n'
