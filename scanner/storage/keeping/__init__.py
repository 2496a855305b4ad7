"""Keeping sessions and index in step.

``keeper``      the writer thread's side of the manager: creates, opens and recovers
``opening``     the start, before READY; ``upkeep``: reconciliation, behind it
``catalogue``   the index as the event loop sees it, made anew under it where it is damaged
``watching``    what others do to the data directory under a running daemon
``gathering``, ``foreign``  what lies among the sessions and is of another name or format
``wrappers``    the trash on disk

"""
