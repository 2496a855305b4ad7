"""The ground: every operation that changes the disk, and what is known of where it happens.

``files``      every operation that changes the disk, injectable; durable writes; how failures are named
``layout``     paths and names below the data directory (pure)
``claims``     directories under construction; ``roll``: the names of very many sessions
``database``   SQLite as storage uses it: one writing connection a file, WAL, migrations
``threads``    the threads that storage owns
``host``, ``share``, ``zones``  this computer and process; what the disk can do; time zones
``room``       a little room kept aside, so that a full disk can still be emptied
``premises``   all of it together: what is given from outside

"""
