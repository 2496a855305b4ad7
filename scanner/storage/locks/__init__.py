"""Who works on what. The unit of exclusion is the pass.

``lockfile``    the file of a lock: its record, its name, reading and publishing it
``passlock``    the lock of a pass: taking, keeping, losing it, and why nobody who lost it can do harm
``observer``    whether a holder still lives, without comparing wall clocks
``locking``     taking and forcing locks as this daemon; ``lockscan``: looking at those of others
``daemonlock``  one daemon a state directory

"""
