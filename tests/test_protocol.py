"""The protocol module by itself: bytes in, messages out, and no socket anywhere."""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from harness import frames

import chat_protocol as protocol
from chat_protocol import ErrorCode, FrameReader, ProtocolError, Request

SEED = 8820
A_TENTH_OR_ALL = [20_000, pytest.param(200_000, marks=pytest.mark.slow)]

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


# ---------------------------------------------------------------------------------------- frames


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


@pytest.mark.parametrize("cases", A_TENTH_OR_ALL)
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


# ----------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    ["a", "alice", "Bob-2", "under_score", "7up", "x" * 20, "José", "דני", "محمد", "李雷", "Ωμέγα",
     "नमस्ते", "한국어", "é" * 20, "𐐀" * 20, "Ⅷ", "a-", "a_", "broadcasts", "e\u0301\u0302"],
)  # fmt: skip
def test_a_name_may_be(name: str) -> None:
    assert protocol.check_name(name) == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    "name",
    ["", "x" * 21, "é" * 21, "two words", " a", "a ", "-a", "_a", "\u0301a", "a.b", "a,b", "a@b",
     "a/b", "a\u00a0b", "a\u200bb", "a\u202eb", "a\ufeff", "a\x1bb", "a\nb", "😀", "a😀", "\u0378",
     "\ue000", "a\u2028b", "ﷺ", "①.", "\ud800"],
)  # fmt: skip
def test_a_name_may_not_be(name: str) -> None:
    assert code_of(protocol.check_name, name) is ErrorCode.BAD_NAME


@pytest.mark.parametrize(
    "name", ["BROADCAST", "broadcast", "BroadCast", "ＢＲＯＡＤＣＡＳＴ", "broadcaſt"]
)
def test_broadcast_is_nobodys_name(name: str) -> None:
    assert code_of(protocol.check_name, name) is ErrorCode.BAD_NAME
    assert protocol.is_broadcast(name)


def test_every_character_counts_by_its_category() -> None:
    for number in range(0x11000):
        character = chr(number)
        shown = unicodedata.normalize("NFKC", "a" + character)
        good = len(shown) <= 20 and all(
            unicodedata.category(c)[0] in "LMN" or c in "-_" for c in shown
        )
        result = outcome(protocol.check_name, "a" + character)
        assert result == (shown if good else ErrorCode.BAD_NAME), hex(number)


def test_a_name_is_shown_in_nfkc_with_its_capitals() -> None:
    assert protocol.check_name("Jose\u0301") == "Jos\u00e9"
    assert protocol.check_name("Ｂｏｂ") == "Bob"
    assert protocol.check_name("ﬁsh") == "fish"
    assert protocol.check_name("McDonald") == "McDonald"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bob", "bob"), ("JOSÉ", "jose\u0301"), ("straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
     ("Ｂｏｂ", "bob"), ("x²", "X2"), ("\u212aelvin", "kelvin")],
)  # fmt: skip
def test_names_are_the_same_when_their_folded_forms_are(one: str, other: str) -> None:
    assert protocol.fold(one) == protocol.fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("bob", "rob"), ("jose", "josé"), ("ı", "i"), ("a-b", "a_b"), ("o", "0")]
)
def test_names_that_only_look_alike_are_different(one: str, other: str) -> None:
    assert protocol.fold(one) != protocol.fold(other)


def test_the_length_of_a_name_is_counted_after_normalisation() -> None:
    assert protocol.check_name("e\u0301" * 20) == "é" * 20
    assert protocol.check_name("ω\u0313\u0342\u0345" * 20) == "ᾦ" * 20  # four to one, no more
    assert code_of(protocol.check_name, "ﬁ" * 11) is ErrorCode.BAD_NAME


@pytest.mark.parametrize("function", [protocol.check_name, protocol.fold, protocol.is_broadcast])
def test_thousands_of_combining_marks_cost_no_time(function: Callable[[str], object]) -> None:
    # Sorting them as normalisation has to takes time that grows with their square.
    name = "a" + "\u0315\u0300" * 2_500
    start = time.process_time()
    for _ in range(20):
        outcome(function, name)
    assert time.process_time() - start < 0.2


def test_a_name_too_long_to_become_short_is_not_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def normalize(form: str, text: str) -> str:
        assert len(text) <= 80, "this takes too long"
        return text

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    assert code_of(protocol.check_name, "a" + "\u0300" * 5000) is ErrorCode.BAD_NAME


# ------------------------------------------------------------------------------------------ text


