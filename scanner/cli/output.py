"""What is printed: JSON where asked for, tables on a terminal, plain columns anywhere else."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from scanner.cli.text import clean

Row = Sequence[object]
_COLOURS: Final = {  # of the words that stand alone in a cell; they say the same without
    "running": "cyan",
    "alive": "cyan",
    "completed": "green",
    "paused": "yellow",
    "interrupted": "yellow",
    "stale": "yellow",
    "failed": "red",
    "gone": "red",
}
_CONTROLS: Final = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in b"\t\r\n"}


class Output:
    """Prints for one call of the command. ``as_json``: JSON on ``out`` and nothing else there."""

    def __init__(self, out: TextIO, err: TextIO, *, as_json: bool = False) -> None:
        self.out = out
        self.err = err
        self.as_json = as_json
        self.terminal = out.isatty()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def data(self, value: Any) -> None:  # noqa: ANN401 - JSON
        """One line of JSON."""
        print(json.dumps(value, ensure_ascii=False), file=self.out, flush=True)

    def say(self, text: str = "") -> None:
        """A line for people; with ``--json`` it goes where it does not disturb."""
        print(clean(text), file=self.err if self.as_json else self.out, flush=True)

    def answer(self, value: Any, text: str) -> None:  # noqa: ANN401 - JSON
        """What came of a command: ``value`` where JSON is asked for, ``text`` for people."""
        if self.as_json:
            self.data(value)
        else:
            self.say(text)

    def complain(self, text: str) -> None:
        """A line about something wrong."""
        print(clean(text), file=self.err, flush=True)

    def write(self, data: bytes) -> None:
        """A piece of a file of UTF-8 text as it is; a terminal is spared control characters."""
        text = self._decode(data)
        self.out.write(text.translate(_CONTROLS) if self.terminal else text)

    def facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Names and values, one a line; empty values are left out."""
        shown = [(name, clean(value)) for name, value in facts if value not in (None, "")]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            print(f"{name:{width}}  {value}", file=self.out)

    def table(self, heading: Sequence[str], rows: Iterable[Row], *, empty: str) -> None:
        """Rows below a heading; ``empty`` is said where there are none."""
        cells = [[clean("" if cell is None else cell) for cell in row] for row in rows]
        if not cells:
            self.say(empty)
        elif self.terminal:
            self._draw(heading, cells)
        else:
            widths = [max(len(cell) for cell in column) for column in zip(heading, *cells, strict=True)]
            for row in (heading, *cells):
                line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
                print(line.rstrip(), file=self.out)

    def _draw(self, heading: Sequence[str], cells: list[list[str]]) -> None:
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - costs as much as everything else together
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in heading:
            table.add_column(name, overflow="fold")
        for row in cells:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
        Console(file=self.out).print(table)
