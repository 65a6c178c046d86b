"""Answers: what fits a frame, and what takes several."""

from __future__ import annotations

import pytest

import chat_protocol as protocol
from chat_protocol import ErrorCode, ProtocolError
from protocol.outcomes import read_in_pieces


@pytest.mark.parametrize(
    ("sender", "addressee"), [("a", "b"), ("alice", "BROADCAST"), ("é", "דני")]
)
def test_a_message_fits_up_to_the_last_byte(sender: str, addressee: str) -> None:
    room = 9999 - len(f"MSG {sender} {addressee} ".encode())
    assert protocol.message(sender, addressee, "x" * room) == b"9999" + (
        f"MSG {sender} {addressee} ".encode() + b"x" * room
    )
    with pytest.raises(ProtocolError, match=f"{room + 1} bytes and {room} fit") as caught:
        protocol.message(sender, addressee, "x" * (room + 1))
    assert caught.value.code is ErrorCode.TOO_LONG


def listed(some_frames: list[bytes]) -> list[list[str]]:
    """Return the words of each frame after its verb: the total and the names."""
    payloads, lost = read_in_pieces(some_frames)
    assert not lost
    words = [payload.decode().split(" ") for payload in payloads]
    assert all(line[0] == "NAMES" for line in words)
    return [line[1:] for line in words]


def test_nobody_is_a_list_too() -> None:
    assert protocol.names_frames([]) == [b"0007NAMES 0"]


def test_names_are_listed_in_the_order_given() -> None:
    names = iter(["Carol", "bob", "Zoe", "Émile", "alice"])
    assert listed(protocol.names_frames(names)) == [["5", "Carol", "bob", "Zoe", "Émile", "alice"]]


@pytest.mark.parametrize("count", [1, 99, 475, 476, 477, 1000, 2000])
@pytest.mark.parametrize("letter", ["x", "é", "𐐨"])
def test_names_that_do_not_fit_one_frame_come_in_several(count: int, letter: str) -> None:
    names = [f"{letter * 16}{number:04}" for number in range(count)]
    some_frames = protocol.names_frames(names)
    lines = listed(some_frames)
    assert {line[0] for line in lines} == {str(count)}
    assert [name for line in lines for name in line[1:]] == names
    longest = 1 + len(names[0].encode())  # each frame but the last is full: one name more is none
    assert all(len(frame) - 4 + longest > 9999 for frame in some_frames[:-1])


def test_names_fill_a_frame_to_its_last_byte() -> None:
    # "NAMES 476" and 475 times " " + 20 bytes make 9984; a last name of 14 bytes is the limit.
    names = [f"a{'x' * 16}{number:03}" for number in range(475)]
    assert len(protocol.names_frames([*names, "z" * 14])) == 1
    assert len(protocol.names_frames([*names, "z" * 15])) == 2
