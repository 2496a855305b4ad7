"""The names in the directory of the sessions, sorted, without holding them: 100,000 names as objects would be 9 MB that
a process keeps for good. They lie in a temporary database, which goes to the disk where it is large.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from scanner.model import SESSION_ID, SessionId
from scanner.storage.disk.claims import is_temporary
from scanner.storage.disk.layout import MIGRATING

_CACHE: Final = -256  # KiB of the temporary database in memory


class Roll:
    """Made by :meth:`read`; used by one thread at a time. ``strange``: names that no session of ours can have.
    ``links``: those of links that are passed over, whatever their names.

    ``left_over``: whether there are left-overs of creations and removals; ``migrating``: of migrations.
    """

    def __init__(self) -> None:
        self._names = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._names.execute(f"PRAGMA cache_size = {_CACHE}")
        self._names.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")
        self.strange: set[str] = set()
        self.links: set[str] = set()
        self.left_over = False
        self.migrating = False
        self.count = 0

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Errors: OSError."""
        roll = cls()
        try:
            with os.scandir(directory) as entries:
                roll._names.execute("BEGIN")
                roll._names.executemany("INSERT INTO names VALUES (?)", roll._sorted_out(entries))
                roll._names.execute("COMMIT")
        except BaseException:
            roll.close()
            raise
        (roll.count,) = roll._names.execute("SELECT count(*) FROM names").fetchone()
        return roll

    def page(self, after: str, limit: int) -> list[SessionId]:
        """So many names behind ``after``."""
        query = "SELECT name FROM names WHERE name > ? ORDER BY name LIMIT ?"
        return [SessionId(name) for (name,) in self._names.execute(query, (after, limit))]

    def close(self) -> None:
        """Let the names go; idempotent."""
        self._names.close()

    def _sorted_out(self, entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[str]]:
        for entry in entries:
            name = entry.name
            if SESSION_ID.fullmatch(name):
                if entry.is_symlink() and is_alias(Path(entry.path)):
                    self.links.add(name)
                else:
                    yield (name,)
            elif name.startswith("."):
                self.left_over = self.left_over or is_temporary(name)
                self.migrating = self.migrating or name.startswith(MIGRATING)
            elif entry.is_symlink():
                self.links.add(name)
            else:
                self.strange.add(name)


def is_link(path: Path) -> bool:
    """Whether there is a link; what cannot be looked at is none."""
    return os.path.islink(path)  # noqa: PTH114 - Path's raises for some


def is_alias(path: Path) -> bool:
    """Whether a name among the sessions is a link to what lies there itself: the same session would be there twice. A
    link that leads elsewhere is as good as a directory.
    """
    if not is_link(path):
        return False
    directory, target = os.path.realpath(path.parent), os.path.realpath(path)
    return target == directory or target.startswith(f"{directory}{os.sep}")
