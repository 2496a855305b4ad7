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
    │   ├── UserExistsError           user_exists             409   4
    │   ├── LastAdminError            last_admin              409   4
    │   └── DaemonRunningError        daemon_running          409   4
    ├── QueueFullError                queue_full              429   4
    ├── ForbiddenError                forbidden               403   5
    │   ├── LoginRequiredError        login_required          401   5
    │   ├── LoginFailedError          login_failed            401   5
    │   ├── TooManyAttemptsError      too_many_attempts       429   5
    │   └── AccessLockedError         access_locked           503   5
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

from scanner.errors.base import (
    AccessLockedError,
    CheckpointExistsError,
    CheckpointNotFoundError,
    ClockError,
    CommandRefusedError,
    ConfigError,
    ConflictError,
    DaemonRunningError,
    DeviceNotFoundError,
    ForbiddenError,
    IdempotencyError,
    InvalidError,
    JobNotFoundError,
    LastAdminError,
    LockLostError,
    LoginFailedError,
    LoginRequiredError,
    NotFoundError,
    PassCompletedError,
    PassExistsError,
    PassLockedError,
    PassNotFoundError,
    PhotoNotFoundError,
    PlanTooLargeError,
    QueueFullError,
    RigBusyError,
    ScannerError,
    SessionBusyError,
    SessionNotFoundError,
    SpecError,
    TooManyAttemptsError,
    UserExistsError,
)
from scanner.errors.faults import (
    AxisError,
    AxisLimitError,
    AxisStuckError,
    CameraError,
    CameraGoneError,
    CameraTimeoutError,
    DamagedError,
    DeviceBusyError,
    DiskFullError,
    HardwareError,
    LightError,
    PositionUnknownError,
    RigMissingError,
    StorageError,
    UnreachableError,
)

__all__ = [
    "AccessLockedError",
    "AxisError",
    "AxisLimitError",
    "AxisStuckError",
    "CameraError",
    "CameraGoneError",
    "CameraTimeoutError",
    "CheckpointExistsError",
    "CheckpointNotFoundError",
    "ClockError",
    "CommandRefusedError",
    "ConfigError",
    "ConflictError",
    "DaemonRunningError",
    "DamagedError",
    "DeviceBusyError",
    "DeviceNotFoundError",
    "DiskFullError",
    "ForbiddenError",
    "HardwareError",
    "IdempotencyError",
    "InvalidError",
    "JobNotFoundError",
    "LastAdminError",
    "LightError",
    "LockLostError",
    "LoginFailedError",
    "LoginRequiredError",
    "NotFoundError",
    "PassCompletedError",
    "PassExistsError",
    "PassLockedError",
    "PassNotFoundError",
    "PhotoNotFoundError",
    "PlanTooLargeError",
    "PositionUnknownError",
    "QueueFullError",
    "RigBusyError",
    "RigMissingError",
    "ScannerError",
    "SessionBusyError",
    "SessionNotFoundError",
    "SpecError",
    "StorageError",
    "TooManyAttemptsError",
    "UnreachableError",
    "UserExistsError",
    "error_types",
]


def error_types(root: type[ScannerError] = ScannerError) -> Iterator[type[ScannerError]]:
    """Every error type of the tree, parents first: the source of the tables in README and API page."""
    yield root
    for child in root.__subclasses__():
        yield from error_types(child)
