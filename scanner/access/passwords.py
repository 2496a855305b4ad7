"""Passwords as they are kept: ``scrypt$<log2 N>$<r>$<p>$<salt>$<digest>``, base64 (pure, and slow by intention).

16 MiB and about 0.15 s on a Pi 4: call it in a thread, one at a time.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Final

SALT_BYTES: Final = 16
PATTERN: Final = r"^scrypt\$1[0-6]\$(8|16)\$[1-4]\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=\Z"  # what we verify
_LOG_N: Final = 14
_R: Final = 8
_P: Final = 1
_DIGEST_BYTES: Final = 32
_MOST: Final = 256 * 1024 * 1024  # bytes of memory that a hash from the file may ask for


def hash_password(password: str, salt: bytes) -> str:
    """``salt``: :data:`SALT_BYTES` that nobody else has."""
    digest = _scrypt(password, salt, _LOG_N, _R, _P)
    return f"scrypt${_LOG_N}${_R}${_P}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def is_password(password: str, kept: str | None) -> bool:
    """Whether ``kept`` was made of this password. ``kept`` None (no such user) takes as long, and is never right."""
    _, log_n, r, p, salt, digest = (kept or _NOBODY).split("$")
    found = _scrypt(password, b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, b64decode(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=_MOST, dklen=_DIGEST_BYTES)


_NOBODY: Final = (
    f"scrypt${_LOG_N}${_R}${_P}${b64encode(bytes(SALT_BYTES)).decode()}${b64encode(bytes(_DIGEST_BYTES)).decode()}"
)
