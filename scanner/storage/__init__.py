"""The only door to the data directory: sessions, passes, photos, and what no session can hold.

**The session directory is the truth**; ``index.db`` is derived from it and may be deleted at any time. ``jobs.db`` is
the truth about jobs. ``FORMAT.md`` beside this file describes every file and field on disk.

Rules. :class:`StorageManager` is constructed once, in ``app``. Nobody makes a session directory by hand or from an id;
only a :class:`PassWriter`, which holds its pass's lock, can save a photo. A photo is announced after its file, its
journal line and its row are written, in that order, the first two fsynced. Every operation is done wholly or not at
all, also when its caller is cancelled. Every failure of the disk is a typed error with a reason, and leaves nothing
half-written; after the cure the same object works again.

What lives where, from the ground up:

``files``                          every operation that changes the disk, injectable; durable writes; typed errors
``layout``, ``claims``             paths and names; directories under construction
``documents``, ``lines``, ``facts`` the JSON documents, the lines of a journal, and what a writer journals
``progress``, ``journal``          ``fold``: what the lines amount to; reading and appending to journals
``host``, ``locks``                who we are; the locks of passes and of the daemon
``views``                          a session as its directory tells it
``database``, ``schema``, ``rows``  SQLite as storage uses it; the tables of the index and their rows
``index``, ``listing``, ``queries``, ``jobstore`` the index, written and read; jobs
``threads``                        the threads that storage owns
``recovery``                       bringing a pass into order
``sessions``, ``passdisk``, ``writer`` building sessions; what a pass writer does on disk; :class:`PassWriter`
``keeper``, ``upkeep``, ``opening`` the writer thread's side of the manager; index and directories in step; starting
``reading``, ``thumbnails``, ``exports`` looking into sessions; small pictures; putting exports in place
``catalogue``, ``looking``, ``manager`` the index as the loop sees it; the looking half; :class:`StorageManager`

"""

from scanner.storage.documents import (
    NewPass,
    NewSession,
    PassDocument,
    SessionHandle,
    Submission,
)
from scanner.storage.files import Files
from scanner.storage.host import Host
from scanner.storage.jobstore import JobStore
from scanner.storage.layout import place_of
from scanner.storage.listing import SessionPage, SessionQuery
from scanner.storage.locks import LockInfo
from scanner.storage.manager import StorageManager
from scanner.storage.progress import PassProgress, fold
from scanner.storage.reading import DiskUsage, StoredFile
from scanner.storage.writer import PassWriter

__all__ = [
    "DiskUsage",
    "Files",
    "Host",
    "JobStore",
    "LockInfo",
    "NewPass",
    "NewSession",
    "PassDocument",
    "PassProgress",
    "PassWriter",
    "SessionHandle",
    "SessionPage",
    "SessionQuery",
    "StorageManager",
    "StoredFile",
    "Submission",
    "fold",
    "place_of",
]
