"""What streams send is encoded once, and never taken for something else."""

from __future__ import annotations

import pytest

from scanner.model import CameraName
from scanner.preview import PreviewImage
from web.wire import Wire


def picture(camera: str, number: int) -> PreviewImage:
    return PreviewImage(CameraName(camera), number, 640, 480, b"\xff\xd8%d" % number)


@pytest.mark.parametrize("kind", ["picture_message", "picture_part"])
def test_a_picture_is_never_taken_for_one_that_is_gone(kind):
    """Nobody keeps a live picture: the next one may come to lie where an older one lay."""
    encoded = getattr(Wire(), kind)
    for number in range(200):
        assert encoded(picture("main", number)).rstrip().endswith(b"\xff\xd8%d" % number)


def test_a_picture_is_encoded_once_for_all_who_look():
    wire, one, other = Wire(), picture("main", 1), picture("main", 2)
    message = wire.picture_message(one)
    assert wire.picture_message(one) is message
    assert wire.picture_message(other) != message
    assert wire.picture_message(one) is message  # by a slower client
