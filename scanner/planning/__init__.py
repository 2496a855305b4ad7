"""ScanSpec -> plans: viewpoints, order, limits, estimates; pure functions.

A plan is computed once and stored; shot order and index never change, so that a resumed pass walks the same list.
"""

from __future__ import annotations

from scanner.planning.estimates import PlanEstimate, estimate
from scanner.planning.motion import Motion, RigLimits, move_time, shot_move_time
from scanner.planning.plans import make_plan, make_plans
from scanner.planning.slugs import slugify
from scanner.planning.specs import apply_preset, normalise

__all__ = [
    "Motion",
    "PlanEstimate",
    "RigLimits",
    "apply_preset",
    "estimate",
    "make_plan",
    "make_plans",
    "move_time",
    "normalise",
    "shot_move_time",
    "slugify",
]
