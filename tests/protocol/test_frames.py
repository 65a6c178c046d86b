"""Frames: bytes in, payloads out, however the stream is cut."""

from __future__ import annotations

import random
import re
import time

import pytest
from harness import frames

import chat_protocol as protocol
from chat_protocol import ErrorCode, FrameReader, ProtocolError
from protocol.outcomes import A_PART_OR_ALL, SEED, code_of, outcome, read_in_pieces

# Every frame that the protocol's own text shows, and a few more: bytes count, not characters.
EXAMPLES = {
    "NAME alice": b"0010NAME alice",
    "MSG BROADCAST good morning": b"0026MSG BROADCAST good morning",
    "NAME José": b"0010NAME Jos\xc3\xa9",
    "NAMES 0": b"0007NAMES 0",
    "MSG bob שלום 👋🏽": b"0025MSG bob \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d "
    b"\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd",
    "": b"0000",
}


@pytest.mark.parametrize(("payload", "frame"), EXAMPLES.items())
def test_an_example_is_encoded_as_the_protocol_shows_it(payload: str, frame: bytes) -> None:
    assert protocol.encode(payload) == frame


@pytest.mark.parametrize(("payload", "frame"), EXAMPLES.items())
def test_an_example_is_read_as_the_protocol_shows_it(payload: str, frame: bytes) -> None:
    reader = FrameReader()
    reader.feed(frame)
    assert reader.next_payload() == payload.encode()
    assert reader.next_payload() is None


def test_a_stream_may_be_cut_at_any_byte() -> None:
    stream = frames(*EXAMPLES)
    expected = [payload.encode() for payload in EXAMPLES]
    for cut in range(len(stream) + 1):
        assert read_in_pieces([stream[:cut], stream[cut:]]) == (expected, False)


def test_a_stream_may_come_one_byte_at_a_time() -> None:
    stream = frames(*EXAMPLES)
    expected = [payload.encode() for payload in EXAMPLES]
    assert read_in_pieces([bytes([byte]) for byte in stream]) == (expected, False)


def test_a_payload_is_given_out_with_its_last_byte_and_not_before() -> None:
    reader = FrameReader()
    for byte in b"0004EXI":
        reader.feed(bytes([byte]))
        assert reader.next_payload() is None
    reader.feed(b"T")
    assert reader.next_payload() == b"EXIT"


def test_the_reader_keeps_only_what_was_not_taken() -> None:
    reader = FrameReader()
    reader.feed(b"0004EXIT0005ab")
    assert len(reader.waiting) == 14
    assert next(iter(reader)) == b"EXIT"
    assert len(reader.waiting) == 6
    assert list(reader) == []
    assert len(reader.waiting) == 6


def test_the_largest_payload_fits_and_one_byte_more_does_not() -> None:
    largest = "x" * 9999
    assert protocol.encode(largest) == b"9999" + largest.encode()
    assert read_in_pieces([protocol.encode(largest)]) == ([largest.encode()], False)
    with pytest.raises(ValueError, match="10000"):
        protocol.encode("x" * 10000)


def test_what_does_not_fit_is_counted_in_bytes() -> None:
    assert protocol.encode("é" * 4999).startswith(b"9998")
    with pytest.raises(ValueError, match="10000"):
        protocol.encode("é" * 5000)


@pytest.mark.parametrize(
    "field",
    [b"+123", b" 12 ", b"1_00", b"-001", b"0x1f", b"1e03", b"12.0", b"12\n3", b"\x00\x00\x00\x01",
     "١٢".encode(), "１".encode() + b"0", b"\xb2\xb3\xb9\xb2", b"GET ", b"\x16\x03\x01\x02"],
)  # fmt: skip
def test_only_four_ascii_digits_are_a_length_field(field: bytes) -> None:
    reader = FrameReader()
    reader.feed(field + b"x" * 200)
    assert code_of(reader.next_payload) is ErrorCode.BAD_FRAME


@pytest.mark.parametrize("position", range(4))
def test_a_byte_that_is_no_digit_is_noticed_at_once(position: int) -> None:
    for byte in set(range(256)) - set(b"0123456789"):
        reader = FrameReader()
        reader.feed(b"0" * position)
        assert reader.next_payload() is None
        reader.feed(bytes([byte]))
        assert code_of(reader.next_payload) is ErrorCode.BAD_FRAME


def test_the_frames_before_a_broken_one_are_still_read() -> None:
    assert read_in_pieces([b"0004EXIT0000oops"]) == ([b"EXIT", b""], True)


def test_a_lost_stream_stays_lost() -> None:
    reader = FrameReader()
    for data in (b"oops", b"0004EXIT"):
        reader.feed(data)
        assert code_of(reader.next_payload) is ErrorCode.BAD_FRAME


def test_the_sentence_about_a_broken_frame_is_fit_for_a_frame_itself() -> None:
    reader = FrameReader()
    reader.feed(b"\x1b[2J")
    with pytest.raises(ProtocolError) as caught:
        reader.next_payload()
    assert protocol.decode(str(caught.value).encode())


def test_many_frames_in_one_piece_take_time_in_proportion() -> None:
    reader = FrameReader()
    reader.feed(protocol.encode("x") * 400_000)
    start = time.process_time()
    assert sum(1 for _ in reader) == 400_000
    assert time.process_time() - start < 3  # a copy of the rest at each frame would take minutes


def random_stream(chance: random.Random) -> bytes:
    """Return frames, some of them damaged, cut off or replaced by noise."""
    pieces = []
    for _ in range(chance.randrange(5)):
        kind = chance.random()
        size = chance.choice([0, 1, 7, 30, 300, chance.randrange(1200)])
        payload = chance.randbytes(size)
        if kind < 0.8:
            pieces.append(b"%04d%b" % (size, payload))
        elif kind < 0.9:
            field = bytearray(b"%04d" % size)
            field[chance.randrange(4)] = chance.randrange(256)
            pieces.append(bytes(field) + payload)
        else:
            pieces.append(payload)
    stream = b"".join(pieces)
    return stream[: chance.randrange(len(stream) + 1)] if chance.random() < 0.3 else stream


def cut_anyhow(stream: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def split_whole(stream: bytes) -> tuple[list[bytes], bytes]:
    """Split a stream that is here as a whole: the plainest reader that there could be."""
    payloads = []
    while re.match(rb"[0-9]{4}", stream) and len(stream) >= 4 + int(stream[:4]):
        end = 4 + int(stream[:4])
        payloads.append(stream[4:end])
        stream = stream[end:]
    return payloads, stream


@pytest.mark.parametrize("cases", A_PART_OR_ALL)
def test_no_stream_and_no_way_to_cut_it_confuses_the_frame_reader(cases: int) -> None:
    chance = random.Random(SEED)
    for _ in range(cases):
        stream = random_stream(chance)
        expected, rest = split_whole(stream)
        reader = FrameReader()
        payloads: list[bytes] = []
        fed, lost = 0, None
        for piece in cut_anyhow(stream, chance):
            reader.feed(piece)
            fed += len(piece)
            lost = outcome(payloads.extend, reader)
            assert lost in (None, ErrorCode.BAD_FRAME)
            taken = sum(4 + len(payload) for payload in payloads)
            assert len(reader.waiting) == fed - taken, stream
        assert payloads == expected, stream
        assert bool(lost) == (bool(rest) and not rest[:4].isdigit()), stream
        assert b"".join(b"%04d%b" % (len(p), p) for p in payloads) + rest == stream
