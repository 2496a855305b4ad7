"""The parser, the completion, and the command as a whole."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import scanner
from scanner.cli import build_parser, command, daemon_options, main
from scanner.cli.completion import bash
from scanner.cli.entry import EPILOG, MODULES
from scanner.cli.output import Output
from scanner.config import reading
from scanner.errors import error_types
from tests.scanner.cli.conftest import Terminal, completed, job, paused
from tests.scanner.cli.stub import COMMAND, Stub
from tests.support.daemon import environment

TOP = Path(__file__).parents[3]


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()):
    """Every command with its parser."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield path, parser
    for action in below:
        for name, child in action.choices.items():
            yield from commands(child, (*path, name))


def test_every_command_can_be_run_and_has_help():
    for path, parser in commands(build_parser()):
        assert parser.format_help().startswith(f"usage: scanner {' '.join(path)}")
        if path[0] not in {"demo", "daemon"}:
            assert parser.get_default("handler") is not None, path


def test_a_parser_of_one_command_is_the_same_and_loads_no_other():
    whole = {path: parser.format_help() for path, parser in commands(build_parser())}
    for name in MODULES:
        part = {path: parser.format_help() for path, parser in commands(build_parser(name))}
        assert {path: text for path, text in part.items() if path[0] == name} == {
            path: text for path, text in whole.items() if path[0] == name
        }
    assert {path[0] for path in whole} == {*MODULES, "demo", "daemon", "completion"}
    code = "import scanner.cli, sys; scanner.cli.build_parser('status'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert "scanner.cli.sessions" not in done.stdout.split()


def test_every_command_prints_json():
    silent = {("demo",), ("daemon",), ("completion",)}
    assert {path for path, parser in commands(build_parser()) if "--json" not in parser.format_help()} == silent


def test_the_exit_codes_are_told():
    told = {int(word) for line in EPILOG.splitlines() for word in line.split() if word.isdigit()}
    assert {kind.exit_code for kind in error_types()} | {0, 130} == told


def test_help_and_version(capsys):
    assert main(["--help"]) == 0
    assert "exit codes:" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"scanner {scanner.__version__}\n"
    assert main([]) == 2
    assert "usage: scanner" in capsys.readouterr().err
    assert main(["frobnicate"]) == 2
    assert "invalid choice" in capsys.readouterr().err


def test_the_whole_way_of_a_call(stub, capsys, monkeypatch):
    stub.answers["GET /api/jobs"] = {"items": [], "next": None, "total": 0}
    assert main(["jobs", "list", "--socket", str(stub.path)]) == 0
    monkeypatch.setenv("SCANNER_SOCKET", str(stub.path))
    assert main(["jobs", "list"]) == 0
    assert capsys.readouterr().out == "there are no jobs\n" * 2


