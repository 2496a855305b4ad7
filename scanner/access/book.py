"""The files of access: read strictly, written durably and in one step.

Damage is never repaired by writing over it: what cannot be read is set aside under another name before the file is
made anew.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scanner.access.accounts import Accounts
from scanner.access.logins import Login, LoginsFile
from scanner.decoding import decode, decode_json
from scanner.errors import AccessLockedError, InvalidError
from scanner.storage import Files
from scanner.storage.disk.files import durable_write, read_whole, reported

_PRIVATE: Final = 0o700
_MOST: Final = 4 * 1024 * 1024  # bytes of a file of ours
_CURE: Final = "restore it from a backup, or make an administrator anew: sudo scanner user add NAME --role admin"


class Book:
    """``users.yaml`` and ``logins.json`` in ``directory``. Errors of writing: StorageError; the old content stays."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._directory = directory
        self._files = files
        self.users = directory / "users.yaml"
        self.logins = directory / "logins.json"

    def prepare(self) -> None:
        """Make the directory, for us alone. Errors: StorageError."""
        with reported("the directory of users could not be made", self._directory.parent):
            self._directory.mkdir(mode=_PRIVATE, exist_ok=True)
            self._directory.chmod(_PRIVATE)
            self._files.fsync_dir(self._directory.parent)

    def read_accounts(self) -> Accounts | None:
        """Users and tokens; None where there is no file. Errors: AccessLockedError for one that cannot be used."""
        try:
            text = read_whole(self.users, _MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = nobody_gets_in(f"users.yaml cannot be read ({error.strerror})")
            raise AccessLockedError(message) from error
        from scanner.config.yamltext import YamlError, read_yaml  # noqa: PLC0415 - not needed without a login

        try:
            return decode(Accounts, read_yaml(text).data, error=InvalidError)
        except YamlError as error:
            message = nobody_gets_in(f"users.yaml is damaged: {error.problems[0].fault.message}")
            raise AccessLockedError(message) from error
        except InvalidError as error:
            message = nobody_gets_in(f"users.yaml is damaged: {error.message}")
            raise AccessLockedError(message) from error

    def read_logins(self) -> tuple[Login, ...]:
        """Logins; none where they cannot be read: everybody has to log in again."""
        try:
            return decode_json(LoginsFile, read_whole(self.logins, _MOST), error=InvalidError).logins
        except (OSError, InvalidError):
            return ()

    def was_set_up(self) -> bool:
        """Whether anybody ever logged in."""
        return self.logins.exists()

    def write_accounts(self, accounts: Accounts) -> None:
        """Make the file hold these."""
        import yaml  # noqa: PLC0415 - as above

        text = yaml.safe_dump(msgspec.to_builtins(accounts), sort_keys=False, allow_unicode=True)
        with reported("users.yaml could not be written", self._directory):
            durable_write(self._files, self.users, text.encode())

    def write_logins(self, logins: LoginsFile) -> None:
        """Make the file hold these."""
        with reported("logins.json could not be written", self._directory):
            durable_write(self._files, self.logins, msgspec.json.encode(logins))

    def set_aside(self, stamp: str) -> None:
        """Keep a ``users.yaml`` that cannot be used as ``users.yaml.damaged-<stamp>``."""
        with reported("users.yaml could not be set aside", self._directory), suppress(FileNotFoundError):
            self._files.rename(self.users, self.users.with_name(f"users.yaml.damaged-{stamp}"))


def nobody_gets_in(why: str) -> str:
    """What somebody reads who cannot log in, and what has to be done at the machine."""
    return f"nobody can log in: {why}; {_CURE}"
