"""``scan start``: options become a ScanSpec."""

from __future__ import annotations

import json

import pytest

from scanner.cli import build_parser
from scanner.decoding import decode
from scanner.planning import normalise
from scanner.spec import Fibonacci, Listed, PassSpec, Ring, Rings, ScanSpec
from tests.scanner.cli.conftest import completed, job, listed, rig, session, session_pass
from tests.scanner.cli.stub import error

PRESETS = [
    {
        "name": "standard",
        "spec": {"plan": {"kind": "rings"}, "settle": 2.0, "title": "", "camera": None, "passes": None},
    },
    {"name": "both", "spec": {"passes": [{"name": "a"}, {"name": "b"}]}},
]
TWIN = rig()
FIXED = rig(tilt=None, fixed_elevation=20.0)


def sent(cli, stub, *options, answer=None, url="/api/scans"):
    """The body that ``scan start`` with these options sends."""
    stub.answers.setdefault(f"POST {url}", (202, answer or job("pending", 0, 72)))
    stub.answers.setdefault("GET /api/rig", TWIN)
    stub.answers.setdefault("GET /api/state", {"presets": PRESETS})
    call = cli("scan", "start", *options)
    assert call.code == 0, call.err
    return stub.asked(f"POST {url}")[-1].body


def spec(cli, stub, *options):
    """The same as a ScanSpec: it must be a sound one."""
    return decode(ScanSpec, sent(cli, stub, *options))


def test_a_scan_is_started_once_and_told(cli, stub):
    stub.answers["POST /api/scans"] = [lambda: None, (202, job("pending", 0, 72, queue_position=2))]
    call = cli("scan", "start", "standard", "--title", "Blue vase")
    assert call.code == 0
    assert call.out.splitlines() == [
        "scan j-abc123: 72 photos for session s-1, number 2 in the queue",
        "watch it with: scanner jobs watch j-abc123",
    ]
    first, again = stub.asked("POST /api/scans")
    assert first.body == again.body == {"title": "Blue vase", "preset": "standard"}
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] != ""
    cli("scan", "start")
    assert stub.requests[-1].headers["Idempotency-Key"] != first.headers["Idempotency-Key"]


def test_json_is_the_job(cli, stub):
    stub.answers["POST /api/scans"] = (202, job())
    assert json.loads(cli("scan", "start", "--json").out) == job()


def test_every_option_has_its_place(cli, stub):
    options = (
        "--fibonacci 72 --camera a --camera b --size 640x480 --quality 80 --settle 0.5 --light ring=0.5 --light back=0"
    )
    made = spec(cli, stub, *options.split(), "--operator", "anna", "--tag", "x", "--tag", "y", "--notes", "n")
    (one,) = normalise(made)
    assert (made.operator, made.tags, made.notes) == ("anna", ("x", "y"), "n")
    assert one.plan == Fibonacci(count=72)
    assert one.cameras == ("a", "b")
    assert (one.camera.width, one.camera.height, one.camera.quality) == (640, 480, 80)
    assert one.settle == 0.5
    assert one.lights == {"ring": 0.5, "back": 0.0}


def test_settling_can_be_left_to_the_daemon(cli, stub):
    assert spec(cli, stub, "--settle", "auto").settle == "auto"


@pytest.mark.parametrize(
    ("options", "state", "rings"),
    [
        (("--rings", "24x3"), TWIN, [(24, 10), (24, 30), (24, 50)]),
        (("--rings", "12x2"), TWIN, [(12, 10), (12, 50)]),
        (("--rings", "12"), TWIN, [(12, 30)]),
        (("--rings", "12x1"), FIXED, [(12, None)]),
        (("--rings", "8x2", "--elevations", "5,60.5"), TWIN, [(8, 5), (8, 60.5)]),
    ],
)
def test_rings(cli, stub, options, state, rings):
    stub.answers["GET /api/rig"] = state
    expected = Rings(rings=tuple(Ring(count=photos, elevation=elevation) for photos, elevation in rings))
    assert spec(cli, stub, *options).plan == expected


def test_viewpoints_from_a_file(cli, stub, tmp_path):
    (tmp_path / "v.csv").write_text("0,10\n90,20\n")
    assert spec(cli, stub, "--csv", str(tmp_path / "v.csv")).plan == Listed(csv="0,10\n90,20\n")


