"""Runs one pass: move, settle, expose, hand over to storage.

``orders``    what others want of the running pass; looked at between shots, the urgent ones interrupt
``handover``  the byte-bounded line between exposing and saving: a slow card slows the scan down, memory never grows
``staging``   before the first shot: open, home, light, exposure, white balance and focus locked once per pass
``shooting``  move, settle, expose, with the retry policy (the only place where something is tried again)
``saving``    encode, measure, make durable, while the rig moves on
``steps``     a deadline for every step
``rings``     how sharp a photo is against the others of its ring
``pace``      how long the rest will take
``run``       puts them together and decides, in one step, how the run ended

The engine gets a :class:`scanner.storage.PassWriter` and the rig's lease; it has no other way to the disk or to the
devices. How a run ends is decided in ``run`` alone: everything else only reports.
"""

from scanner.engine.orders import Order, Orders
from scanner.engine.pace import Habits
from scanner.engine.run import Ending, EndingKind, Engine, Observer

__all__ = ["Ending", "EndingKind", "Engine", "Habits", "Observer", "Order", "Orders"]
