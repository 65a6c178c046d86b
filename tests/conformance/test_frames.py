"""Frames: four digits, then that many bytes of UTF-8, wherever TCP cuts the stream."""

from __future__ import annotations

import pytest

from .room import Room, accept_name, everything_goes_on
from .wire import frame, frames, require, show, verb_of

# ------------------------------------------------------------------------------------------ core


@pytest.mark.core
def test_an_answer_is_one_frame(room: Room) -> None:
    """Every message in either direction is one frame: four ASCII digits, zero-padded, and as many
    bytes. Nothing separates frames: no newline, no terminator.

    Probable mistake: is the length written with zfill(4), and is nothing sent after the payload?
    """
    alice = room.join("alice")
    alice.settles()
    alice.settles()
    require(not alice.line_ends, "the server sent line ends between its frames")
    require(not alice.payload_line_ends, "the server's payloads end with a line end")


@pytest.mark.core
def test_a_request_counts_bytes(room: Room) -> None:
    """The length field counts the payload's bytes, not its characters, in what the server reads.

    Probable mistake: are bytes decoded before they are counted?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.send(f"MSG {bob} žluťoučký-kůň")
    bob.hears("žluťoučký-kůň")
    alice.settles()


@pytest.mark.core
def test_an_answer_counts_bytes(room: Room) -> None:
    """The length field counts the payload's bytes, not its characters, in what the server sends.

    Probable mistake: len() of the text, where the length of text.encode() is meant?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.send(f"MSG {bob} שלום-🦓")
    bob.hears("שלום-🦓")
    bob.settles()


@pytest.mark.core
def test_a_payload_of_some_thousand_bytes(room: Room) -> None:
    """A payload is as long as its length field says, some thousand bytes as well as ten.

    Probable mistake: recv(1024) is taken for the whole message?
    """
    alice, bob = room.join("alice"), room.join("bob")
    text = "blah-" * 600 + "end"
    alice.send(f"MSG {bob} {text}")
    bob.hears(text)


# ------------------------------------------------------------------------------------------ chat


@pytest.mark.chat
def test_the_longest_payload(room: Room) -> None:
    """A payload has 0 to 9999 bytes: the longest is read whole, and what follows it too.

    Probable mistake: a limit of its own on what is read, such as 1024 or 4096 bytes?
    """
    alice = room.join("alice")
    alice.send("GET_NAMES " + "x" * 9989)
    alice.gets_error("'GET_NAMES' with 9989 bytes after it", "BAD_ARGUMENTS")
    alice.settles()


@pytest.mark.chat
def test_verbs_in_any_case(room: Room) -> None:
    """The server takes verbs in any case and sends them in capitals.

    Probable mistake: the verb is compared as it came, without upper()?
    """
    alice = room.connect("alice")
    name = room.name("alice")
    alice.is_told(f"HELLO {name}", f"name {name}")
    alice.name = name
    bob = room.join("bob")
    alice.send(f"mSg {bob} Some-Words")
    bob.gets(f"MSG {alice} {bob} Some-Words")
    alice.is_told(f"BLOCKED {bob}", f"block {bob}")
    alice.is_told(f"UNBLOCKED {bob}", f"Unblock {bob}")
    require(
        alice.ask("Get_Names").startswith("NAMES "), "Get_Names was not answered like GET_NAMES"
    )
    alice.is_told("ACCEPTED", "pass x")
    alice.is_told("BYE", "exit")


@pytest.mark.chat
def test_the_enter_key_is_dropped(room: Room) -> None:
    """One trailing newline, carriage return or pair of both in a request is dropped, because many
    first clients send the Enter key along.

    Probable mistake: the payload is taken as it came, and the line end is part of the last word?
    """
    bob = room.join("bob")
    for enter in ("\n", "\r", "\r\n"):
        alice = room.connect("alice")
        name = room.name("alice")
        alice.is_told(f"HELLO {name}", f"NAME {name}{enter}")
        alice.send(f"MSG {bob} hi{enter}")
        bob.gets(f"MSG {name} {bob} hi")
        answer = alice.ask(f"GET_NAMES{enter}")
        require(
            answer.startswith("NAMES "),
            f"{show('GET_NAMES' + enter)} was answered {show(answer)}, not NAMES",
        )
        alice.is_refused(f"NAME {enter}", "BAD_ARGUMENTS")
        alice.is_refused(enter, "UNKNOWN_COMMAND")
        alice.is_told("BYE", f"EXIT{enter}")
        alice.last_frames()
        alice.close()


