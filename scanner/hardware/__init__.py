"""Devices: ``api`` holds the protocols, every other module or package is one driver that knows only ``api``;
``registry`` builds a Rig.

To add a driver: write ``hardware/<name>.py`` against ``api``, add its settings to :mod:`scanner.config`, its builder
to ``registry``, and its row to the contract suite in ``tests/scanner/hardware/test_contract.py``. There is never a
silent fallback to the twin.
"""
