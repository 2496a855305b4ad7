"""JSON at the edge, by msgspec, and errors in one shape: ``{"error": {"code", "message", "detail"}}``.

Everything that comes in is decoded here, once and strictly; everything that goes out is encoded here. A traceback or a
path of the machine never leaves the process.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

import msgspec
import msgspec.inspect
from aiohttp import web

from scanner.decoding import decode, decode_json
from scanner.errors import (
    CheckpointNotFoundError,
    InvalidError,
    JobNotFoundError,
    NotFoundError,
    PassNotFoundError,
    PhotoNotFoundError,
    ScannerError,
    SessionNotFoundError,
)
from scanner.model import JOB_ID, PHOTO_NAME, SESSION_ID, SLUG, CameraName, JobId, PassName, PhotoName, SessionId

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

JSON: Final = "application/json"

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class RefusedError(Exception):
    """A request that is refused for how it was made, before any part of the daemon heard of it."""

    def __init__(self, status: HTTPStatus, code: str, message: str, **detail: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong: a stable code, a sentence for a person, facts for a machine."""

    code: str
    message: str
    detail: dict[str, Any]


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The shape of every answer that is not a success."""

    error: ErrorBody


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """The shape of every list: ``next`` continues it (``after=``), None at its end."""

    items: tuple[T, ...]
    next: str | None
    total: int


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    return raw_answer(encode(value), status, headers)


def raw_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer whose JSON is encoded already."""
    response = web.Response(body=body, status=status, headers=headers)
    response.headers["Content-Type"] = JSON
    return response


def listing(items: tuple[object, ...]) -> web.Response:
    """An answer in the shape of every list: a whole one."""
    return answer(Listed(items, None, len(items)))


def error_answer(error: ScannerError | RefusedError) -> web.Response:
    """The answer to a request that failed for a known reason."""
    response = answer(ErrorAnswer(ErrorBody(error.code, error.message, error.detail)), error.status)
    if "retry_after" in error.detail:
        response.headers["Retry-After"] = str(error.detail["retry_after"])
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def http_error_answer(error: web.HTTPException) -> web.Response:
    """The server library's own refusals (no such route, wrong method, body too large) in our shape."""
    code, message = _HTTP_ERRORS.get(error.status, ("bad_request", error.reason))
    response = answer(ErrorAnswer(ErrorBody(code, message, {})), error.status)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def internal_error_answer() -> web.Response:
    """The answer to a request that met a fault of ours; the log has the traceback."""
    message = "the daemon met a fault of its own; its log has the details"
    return answer(ErrorAnswer(ErrorBody("internal", message, {})), HTTPStatus.INTERNAL_SERVER_ERROR)


_HTTP_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.NOT_FOUND: ("not_found", "there is nothing at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        "this address does not take this method; see the header Allow",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body_too_large", "the body is too large"),
}


async def body_of(
    request: web.Request, type_: type[T], *, error: type[InvalidError] = InvalidError, missing: T | None = None
) -> T:
    """The body, decoded strictly; ``missing`` where there may be none.

    Errors: ``error`` with every fault and its path in ``detail["errors"]``.
    """
    body = await request.read()  # the guard had it read already
    if not body and missing is not None:
        return missing
    return decode_json(type_, body, error=error)


def query_of(request: web.Request, type_: type[Q]) -> Q:
    """The query, decoded into a struct of optional fields; numbers are read from text. Errors: InvalidError with every
    fault and the parameter's name as its path.
    """
    plain: dict[str, object] = dict(request.query)
    for name in plain:
        if len(request.query.getall(name)) > 1:
            message = f"{name}: was given more than once"
            raise InvalidError(message, errors=[{"path": name, "message": "was given more than once"}])
    for name in _numbers(type_) & plain.keys():
        with suppress(ValueError):
            plain[name] = int(str(plain[name]))
    return decode(type_, plain, error=InvalidError)


@functools.cache
def _numbers(type_: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a struct that take a whole number."""
    numbers: set[str] = set()
    for field in msgspec.structs.fields(type_):
        info = msgspec.inspect.type_info(field.type)
        kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
        if any(isinstance(kind, msgspec.inspect.IntType) for kind in kinds):
            numbers.add(field.encode_name)
    return frozenset(numbers)


def session_id(request: web.Request) -> SessionId:
    """The session's id in the path. Errors: SessionNotFoundError."""
    return SessionId(_name(request, "id", SESSION_ID, SessionNotFoundError))


def pass_name(request: web.Request) -> PassName:
    """The pass's name in the path. Errors: PassNotFoundError."""
    return PassName(_name(request, "pass", SLUG, PassNotFoundError))


def photo_name(request: web.Request) -> PhotoName:
    """The photo's name in the path. Errors: PhotoNotFoundError."""
    return PhotoName(_name(request, "photo", PHOTO_NAME, PhotoNotFoundError))


def job_id(request: web.Request) -> JobId:
    """The job's id in the path. Errors: JobNotFoundError."""
    return JobId(_name(request, "id", JOB_ID, JobNotFoundError))


def camera_name(request: web.Request) -> CameraName:
    """The camera's name in the path. Errors: NotFoundError."""
    return CameraName(_name(request, "name", SLUG, NotFoundError))


def export_name(request: web.Request) -> str:
    """The export's name in the path. Errors: NotFoundError."""
    return _name(request, "name", SLUG, NotFoundError)


def checkpoint_name(request: web.Request) -> str:
    """The checkpoint's name in the path. Errors: CheckpointNotFoundError."""
    return _name(request, "name", SLUG, CheckpointNotFoundError)


def _name(request: web.Request, key: str, pattern: re.Pattern[str], error: type[NotFoundError]) -> str:
    """A name from the path; whatever no such thing can be called is not there."""
    text = request.match_info[key]
    if pattern.fullmatch(text) is None:
        message = f"there is no {_THING[error]} of this name"
        raise error(message)
    return text


_THING: Final[dict[type[NotFoundError], str]] = {
    SessionNotFoundError: "session",
    PassNotFoundError: "pass",
    PhotoNotFoundError: "photo",
    JobNotFoundError: "job",
    CheckpointNotFoundError: "checkpoint",
    NotFoundError: "thing",
}