@pytest.mark.chat
def test_only_one_line_end_is_dropped(room: Room) -> None:
    """One trailing line end is dropped and no more; what is left of two is a control character.

    Probable mistake: strip() or rstrip() where one line end should go?
    """
    alice = room.join("alice")
    for ending in ("\n\n", "\r\r", "\n\r", "\r\n\r\n", " \n\n"):
        alice.is_refused(f"MSG {alice} hi{ending}", "BAD_TEXT")
        alice.is_refused(f"NAME {room.name('bob')}{ending}", "BAD_TEXT")
    alice.gets_nothing()


# ----------------------------------------------------------------------------------------- robust


@pytest.mark.robust
def test_an_empty_payload(room: Room) -> None:
    """A payload may be empty: the frame `0000` is read, and the next one as well.

    Probable mistake: recv(0) returns b"", and that is taken for the end of the connection?
    """
    alice = room.join("alice")
    alice.send("", "GET_NAMES")
    answer = alice.answer("'GET_NAMES' after an empty frame")
    if not answer.startswith("NAMES"):
        alice.answer("'GET_NAMES' after an empty frame and its answer")
    alice.settles()


@pytest.mark.robust
def test_a_frame_cut_anywhere(room: Room) -> None:
    """TCP cuts the stream anywhere: a frame that comes in two parts is read like any other,
    wherever the cut is, within the length field as well.

    Probable mistake: recv(n) is believed to return n bytes?
    """
    alice, bob = room.join("alice"), room.join("bob")
    data = frame(f"MSG {bob} in-two-parts")
    for cut in range(1, len(data)):
        room.situation = f"when a frame came in two parts, the first of {cut} bytes"
        alice.send_bytes(data[:cut])
        room.let_the_server_read()
        alice.send_bytes(data[cut:])
        bob.hears("in-two-parts")


@pytest.mark.robust
def test_one_byte_at_a_time(room: Room) -> None:
    """TCP cuts the stream anywhere: requests are understood when each byte comes by itself.

    Probable mistake: only the first or the second half of a frame is waited for?
    """
    room.situation = "when each byte came by itself"
    alice = room.connect("alice")
    name = room.name("alice")
    for byte in frame(f"NAME {name}"):
        alice.send_bytes(bytes([byte]))
        room.let_the_server_read()
    accept_name(alice, name)
    for byte in frame("GET_NAMES"):
        alice.send_bytes(bytes([byte]))
        room.let_the_server_read()
    alice.answer("'GET_NAMES', sent byte by byte")


@pytest.mark.robust
def test_a_character_cut_in_two(room: Room) -> None:
    """The bytes of one character may come in two packets: a payload is decoded once it is whole.

    Probable mistake: decode() of what recv() returned, before the frame is complete?
    """
    alice, bob = room.join("alice"), room.join("bob")
    data = frame(f"MSG {bob} 🦓")
    for cut in range(len(data) - 3, len(data)):
        alice.send_bytes(data[:cut])
        room.let_the_server_read()
        alice.send_bytes(data[cut:])
        bob.hears("🦓")


