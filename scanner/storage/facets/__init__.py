"""What people do with whole sessions, each a facet of the manager; what changes something is done wholly or not at all.

``checkpoints``  saving how far every pass is and going back there (``marklists``, ``rewinding``)
``trash``        deleting, taking back, emptying
``editing``      title, tags, notes, operator; ``verifying``: re-hashing, ``papers``; ``discarding``: undoing a creation
``lockwatch``    ``storage.locks``: the monitor and the heartbeats; ``forcing``: taking a pass away
``legacy``       sessions of older formats (``migrating``, ``intake``)
``history``      one record a pass, and statistics
``workshop``, ``editlock``, ``holding``  what they share: one change at a time, the locks, log, audit and events

"""
