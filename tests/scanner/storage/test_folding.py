"""Search: a word is found however it is written, and a symbol is a word."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import ObjectRef
from scanner.spec import ScanSpec
from scanner.storage import HistoryQuery, SessionQuery, StorageManager
from scanner.storage.disk.database import migrate
from scanner.storage.index.asking import matching, words_of
from scanner.storage.index.folding import folded
from scanner.storage.index.schema import MIGRATIONS
from scanner.storage.index.terms import expressions
from tests.scanner.storage.support import new_session

SPEAKER = "\N{SPEAKER}"
LAMP = "\N{DIYA LAMP}"  # younger than the table of older SQLites
THUMB = "\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}"
ROCKET = "\N{ROCKET}"
TITLES = ("Gasse Nº 3, Straße", f"Vase {SPEAKER}", f"{LAMP}Lampe", f"{THUMB}Daumen", "Müller", "plain", "İznik-Teller")
SCRIPTS = (
    "Ελληνικό αγγείο", "Łódź, Gdańsk", "Ærø, København", "Ёлка и Київ", "مُحَمَّد", "שָׁלוֹם", "ガラス", "도자기 한국",
    "Đà Nẵng", "Diyarbak\u0131r, Isparta",
)  # fmt: skip


async def titles(storage: StorageManager, text: str) -> set[str]:
    """What is found, which is the same in the list and in the history."""
    found = {session.title for session in (await storage.list_sessions(SessionQuery(q=text))).items}
    assert {one.title for one in (await storage.history.passes(HistoryQuery(q=text))).items} == found
    return found


@pytest.fixture
async def titled(storage) -> StorageManager:
    for title in TITLES:
        await storage.create_session(new_session(title))
    return storage


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("strasse", 0), ("STRASSE", 0), ("straße", 0), ("STRAẞE", 0), ("stras", 0), ("straß", 0), ("no", 0),
        (SPEAKER, 1), (f"vas {SPEAKER}", 1), (f"vase{SPEAKER}", 1),
        (LAMP, 2), ("lampe", 2), (f"{LAMP}lam", 2),
        (THUMB, 3), ("daumen", 3), ("\N{THUMBS UP SIGN}", 3),
        ("Müller", 4), ("Mu\u0308ller", 4), ("mull", 4), ("ＭＵＬＬＥＲ", 4),  # noqa: RUF001 - as some keyboards write it
        ("iznik", 6), ("İZNİK", 6), ("teller", 6),
    ],
)  # fmt: skip
async def test_a_word_is_found_however_it_is_written(titled, text, title):
    assert await titles(titled, text) == {TITLES[title]}


@pytest.fixture
async def noted(storage) -> StorageManager:
    """The scripts stand in notes: of a title the id is made, which has no accents and is searched, too."""
    for number, notes in enumerate(SCRIPTS):
        title = f"Number {number}"
        await storage.create_session(new_session(title, spec=ScanSpec(title=title, notes=notes)))
    return storage


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Ελληνικο", 0), ("ΕΛΛΗΝΙΚΌ", 0), ("Ελληνικό", 0), ("αγγειο", 0),
        ("lodz", 1), ("Łódź", 1), ("ŁÓDŹ", 1), ("łodz", 1), ("gdansk", 1),
        ("aero", 2), ("ÆRØ", 2), ("kobenhavn", 2), ("københavn", 2),
        ("елка", 3), ("ЁЛКА", 3), ("киів", 3),
        ("محمد", 4), ("שלום", 5),
        ("ガラス", 6), ("ｶﾞﾗｽ", 6), ("カ\u3099ラス", 6),
        ("도자기", 7), (unicodedata.normalize("NFD", "한국"), 7), ("도", 7),
        ("da nang", 8), ("đà", 8), ("Nẵng", 8),
        ("diyarbakir", 9), ("DİYARBAKIR", 9), ("\u0131sparta", 9), ("isparta", 9),
    ],
)  # fmt: skip
async def test_accents_of_every_script_are_folded(noted, text, title):
    assert await titles(noted, text) == {f"Number {title}"}


@pytest.mark.parametrize("text", ["カラス", "노", "ガフス", "lotz"])
async def test_what_is_another_letter_stays_another(noted, text):
    assert await titles(noted, text) == set()


@pytest.mark.parametrize(
    "text", ["\N{ROCKET}", f"vase {ROCKET}", "e000", "x", "01f508", f"{LAMP}{ROCKET}", "strase", "…"]
)
async def test_what_is_not_there_is_not_found(titled, text):
    assert await titles(titled, text) == set()


async def test_everything_that_is_searched_is_folded(storage):
    thing = ObjectRef(id="Größe", label="Maßkrug")
    spec = ScanSpec(title="x", operator="Strauß", tags=("Spaß",), notes=f"heiß {ROCKET}", object=thing)
    await storage.create_session(new_session("x", spec=spec))
    for text in ("grosse", "masskrug", "strauss", "spass", "heiss", ROCKET):
        assert await titles(storage, text) == {"x"}, text


@pytest.mark.parametrize("word", ["a" * 41, "3ba8a4" * 11, "Ж" * 60, "陶" * 50])
async def test_long_words_are_found_by_their_beginning_and_whole(storage, word):
    await storage.create_session(new_session("x", spec=ScanSpec(title="x", notes=f"of {word} made")))
    for text in (word, word[:40], word[:5], f"made {word}", word[:45]):
        assert await titles(storage, text) == {"x"}, text
    assert await titles(storage, f"{word[:39]}q") == set()


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    """Empty tables of the index."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS)
        yield connection


@given(
    before=st.sampled_from(("", "vase ", ROCKET)), text=st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
)
def test_every_text_finds_itself(table, before, text):
    table.execute("DELETE FROM sessions_fts")
    table.execute("INSERT INTO sessions_fts (rowid, title) VALUES (1, ?)", (folded(before + text),))
    words = words_of(text)
    if words:
        query = "SELECT rowid FROM sessions_fts WHERE sessions_fts MATCH ?"
        found = expressions(table, "sessions", words)
        assert found is not None
        assert table.execute(query, (matching(found, ()),)).fetchall() == [(1,)], words


@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_plain_ascii_is_left_to_sqlite(text):
    assert folded(text) is text