@pytest.mark.robust
def test_many_frames_in_one_packet(room: Room) -> None:
    """TCP joins frames: all requests that come in one packet are answered, in their order.

    Probable mistake: one recv() is taken for one message, and what follows the first is lost?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.situation = "when 60 requests came in one packet"
    alice.send(*(f"MSG {bob} number-{n}." for n in range(60)))
    bob.hears(*(f"number-{n}." for n in range(60)))
    alice.settles()


@pytest.mark.robust
def test_a_name_and_more_in_one_packet(room: Room) -> None:
    """Requests that come in one packet are dealt with one after the other: the second can need what
    the first one did.

    Probable mistake: what came behind the first frame waits for the next packet?
    """
    alice = room.connect("alice")
    name = room.name("alice")
    alice.send(f"NAME {name}", f"MSG {name} hi", "GET_NAMES", "EXIT")
    alice.gets(f"HELLO {name}", f"MSG {name} {name} hi")
    require(alice.answer("'GET_NAMES'").startswith("NAMES"), "GET_NAMES was not answered by NAMES")
    alice.gets("BYE")


@pytest.mark.robust
def test_several_frames_and_a_bit(room: Room) -> None:
    """A read can hold three frames and a bit: the three are answered at once, and the bit is kept
    until its rest comes.

    Probable mistake: what is left over after the last whole frame is thrown away?
    """
    alice, bob = room.join("alice"), room.join("bob")
    data = frames(*(f"MSG {bob} number-{n}" for n in range(4)))
    for bit in (1, 3, 4, 10):
        cut = 3 * len(data) // 4 + bit
        room.situation = f"when three frames and {bit} bytes of the next came in one packet"
        alice.send_bytes(data[:cut])
        bob.hears(*(f"number-{n}" for n in range(3)))
        alice.send_bytes(data[cut:])
        bob.hears("number-3")


@pytest.mark.robust
def test_a_frame_of_a_round_size(room: Room) -> None:
    """A frame is complete when its length field says so, also when it fills a read exactly.

    Probable mistake: a loop that reads on while recv() returned as much as it was asked for?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for size in (512, 1024, 2048, 4096, 8192):
        for whole in (size, size + 4):  # with the length field, and without it
            room.situation = f"when a frame had {whole} bytes"
            text = "x" * (whole - len(frame(f"MSG {bob} ")))
            alice.send(f"MSG {bob} {text}")
            bob.hears(text)


@pytest.mark.robust
def test_more_than_one_read_can_hold(room: Room) -> None:
    """A stream of long frames is read whole, in its order, however recv() cuts it.

    Probable mistake: what is left over after one read is lost or joined with the wrong bytes?
    """
    alice, bob = room.join("alice"), room.join("bob")
    texts = [f"{n}-" + "abcdefghij" * (n * 13 % 700) + f"-{n}" for n in range(60)]
    alice.send(*(f"MSG {bob} {text}" for text in texts))
    bob.hears(*texts)


@pytest.mark.robust
def test_half_a_length_field_stops_nobody(room: Room) -> None:
    """A read can hold half a length field: the server goes on with everybody else meanwhile.

    Probable mistake: a blocking recv() in your loop?
    """
    alice, bob, slow = room.join("alice"), room.join("bob"), room.join("slow")
    data = frame(f"MSG {bob} at-last")
    room.situation = "while clients had sent half a length field"
    room.connect().send_bytes(data[:2])
    slow.send_bytes(data[:2])
    everything_goes_on(alice, bob)
    room.join("carol")
    slow.send_bytes(data[2:])
    bob.hears("at-last")


@pytest.mark.robust
def test_half_a_payload_stops_nobody(room: Room) -> None:
    """A read can hold half a frame: the server goes on with everybody else meanwhile.

    Probable mistake: a blocking recv() in your loop?
    """
    alice, bob, slow = room.join("alice"), room.join("bob"), room.join("slow")
    data = frame(f"MSG {bob} at-last")
    room.situation = "while one client had sent half a frame"
    for cut in (4, 10):
        slow.send_bytes(data[:cut])
        everything_goes_on(alice, bob)
        slow.send_bytes(data[cut:])
        bob.hears("at-last")


@pytest.mark.robust
def test_half_frames_of_many(room: Room) -> None:
    """Every connection has a stream of its own: half frames of several clients are not mixed up.

    Probable mistake: one buffer for all connections?
    """
    people = [room.join(stem) for stem in ("alice", "bob", "carol")]
    reader = room.join("reader")
    requests = [frame(f"MSG {reader} from-{person}") for person in people]
    for position in range(max(map(len, requests))):
        for person, data in zip(people, requests, strict=True):
            person.send_bytes(data[position : position + 1])
        room.let_the_server_read()
    missing = {f" from-{person}" for person in people}
    while missing:  # in any order: no two connections have one
        heard = reader.wait_for(
            f"{len(missing)} more messages, one of them{min(missing)}",
            lambda payload: verb_of(payload) == "MSG",
        )
        said = {text for text in missing if heard.endswith(text)}
        require(said, f"{show(heard)} is what nobody has said, or what was heard before")
        missing -= said