@pytest.mark.parametrize(
    "text", ["", " ", "hi", "שלום עולם", "👩‍👩‍👧", "e\u0301", "\u202eabc", "a\u2028b", "\ufeffhi"]
)
def test_text_passes_through_untouched(text: str) -> None:
    assert protocol.decode(text.encode()) == text


@pytest.mark.parametrize("number", [*range(0x20), *range(0x7F, 0xA0)])
def test_a_control_character_is_bad_text(number: int) -> None:
    assert code_of(protocol.decode, f"MSG bob a{chr(number)}b".encode()) is ErrorCode.BAD_TEXT


def test_control_characters_are_those_of_unicode() -> None:
    for number in set(range(0x110000)) - set(range(0xD800, 0xE000)):
        if unicodedata.category(chr(number)) == "Cc":
            assert code_of(protocol.decode, chr(number).encode()) is ErrorCode.BAD_TEXT
        elif number < 0x300:
            assert protocol.decode(chr(number).encode()) == chr(number)


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\xc3", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
     b"ab\x80", b"\xfe\xff\x00a", "é".encode("latin-1")],
)  # fmt: skip
def test_what_is_not_utf_8_is_bad_text(data: bytes) -> None:
    assert code_of(protocol.decode, data) is ErrorCode.BAD_TEXT


@pytest.mark.parametrize("text", ["a", " a ", ".", "\u0301", "🙂", "א", "\u200ba"])
def test_this_is_something_to_see(text: str) -> None:
    assert protocol.has_visible_text(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\u00a0\u3000", "\u200b\u202e\ufeff", "\u2028", "\ue000"]
)
def test_this_is_nothing_to_see(text: str) -> None:
    assert not protocol.has_visible_text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "␛[2J"), ("a\tb\r\n", "a␉b␍␊"), ("\x00", "␀"), ("\x7f", "␡"), ("\x9b31m", "�31m"),
     ("a\u2028b\u2029", "a␤b␤"), ("\ud83d", "�"), ("שלום 👋 é", "שלום 👋 é")],
)  # fmt: skip
def test_what_could_drive_a_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert protocol.harmless(text) == shown


def test_whatever_is_made_harmless_can_be_printed() -> None:
    shown = protocol.harmless("".join(map(chr, range(0x110000))))
    assert len(shown) == 0x110000
    assert shown.encode()
    assert not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown
    )


# -------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("NAME alice", Request("NAME", name="alice")),
        ("NAME two words", Request("NAME", name="two words")),
        ("NAME  alice", Request("NAME", name=" alice")),
        ("GET_NAMES", Request("GET_NAMES")),
        ("MSG bob hi", Request("MSG", name="bob", text="hi")),
        ("MSG BROADCAST good morning", Request("MSG", name="BROADCAST", text="good morning")),
        ("MSG bob  two  spaces ", Request("MSG", name="bob", text=" two  spaces ")),
        ("BLOCK bob", Request("BLOCK", name="bob")),
        ("BLOCK bob ", Request("BLOCK", name="bob ")),
        ("UNBLOCK bob", Request("UNBLOCK", name="bob")),
        ("PASS word", Request("PASS", text="word")),
        ("PASS  pass words ", Request("PASS", text=" pass words ")),
        ("PASS \u200b", Request("PASS", text="\u200b")),
        ("EXIT", Request("EXIT")),
    ],
)
def test_a_request_is_taken_apart(line: str, request_: Request) -> None:
    assert protocol.parse_request(line) == request_
    verb, space, arguments = line.partition(" ")
    assert protocol.parse_request(verb.lower() + space + arguments) == request_
    assert protocol.parse_request(verb.capitalize() + space + arguments) == request_


@pytest.mark.parametrize(
    "line",
    ["", " ", " NAME alice", "HELLO", "NAMEalice", "NAME\u00a0alice", "GET NAMES", "GETNAMES",
     "exıt", "ＥＸＩＴ", "mſg bob hi", "unbloc\u212a bob", "MSG\u3000bob hi", "pa\u00df word"],
)  # fmt: skip
def test_there_is_no_such_command(line: str) -> None:
    assert code_of(protocol.parse_request, line) is ErrorCode.UNKNOWN_COMMAND


@pytest.mark.parametrize(
    "line",
    ["NAME", "NAME ", "GET_NAMES ", "GET_NAMES all", "MSG", "MSG ", "MSG bob", "MSG bob ",
     "MSG  bob hi", "MSG bob \u00a0", "MSG bob \u200b\u202e", "BLOCK", "BLOCK ", "UNBLOCK",
     "UNBLOCK ", "PASS", "PASS ", "EXIT ", "EXIT now"],
)  # fmt: skip
def test_these_arguments_are_not_what_the_command_takes(line: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(line.split(" ")[0])) as caught:
        protocol.parse_request(line)
    assert caught.value.code is ErrorCode.BAD_ARGUMENTS


