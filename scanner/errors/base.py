"""The root of the tree, and what somebody asked wrongly, at the wrong time, or may not ask."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar


class ScannerError(Exception):
    """Base of all errors of the product.

    ``message`` is one sentence for a person: what happened, to which thing, what to do. ``detail`` holds the same
    facts for a machine (JSON values only).
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class InvalidError(ScannerError):
    """What was given cannot be used. ``detail["errors"]`` lists every fault as ``{"path", "message"}`` where there
    are several.
    """

    code = "invalid"
    status = HTTPStatus.BAD_REQUEST
    exit_code = 2


class SpecError(InvalidError):
    """A ScanSpec asks for something unknown, mistyped or impossible."""

    code = "invalid_spec"


class ConfigError(InvalidError):
    """The configuration file cannot be used; every fault is named with line and path."""

    code = "invalid_config"


class PlanTooLargeError(InvalidError):
    """A pass may have 10,000 shots at most."""

    code = "plan_too_large"


class IdempotencyError(InvalidError):
    """An idempotency key came again with another body."""

    code = "idempotency_mismatch"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotFoundError(ScannerError):
    """There is no such thing; asking never creates it."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    exit_code = 3


class SessionNotFoundError(NotFoundError):
    """No session has this id."""

    code = "session_not_found"


class PassNotFoundError(NotFoundError):
    """The session has no pass of this name."""

    code = "pass_not_found"


class PhotoNotFoundError(NotFoundError):
    """The session has no photo of this name."""

    code = "photo_not_found"


class JobNotFoundError(NotFoundError):
    """No job has this id."""

    code = "job_not_found"


class CheckpointNotFoundError(NotFoundError):
    """The session has no checkpoint of this name."""

    code = "checkpoint_not_found"


class DeviceNotFoundError(NotFoundError):
    """The rig has no device of this name."""

    code = "device_not_found"


class ConflictError(ScannerError):
    """The request is sound but does not fit the present state."""

    code = "conflict"
    status = HTTPStatus.CONFLICT
    exit_code = 4


class CommandRefusedError(ConflictError):
    """A command does not fit the state of the job."""

    code = "command_refused"


class PassCompletedError(ConflictError):
    """A completed pass is never redone; only a retake reopens it."""

    code = "pass_completed"


class PassExistsError(ConflictError):
    """The session already has a pass of this name."""

    code = "pass_exists"


class PassLockedError(ConflictError):
    """Somebody works on this pass; the message names who."""

    code = "pass_locked"


class LockLostError(ConflictError):
    """Somebody took this pass by force; what was announced is safe, nothing more is written."""

    code = "lock_lost"


class CheckpointExistsError(ConflictError):
    """The session already has a checkpoint of this name."""

    code = "checkpoint_exists"


class ClockError(ConflictError):
    """The clock is not synchronised: nothing is judged by its age."""

    code = "clock_not_synchronised"


class SessionBusyError(ConflictError):
    """A job works on this session; ``detail["job_id"]`` names it."""

    code = "session_busy"


class RigBusyError(ConflictError):
    """The rig cannot be moved by hand while a scan runs."""

    code = "rig_busy"


class UserExistsError(ConflictError):
    """There is a user of this name."""

    code = "user_exists"


class LastAdminError(ConflictError):
    """Nobody would be left who may change users and settings."""

    code = "last_admin"


class DaemonRunningError(ConflictError):
    """Another daemon owns this state directory; the message names it."""

    code = "daemon_running"


class QueueFullError(ScannerError):
    """At most 1,000 jobs wait."""

    code = "queue_full"
    status = HTTPStatus.TOO_MANY_REQUESTS
    exit_code = 4


class ForbiddenError(ScannerError):
    """The request is not allowed from there or for this role."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN
    exit_code = 5


class LoginRequiredError(ForbiddenError):
    """Nobody is logged in, or the login has ended."""

    code = "login_required"
    status = HTTPStatus.UNAUTHORIZED


class LoginFailedError(ForbiddenError):
    """Name and password, or the setup code, are not right; which of them is not said."""

    code = "login_failed"
    status = HTTPStatus.UNAUTHORIZED


class TooManyAttemptsError(ForbiddenError):
    """Too many wrong tries; ``detail["retry_after"]`` says in how many seconds the next one may be."""

    code = "too_many_attempts"
    status = HTTPStatus.TOO_MANY_REQUESTS


class AccessLockedError(ForbiddenError):
    """The file of users is lost or damaged: nobody can log in before somebody at the machine has mended it."""

    code = "access_locked"
    status = HTTPStatus.SERVICE_UNAVAILABLE
