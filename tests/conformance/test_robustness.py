"""What breaks first servers: resets, readers that stopped, garbage, and a class that arrives."""

from __future__ import annotations

import contextlib
import random

import pytest

from .room import Room, everything_goes_on
from .wire import Client, RuleBroken, frame, frames, require, show, verb_of

pytestmark = pytest.mark.robust

GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: browser\r\n\r\n",
    "TLS": bytes.fromhex("16030100f4010000f003") + random.Random(1).randbytes(240),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "noise": random.Random(2).randbytes(4096),
    "zeros": bytes(4096),
}


# ------------------------------------------------------------------------------------- breaking off


def test_a_reset_at_any_moment(room: Room) -> None:
    """A connection may break at any moment: the server goes on for everybody else.

    Probable mistake: ConnectionResetError or BrokenPipeError from recv() or send() ends the server?
    """
    alice, bob = room.join("alice"), room.join("bob")
    moments = {
        "after it connected": b"",
        "within a length field": b"00",
        "within a payload": b"0012MSG",
        "after a request": frame("GET_NAMES"),
        "after many requests": frame("GET_NAMES") * 50,
        "after EXIT": frame("EXIT"),
        "after a bad frame": b"oops",
        "after a name": frames(f"NAME {room.name('short')}"),
        "after a broadcast": frames(f"NAME {room.name('brief')}", "MSG BROADCAST bye"),
    }
    for moment, data in moments.items():
        room.situation = f"when a connection was reset {moment}"
        for wait in (True, False):
            victim = room.knock("the victim")
            victim.send_bytes(data)
            if wait:
                room.let_the_server_read()
            victim.reset()
        alice.settles()
    everything_goes_on(alice, bob)


def test_many_reset_at_once(room: Room) -> None:
    """Many connections may break at the same moment, while they are being written to: everybody
    else gets everything.

    Probable mistake: one dead socket ends the loop in which a broadcast is sent?
    """
    alice, bob = room.join("alice"), room.join("bob")
    crowd = room.crowd([room.name(f"p{n}x") for n in range(30)])
    for turn in range(3):
        alice.send(*(f"MSG BROADCAST {turn}-{n}." for n in range(10)))
        for client in crowd[turn * 10 : turn * 10 + 10]:
            client.reset()
        alice.send(*(f"MSG BROADCAST {turn}-{n}." for n in range(10, 20)))
    room.situation = "when 30 connections were reset during broadcasts"
    bob.hears(*(f"BROADCAST {turn}-{n}." for turn in range(3) for n in range(20)))
    everything_goes_on(alice, bob)


def test_connections_that_say_nothing(room: Room) -> None:
    """Connections that come and go, or stay, without a word are no trouble.

    Probable mistake: accept() is followed by a recv() that waits for the first request?
    """
    alice, bob = room.join("alice"), room.join("bob")
    silent = [room.knock("a silent one") for _ in range(20)]
    room.situation = "while 20 clients had connected and said nothing"
    everything_goes_on(alice, bob)
    for client in silent:
        client.close()
    room.situation = "after 20 clients had connected and gone without a word"
    everything_goes_on(alice, bob)


# ---------------------------------------------------------------------------------- slow receivers


def leave_unread(sender: Client, reader: Client, texts: list[str]) -> None:
    sender.send(*(f"MSG {reader} {text}" for text in texts))


def test_a_slow_reader_gets_everything(room: Room) -> None:
    """A socket takes only as many bytes as fit on the way: who reads late still gets every frame,
    whole and in order.

    Probable mistake: send() is taken for sendall(), and what it did not take is lost?
    """
    slow = room.join("slow", narrow=True)
    texts = [f"{n}-" + "abcdefghij" * 900 for n in range(39)]
    writers = [room.join(f"writer{n}") for n in range(3)]
    for n, writer in enumerate(writers):
        leave_unread(writer, slow, texts[n::3])
    with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
        for writer in writers:
            writer.settles()  # the server has had it all, and the reader nothing yet
    room.situation = "when a client read 350 kB late"
    heard = [slow.wait_for("39 messages", lambda payload: verb_of(payload) == "MSG") for _ in texts]
    for n, writer in enumerate(writers):
        said = [payload for payload in heard if payload.startswith(f"MSG {writer} ")]
        wanted = [f"MSG {writer} {slow} {text}" for text in texts[n::3]]
        require(
            said == wanted, f"of what {writer} said, {show(said)} arrived: not all, or not whole"
        )
    slow.settles()


