"""The tree as a whole: what lies at its top, what its files may mention, what the page may load."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.demand import demand
from tests.support.tree import TOP

AGREED = {
    *("pyproject.toml", "README.md", "LICENSE", ".gitignore", ".ci"),
    *("scanner", "web", "config", "systemd", "tests"),
}
NEEDED = {"pyproject.toml", "README.md", "LICENSE", ".ci", "scanner", "web", "config", "tests"}
TEXT = {".py", ".js", ".css", ".html", ".md", ".toml", ".yaml", ".json", ".sh", ".service", ".svg", ""}
SOMEBODYS_MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|Users)/|/tmp/(?!\W)[a-z]")
STATIC = TOP / "web" / "static"


@pytest.fixture(scope="module")
def listed() -> tuple[Path, ...]:
    """The files that are or could be committed."""
    demand(shutil.which("git"), "git")
    command = ["git", "-c", f"safe.directory={TOP}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True)
    return tuple(path for name in done.stdout.split("\0") if name and (path := Path(name)) and (TOP / path).exists())


def test_the_top_level_holds_what_was_agreed(listed):
    top = {path.parts[0] for path in listed}
    assert top - AGREED == set()
    assert NEEDED - top == set()


def test_no_file_mentions_the_machine_it_was_written_on(listed):
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in listed
        if path.suffix in TEXT
        for number, line in enumerate((TOP / path).read_text(encoding="utf-8").splitlines(), 1)
        if SOMEBODYS_MACHINE.search(line)
    ]
    assert found == []


def test_no_lock_file_or_large_file_is_committed(listed):
    assert [path for path in listed if path.name in {"package-lock.json", "yarn.lock", "poetry.lock", "uv.lock"}] == []
    assert [path for path in listed if (TOP / path).stat().st_size > 400_000] == []


def test_the_page_loads_nothing_from_elsewhere():
    found = [
        f"{path.relative_to(TOP)}: {address}"
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in {".html", ".js", ".css", ".svg"}
        for address in re.findall(r"""(?:https?:)?//[a-z0-9-]+\.[a-z][^\s"'`)>]*""", path.read_text(encoding="utf-8"))
        if not address.startswith("http://www.w3.org/")
    ]
    assert found == []


def test_the_page_has_no_inline_script_or_style():
    pages = sorted(STATIC.rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text) == [], page
        assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=", text) == [], page
