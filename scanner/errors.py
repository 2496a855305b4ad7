"""One error tree. Every error says what happened, to which thing, and what to do about it.

    ScannerError                      code                    HTTP  exit
    ├── InvalidError                  invalid                 400   2
    │   ├── SpecError                 invalid_spec            400   2
    │   ├── ConfigError               invalid_config          400   2
    │   ├── PlanTooLargeError         plan_too_large          400   2
    │   └── IdempotencyError          idempotency_mismatch    422   2
    ├── NotFoundError                 not_found               404   3
    │   ├── SessionNotFoundError      session_not_found       404   3
    │   ├── PassNotFoundError         pass_not_found          404   3
    │   ├── PhotoNotFoundError        photo_not_found         404   3
    │   ├── JobNotFoundError          job_not_found           404   3
    │   ├── CheckpointNotFoundError   checkpoint_not_found    404   3
    │   └── DeviceNotFoundError       device_not_found        404   3
    ├── ConflictError                 conflict                409   4
    │   ├── CommandRefusedError       command_refused         409   4
    │   ├── PassCompletedError        pass_completed          409   4
    │   ├── PassExistsError           pass_exists             409   4
    │   ├── PassLockedError           pass_locked             409   4
    │   ├── LockLostError             lock_lost               409   4
    │   ├── CheckpointExistsError     checkpoint_exists       409   4
    │   ├── ClockError                clock_not_synchronised  409   4
    │   ├── SessionBusyError          session_busy            409   4
    │   ├── RigBusyError              rig_busy                409   4
    │   └── DaemonRunningError        daemon_running          409   4
    ├── QueueFullError                queue_full              429   4
    ├── ForbiddenError                forbidden               403   5
    ├── StorageError                  storage_fault           500   6
    │   ├── DiskFullError             disk_full               507   6
    │   └── DamagedError              damaged                 409   6
    ├── HardwareError                 hardware_fault          503   6
    │   ├── RigMissingError           rig_missing             503   6
    │   ├── DeviceBusyError           device_busy             503   6
    │   ├── CameraError               camera_fault            503   6
    │   │   ├── CameraTimeoutError    camera_timeout          503   6   (also TimeoutError)
    │   │   └── CameraGoneError       camera_gone             503   6   (also ConnectionError)
    │   ├── AxisError                 axis_fault              503   6
    │   │   ├── AxisStuckError        axis_stuck              503   6
    │   │   ├── AxisLimitError        axis_limit              503   6
    │   │   └── PositionUnknownError  position_unknown        503   6
    │   └── LightError                light_fault             503   6
    └── UnreachableError              daemon_unreachable      503   7   (client: no daemon answers)

The code is stable and machine-readable; HTTP status and process exit code belong to it. The table above, the API page
and the README show the same rows: a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
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


class StorageError(ScannerError):
    """Reading or writing failed; ``detail["reason"]`` is a stable word: disk_full, io_error, read_only,
    too_many_files.
    """

    code = "storage_fault"
    exit_code = 6


class DiskFullError(StorageError):
    """There is no room; the figures are in the detail."""

    code = "disk_full"
    status = HTTPStatus.INSUFFICIENT_STORAGE


class DamagedError(StorageError):
    """A file on disk is not what was written."""

    code = "damaged"
    status = HTTPStatus.CONFLICT  # the daemon is well, the request does not fit what is there


class HardwareError(ScannerError):
    """A device failed. Drivers raise only subclasses of this, ``from`` the cause."""

    code = "hardware_fault"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    exit_code = 6


class RigMissingError(HardwareError):
    """The configuration has no rig, or the rig could not be opened."""

    code = "rig_missing"


class DeviceBusyError(HardwareError):
    """A pin, port or camera is in use already; the message names both users."""

    code = "device_busy"


class CameraError(HardwareError):
    """A camera failed."""

    code = "camera_fault"


class CameraTimeoutError(CameraError, TimeoutError):
    """A camera gave no picture in time; restarting it often helps."""

    code = "camera_timeout"


class CameraGoneError(CameraError, ConnectionError):
    """A camera does not answer at all."""

    code = "camera_gone"


class AxisError(HardwareError):
    """An axis failed; its position is unknown until it is homed."""

    code = "axis_fault"


class AxisStuckError(AxisError):
    """An axis did not reach its target."""

    code = "axis_stuck"


class AxisLimitError(AxisError):
    """An axis ran into its limit or was asked to go beyond it."""

    code = "axis_limit"


class PositionUnknownError(AxisError):
    """An axis must be homed before it can move to an angle."""

    code = "position_unknown"


class LightError(HardwareError):
    """A light failed."""

    code = "light_fault"


class UnreachableError(ScannerError):
    """No daemon answers on the socket."""

    code = "daemon_unreachable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    exit_code = 7


def error_types(root: type[ScannerError] = ScannerError) -> Iterator[type[ScannerError]]:
    """Every error type of the tree, parents first: the source of the tables in README and API page."""
    yield root
    for child in root.__subclasses__():
        yield from error_types(child)
