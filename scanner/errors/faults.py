"""What failed: the disk, a device, the daemon itself."""

from __future__ import annotations

from http import HTTPStatus

from scanner.errors.base import ScannerError


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
