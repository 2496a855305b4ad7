"""Names made from titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import SLUG
from scanner.planning import slugify


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Blue vase", "blue-vase"),
        ("  INV-0417 / 2  ", "inv-0417-2"),
        ("Grüße, Žižka & Łódź", "gruesse-zizka-lodz"),
        ("Ærø's Øl på bål", "aeroes-oel-paa-baal"),
        ("Щука и ёж", "shchuka-i-ezh"),
        ("Ἀθήνα ψυχή", "athina-psychi"),
        ("İstanbul \N{LATIN SMALL LETTER DOTLESS I}l\N{LATIN SMALL LETTER DOTLESS I}k", "istanbul-ilik"),
        ("ﬁne ① Ⅷ", "fine-1-viii"),
        ("a" * 60, "a" * 48),
        ("x" * 47 + " y", "x" * 47),
        ("日本", ""),
        ("\ud800 --- !", ""),
        ("", ""),
    ],
)
def test_titles_become_slugs(title, slug):
    assert slugify(title) == slug


@given(st.text(st.characters(codec=None)))
def test_any_title_becomes_a_slug_or_nothing(title):
    slug = slugify(title)
    assert slug == "" or SLUG.fullmatch(slug)
    assert slugify(slug) == slug
