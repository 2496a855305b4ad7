"""Users and tokens, and what may become of them (pure)."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NewType

from msgspec import Meta, structs

from scanner.access.passwords import PATTERN
from scanner.access.roles import RoleName
from scanner.errors import ConflictError, LastAdminError, NotFoundError, UserExistsError
from scanner.model import Line100, Value

UserName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,31}\Z",
        description="a name: a-z, 0-9, '.', '_' and '-', 32 characters at most, beginning with a letter or digit",
    ),
]
Password = Annotated[str, Meta(min_length=8, max_length=200, description="a password of 8 to 200 characters")]
TokenId = NewType("TokenId", str)
MAX_USERS: Final = 200
MAX_TOKENS: Final = 200


class User(Value, frozen=True):
    """Somebody who may log in. ``password`` as :mod:`.passwords` keeps it. Times are UTC."""

    name: UserName
    role: RoleName
    password: Annotated[str, Meta(pattern=PATTERN, description="a password as `scanner user passwd` makes it")]
    created_at: str
    changed_at: str


class Token(Value, frozen=True):
    """A machine that may use the API. ``digest``: SHA-256 of its secret, hexadecimal. ``created_by``: whose it is."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]{8}\Z")]
    name: Line100
    role: RoleName
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    created_at: str
    created_by: str


class Accounts(Value, frozen=True):
    """What ``users.yaml`` holds. Errors of all changes: NotFoundError, ConflictError; nothing is then changed."""

    format: Literal["scanner-users"]
    version: Literal[1]
    users: Annotated[tuple[User, ...], Meta(max_length=MAX_USERS)] = ()
    tokens: Annotated[tuple[Token, ...], Meta(max_length=MAX_TOKENS)] = ()

    def user(self, name: str) -> User:
        """Errors: NotFoundError."""
        found = next((user for user in self.users if user.name == name), None)
        if found is None:
            message = f"there is no user {name!r}"
            raise NotFoundError(message, user=name)
        return found

    def with_user(self, user: User) -> Accounts:
        """One more. Errors: UserExistsError."""
        if any(other.name == user.name for other in self.users):
            message = f"there is a user {user.name} already"
            raise UserExistsError(message, user=user.name)
        if len(self.users) >= MAX_USERS:
            message = f"there are {MAX_USERS} users already, which is the most there can be"
            raise ConflictError(message)
        return structs.replace(self, users=(*self.users, user))

    def with_changed(self, user: User) -> Accounts:
        """The same user, changed. Errors: LastAdminError where nobody would be left who may change anything."""
        self.user(user.name)
        return self._kept([user if other.name == user.name else other for other in self.users], user.name)

    def without_user(self, name: str) -> Accounts:
        """Without this user, and the tokens that were made by it."""
        self.user(name)
        kept = self._kept([other for other in self.users if other.name != name], name)
        return structs.replace(kept, tokens=tuple(token for token in self.tokens if token.created_by != name))

    def with_token(self, token: Token) -> Accounts:
        """One more."""
        if len(self.tokens) >= MAX_TOKENS:
            message = f"there are {MAX_TOKENS} tokens already, which is the most there can be; revoke some"
            raise ConflictError(message)
        return structs.replace(self, tokens=(*self.tokens, token))

    def without_token(self, token_id: str) -> Accounts:
        """Without this token."""
        kept = tuple(token for token in self.tokens if token.id != token_id)
        if len(kept) == len(self.tokens):
            message = f"there is no token {token_id!r}"
            raise NotFoundError(message, token=token_id)
        return structs.replace(self, tokens=kept)

    def _kept(self, users: list[User], name: str) -> Accounts:
        if any(user.role == "admin" for user in self.users) and not any(user.role == "admin" for user in users):
            message = f"{name} is the last administrator; make another user one first"
            raise LastAdminError(message, user=name)
        return structs.replace(self, users=tuple(users))


NO_ACCOUNTS: Final = Accounts(format="scanner-users", version=1)