def test_passes_are_named(cli, stub):
    made = spec(cli, stub, "--pass", "up", "--pass", "down", "--fibonacci", "9", "--title", "t")
    assert made.title == "t"
    assert made.passes == (PassSpec(name="up", plan=Fibonacci(count=9)), PassSpec(name="down", plan=Fibonacci(count=9)))


def test_named_passes_take_the_rest_from_the_preset(cli, stub):
    made = spec(cli, stub, "standard", "--pass", "up", "--fibonacci", "9")
    assert made.preset == "standard"
    assert made.passes == (PassSpec(name="up", plan=Fibonacci(count=9), settle=2.0),)


def test_a_file_holds_a_spec_that_options_override(cli, stub, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("title: a\ntags: [x]\nplan: {kind: fibonacci, count: 5}\nsettle: 3\n")
    made = spec(cli, stub, "--spec", str(path), "--title", "b", "--settle", "1")
    assert (made.title, made.tags, made.plan, made.settle) == ("b", ("x",), Fibonacci(count=5), 1)
    named = spec(cli, stub, "--spec", str(path), "--pass", "up")
    assert named.passes == (PassSpec(name="up", plan=Fibonacci(count=5), settle=3.0),)


def test_another_pass_of_a_session(cli, stub):
    url = "/api/sessions/s-1/passes"
    stub.answers["GET /api/sessions/s-1"] = session(passes=[session_pass("main"), session_pass("pass-3")])
    body = sent(cli, stub, "--session", "s-1", "--fibonacci", "9", url=url)
    assert decode(PassSpec, body) == PassSpec(name="pass-4", plan=Fibonacci(count=9))
    body = sent(cli, stub, "standard", "--session", "s-1", "--pass", "flipped", url=url)
    assert decode(PassSpec, body) == PassSpec(name="flipped", settle=2.0)
    assert stub.requests[-1].headers["Idempotency-Key"]


def test_waiting_ends_with_the_job(cli, stub):
    stub.answers |= {"POST /api/scans": (202, job("pending")), "GET /api/jobs/j-abc123": completed()}
    call = cli("scan", "start", "--wait")
    assert call.code == 0
    assert call.out.splitlines()[-1].startswith("scan j-abc123 completed")


RESUME = "POST /api/sessions/s-1/passes/main/resume"


@pytest.mark.parametrize(
    "named", [(), ("--session", "s-1"), ("--pass", "main"), ("--session", "s-1", "--pass", "main")]
)
def test_what_is_incomplete_is_gone_on_with(cli, stub, named):
    stub.answers |= {
        "GET /api/jobs/active": listed(),
        "GET /api/sessions/restorable": listed({"session": session(), "pass": session_pass()}),
        "GET /api/sessions/s-1": session(),
        RESUME: (202, job()),
        "GET /api/jobs/j-abc123": completed(),
    }
    call = cli("scan", "start", "--resume", *named)
    assert (call.code, call.out) == (0, "scan j-abc123: going on with pass main of session s-1\n")
    call = cli("scan", "start", "--resume", "--wait", *named)
    assert "scan j-abc123 completed" in call.out
    assert {request.key for request in stub.requests if request.method == "POST"} == {RESUME}


def test_nothing_new_is_begun_where_nothing_is_incomplete(cli, stub):
    stub.answers |= {"GET /api/jobs/active": listed(), "GET /api/sessions/restorable": listed()}
    call = cli("scan", "start", "--resume")
    assert (call.code, call.err) == (3, "scanner: no session is incomplete\n")
    call = cli("scan", "start", "--resume", "--pass", "up")
    assert (call.code, call.err) == (3, "scanner: no session has an incomplete pass up\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("standard",), "only a new one takes PRESET"),
        (("--title", "x", "--rings", "24x3"), "only a new one takes --title, --rings"),
        (("--quality", "0"), "only a new one takes --quality"),
        (("--spec", "s.yaml"), "only a new one takes --spec"),
        (("--fibonacci", "9"), "only a new one takes --fibonacci"),
        (("--csv", "v.csv"), "only a new one takes --csv"),
        (("--elevations", "1"), "only a new one takes --elevations"),
        (("--camera", "a"), "only a new one takes --camera"),
        (("--size", "640x480"), "only a new one takes --size"),
        (("--settle", "0"), "only a new one takes --settle"),
        (("--light", "a=1"), "only a new one takes --light"),
        (("--operator", "a"), "only a new one takes --operator"),
        (("--tag", "a"), "only a new one takes --tag"),
        (("--notes", "a"), "only a new one takes --notes"),
        (("--dry-run",), "scanner sessions restore"),
        (("--pass", "a", "--pass", "b"), "name one"),
    ],
)
def test_going_on_takes_nothing_that_tells_of_a_new_scan(cli, stub, options, message):
    call = cli("scan", "start", "--resume", *options)
    assert call.code == 2
    assert message in call.err
    assert not stub.requests


