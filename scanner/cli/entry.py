"""The parser of the ``scanner`` command, and a call of it from beginning to end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import scanner
from scanner.cli import completion
from scanner.cli.context import INTERRUPTED, Context, Groups
from scanner.cli.options import directory, port, speed
from scanner.cli.output import Output
from scanner.errors import InvalidError, ScannerError, StorageError

MODULES: Final = {  # where the commands at the top are
    "status": "status",
    "scan": "scan",
    "jobs": "jobs",
    "sessions": "sessions",
    "import": "sessions",
    "checkpoint": "checkpoint",
    "locks": "locks",
    "history": "history",
    "statistics": "history",
    "export": "export",
    "rig": "rig",
    "logs": "logs",
    "user": "people",
    "token": "people",
    "setup-code": "people",
    "config": "configuration",
}
DAEMONS: Final = ("demo", "daemon")
MISUSED: Final = 2

EPILOG: Final = """\
exit codes:
  0  done                             4  does not fit the present state
  1  a fault of the program itself,   5  not allowed
     or the job was cancelled         6  a device or the disk failed, or the job stands still for it
  2  asked wrongly                    7  no daemon answers
  3  no such thing                  130  ended by Ctrl+C

environment:
  SCANNER_SOCKET   the daemon's socket; default: /run/scanner/scanner.sock,
                   else scanner.sock in XDG_RUNTIME_DIR
  SCANNER_CONFIG   the daemon's configuration; default: /etc/scanner/scanner.yaml
"""


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, or of no others than ``only`` where that is the name of one: it is there sooner.

    ``demo`` and ``daemon`` stand in it for their help; the daemon runs them.
    """
    parser = argparse.ArgumentParser(
        prog="scanner",
        description="Control a 3D scanner: turntable, cameras, light.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"scanner {scanner.__version__}")
    parser.set_defaults(socket=None, json=False)
    commands = parser.add_subparsers(metavar="COMMAND", dest="command")
    local = argparse.ArgumentParser(add_help=False)
    local.add_argument("--json", action="store_true", help="print JSON")
    remote = argparse.ArgumentParser(add_help=False, parents=[local])
    remote.add_argument("--socket", type=Path, metavar="PATH", help="the daemon's socket")
    groups = Groups(commands, local, remote)
    _add_daemons(groups)
    for module in dict.fromkeys([MODULES[only]] if only in MODULES else MODULES.values()):
        import_module(f"scanner.cli.{module}").add(groups)
    completion.add(groups, parser)
    return parser


def _add_daemons(groups: Groups) -> None:
    demo = groups.commands.add_parser("demo", help="run a simulated scanner, page included, without any hardware")
    demo.add_argument("--dir", type=directory, default=Path("demo"), help="where everything is kept (default: ./demo)")
    demo.add_argument("--port", type=port, default=8080, help="of the page; 0: any free one (default: 8080)")
    demo.add_argument("--speed", type=speed, default=5.0, help="times as fast as a real scanner (default: 5)")
    demo.add_argument("--no-scan", action="store_true", help="without the example scan")
    daemon = groups.commands.add_parser("daemon", help="run the scanner's daemon")
    daemon.add_argument("--config", type=Path, metavar="FILE", help="default: SCANNER_CONFIG, else the installed one")
    for parser in (demo, daemon):
        parser.add_argument("--debug", action="store_true", help="log more")


def daemon_options(argv: list[str]) -> argparse.Namespace | None:
    """What ``scanner demo`` or ``scanner daemon`` was told; None for all other commands.

    The namespace has ``command``, ``dir`` (absolute), ``port``, ``speed``, ``no_scan`` or ``config`` (found, or None),
    and ``debug``. Errors: SystemExit for options that make no sense.
    """
    if not argv or argv[0] not in DAEMONS:
        return None
    options = build_parser().parse_args(argv)
    if options.command == "demo":
        options.dir = options.dir.absolute()
    else:
        from scanner.config import find  # noqa: PLC0415 - the daemon needs it anyway, other commands do not

        options.config = find(options.config, os.environ)
    return options


def command() -> int:
    """The console script: one command, or the daemon, which takes over this process.

    ``-P``: what stands in the current directory is not what was installed.
    """
    argv = sys.argv[1:]
    if daemon_options(argv) is not None:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "scanner", *argv])  # noqa: S606 - itself, as a daemon
    return main(argv)


def main(argv: list[str]) -> int:
    """Run one command and return its exit code."""
    parser = build_parser(argv[0] if argv else None)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    output = Output(sys.stdout, sys.stderr, as_json=arguments.json)
    someone = output.terminal and not output.as_json and sys.stdin.isatty()
    ask = input if someone else None
    context = Context(output, os.environ, arguments.socket, ask=ask, secret=read_secret(at_terminal=someone))
    return run(arguments, context)


def read_secret(*, at_terminal: bool) -> Callable[[str], str]:
    """What reads a password: typed unseen at a terminal, else a line of the input."""

    def read(prompt: str) -> str:
        if not at_terminal:
            return sys.stdin.readline().rstrip("\r\n")
        from getpass import getpass  # noqa: PLC0415 - asked for rarely

        return getpass(prompt)

    return read


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Run a parsed command; every error becomes its exit code and a sentence."""
    output = context.output
    try:
        code: int = arguments.handler(context, arguments)
        output.out.flush()
    except ScannerError as fault:
        _tell(output, fault)
        return fault.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who read us has gone
        _say_no_more(output)
        return 0
    except OSError as fault:  # the client and the commands name their own: this is the output's
        output.complain(f"scanner: the output cannot be written: {fault.strerror}")
        _say_no_more(output)
        return StorageError.exit_code
    return code


def _say_no_more(output: Output) -> None:
    """What is still to be written goes nowhere, so that the end of the process does not fail on it again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output.out.fileno())
    os.close(nowhere)


def _tell(output: Output, fault: ScannerError) -> None:
    """An error as a sentence, or as JSON; of several faults each in a line of its own."""
    if output.as_json:
        output.data({"error": {"code": fault.code, "message": fault.message, "detail": fault.detail}})
        return
    errors = fault.detail.get("errors") if isinstance(fault, InvalidError) else None
    if not isinstance(errors, list) or len(errors) < 2:  # noqa: PLR2004 - one fault is the message itself
        output.complain(f"scanner: {fault.message}")
        return
    output.complain("scanner: this cannot be done as it was asked for:")
    for one in errors:
        output.complain(f"  {one['path']}: {one['message']}")
