"""``scanner config``: check and show configuration files; needs no daemon."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups


def add(groups: Groups) -> None:
    """Add the commands."""
    within = groups.group("config", "check and show the configuration")
    for name, handler, text in (
        ("check", check, "say whether a configuration can be used, and everything that is wrong with it"),
        ("show", show, "print the configuration in force, defaults included"),
        ("path", path, "print which file is used"),
    ):
        parser = within.add_parser(name, help=text, description=text, parents=[groups.local])
        parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="default: the one the daemon would read")
        parser.set_defaults(handler=handler)


def _file(context: Context, arguments: argparse.Namespace) -> Path | None:
    from scanner.config import find  # noqa: PLC0415 - heavy, and only here

    return find(arguments.file, context.environment)


def check(context: Context, arguments: argparse.Namespace) -> int:
    """Load the configuration; every fault in a line of its own."""
    from scanner.config import load  # noqa: PLC0415 - as above
    from scanner.errors import ConfigError  # noqa: PLC0415 - as above

    file = _file(context, arguments)
    output = context.output
    try:
        config = load(file)
    except ConfigError as fault:
        errors = fault.detail["errors"]
        if output.as_json or not isinstance(errors, list) or not errors:
            raise
        for one in errors:
            where = f"{file}:{one['line']}" if one["line"] else f"{file}"
            output.complain(f"{where}: {one['path']} {one['message']}")
        return fault.exit_code
    rig = "no rig: safe mode" if config.rig is None else f"rig {config.rig.name!r}"
    output.answer(
        {"file": None if file is None else str(file), "rig": config.rig is not None},
        f"{file or 'no file, all defaults'}: good ({rig})",
    )
    return 0


def show(context: Context, arguments: argparse.Namespace) -> int:
    """Print the configuration in force."""
    from scanner.config import load  # noqa: PLC0415 - as above
    from scanner.config import show as text_of  # noqa: PLC0415 - as above

    config = load(_file(context, arguments))
    if context.output.as_json:
        from scanner.decoding import encode_json  # noqa: PLC0415 - as above

        print(encode_json(config).decode(), file=context.output.out)
    else:
        print(text_of(config), end="", file=context.output.out)
    return 0


def path(context: Context, arguments: argparse.Namespace) -> int:
    """Print the path of the configuration."""
    file = _file(context, arguments)
    context.output.answer({"file": None if file is None else str(file)}, str(file or "none: the defaults are used"))
    return 0