COST = {
    "passes": [{"name": "a", "count": 72, "duration_s": 125.0, "bytes": 288_000_000, "viewpoints": [], "warnings": []}],
    "count": 72,
    "duration_s": 125.0,
    "bytes": 288_000_000,
    "warnings": ["a: 30 degrees: too far apart"],
}


def test_a_dry_run_says_the_cost_and_starts_nothing(cli, stub):
    stub.answers["POST /api/plans"] = COST
    call = cli("scan", "start", "--fibonacci", "72", "--session", "s-1", "--dry-run")
    assert call.code == 0
    assert call.out.splitlines() == ["PASS  PHOTOS  TIME       DISK", "a     72      2 min 5 s  288 MB"]
    assert call.err == "warning: a: 30 degrees: too far apart\n"
    assert [request.key for request in stub.requests] == ["POST /api/plans"]
    assert json.loads(cli("scan", "start", "--dry-run", "--json").out) == COST


def test_a_dry_run_of_several_passes_has_a_sum(cli, stub):
    stub.answers["POST /api/plans"] = COST | {"passes": COST["passes"] * 2, "count": 144, "duration_s": 250.0}
    assert "all   144     4 min 10 s" in cli("scan", "start", "--dry-run").out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rings", "24x3", "--elevations", "1,2"), "--rings asks for 3 rings, --elevations names 2"),
        (("--elevations", "1,2"), "--elevations belongs to --rings"),
        (("--session", "s-1", "--title", "x"), "no title of its own"),
        (("--session", "s-1", "--pass", "a", "--pass", "b"), "one pass is added"),
        (("fancy", "--session", "s-1", "--pass", "a"), "the preset 'fancy' is unknown; there is standard, both"),
        (("both", "--pass", "a"), "the preset 'both' has passes of its own"),
        (("--spec", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file"),
        (("--csv", "nowhere.csv"), "nowhere.csv cannot be read: No such file"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(cli, stub, options, message):
    stub.answers["GET /api/state"] = {"presets": PRESETS}
    call = cli("scan", "start", *options)
    assert call.code == 2
    assert message in call.err
    assert all(request.method == "GET" for request in stub.requests)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [", "cannot be read"), (b"- 1", "holds no ScanSpec"), (b"\xff\xff", "cannot be read")],
)
def test_a_file_that_is_no_spec_is_refused(cli, tmp_path, content, message):
    (tmp_path / "f").write_bytes(content)
    call = cli("scan", "start", "--spec", str(tmp_path / "f"))
    assert call.code == 2
    assert message in call.err


def test_there_may_be_no_presets_at_all(cli, stub):
    stub.answers["GET /api/state"] = {"presets": []}
    assert "there is none" in cli("scan", "start", "x", "--pass", "a").err


@pytest.mark.parametrize(
    "options",
    [
        ("--rings", "x"),
        ("--rings", "24x0"),
        ("--size", "640"),
        ("--settle", "soon"),
        ("--light", "ring"),
        ("--elevations", "a"),
        ("--rings", "2", "--fibonacci", "2"),
        ("--frobnicate",),
    ],
)
def test_options_that_cannot_be_read_are_refused_by_the_parser(options, capsys):
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["scan", "start", *options])
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_all_faults_of_a_spec_are_shown(cli, stub):
    faults = [{"path": "passes[0].plan", "message": "is wrong"}, {"path": "title", "message": "is too long"}]
    stub.answers["POST /api/scans"] = (400, error("invalid_spec", "two", errors=faults, count=2))
    call = cli("scan", "start")
    assert call.code == 2
    assert call.err.splitlines()[1:] == ["passes[0].plan: is wrong", "title: is too long"]
