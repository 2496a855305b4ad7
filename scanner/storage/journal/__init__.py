"""What is written down about a pass, and what it amounts to. Pure, but for ``text``.

``limits``     how large the figures of a document may be
``documents``  the JSON documents of a session as frozen structs
``lines``      the lines of a journal, one struct an event; ``facts``: those that a pass writer makes
``progress``   ``fold``: what the lines amount to; ``plain``: the same for the plain story that nearly all journals tell
``text``       a journal file, read honestly and appended to durably

"""
