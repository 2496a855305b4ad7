"""What every command is given."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.cli.output import Output

if TYPE_CHECKING:
    from scanner.client import Client

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

Json = dict[str, Any]
YES: Final = frozenset({"y", "yes"})
DECLINED: Final = 1  # the exit code of what a person did not want after all
INTERRUPTED: Final = 130  # and of what a person ended by Ctrl+C
Handler = Callable[["Context", argparse.Namespace], int]


@dataclass(frozen=True)
class Context:
    """The output, the environment, and the daemon once somebody asks for it."""

    output: Output
    environment: Mapping[str, str]
    socket: Path | None = None
    ask: Callable[[str], str] | None = None  # asks the person at the terminal; None: nobody is there
    secret: Callable[[str], str] = input  # as ``ask``, but unseen; without a terminal a line of the input
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def client(self) -> Client:
        """The daemon."""
        from scanner.client import Client, find_socket  # noqa: PLC0415 - not every command needs it

        return Client(self.socket or find_socket(self.environment))

    def confirmed(self, question: str, *, force: bool) -> bool:
        """Whether it is to be done; a person at the terminal is asked unless ``force`` says so already.

        Errors: InvalidError where nobody can be asked.
        """
        if force:
            return True
        if self.ask is None:
            from scanner.errors import InvalidError  # noqa: PLC0415 - only for who asks wrongly

            message = f"{question} Nobody is at the terminal to be asked: say so with -f"
            raise InvalidError(message)
        if self.ask(f"{question} [y/N] ").strip().lower() in YES:
            return True
        self.output.say("nothing was done")
        return False


@dataclass(frozen=True)
class Groups:
    """Where commands are added, and the options they share: ``local`` all, ``remote`` those that ask the daemon."""

    commands: Commands
    local: argparse.ArgumentParser
    remote: argparse.ArgumentParser

    def add(self, name: str, handler: Handler, text: str, *, within: Commands | None = None) -> argparse.ArgumentParser:
        """A command that asks the daemon, at the top or ``within`` a group."""
        commands = self.commands if within is None else within
        parser = commands.add_parser(name, help=text, description=_sentence(text), parents=[self.remote])
        parser.set_defaults(handler=handler)
        return parser

    def group(self, name: str, text: str) -> Commands:
        """A command that is only the beginning of others."""
        parser = self.commands.add_parser(name, help=text, description=_sentence(text))
        return parser.add_subparsers(metavar="COMMAND", required=True)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
