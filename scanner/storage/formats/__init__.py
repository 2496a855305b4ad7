"""Sessions of older formats: read without changing them, listed beside the new ones, migrated, imported, and undone.

Every format answers the same questions, and is chosen by what lies in a folder: ``detect``, ``info`` (a glance: sizes
and documents), ``load`` (every photo hashed). What comes out are the records of this product, and for migration a
:class:`LegacySession` that holds everything that was found and everything that is wrong, file by file.

From the ground up:

``fields``, ``folder``, ``pictures``  foreign JSON, foreign folders and photos, looked at safely
``legacy``, ``passes``, ``assembling`` what readers give; the same as documents and journal lines of this product
``sidecars``, ``raspi``, ``dual``      the predecessor: its photos, its sessions, scans that lie in two folders
``openscan3``, ``current``            the other formats
``loader``, ``survey``                one loader over all of them; what lies among our own sessions
``copying``, ``building``, ``bench``   files taken over; the new directory; whole and checked under a temporary name
``intents``, ``migration``, ``importing`` renames that survive a cut; migrate and undo; copy from elsewhere

"""

from scanner.storage.formats.assembling import damage_of, outline_of
from scanner.storage.formats.bench import Bench, Outcome
from scanner.storage.formats.dual import Question, merged_order
from scanner.storage.formats.fields import Moment
from scanner.storage.formats.folder import Flag, Flagged, Folder, Note, go_on
from scanner.storage.formats.importing import import_current, import_session, is_known
from scanner.storage.formats.legacy import LegacyPass, LegacySession
from scanner.storage.formats.loader import (
    Found,
    Listing,
    format_of,
    info,
    list_all,
    load_any,
    load_legacy,
    slug_of,
)
from scanner.storage.formats.migration import damage_told, migrate, settle, undo
from scanner.storage.formats.pictures import Depth
from scanner.storage.formats.survey import Group, Survey, survey

__all__ = [
    "Bench",
    "Depth",
    "Flag",
    "Flagged",
    "Folder",
    "Found",
    "Group",
    "LegacyPass",
    "LegacySession",
    "Listing",
    "Moment",
    "Note",
    "Outcome",
    "Question",
    "Survey",
    "damage_of",
    "damage_told",
    "format_of",
    "go_on",
    "import_current",
    "import_session",
    "info",
    "is_known",
    "list_all",
    "load_any",
    "load_legacy",
    "merged_order",
    "migrate",
    "outline_of",
    "settle",
    "slug_of",
    "survey",
    "undo",
]
