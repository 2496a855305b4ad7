"""What storage works with: where, by which clock, on which computer, with which source of unguessable names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from scanner.clock import Clock, kernel_synchronised
from scanner.storage.disk.files import Files
from scanner.storage.disk.host import Host
from scanner.storage.disk.layout import Layout
from scanner.storage.disk.share import Sharing


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """Built once, by the manager. ``timezone``: says that of times in old files that name none. ``synchronised``:
    whether the wall clock can be believed.
    """

    files: Files
    layout: Layout
    clock: Clock
    host: Host
    token: Callable[[], str]
    timezone: Callable[[], tzinfo] = lambda: UTC
    sharing: Sharing = field(default_factory=Sharing)
    synchronised: Callable[[], bool] = kernel_synchronised
