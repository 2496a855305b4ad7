"""How heavy the page is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from tests.benchmarks.table import Row, below
from tests.support.tree import TOP

STATIC = TOP / "web" / "static"
LOADED = re.compile(r"""(?:src|href)="/static/([^"]+)\"""")
IMPORTED = re.compile(r"""^(?:import|export)\s(?:[^;'"]*\sfrom\s)?['"](\.[^'"]+)['"]""", re.MULTILINE)


def weight(_directory: Path) -> list[Row]:
    """What the first visit to each view loads, gzipped file by file, without photos."""
    rows = []
    for view in sorted((STATIC / "views").glob("*.js")):
        if "export function mount" in (text := view.read_text()) or "export const mount" in text:
            files = _closure([STATIC / "index.html", view])
            total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
            rows.append(below(f"first load of the view `{view.stem}`, gzip", total / 1000, "kB", 100.0))
    return rows


def _closure(roots: list[Path]) -> set[Path]:
    """These files and all that they load."""
    found: set[Path] = set()
    waiting = list(roots)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        text = path.read_text(encoding="utf-8") if path.suffix in {".html", ".js"} else ""
        waiting += [STATIC / name for name in (LOADED.findall(text) if path.suffix == ".html" else [])]
        waiting += [(path.parent / name).resolve() for name in (IMPORTED.findall(text) if path.suffix == ".js" else [])]
    return found
