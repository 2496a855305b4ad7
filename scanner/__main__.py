"""``python -m scanner``: the daemon. The only module that knows both ``app`` and ``web``.

The command ``scanner`` is :func:`scanner.cli.command`, which starts quickly and becomes this for ``demo`` and
``daemon``; any other command given here is handed over to it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from typing import Final

from scanner import cli, logs
from scanner.app import App, open_app
from scanner.config import Config, demo_config, load
from scanner.demo import object_turner, scan_example
from scanner.errors import ScannerError
from scanner.logbook import LogBook
from scanner.memory import give_back, return_freed
from web.app import Server, serve

log = logging.getLogger("scanner")

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
SWITCH_INTERVAL: Final = 0.0005  # seconds; rendering or encoding in a thread otherwise costs the loop 20 ms at p99
SETTLED: Final = 1.0  # seconds after the start in which what it needed is freed


def main(argv: list[str] | None = None) -> int:
    """Run ``argv`` (default: the process's own) and return the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    options = cli.daemon_options(arguments)
    if options is None:
        return cli.main(arguments)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the twin renders in one thread a camera
    sys.setswitchinterval(SWITCH_INTERVAL)
    return_freed()
    book = LogBook()
    logs.set_up(os.environ, debug=options.debug, also=book)
    try:
        return asyncio.run(_run(options, book))
    except ScannerError as error:
        log.error("%s", error.message)  # noqa: TRY400 - expected: the sentence says it all
        return error.exit_code


async def _run(options: Namespace, book: LogBook) -> int:
    if options.command == "demo":
        config = demo_config(options.dir, port=options.port, speed=options.speed)
        return await _serve(config, book, demo=True, example=not options.no_scan)
    return await _serve(load(options.config), book, demo=False, example=False)


async def _serve(config: Config, book: LogBook, *, demo: bool, example: bool) -> int:
    """Serve until asked to stop. Signals are heeded from the first moment, so that none kills a start half-way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, stop.set if demo else _say_restart)
    async with AsyncExitStack() as stack:
        app = await open_app(config, demo=demo, book=book)
        stack.push_async_callback(app.close)
        if demo:
            await stack.enter_async_context(object_turner(app))
        server = await serve(app)
        stack.push_async_callback(server.stop)
        _greet(app, server)
        loop.call_later(SETTLED, give_back)
        if example:
            await scan_example(app)
        await stop.wait()
        log.info("stopping")
    for number in STOPPING:  # a second signal, on the way out, changes nothing
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    log.info("stopped")
    return 0


def _say_restart() -> None:
    log.warning("SIGHUP: the configuration is read at the start alone; restart the daemon to apply a change")


def _greet(app: App, server: Server) -> None:
    log.info("ready: %s", server.url)
    if (code := app.access.setup_code) is not None:
        log.warning("nobody can log in yet: make the first administrator on the page, with the setup code %s", code)
    if app.demo:
        log.info("everything is kept below %s", app.config.data_dir.parent)
        log.info("command line: export SCANNER_SOCKET=%s", server.socket)


if __name__ == "__main__":
    sys.exit(main())
