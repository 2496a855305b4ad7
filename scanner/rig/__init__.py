"""The one owner of the rig's devices.

``control``  RigControl: opens, moves by hand, lends to one pass at a time, stops in an emergency
``facts``    limits, description, range checks (pure)
``state``    snapshots for page and command line
``lights``   what they are at, and should be at while no pass holds the rig
``sidebyside``  several devices at once
"""

from scanner.rig.control import RigControl
from scanner.rig.state import RigPhase, RigState

__all__ = ["RigControl", "RigPhase", "RigState"]
