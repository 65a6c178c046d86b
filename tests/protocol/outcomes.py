"""What a function of the protocol makes of something, an error included; and how much is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat_protocol import ErrorCode, FrameReader, ProtocolError

SEED = 8820
A_PART_OR_ALL = [5_000, pytest.param(200_000, marks=pytest.mark.slow)]


def code_of(function: Callable[..., object], *arguments: object) -> ErrorCode:
    """Call `function` and return the code of the ProtocolError that it has to raise."""
    with pytest.raises(ProtocolError) as caught:
        function(*arguments)
    assert str(caught.value), "an error has a sentence for people"
    return caught.value.code


def outcome(function: Callable[[Any], Any], argument: object) -> Any:
    """Return what `function` makes of it, or the code of the ProtocolError that it raises."""
    try:
        return function(argument)
    except ProtocolError as error:
        return error.code


def read_in_pieces(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """Feed pieces one after the other; return the payloads, and whether the stream is lost."""
    reader = FrameReader()
    payloads: list[bytes] = []
    for piece in pieces:
        reader.feed(piece)
        try:
            payloads.extend(reader)
        except ProtocolError:
            return payloads, True
    return payloads, False
