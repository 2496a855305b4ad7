"""What can be made to go wrong in a twin, while it runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Times = Annotated[int, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=600)]


class Faults(Struct, kw_only=True, forbid_unknown_fields=True):
    """The faults of one twin, shared by its devices and changed at run time; the defaults are a healthy rig.

    Axes (degrees): ``stuck_table`` and ``stuck_tilt``: the driver notices that the axis does not reach its target.
    ``limit_hits``: that many next moves, of whatever axis, run into a limit switch. What no driver can notice:
    ``slip``: the plate slips by this much during its next move; ``table_ratio``: the plate turns by this much per
    commanded degree (1.01: wrong step ratio; -1: the motor is wired the wrong way round; 0: the coupling is loose).

    Camera: ``camera_timeouts``: that many next pictures time out after ``timeout`` seconds. ``camera_dead``: it does
    not answer until cured. ``slow_camera``: seconds that every picture takes longer. ``overexposure``: stops by which
    the light grows brighter. ``defocus``: dioptres by which the lens stands off.
    """

    stuck_table: bool = False
    stuck_tilt: bool = False
    limit_hits: Times = 0
    slip: Annotated[float, Meta(ge=-360, le=360)] = 0.0
    table_ratio: Annotated[float, Meta(ge=-2, le=2)] = 1.0
    camera_timeouts: Times = 0
    timeout: Seconds = 3.0
    camera_dead: bool = False
    slow_camera: Seconds = 0.0
    overexposure: Annotated[float, Meta(ge=-10, le=10)] = 0.0
    defocus: Annotated[float, Meta(ge=-10, le=10)] = 0.0
    turned_over: bool = False

    def become(self, other: Faults) -> None:
        """Take over every fault of ``other``: what it leaves at its default is cured. The stone stays as it lies."""
        for name in self.__struct_fields__:
            if name != "turned_over":
                setattr(self, name, getattr(other, name))

    def stuck(self, axis: str) -> bool:
        """Whether the axis of this name is stuck."""
        return self.stuck_table if axis == "turntable" else self.stuck_tilt

    def take_limit_hit(self) -> bool:
        """Whether this move runs into a limit; counts down."""
        hit = self.limit_hits > 0
        self.limit_hits -= hit
        return hit

    def take_slip(self, axis: str) -> float:
        """Degrees by which the plate slips during this move; once."""
        if axis != "turntable":
            return 0.0
        slip, self.slip = self.slip, 0.0
        return slip

    def ratio(self, axis: str) -> float:
        """True degrees per commanded degree."""
        return self.table_ratio if axis == "turntable" else 1.0

    def take_timeout(self) -> bool:
        """Whether this picture times out; counts down."""
        late = self.camera_timeouts > 0
        self.camera_timeouts -= late
        return late