def test_a_slow_reader_stops_nobody(room: Room) -> None:
    """A client that stops reading is waited for by nobody else, however much waits for it.

    Probable mistake: sendall() on a blocking socket waits until the slowest client reads?
    """
    alice, bob = room.join("alice"), room.join("bob")
    slow = room.join("slow", narrow=True)
    room.situation = "while one client left 400 kB unread"
    senders = [room.join(f"writer{n}") for n in range(5)]
    for sender in senders:
        leave_unread(sender, slow, ["x" * 9900] * 8)
        everything_goes_on(alice, bob)
    for sender in senders:
        sender.settles()
    everything_goes_on(alice, bob)


def test_a_slow_listener_stops_no_broadcast(room: Room) -> None:
    """A broadcast reaches those who read, whoever does not.

    Probable mistake: the loop over the clients waits in sendall() for one of them?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.join("slow", narrow=True)
    room.join("zoe", narrow=True)
    room.situation = "while two listeners did not read"
    speakers = [alice, room.join("carol"), room.join("dora")]
    for n in range(39):
        speakers[n % 3].send(f"MSG BROADCAST {n}-" + "x" * 9000)
        bob.hears(f"BROADCAST {n}-" + "x" * 9000)
    alice.settles()


def test_who_does_not_read_its_answers_stops_nobody(room: Room) -> None:
    """A client that asks and does not read the answers is waited for by nobody else.

    Probable mistake: answers are sent with sendall() on a blocking socket?
    """
    alice, bob = room.join("alice"), room.join("bob")
    deaf = room.join("deaf", narrow=True)
    room.situation = "while one client did not read its answers"
    friends = [room.join(f"friend{n}") for n in range(2)]
    for friend in friends:
        leave_unread(friend, deaf, ["x" * 9000] * 13)
    deaf.send(*["x" * 9000 + " MSG"] * 5, *[f"MSG {deaf} " + "x" * 9000] * 12, "GET_NAMES")
    for _ in range(5):
        everything_goes_on(alice, bob)


# ------------------------------------------------------------------------------------------ garbage


def test_garbage_harms_nobody_else(room: Room) -> None:
    """Whatever a stranger sends, a browser's request or noise, the others go on.

    Probable mistake: an exception for what one client sent ends the server for all?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for kind, data in GARBAGE.items():
        room.situation = f"after a stranger had sent {kind}"
        room.knock("a stranger").send_bytes(data)
        everything_goes_on(alice, bob)


def test_garbage_is_answered_in_order(room: Room) -> None:
    """Whatever a stranger sends that is not a frame, the answer is BAD_FRAME, and then the end of
    the connection, without a reset.

    Probable mistake: a close without a word?
    """
    bob = room.join("bob")
    for data in GARBAGE.values():
        stranger = room.connect("a stranger")
        stranger.send_bytes(data)
        stranger.gets_error(show(data), "BAD_FRAME")
        last = stranger.last_frames()
        require(not last, f"after BAD_FRAME came {show(last)}, not the end of the connection")
    bob.gets_nothing(events=True)


def test_invalid_utf8_harms_nobody(room: Room) -> None:
    """Bytes that are not UTF-8 are the mistake of one client: nobody else notices.

    Probable mistake: a UnicodeDecodeError that nobody catches ends the server?
    """
    alice, bob, stranger = room.join("alice"), room.join("bob"), room.join("stranger")
    room.situation = "after a client had sent bytes that are not UTF-8"
    stranger.send(b"\xff\xfe\xfd", b"MSG bob \xc3", b"NAME \xf0\x9f")
    everything_goes_on(alice, bob)


def test_no_reset_overtakes_the_reason(room: Room) -> None:
    """Where the server closes, the reason arrives first: what the client still sends is read and
    dropped for a moment, so that no reset overtakes the reason.

    Probable mistake: close() while bytes are unread makes the kernel send a reset?
    """
    for start, wanted in ((b"oops", "ERROR BAD_FRAME"), (frame("EXIT"), "BYE")):
        client = room.connect("a talkative client")
        room.situation = f"after {show(start)} with 300 kB behind it"
        client.send_bytes(start + frame(b"x" * 9996) * 30)
        last = client.last_frames()
        require(
            len(last) == 1 and last[0].startswith(wanted),
            f"the last frame should be {wanted}, and what came is {show(last) or 'nothing'}",
        )
        require(not client.was_reset, "the connection was reset")