def test_somebody_at_a_terminal_is_asked(stub, monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    turn = paused("operator", "turn_object", "Turn it.")
    stub.answers |= {"POST /api/scans": (202, job()), "GET /api/jobs/j-abc123": [turn, completed()]}
    stub.answers["POST /api/jobs/j-abc123/resume"] = job()
    stub.streams = [[("job_changed", {"job_id": "j-abc123"})]]
    assert main(["scan", "start", "--wait", "--socket", str(stub.path)]) == 0
    assert "Press Enter when it is done." in out.getvalue()


def test_commands_that_are_no_daemon_have_no_daemon_options():
    for argv in ([], ["status"], ["jobs", "list"], ["--help"], ["config", "path", "demo"]):
        assert daemon_options(argv) is None


def test_the_console_script_runs_a_command_or_becomes_the_daemon(monkeypatch, capsys):
    became: list[list[str]] = []

    def become(_: str, argv: list[str]) -> None:
        became.append(argv)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(sys, "argv", ["scanner", "--version"])
    assert command() == 0
    assert "scanner" in capsys.readouterr().out
    assert not became
    monkeypatch.setattr(sys, "argv", ["scanner", "demo", "--port", "0"])
    with pytest.raises(SystemExit):
        command()
    assert became == [[sys.executable, "-P", "-m", "scanner", "demo", "--port", "0"]]


def test_the_options_of_a_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = daemon_options(["demo"])
    assert options is not None
    told = (options.command, options.dir, options.port, options.speed, options.no_scan, options.debug)
    assert told == ("demo", tmp_path / "demo", 8080, 5.0, False, False)
    argv = ["demo", "--dir", "/x", "--port", "0", "--speed", "20", "--no-scan", "--debug"]
    options = daemon_options(argv)
    assert options is not None
    told = (options.dir, options.port, options.speed, options.no_scan, options.debug)
    assert told == (Path("/x"), 0, 20.0, True, True)


def test_the_options_of_a_daemon(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "INSTALLED", tmp_path / "none")
    monkeypatch.delenv("SCANNER_CONFIG", raising=False)
    options = daemon_options(["daemon"])
    assert options is not None
    assert (options.command, options.config, options.debug) == ("daemon", None, False)
    monkeypatch.setenv("SCANNER_CONFIG", "/a")
    assert vars(daemon_options(["daemon"]))["config"] == Path("/a")
    assert vars(daemon_options(["daemon", "--config", "/b"]))["config"] == Path("/b")


@pytest.mark.parametrize(
    "argv", [["demo", "--port", "65536"], ["demo", "--port", "x"], ["demo", "--speed", "0"], ["demo", "--speed", "nan"]]
)
def test_options_of_a_daemon_that_make_no_sense(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        daemon_options(argv)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def completed_words(line: str) -> set[str]:
    """What bash offers after ``line``."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    script = f"""
        COMP_WORDS=({" ".join(shlex.quote(word) for word in words)}); COMP_CWORD={len(words) - 1}
        _scanner; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", bash(build_parser()) + script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_shell_completes_commands_and_options():
    assert {"status", "scan", "jobs", "sessions", "demo", "--version"} <= completed_words("scanner ")
    assert completed_words("scanner s") == {"status", "statistics", "scan", "sessions", "setup-code"}
    assert {"list", "pause", "halt", "clear"} <= completed_words("scanner jobs ")
    assert completed_words("scanner jobs p") == {"pause"}
    assert {"--rings", "--wait", "--json"} <= completed_words("scanner scan start standard --title x --")
    assert completed_words("scanner completion ") == {"bash", "--help"}
    assert completed_words("scanner jobs show j-1 --j") == {"--json"}
    assert completed_words("scanner jobs nonsense --ver") == set()
    assert {"restore", "clean", "undelete", "migrate", "merge", "reindex"} <= completed_words("scanner sessions ")
    assert completed_words("scanner checkpoint ") == {"save", "list", "restore", "--help"}
    assert completed_words("scanner locks rel") == {"release"}
    assert {"--dry-run", "--older-than", "--force"} <= completed_words("scanner sessions clean --")
    assert {"--csv", "--search", "--since"} <= completed_words("scanner history --")
    assert "--timezone" in completed_words("scanner import /media/card --")


def test_the_completion_is_printed(cli):
    assert cli("completion", "bash").out == bash(build_parser())


def process(*argv: str, stub: Stub, **options: object) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *argv],
        cwd=TOP,
        env=os.environ | {"SCANNER_SOCKET": str(stub.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.process
def test_ctrl_c_in_a_real_process_pauses_the_job(stub):
    stub.answers |= {
        "POST /api/scans": (202, job()),
        "GET /api/jobs/j-abc123": job(),
        "POST /api/jobs/j-abc123/pause": paused(),
    }
    stub.streams = [[lambda: stub.until("POST /api/jobs/j-abc123/pause")]]
    with process("scan", "start", "--wait", stub=stub) as run:
        stub.until("GET /api/jobs/j-abc123")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 130, err
    assert "go on with: scanner jobs resume j-abc123" in out
    assert err == ""


@pytest.mark.process
def test_a_reader_that_leaves_is_no_fault(stub):
    jobs = [job(id=f"j-{number:06}") for number in range(5000)]
    stub.answers["GET /api/jobs"] = {"items": jobs, "next": None, "total": len(jobs)}
    with process("jobs", "list", stub=stub) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == ""
        assert run.wait(timeout=20) == 0


@pytest.mark.process
def test_a_quick_command_loads_nothing_heavy():
    heavy = {"msgspec", "rich", "yaml", "aiohttp", "numpy", "PIL", "sqlite3", "scanner.config", "scanner.client"}
    code = "import scanner.cli, sys; scanner.cli.build_parser(); print(*sys.modules)"
    plain = environment(measured=False)  # coverage itself loads some of these
    done = subprocess.run(
        [sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True, timeout=20
    )
    assert not heavy & set(done.stdout.split())


def test_output_is_flushed_and_streams_are_told_apart():
    class Slow(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    out, err = Slow(), Slow()
    output = Output(out, err, as_json=True)
    output.say("for people")
    output.data({"a": 1})
    output.complain("wrong")
    assert (out.getvalue(), err.getvalue()) == ('{"a": 1}\n', "for people\nwrong\n")
    assert out.flushed
    assert err.flushed
