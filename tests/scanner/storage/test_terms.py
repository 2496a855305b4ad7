"""Search: whichever way a word is looked up, all are found in which some word begins so, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.storage.disk.database import migrate
from scanner.storage.index.asking import matching, words_of
from scanner.storage.index.folding import folded
from scanner.storage.index.rows import EVERY, mark
from scanner.storage.index.schema import MIGRATIONS
from scanner.storage.index.terms import expressions

MARK = EVERY[0]
WORDS = st.text("aBbé19", min_size=1, max_size=6)
INSERT = "INSERT INTO passes_fts (rowid, title, tags, marks) VALUES (?, ?, ?, ?)"


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    """Empty tables of the index."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS)
        yield connection


def found(table: sqlite3.Connection, text: str, marks: tuple[str, ...] = ()) -> list[int]:
    """The rows that are found for a text."""
    words = expressions(table, "passes", words_of(text) or ())
    if not words:
        return []
    query = "SELECT rowid FROM passes_fts WHERE passes_fts MATCH ? ORDER BY rowid"
    return [row[0] for row in table.execute(query, (matching(words, marks),))]


def fill(table: sqlite3.Connection, titles: list[str], tags: str = "") -> None:
    """The titles, numbered from 0, and nothing else."""
    table.execute("DELETE FROM passes_fts")
    rows = [(n, folded(title), tags, f"{EVERY} {mark('tag', title)}") for n, title in enumerate(titles)]
    table.executemany(INSERT, rows)


@given(titles=st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), max_size=20), asked=WORDS, also=WORDS)
def test_all_that_begin_so_are_found_and_nothing_else(table, titles, asked, also):
    fill(table, titles)
    plain = [title.lower().replace("é", "e").split() for title in titles]
    for wanted in ([asked], [asked, also]):
        starts = [word.lower().replace("é", "e") for word in wanted]
        right = [n for n, words in enumerate(plain) if all(any(w.startswith(s) for w in words) for s in starts)]
        assert found(table, " ".join(wanted)) == right


def test_a_beginning_of_many_words_is_found_in_all_of_them(table):
    fill(table, [f"inventory{n:02}" for n in range(30)])
    assert found(table, "inventory") == list(range(30))
    assert found(table, "INVENTORY1") == list(range(10, 20))


@pytest.mark.parametrize("asked", ["every", f"{MARK}every", "tagx", mark("tag", "vase"), "state", MARK])
def test_a_mark_is_no_word(table, asked):
    fill(table, ["vase", "bowl"])
    assert found(table, asked) == []


def test_a_text_cannot_pretend_to_be_a_mark(table):
    fill(table, ["vase", f"bowl {mark('tag', 'vase')}"])
    assert found(table, "vase", (mark("tag", "vase"),)) == [0]
    assert found(table, "bowl", (mark("tag", "vase"),)) == []


def test_words_of_one_row_may_stand_in_different_columns(table):
    fill(table, ["vase", "bowl"], tags="museum")
    assert found(table, "museum vase") == [0]


def test_long_beginnings_are_looked_up_and_short_ones_have_an_index(table):
    fill(table, ["museum vase", "museums"])
    assert expressions(table, "passes", ["mus", "museum", "vase"]) == ('"mus"*', '("museum" OR "museums")', '("vase")')
    assert expressions(table, "passes", ["museum", "zebra"]) is None
    assert expressions(table, "passes", ["muséum"]) == ('"muséum"*',)  # SQLite folds it


@pytest.mark.parametrize(
    ("asked", "right"),
    [('"', []), ("near(", [0]), ("NOT", [1]), ("and OR", [2]), ("or* OR y", []), ("{title}:near", []), ("ne*", [0])],
)
def test_nothing_of_what_is_asked_is_taken_for_syntax(table, asked, right):
    fill(table, ["near", "not", "and or"])
    assert found(table, asked) == right
