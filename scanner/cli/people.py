"""``scanner user``, ``scanner token``, ``scanner setup-code``: who may use the page and the API."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from scanner.cli.text import moment

if TYPE_CHECKING:
    from scanner.cli.context import Context, Groups

ROLES: Final = ("viewer", "operator", "admin")
ROLE_HELP: Final = "viewer: look; operator: scan; admin: users and settings, too"


def add(groups: Groups) -> None:
    """Add the commands."""
    users = groups.group("user", "who may log in")
    made = groups.add("add", add_user, "let somebody log in", within=users)
    made.add_argument("name", metavar="NAME")
    made.add_argument("--role", choices=ROLES, default="operator", help=f"{ROLE_HELP} (default: operator)")
    groups.add("list", list_users, "everybody who may log in", within=users)
    passwd = groups.add("passwd", change_password, "give somebody another password", within=users)
    passwd.add_argument("name", metavar="NAME")
    role = groups.add("role", change_role, "give somebody another role", within=users)
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", choices=ROLES, help=ROLE_HELP)
    gone = groups.add("remove", remove_user, "let somebody log in no more", within=users)
    gone.add_argument("name", metavar="NAME")

    tokens = groups.group("token", "which machines may use the API")
    token = groups.add("create", create_token, "let a machine use the API", within=tokens)
    token.add_argument("name", metavar="NAME", help="what it is for")
    token.add_argument("--role", choices=ROLES, default="viewer", help=f"{ROLE_HELP} (default: viewer)")
    groups.add("list", list_tokens, "all tokens", within=tokens)
    revoked = groups.add("revoke", revoke_token, "let a machine use the API no more", within=tokens)
    revoked.add_argument("id", metavar="ID", help="as `scanner token list` shows it")

    groups.add("setup-code", setup_code, "the code with which the page makes the first administrator")


def add_user(context: Context, arguments: argparse.Namespace) -> int:
    """Add a user, whose password is asked for."""
    order = {"name": arguments.name, "role": arguments.role, "password": _new_password(context, arguments.name)}
    made = context.client.post("/api/users", order)
    context.output.answer(made, f"{made['name']} may log in as {made['role']}")
    return 0


def list_users(context: Context, _: argparse.Namespace) -> int:
    """Print the users."""
    found = context.client.get("/api/users")
    if context.output.as_json:
        context.output.data(found)
        return 0
    rows = [(one["name"], one["role"], moment(one["created_at"]), moment(one["changed_at"])) for one in found["items"]]
    context.output.table(("NAME", "ROLE", "ADDED", "CHANGED"), rows, empty="there are no users")
    return 0


def change_password(context: Context, arguments: argparse.Namespace) -> int:
    """Set a password, which is asked for."""
    order = {"password": _new_password(context, arguments.name)}
    changed = context.client.patch(_user(arguments.name), order)
    context.output.answer(changed, f"{arguments.name} has another password, and has to log in again")
    return 0


def change_role(context: Context, arguments: argparse.Namespace) -> int:
    """Set a role."""
    changed = context.client.patch(_user(arguments.name), {"role": arguments.role})
    context.output.answer(changed, f"{arguments.name} is {arguments.role} now, and has to log in again")
    return 0


def remove_user(context: Context, arguments: argparse.Namespace) -> int:
    """Remove a user."""
    context.client.delete(_user(arguments.name))
    context.output.answer(None, f"{arguments.name} may log in no more")
    return 0


def create_token(context: Context, arguments: argparse.Namespace) -> int:
    """Make a token and print it, this once."""
    made = context.client.post("/api/tokens", {"name": arguments.name, "role": arguments.role})
    if context.output.as_json:
        context.output.data(made)
        return 0
    context.output.complain(f"token {made['token']['id']} for {arguments.name}; it is shown this once:")
    context.output.say(made["text"])
    return 0


def list_tokens(context: Context, _: argparse.Namespace) -> int:
    """Print the tokens."""
    found = context.client.get("/api/tokens")
    if context.output.as_json:
        context.output.data(found)
        return 0
    rows = [
        (one["id"], one["name"], one["role"], moment(one["created_at"]), one["created_by"]) for one in found["items"]
    ]
    context.output.table(("ID", "NAME", "ROLE", "MADE", "BY"), rows, empty="there are no tokens")
    return 0


def revoke_token(context: Context, arguments: argparse.Namespace) -> int:
    """Revoke a token."""
    context.client.delete(f"/api/tokens/{quote(arguments.id, safe='')}")
    context.output.answer(None, f"token {arguments.id} is good for nothing any more")
    return 0


def setup_code(context: Context, _: argparse.Namespace) -> int:
    """Print the setup code."""
    found = context.client.get("/api/setup/code")
    said = "there is an administrator already; there is no setup code" if found["code"] is None else found["code"]
    context.output.answer(found, said)
    return 0


def _user(name: str) -> str:
    return f"/api/users/{quote(name, safe='')}"


def _new_password(context: Context, name: str) -> str:
    """A password, asked for twice at a terminal, else the first line of the input. Errors: InvalidError."""
    password = context.secret(f"password for {name}: ")
    if context.ask is not None and context.secret("the same again: ") != password:
        from scanner.errors import InvalidError  # noqa: PLC0415 - only for who types wrongly

        message = "these were two different passwords; nothing was done"
        raise InvalidError(message)
    return password
