"""``index.db``, which is derived and may be deleted, and ``jobs.db``, which is the truth about jobs.

``schema``, ``rows``, ``batch``  tables, by version; sessions and passes as rows, one by one and many at once
``tallies``, ``statistics``      sums kept in step with the passes; what passes amount to over any days
``index``                        the writing side; ``queries``: the reading side
``asking``, ``listing``          what is asked: words, filters, cursors; a list of sessions (pure)
``folding``                      words as they are searched, however they are written (pure)
``fitting``                      what no column can hold, of documents of no scanner
``jobstore``, ``audit``          jobs; who did what

"""
