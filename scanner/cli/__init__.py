"""The ``scanner`` command: thin, talks to the daemon through the client.

``entry``       the parser, and what a call of the command does from beginning to end
``context``     what every command is given: the client, the output, the environment
``output``      tables, JSON, plain text where nobody looks at a terminal
``options``     values of options, checked where they are typed
``text``        numbers and moments for people
``following``   a job followed by its events; ``--wait`` and ``watch``; ``display``: how that looks
``scan`` ``jobs`` ``sessions`` ``restoring`` ``life`` ``legacy`` ``checkpoint`` ``locks`` ``history`` ``export`` ``rig``
``status`` ``configuration`` ``completion``   the commands, by group
``directory``   sessions read without a daemon

It must start quickly: modules here import nothing but the standard library's light parts at their top; the client, the
configuration and rich are imported by whoever needs them, when it does.
"""

from scanner.cli.entry import build_parser, command, daemon_options, main

__all__ = ["build_parser", "command", "daemon_options", "main"]
