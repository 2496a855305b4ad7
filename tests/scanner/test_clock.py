"""Whether the wall clock can be believed is the kernel's word, where it has one."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from scanner.clock import kernel_synchronised


class Kernel:
    """Answers ``adjtimex`` as told, and keeps what it was asked."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    def adjtimex(self, buffer: Any) -> int:
        self.asked.append(buffer.raw)
        return self.answer


@pytest.mark.parametrize(("answer", "believed"), [(0, True), (1, True), (5, False), (-1, True)])
def test_only_where_the_kernel_says_that_nobody_keeps_it_right(monkeypatch, answer, believed):
    kernel = Kernel(answer)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: kernel)
    assert kernel_synchronised() is believed
    (buffer,) = kernel.asked
    assert len(buffer) >= 208  # the kernel's structure on 64-bit machines
    assert set(buffer) == {0}  # no mode: nothing is changed


def test_a_system_that_cannot_say_is_believed(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert kernel_synchronised()


def test_the_real_kernel_answers():
    assert kernel_synchronised() in (True, False)