def test_what_came_before_a_bad_frame_is_answered(room: Room) -> None:
    """Frames before the bad one are dealt with like any other, and nothing behind it is read.

    Probable mistake: one bad frame throws away the whole packet, or is skipped?
    """
    alice = room.join("alice")
    alice.send_bytes(frame(f"MSG {alice} first") + b"oops" + frame(f"MSG {alice} never"))
    alice.gets(f"MSG {alice} {alice} first")
    alice.gets_error("'oops' for a length", "BAD_FRAME")
    last = alice.last_frames()
    require(not last, f"after BAD_FRAME came {show(last)}, not the end of the connection")


# -------------------------------------------------------------------------------------- many people


def test_a_class_arrives_at_once(room: Room) -> None:
    """A whole class connects in the same moment: all 120 get in and can talk.

    Probable mistake: listen(1), or one accept() for each turn that waits for a request?
    """
    room.situation = "when 120 clients connected at once"
    crowd = room.crowd([room.name(f"p{n}x") for n in range(120)])
    for alice, bob in zip(crowd[::10], crowd[9::10], strict=True):
        everything_goes_on(alice, bob)


def test_a_name_that_many_want_at_once(room: Room) -> None:
    """A name that many ask for in the same moment is given once.

    Probable mistake: between the look whether a name is free and the taking, another thread ran?
    """
    crowd = [room.connect(f"rival {n}") for n in range(20)]
    for client in crowd:
        client.send(f"NAME {room.name('alice')}")
    winners = sum(client.answer("'NAME alice'").startswith("HELLO") for client in crowd)
    require(winners == 1, f"20 clients asked for alice at once, and {winners} got the name")


def test_wrong_requests_of_any_length(room: Room) -> None:
    """A wrong request is answered by one ERROR frame, however long the request was.

    Probable mistake: the error's text repeats the request, and does not fit its frame any more?
    """
    alice = room.join("alice")
    alice.is_refused("X" * 9999, "UNKNOWN_COMMAND")
    alice.is_refused("NAME " + "𐐨" * 2498, "BAD_NAME")
    alice.is_refused("BLOCK " + "𐐨" * 2498, "NO_SUCH_NAME")
    alice.is_refused("UNBLOCK " + "x" * 9991, "NOT_BLOCKED", "NO_SUCH_NAME")
    alice.is_refused("MSG " + "x" * 9993 + " h", "NO_SUCH_NAME", "TOO_LONG")
    alice.is_refused("GET_NAMES " + "x" * 9989, "BAD_ARGUMENTS")
    alice.settles()


def test_a_sender_too_fast_is_slowed_down_and_loses_nothing(room: Room) -> None:
    """Speed limits delay a client that sends too fast; they never drop or refuse what it sent.

    Probable mistake: a limit that answers with an error or throws requests away?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.situation = "when 150 messages were sent as fast as possible"
    alice.send(*(f"MSG {bob} number-{n}." for n in range(150)))
    bob.hears(*(f"number-{n}." for n in range(150)))
    alice.gets_nothing()


def test_a_sender_too_fast_may_leave(room: Room) -> None:
    """Speed limits drop nothing: what arrived whole before a fast client left is still done.

    Probable mistake: requests that wait for their turn are forgotten when the connection ends?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.situation = "when 150 messages were sent as fast as possible, and the sender left"
    alice.settles()
    alice.stop_sending(*(f"MSG {bob} number-{n}." for n in range(150)))
    bob.hears(*(f"number-{n}." for n in range(150)))
    alice.last_frames()


def test_all_talk_at_once(room: Room) -> None:
    """When everybody talks at once, everybody hears everything once, and each sender in order.

    Probable mistake: frames of different senders are mixed up, or some are lost under load?
    """
    people = room.crowd([room.name(f"p{n}x") for n in range(20)])
    for person in people:
        person.settles()
    for person in people:
        person.send(*(f"MSG BROADCAST number-{n}" for n in range(10)))
    for listener in people:
        heard = hear(listener, 10 * (len(people) - 1))
        for sender in people:
            own = [payload for payload in heard if payload.startswith(f"MSG {sender} ")]
            wanted = [f"MSG {sender} BROADCAST number-{n}" for n in range(10)]
            require(
                own == wanted or sender is listener,
                f"{listener} heard of {sender} {show(own) or 'nothing'}",
            )


def hear(listener: Client, count: int) -> list[str]:
    """Return as many messages as that; RuleBroken when fewer come."""

    def is_message_of_others(payload: str) -> bool:
        return verb_of(payload) == "MSG" and not payload.startswith(f"MSG {listener} ")

    waiting_for = f"a message, one of {count}"
    return [listener.wait_for(waiting_for, is_message_of_others) for _ in range(count)]
