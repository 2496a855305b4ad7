"""YAML -> frozen Config, strict: unknown keys, wrong types and impossible values are refused, all at once."""

from __future__ import annotations

from scanner.config.demo import demo_config
from scanner.config.reading import INSTALLED, VARIABLE, find, load, parse, show
from scanner.config.settings import (
    AxisSettings,
    CameraDriverSettings,
    Config,
    DiskConfig,
    JobsConfig,
    LightSettings,
    RigConfig,
    StorageConfig,
    TiltSettings,
    TurntableSettings,
    WebConfig,
)
from scanner.config.simulated import SimCamera, SimLight, SimMotion, SimTilt, SimTurntable, SimWorld

__all__ = [
    "INSTALLED",
    "VARIABLE",
    "AxisSettings",
    "CameraDriverSettings",
    "Config",
    "DiskConfig",
    "JobsConfig",
    "LightSettings",
    "RigConfig",
    "SimCamera",
    "SimLight",
    "SimMotion",
    "SimTilt",
    "SimTurntable",
    "SimWorld",
    "StorageConfig",
    "TiltSettings",
    "TurntableSettings",
    "WebConfig",
    "demo_config",
    "find",
    "load",
    "parse",
    "show",
]
