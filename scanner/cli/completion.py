"""``scanner completion``: what the shell offers after Tab, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups

SCRIPT = """\
# bash completion for scanner; use with: eval "$(scanner completion bash)"
_scanner() {
    local word path="" current="${COMP_WORDS[COMP_CWORD]}"
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$path $word" in
%s            *) ;;
        esac
    done
    local words=""
    case "$path" in
%s    esac
    if [[ $current == -* || -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}
complete -o default -F _scanner scanner
"""


def add(groups: Groups, parser: argparse.ArgumentParser) -> None:
    """Add the command; it offers what is in ``parser``."""
    command = groups.commands.add_parser("completion", help="print what makes the shell complete commands")
    command.add_argument("shell", choices=("bash",))
    command.set_defaults(handler=lambda context, _: _print(context, parser))


def _print(context: Context, parser: argparse.ArgumentParser) -> int:
    print(bash(parser), end="", file=context.output.out)
    return 0


def bash(parser: argparse.ArgumentParser) -> str:
    """The script for bash: which words follow which commands."""
    words = dict(_words(parser, ""))
    steps = "".join(
        f'            "{path.rpartition(" ")[0]} {path.rpartition(" ")[2]}") path="{path}" ;;\n'
        for path in words
        if path
    )
    offers = "".join(f'        "{path}") words="{" ".join(names)}" ;;\n' for path, names in words.items())
    return SCRIPT % (steps, offers)


def _words(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, list[str]]]:
    """Each chain of commands with the commands and options that may follow it."""
    names: list[str] = []
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse shows its parts no other way
        names += [name for name in action.option_strings if name.startswith("--")]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            below |= action.choices
        elif action.choices is not None and not action.option_strings:
            names += [str(choice) for choice in action.choices]
    yield path, [*below, *names]
    for name, child in below.items():
        yield from _words(child, f"{path} {name}")