@pytest.mark.parametrize("enter", [b"", b"\n", b"\r", b"\r\n"])
def test_one_enter_key_is_dropped(enter: bytes) -> None:
    assert protocol.read_request_text(b"MSG bob hi" + enter) == "MSG bob hi"
    assert protocol.read_request_text(enter) == ""


@pytest.mark.parametrize(
    "enter", [b"\n\n", b"\n\r", b"\r\r", b"\r\n\r\n", b"\n ", b"\x0b", b"\x00"]
)
def test_more_than_one_enter_key_is_bad_text(enter: bytes) -> None:
    assert code_of(protocol.read_request_text, b"EXIT" + enter) is ErrorCode.BAD_TEXT


def random_payload(chance: random.Random) -> bytes:
    """Return something like a request: words, odd characters, noise, in any order."""
    words = [*protocol.USAGE, "BROADCAST", "bob", "Ω", "e\u0301", "", " ", "\u200b", "\x1b", "ﷺ"]
    parts = []
    for _ in range(chance.randrange(6)):
        kind = chance.random()
        if kind < 0.7:
            word = chance.choice(words)
            parts.append((word.lower() if chance.random() < 0.3 else word).encode())
        elif kind < 0.9:
            code = chance.choice([chance.randrange(0x300), chance.randrange(0xE000, 0x110000)])
            parts.append((chr(code) * chance.randrange(30)).encode())
        else:
            parts.append(chance.randbytes(chance.randrange(8)))
    end = chance.choice([b"", b"", b"\n", b"\r\n", b"\r", b"\n\n"])
    return chance.choice([b" ", b" ", b"  ", b""]).join(parts) + end


@pytest.mark.parametrize("cases", A_TENTH_OR_ALL)
def test_no_payload_confuses_the_request_parser(cases: int) -> None:
    chance = random.Random(SEED)
    understood = 0
    for _ in range(cases):
        payload = random_payload(chance)
        line = outcome(protocol.read_request_text, payload)
        if isinstance(line, ErrorCode):
            assert line is ErrorCode.BAD_TEXT
            continue
        assert payload in (line.encode() + end for end in (b"", b"\n", b"\r", b"\r\n"))
        assert not any(unicodedata.category(character) == "Cc" for character in line)
        request = outcome(protocol.parse_request, line)
        if isinstance(request, ErrorCode):
            assert request in (ErrorCode.UNKNOWN_COMMAND, ErrorCode.BAD_ARGUMENTS)
            continue
        understood += 1
        verb, space, arguments = line.partition(" ")
        assert request.verb == verb.upper()
        assert request.verb in protocol.USAGE
        assert bool(space) == bool(request.name or request.text)
        assert arguments == " ".join(filter(None, (request.name, request.text)))
        check_name_rules(request.name)
    assert understood > cases // 20, "too little of it was sense"


def check_name_rules(name: str) -> None:
    """Whatever a name is: it is refused, or shown in a form that stands."""
    shown = outcome(protocol.check_name, name)
    if isinstance(shown, ErrorCode):
        assert shown is ErrorCode.BAD_NAME
        return
    assert 1 <= len(shown) <= 20
    assert " " not in shown
    assert protocol.check_name(shown) == shown
    assert protocol.fold(shown) == protocol.fold(name)


# --------------------------------------------------------------------------------------- answers


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


def test_names_are_sorted_by_their_folded_form() -> None:
    names = ["bob", "Zoe", "alice", "Émile", "Carol", "zack", "straßf", "STRASSE"]
    assert listed(protocol.names_frames(names)) == [
        ["8", "alice", "bob", "Carol", "STRASSE", "straßf", "zack", "Zoe", "Émile"]
    ]


@pytest.mark.parametrize("count", [1, 99, 475, 476, 477, 1000, 2000])
@pytest.mark.parametrize("letter", ["x", "é", "𐐨"])
def test_names_that_do_not_fit_one_frame_come_in_several(count: int, letter: str) -> None:
    names = [f"{letter * 16}{number:04}" for number in range(count)]
    some_frames = protocol.names_frames(reversed(names))
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


# ------------------------------------------------------------------------------------- constants


def test_a_vanished_peer_is_found_within_two_minutes() -> None:
    options = protocol.KEEPALIVE_OPTIONS
    silence = options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"]
    assert silence <= 120
    assert options["TCP_KEEPALIVE"] == options["TCP_KEEPIDLE"]
    assert options["TCP_USER_TIMEOUT"] <= 120_000
