"""The recorder against strace: every system call that changes something below the data directory, and no other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.support.demand import demand
from tests.support.tree import TOP

TRACED = (
    "creat,open,openat,openat2,write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,splice,fallocate,truncate,"
    "ftruncate,fsync,fdatasync,sync_file_range,msync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,mkdir,mkdirat,mknod,mknodat,rmdir,chmod,fchmod,fchmodat,chown,fchown,fchownat,utime,utimes,utimensat,"
    "setxattr,fsetxattr,removexattr,fremovexattr"
)
CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
PATH = re.compile(r'"([^"]*)"|\d+<(/[^>]*)>')
NAMES = {"unlinkat": "unlink", "renameat": "rename", "renameat2": "rename", "linkat": "link", "mkdirat": "mkdir"}


def calls(text: str) -> Iterator[tuple[str, str]]:
    """Every call that succeeded: its name and its arguments; one that was interrupted counts where it ended."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        if found := UNFINISHED.fullmatch(line):
            begun[found[1]] = f"{found[1]} {found[2]}({found[3]}"
            continue
        resumed = RESUMED.fullmatch(line)
        found = CALL.match(begun.pop(resumed[1]) + resumed[2] if resumed else line)
        if found and not found[4].startswith("-"):
            yield found[2], found[3]


def as_line(name: str, arguments: str, root: str) -> str | None:
    """The call as :mod:`tests.crash.traced` writes an operation; None for one that changes nothing below ``root``."""
    paths = [(quoted or opened).removesuffix(" (deleted)") for quoted, opened in PATH.findall(arguments)]
    below = [
        path.removeprefix(f"{root}/") if path != root else "." for path in paths if f"{path}/".startswith(f"{root}/")
    ]
    if not below or (name == "openat" and "O_CREAT" not in arguments):
        return None
    if name == "openat":
        return f"made {below[0]}"
    if name in ("write", "pwrite64"):
        length = re.findall(r", (\d+)", arguments)[0 if name == "write" else -2]
        return f"write {below[0]} {length}"
    if name == "ftruncate":
        return f"truncate {below[0]} {arguments.rpartition(', ')[2]}"
    name = "rmdir" if "AT_REMOVEDIR" in arguments else "exchange" if "RENAME_EXCHANGE" in arguments else name
    return " ".join((NAMES.get(name, name), *below))


def test_the_record_tells_what_strace_sees(memory):
    demand(shutil.which("strace"), "strace: apt install strace")
    trace = memory / "trace"
    command = ["strace", "--seccomp-bpf", "-f", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={TRACED}"]
    script = [sys.executable, "-m", "tests.crash.traced", str(memory / "work")]
    done = subprocess.run([*command, *script], cwd=TOP, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    seen = list(calls(trace.read_text()))
    for name, lines in told.items():
        place = memory / "work" / name
        begin, end = (seen.index(("mkdir", f'"{place / mark}", 0777')) for mark in ("begin", "end"))
        data = str(place / "data")
        found = [line for call in seen[begin:end] if (line := as_line(*call, data)) is not None]
        assert found == lines, name
        assert len(lines) > 5


def test_the_reader_of_traces_reads_broken_off_calls():
    text = (
        '7 rename("/d/a", "/d/b" <unfinished ...>\n8 fsync(3</d/c>)   = 0\n7 <... rename resumed>) = 0\n'
        '9 unlink("/d/x") = -1 ENOENT (No such file or directory)\n'
        '9 openat(AT_FDCWD</>, "/d/y", O_RDONLY) = 4</d/y>\n'
    )
    lines = [line for call in calls(text) if (line := as_line(*call, "/d"))]
    assert lines == ["fsync c", "rename a b"]
