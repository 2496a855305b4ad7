"""The only door to the data directory: sessions, passes, photos, and what no session can hold.

**The session directory is the truth**; ``index.db`` is derived from it and may be deleted at any time. ``jobs.db`` is
the truth about jobs. ``FORMAT.md`` beside this file describes every file and field on disk.

Rules. :class:`StorageManager` is constructed once, in ``app``. Nobody makes a session directory by hand or from an id;
only a :class:`PassWriter`, which holds its pass's lock, can save a photo. A photo is announced after its file, its
journal line and its row are written, in that order, the first two fsynced. Every operation is done wholly or not at
all, also when its caller is cancelled. Every failure of the disk is a typed error with a reason, and leaves nothing
half-written; after the cure the same object works again.

What lives where, from the ground up; imports go down only:

``disk``        every operation that changes the disk, injectable; paths and names; SQLite; threads; who we are
``journal``     documents and journals: what is written down about a pass, and ``fold``: what that amounts to
``locks``       the locks of passes, with generations and heartbeats, and the lock of the daemon
``directory``   a session directory read, recovered, built; its photos, exports, small pictures
``index``       ``index.db``, written and read, and ``jobs.db``
``formats``     older formats: reading, migrating, importing them
``work``        :class:`PassWriter`, and what it does on disk
``keeping``     index and directories in step: the writer thread's side, the start, reconciliation, foreign changes
``facets``      what people do with sessions: checkpoints, trash, editing, verifying, locks, old formats, history
``looking``     the looking half of the manager
``manager``     :class:`StorageManager`

"""

from scanner.storage.directory.reading import DiskUsage, StoredFile
from scanner.storage.disk.files import Files
from scanner.storage.disk.host import Host
from scanner.storage.disk.layout import place_of
from scanner.storage.disk.share import Sharing
from scanner.storage.facets.editing import SessionChanges
from scanner.storage.facets.history import HistoryPage, HistoryQuery
from scanner.storage.index.jobstore import JobStore
from scanner.storage.index.listing import SessionPage, SessionQuery
from scanner.storage.journal.documents import (
    NewPass,
    NewSession,
    PassDocument,
    SessionHandle,
    Submission,
)
from scanner.storage.journal.progress import PassProgress, fold
from scanner.storage.manager import StorageManager
from scanner.storage.work.writer import PassWriter

__all__ = [
    "DiskUsage",
    "Files",
    "HistoryPage",
    "HistoryQuery",
    "Host",
    "JobStore",
    "NewPass",
    "NewSession",
    "PassDocument",
    "PassProgress",
    "PassWriter",
    "SessionChanges",
    "SessionHandle",
    "SessionPage",
    "SessionQuery",
    "Sharing",
    "StorageManager",
    "StoredFile",
    "Submission",
    "fold",
    "place_of",
]
