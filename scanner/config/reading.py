"""Reading the configuration: every fault is told at once, with file, line, path and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from scanner.config.settings import Config, WebConfig
from scanner.config.yamltext import Problem, YamlError, read_yaml
from scanner.decoding import Fault, Faults, Keys, convert
from scanner.errors import ConfigError

INSTALLED: Final = Path("/etc/scanner/scanner.yaml")
VARIABLE: Final = "SCANNER_CONFIG"
_SENTENCE: Final = 5  # faults repeated in the message


def find(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The configuration file: ``given``, else what SCANNER_CONFIG names, else the installed one; None: there is none.

    A file that was named is used even if it does not exist: :func:`load` then says so.
    """
    if given is not None:
        return given
    if named := environment.get(VARIABLE):
        return Path(named)
    return INSTALLED if INSTALLED.exists() else None


def load(path: Path | None) -> Config:
    """The configuration in a file; None: the defaults, without a rig.

    Relative paths in it start at the file's directory. Errors: ConfigError naming file, lines and paths.
    """
    if path is None:
        return Config()
    try:
        text = path.read_bytes()
    except OSError as fault:
        message = f"{path} cannot be read: {fault.strerror}"
        raise ConfigError(message, file=str(path), errors=[], count=1) from fault
    return _absolute(parse(text, file=str(path)), path.absolute().parent)


def parse(text: bytes, *, file: str) -> Config:
    """The configuration in YAML text. ``file`` is named in errors. Errors: ConfigError with every fault."""
    try:
        document = read_yaml(text)
    except YamlError as fault:
        raise _error(file, fault.problems, len(fault.problems)) from fault
    found = Faults()
    config = convert(Config, document.data, found)
    for more in (*_unnamed_drivers(document.data), *(() if config is None else _contradictions(config))):
        found.add(more.keys, more.message)
    if config is None or found.count:
        problems = [Problem(document.line(fault.keys), fault) for fault in found.listed]
        raise _error(file, sorted(problems, key=lambda problem: problem.line or 0), found.count)
    return config


def show(config: Config) -> str:
    """The configuration in force as YAML text, defaults included."""
    text: str = yaml.safe_dump(msgspec.to_builtins(config, enc_hook=str), sort_keys=False, allow_unicode=True)
    return text


def _error(file: str, problems: list[Problem], count: int) -> ConfigError:
    lines = [_sentence(problem) for problem in problems[:_SENTENCE]]
    if count > _SENTENCE:
        lines.append(f"and {count - _SENTENCE} more")
    errors = [
        {"path": problem.fault.path, "line": problem.line, "message": problem.fault.message} for problem in problems
    ]
    return ConfigError(f"{file}: {'; '.join(lines)}", file=file, errors=errors, count=count)


def _sentence(problem: Problem) -> str:
    place = f"line {problem.line}: " if problem.line is not None else ""
    return f"{place}{problem.fault.path}{' ' if problem.fault.keys else ''}{problem.fault.message}"


def _absolute(config: Config, start: Path) -> Config:
    places = {name: start / getattr(config, name).expanduser() for name in ("data_dir", "state_dir", "socket")}
    return msgspec.structs.replace(config, **places)


def _unnamed_drivers(data: object) -> Iterator[Fault]:
    """Devices without a ``driver``: msgspec would let one pass where there is only one driver to choose."""
    for keys, device in _devices(_mapping(_mapping(data).get("rig"))):
        if isinstance(device, dict) and "driver" not in device:
            yield Fault((*keys, "driver"), "is missing: name the driver (sim)")


def _devices(rig: Mapping[Any, object]) -> Iterator[tuple[Keys, object]]:
    for name in ("turntable", "tilt"):
        yield ("rig", name), rig.get(name)
    for group in ("cameras", "lights"):
        for name, device in _mapping(rig.get(group)).items():
            yield ("rig", group, str(name)), device


def _mapping(value: object) -> Mapping[Any, object]:
    return value if isinstance(value, dict) else {}


def _web(web: WebConfig) -> Iterator[Fault]:
    if not web.login and not _is_loopback(web.host):
        yield Fault(("web", "login"), "may be false only where `host` is 127.0.0.1: everybody could use the scanner")
    for index, proxy in enumerate(web.trusted_proxies):
        try:
            ip_network(proxy)
        except ValueError:
            yield Fault(("web", "trusted_proxies", index), "expected an address, or a network like 192.168.1.0/24")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _contradictions(config: Config) -> Iterator[Fault]:
    """What is wrong with values that are right one by one."""
    if config.disk.go_above_gib < config.disk.stop_below_gib:
        yield Fault(("disk", "go_above_gib"), "must not be below `stop_below_gib`")
    if config.storage.stale_after < 2 * config.storage.beat:
        yield Fault(("storage", "stale_after"), "must be at least twice `beat`, or locks lapse while they are kept")
    yield from _web(config.web)
    tilt = None if config.rig is None else config.rig.tilt
    if tilt is not None and tilt.lowest >= tilt.highest:
        yield Fault(("rig", "tilt", "highest"), "must be above `lowest`")
    for name, preset in config.presets.items():
        for field in ("title", "preset"):
            if getattr(preset, field):
                yield Fault(("presets", name, field), "does not belong into a preset")
