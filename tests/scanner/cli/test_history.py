"""``scanner history`` and ``scanner statistics``."""

from __future__ import annotations

import json

from tests.scanner.cli.conftest import listed
from tests.scanner.cli.stub import error

CSV = 'session_id,pass\r\ns-1,"a ""b"", Väse\x1b"\r\n'


def a_pass(**more):
    """A pass of the history."""
    return {
        "session_id": "s-1",
        "pass": "main",
        "title": "Vase",
        "state": "completed",
        "operator": "anna",
        "started_at": "2026-11-20T04:15:30.120Z",
        "shots": 32,
        "photos": 30,
        "retakes": 1,
        "duration_s": 61.0,
        "photos_per_hour": 1770.4,
    } | more


def test_passes_are_listed(cli, stub):
    never = a_pass(session_id="s-2", state="planned", started_at=None, photos_per_hour=None, duration_s=0.0)
    stub.answers["GET /api/passes?limit=20"] = listed(a_pass(), never, total=900)
    assert cli("history").out.splitlines() == [
        "STARTED           SESSION  PASS  STATE      PHOTOS  RETAKES  TIME       PER HOUR  OPERATOR  TITLE",
        "2026-11-20 04:15  s-1      main  completed  30/32   1        1 min 1 s  1770      anna      Vase",
        "                  s-2      main  planned    30/32   1        0 s                  anna      Vase",
        "2 of 900 passes; more with --limit",
    ]


def test_passes_are_searched_page_by_page(cli, stub):
    words = "q=red+vase&state=failed&since=2026-11-01&until=2026-12-01"
    stub.answers[f"GET /api/passes?{words}&limit=200"] = listed(*[a_pass()] * 200, total=900, following="c")
    stub.answers[f"GET /api/passes?{words}&limit=50&after=c"] = listed(*[a_pass()] * 50, total=900, following="d")
    argv = ("--search", "red vase", "-s", "failed", "--since", "2026-11-01", "--until", "2026-12-01", "-n", "250")
    found = json.loads(cli("history", *argv, "--json").out)
    assert (len(found["items"]), found["total"]) == (250, 900)


def test_nothing_was_scanned(cli, stub):
    stub.answers["GET /api/passes?limit=20"] = listed()
    assert cli("history").out == "nothing was scanned\n"


def test_csv_comes_as_the_daemon_wrote_it(cli, stub):
    stub.answers["GET /api/passes?q=a&format=csv"] = CSV.encode()
    assert cli("history", "--search", "a", "--csv").out == CSV
    assert cli("history", "--search", "a", "--csv", terminal=True).out == CSV.replace("\x1b", " ")
    stub.answers["GET /api/passes?limit=5&format=json"] = listed(a_pass())
    assert json.loads(cli("history", "-n", "5", "--csv", "--json").out)["total"] == 1


def test_a_day_that_is_none_is_told(cli, stub):
    stub.answers["GET /api/statistics?since=soon"] = (400, error("invalid", "since: must be a day"))
    assert cli("statistics", "--since", "soon").code == 2


def tally(key="", **more):
    """Sums of the API."""
    return {
        "key": key,
        "sessions": 2,
        "passes": 3,
        "completed": 2,
        "photos": 96,
        "bytes": 384_000_000,
        "duration_s": 190.0,
        "retakes": 1,
        "failures": 0,
        "photos_per_hour": 1818.9,
    } | more


def test_sums_are_printed(cli, stub):
    sums = {
        "since": "2026-11-01",
        "until": None,
        "total": tally(),
        "by_preset": [tally("fine"), tally("", photos_per_hour=None)],
        "by_rig": [],
        "by_operator": [],
        "by_day": [tally("2026-11-20")],
    }
    stub.answers["GET /api/statistics"] = sums
    assert cli("statistics").out.splitlines() == [
        "from      2026-11-01",
        "sessions  2",
        "passes    3, 2 of them completed",
        "photos    96, 384 MB",
        "time      3 min 10 s",
        "per hour  1819",
        "retakes   1",
        "failures  0",
        "",
        "PRESET  SESSIONS  PASSES  PHOTOS  SIZE    TIME        PER HOUR  RETAKES  FAILURES",
        "fine    2         3       96      384 MB  3 min 10 s  1819      1        0",
        "-       2         3       96      384 MB  3 min 10 s            1        0",
        "",
        "DAY         SESSIONS  PASSES  PHOTOS  SIZE    TIME        PER HOUR  RETAKES  FAILURES",
        "2026-11-20  2         3       96      384 MB  3 min 10 s  1819      1        0",
    ]
    assert json.loads(cli("statistics", "--json").out) == sums


def test_passes_that_are_in_no_day_are_told(cli, stub):
    none: dict[str, object] = {"since": None, "until": None, "by_preset": [], "by_rig": [], "by_operator": []}
    for passes, said in ((1, "2 passes, of which nobody knows when they began"), (3, None)):
        stub.answers["GET /api/statistics"] = none | {"total": tally(), "by_day": [tally("2026-11-20", passes=passes)]}
        lines = [line for line in cli("statistics").out.splitlines() if line.startswith("undated")]
        assert [line.split(maxsplit=1)[1] for line in lines] == ([said] if said else [])
