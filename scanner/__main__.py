"""Entry point of the ``scanner`` command: hands over to the command line, or starts the daemon.

The only module that knows both ``app`` and ``web``. The command line must start quickly and a daemon on a real rig must
stay small, so each is imported only when it is wanted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from scanner.app import App
    from scanner.config import Config

log = logging.getLogger("scanner")

SWITCH_INTERVAL = 0.0005  # seconds; rendering or encoding in a thread otherwise costs the loop 20 ms at p99
EXAMPLE = "Painted stone"


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit code."""
    from scanner import cli  # noqa: PLC0415 - see above

    arguments = sys.argv[1:] if argv is None else argv
    options = cli.daemon_options(arguments)
    return cli.main(arguments) if options is None else _daemon(options)


def _daemon(options: Namespace) -> int:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the twin renders in one thread a camera
    sys.setswitchinterval(SWITCH_INTERVAL)
    from scanner import logs  # noqa: PLC0415 - see above
    from scanner.config import demo_config, load  # noqa: PLC0415
    from scanner.errors import ScannerError  # noqa: PLC0415

    logs.set_up(os.environ, debug=options.debug)
    try:
        if options.command == "demo":
            config = demo_config(options.dir, port=options.port, speed=options.speed)
            return asyncio.run(_serve(config, demo=True, example=not options.no_scan))
        return asyncio.run(_serve(load(options.config), demo=False, example=False))
    except ScannerError as error:
        log.error("%s", error.message)  # noqa: TRY400 - expected: the sentence says it all
        return error.exit_code


async def _serve(config: Config, *, demo: bool, example: bool) -> int:
    from web.app import serve  # noqa: PLC0415

    from scanner.app import open_app  # noqa: PLC0415 - see above

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = await open_app(config, demo=demo)
    try:
        server = await serve(app)
        try:
            _greet(app, server.url)
            if example:
                await _example(app)
            await stop.wait()
            log.info("stopping")
        finally:
            await server.stop()
    finally:
        await app.close()
    log.info("stopped")
    return 0


def _greet(app: App, url: str) -> None:
    log.info("ready: %s", url)
    if app.demo:
        log.info("everything is kept below %s", app.config.data_dir.parent)
        log.info("command line: export SCANNER_SOCKET=%s", app.config.socket)


async def _example(app: App) -> None:
    """The first start of a demo shows a scan; later ones find what the first left."""
    from scanner.errors import ScannerError  # noqa: PLC0415 - see above
    from scanner.spec import ScanSpec  # noqa: PLC0415

    if app.jobs.list() or (await app.storage.list_sessions()).total:
        return
    try:
        await app.jobs.submit_scan(ScanSpec(title=EXAMPLE), "demo")
    except ScannerError as error:
        log.warning("the example scan could not start: %s", error.message)


if __name__ == "__main__":
    sys.exit(main())
