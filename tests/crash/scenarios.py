"""Every scenario there is."""

from __future__ import annotations

from tests.crash.forcing import FORCING
from tests.crash.living import LIVING
from tests.crash.older import OLDER
from tests.crash.scanning import SCANNING
from tests.crash.scenario import Scenario

SCENARIOS: tuple[type[Scenario], ...] = (*SCANNING, *LIVING, *FORCING, *OLDER)
