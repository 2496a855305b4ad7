"""The scanner daemon.

What lives where, from the ground up (imports go down only; contracts in ``pyproject.toml``):

``errors``, ``clock``       the error tree; time, injected
``model``, ``spec``         frozen values: what is, and what was asked for
``records``                 sessions, passes and jobs as everybody sees them
``decoding``                strict decoding of JSON and YAML into them, all faults at once
``states``                  job, pass and shot states, one transition table each
``planning``                ScanSpec -> Plan (pure)
``events``, ``config``      typed events and their bus; YAML -> frozen Config
``storage``                 the only door to the data directory (``StorageManager``)
``hardware``                protocols, drivers, the twin
``imaging``, ``quality``    encoding and measuring pictures (pure, on arrays)
``health``, ``logs``        the machine's figures; logging
``memory``                  what becomes of memory that was freed
``preview``, ``rig``        live pictures; the one owner of the devices
``exports``                 EXIF, COLMAP
``guards``                  conditions that pause work by themselves
``engine``                  runs one pass
``jobs``                    queue, lanes, commands
``app``                     composition root: builds every part once, closes in reverse
``demo``                    what a demo does beyond a daemon
``client``, ``cli``         the command line, over the daemon's socket
``__main__``                entry point; the only module that knows both ``app`` and ``web``
"""

__version__ = "0.1.0"
