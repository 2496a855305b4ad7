"""Tests, mirroring the tree: ``scanner``, ``web`` test the packages, ``architecture`` the tree itself.

``process``   the daemon as a process: start, stop, one session whatever the route
``browser``   the page in a real Chromium, against the real daemon as a process
``crash``     kill -9 of the real daemon at chosen moments
``full``      everything whole that the gate runs sampled: ``python -m tests.full``
``benchmarks``  ``python -m tests.benchmarks``
``support``   what several of them share
"""
