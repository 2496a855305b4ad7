"""Real directories read into the model's trees, and trees written out as real directories."""

from __future__ import annotations

import os
from pathlib import Path

from tests.crash.disk import Content, Leaf, Tree


def read_tree(root: Path) -> Tree:
    """Everything below ``root``. Two names of one file get the same node."""
    found: dict[str, Leaf | None] = {}
    nodes: dict[int, int] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            found[name] = None
        else:
            status = path.stat()
            node = nodes.setdefault(status.st_ino, len(nodes) + 1)
            found[name] = Leaf(node, Content(path.read_bytes(), status.st_mtime_ns))
    return found


def write_tree(tree: Tree, root: Path) -> None:
    """Make ``root`` hold ``tree``, times of change and second names included."""
    root.mkdir(parents=True)
    written: dict[int, Path] = {}
    for name, leaf in tree.items():
        path = root / name
        if leaf is None:
            path.mkdir()
        elif leaf.node in written:
            path.hardlink_to(written[leaf.node])
        else:
            path.write_bytes(leaf.content.data)
            os.utime(path, ns=(leaf.content.mtime, leaf.content.mtime))
            written[leaf.node] = path
