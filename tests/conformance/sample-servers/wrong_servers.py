"""Wrong servers: a short correct one, a select() loop, and one classic mistake at a time.

    python wrong_servers.py --port 8820 --mistake BroadcastEcho

Each mistake is a class that changes one thing of the room or of the connection, so that the rules
which it breaks, and only those, must fail. Without --mistake the server is correct.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import socket
import sys
import time
import unicodedata
from collections.abc import Callable

from correct_room import LARGEST_PAYLOAD, Person, Refusal, Room, encode

LISTEN_BACKLOG = 512
RECEIVE_SIZE = 64 * 1024
FAREWELL_SECONDS = 1.0  # for what a leaving person still sends
OUTBOX_LIMIT = 16 * 2**20  # bytes that may wait for one reader before it is cut off


class Connection(Person):
    """One socket: what has come in, what still has to go out."""

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__()
        self.socket = connection
        self.room = room
        self.incoming = b""
        self.outgoing = bytearray()
        self.finished = False  # nothing is read any more; what waits still goes out
        self.farewell = 0.0  # when a finished connection is closed at the latest
        self.closed = False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self.socket.fileno()

    # ---------------------------------------------------------------------------------- reading

    def readable(self) -> None:
        """Take what has come, and act on every whole frame in it."""
        try:
            data = self.socket.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return
        except ConnectionError:
            self.broken()
            return
        if self.finished:
            self.closed = not data
        elif data:
            self.incoming += data
            self.read_frames()
        else:
            self.end_of_stream()

    def broken(self) -> None:
        self.room.leave(self)
        self.closed = True

    def end_of_stream(self) -> None:
        self.room.leave(self)
        self.finish()

    def read_frames(self) -> None:
        while not self.finished and len(self.incoming) >= 4:
            length = self.length(self.incoming[:4])
            if length is None:
                self.bad_frame()
                return
            if len(self.incoming) < 4 + length:
                return
            payload, self.incoming = self.incoming[4 : 4 + length], self.incoming[4 + length :]
            self.room.request(self, payload)

    def length(self, field: bytes) -> int | None:
        return int(field) if field.isdigit() else None

    def bad_frame(self) -> None:
        self.room.leave(self)
        self.send(encode("ERROR BAD_FRAME A frame begins with four digits."))
        self.finish()

    # ---------------------------------------------------------------------------------- writing

    def send(self, data: bytes) -> None:
        if not self.closed and not self.finished:
            self.outgoing += data

    def writable(self) -> None:
        """Send as much as the kernel takes; then, if nothing more comes, say so."""
        try:
            sent = self.socket.send(self.outgoing) if self.outgoing else 0
        except BlockingIOError:
            return
        except ConnectionError:
            self.broken()
            return
        del self.outgoing[:sent]
        if self.finished and not self.outgoing:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def finish(self) -> None:
        if not self.finished:
            self.finished = True
            self.farewell = time.monotonic() + FAREWELL_SECONDS
            self.writable()

    @property
    def try_to_end(self) -> bool:
        too_slow = len(self.outgoing) > OUTBOX_LIMIT
        return self.closed or too_slow or (self.finished and time.monotonic() > self.farewell)


class Server:
    """The loop: one select() over the listener and every connection."""

    def __init__(self, listener: socket.socket, room: Room, kind: type[Connection]) -> None:
        self.listener = listener
        self.room = room
        self.kind = kind
        self.connections: list[Connection] = []

    def run(self) -> None:
        while True:
            writers = [person for person in self.connections if person.outgoing]
            finished = any(person.finished for person in self.connections)
            readers: list[socket.socket | Connection] = [self.listener, *self.connections]
            readable, writable, _ = select.select(readers, writers, [], 0.1 if finished else None)
            for ready in readable:
                if isinstance(ready, Connection):
                    ready.readable()
                else:
                    self.connections.append(self.kind(self.listener.accept()[0], self.room))
            for person in {*writable, *(other for other in self.connections if other.outgoing)}:
                person.writable()
            self.close_what_is_over()

    def close_what_is_over(self) -> None:
        for person in [person for person in self.connections if person.try_to_end]:
            self.room.leave(person)
            self.connections.remove(person)
            person.socket.close()


# ------------------------------------------------------------------ mistakes of a connection


class OneRecvIsOneMessage(Connection):
    """recv(1024) is taken for one message: what it returned is the length field and the payload."""

    def read_frames(self) -> None:
        data, self.incoming = self.incoming[:1024], b""
        if self.length(data[:4]) is None:
            self.bad_frame()
        else:
            self.room.request(self, data[4:])


class LeftoverLost(Connection):
    """All whole frames of a packet are read, and the beginning of the next is thrown away."""

    def read_frames(self) -> None:
        while len(self.incoming) >= 4 and not self.finished:
            before = self.incoming
            super().read_frames()
            if self.incoming == before or len(self.incoming) < 4:
                self.incoming = b""


class OnlyTheFirstFrame(Connection):
    """One frame is read for each packet; what came behind it waits for the next packet."""

    def read_frames(self) -> None:
        if len(self.incoming) < 4:
            return
        length = self.length(self.incoming[:4])
        if length is None:
            self.bad_frame()
        elif len(self.incoming) >= 4 + length:
            payload, self.incoming = self.incoming[4 : 4 + length], self.incoming[4 + length :]
            self.room.request(self, payload)


class LengthByInt(Connection):
    """int() decides what a number is."""

    def length(self, field: bytes) -> int | None:
        try:
            return max(0, int(field.decode()))
        except ValueError:
            return None


class DigitsOfAllScripts(Connection):
    """str.isdigit() decides what a digit is."""

    def length(self, field: bytes) -> int | None:
        for encoding in ("utf-8", "latin-1"):
            text = field.decode(encoding, errors="replace")
            if text.isdigit():
                return int(unicodedata.normalize("NFKC", text))
        return None


class BlockingPayload(Connection):
    """Once a length field is there, recv() waits for the rest of the payload."""

    def read_frames(self) -> None:
        self.socket.setblocking(True)
        while 0 < len(self.incoming) < 4 or (
            self.incoming[:4].isdigit() and len(self.incoming) < 4 + int(self.incoming[:4])
        ):
            try:
                data = self.socket.recv(RECEIVE_SIZE)
            except ConnectionError:
                break
            if not data:
                break
            self.incoming += data
        self.socket.setblocking(False)
        super().read_frames()


class SendForSendall(Connection):
    """send() is believed to take everything."""

    def writable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self.socket.send(self.outgoing)
        self.outgoing.clear()
        super().writable()


class BlockingSend(Connection):
    """sendall() waits until the slowest client has read."""

    def writable(self) -> None:
        self.socket.setblocking(True)
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(self.outgoing)
        self.outgoing.clear()
        self.socket.setblocking(False)
        super().writable()


class CrashOnReset(Connection):
    """ConnectionResetError is nobody's business."""

    def broken(self) -> None:
        raise ConnectionResetError("Connection reset by peer")


class CloseAtOnce(Connection):
    """close() follows the last send(), with bytes unread."""

    def finish(self) -> None:
        self.writable()
        self.finished = self.closed = True


class ReasonLost(Connection):
    """close() forgets what has not been sent."""

    def bad_frame(self) -> None:
        self.room.leave(self)
        self.finished = self.closed = True


class EmptyPayloadIsTheEnd(Connection):
    """recv(0) returned nothing, so the connection must have ended."""

    def read_frames(self) -> None:
        while self.incoming[:4] != b"0000" and len(self.incoming) >= 4 and not self.finished:
            before = self.incoming
            super().read_frames()
            if self.incoming == before:
                return
        if self.incoming[:4] == b"0000":
            self.end_of_stream()


class DeafAtTheEnd(Connection):
    """Who has closed the sending side is believed to be gone, and what it sent is not read."""

    def read_frames(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            if not self.socket.recv(1, socket.MSG_PEEK):
                self.broken()
                return
        super().read_frames()


class ReadsBehindExit(Connection):
    """The loop over a packet's frames does not look whether the client has left."""

    def finish(self) -> None:
        super().finish()
        while self.incoming[:4].isdigit():
            end = 4 + int(self.incoming[:4])
            payload, self.incoming = self.incoming[4:end], self.incoming[end:]
            self.room.request(self, payload)


class NameFreedAtExitOnly(Connection):
    """Who leaves without EXIT keeps the name for ever."""

    def broken(self) -> None:
        self.name, name = "", self.name
        if name:
            self.room.tell_others(self, f"LEFT {name}")
        self.closed = True

    def end_of_stream(self) -> None:
        self.broken()


class SilentBreak(Connection):
    """Who leaves without EXIT is not told to the others."""

    def broken(self) -> None:
        self.room.people.pop(self.room.folded(self.name), None)
        self.name = ""
        self.closed = True

    def end_of_stream(self) -> None:
        self.broken()


class LengthInCharacters(Connection):
    """len() of the text is written into the length field."""

    def send(self, data: bytes) -> None:
        super().send(b"%04d" % len(data[4:].decode()) + data[4:])


class LengthNotPadded(Connection):
    """str() of the length is written into the length field, whatever its width."""

    def send(self, data: bytes) -> None:
        super().send(b"%d" % int(data[:4]) + data[4:])


class Newlines(Connection):
    """A newline ends every frame."""

    def send(self, data: bytes) -> None:
        super().send(data + b"\n")


class Hangs(Connection):
    """Nothing is ever answered, and EXIT closes nothing."""

    def readable(self) -> None:
        time.sleep(3600)


class Floods(Connection):
    """Every request is answered by frames without end, and the log fills up as well."""

    def read_frames(self) -> None:
        os.write(sys.stdout.fileno(), b"x" * 100_000)
        self.socket.setblocking(True)
        with contextlib.suppress(OSError):
            while True:
                self.socket.sendall(encode("NOISE") * 1000)


class EndsItself(Connection):
    """The first request ends the server."""

    def read_frames(self) -> None:
        raise ZeroDivisionError("a mistake of the simplest kind")


# ---------------------------------------------------------------------- mistakes of the room


class CrashOnBadText(Room):
    """decode() is believed to succeed."""

    def read_text(self, payload: bytes) -> str:
        payload.decode()
        return super().read_text(payload)


class ControlCharactersPass(Room):
    """What is UTF-8 is believed to be text."""

    def read_text(self, payload: bytes) -> str:
        try:
            return self.without_enter_key(payload.decode())
        except UnicodeDecodeError:
            raise Refusal("BAD_TEXT", "This is not UTF-8.") from None


class StripsEverything(Room):
    """strip() is meant for the Enter key and takes the spaces as well."""

    def without_enter_key(self, text: str) -> str:
        return text.strip()


class EnterKeyKept(Room):
    """The Enter key is taken for a part of the request."""

    def without_enter_key(self, text: str) -> str:
        return text


class VerbsInCapitalsOnly(Room):
    """The verb is compared as it came."""

    def read_text(self, payload: bytes) -> str:
        text = super().read_text(payload)
        if not text.partition(" ")[0].isupper():
            raise Refusal("UNKNOWN_COMMAND", "There is no such request.")
        return text


class CaseSensitiveNames(Room):
    """Names are compared as they are written."""

    def folded(self, name: str) -> str:
        shown = self.shown(name)
        return shown.lower() if shown.lower() == "broadcast" else shown


class LowerForCasefold(Room):
    """lower() is believed to be enough."""

    def folded(self, name: str) -> str:
        return self.shown(name).lower()


class NotNormalised(Room):
    """Names are taken as the keyboard produced them."""

    def shown(self, name: str) -> str:
        return name


class BytesOfAName(Room):
    """A name's bytes are counted, not its characters."""

    def is_name(self, name: str) -> bool:
        return len(name.encode()) <= 20 and super().is_name(name)


class MarksForbidden(Room):
    """isalnum() is believed to know the letters of all scripts."""

    def is_name(self, name: str) -> bool:
        return super().is_name(name) and all(c.isalnum() or c in "_-" for c in name)


class TakenNameGiven(Room):
    """Nobody looks whether a name is in use; the last one has it."""

    def take_name(self, person: Person, wanted: str) -> None:
        other = self.people.get(self.folded(wanted))
        if other is not None and other is not person:
            other.name = ""
            del self.people[self.folded(wanted)]
        super().take_name(person, wanted)


class SortedAsWritten(Room):
    """sorted() without a key puts all capitals first."""

    def listed(self) -> list[str]:
        return sorted(super().listed())


class OneFrameForAllNames(Room):
    """All names are put into one frame, and its length field may well have five digits."""

    def list_names(self, person: Person) -> None:
        names = self.listed()
        person.send(encode(" ".join([f"NAMES {len(names)}", *names])))


class UnnamedListed(Room):
    """Every connection is counted as somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.everybody: set[Person] = set()

    def request(self, person: Person, payload: bytes) -> None:
        self.everybody.add(person)
        super().request(person, payload)

    def leave(self, person: Person) -> None:
        self.everybody.discard(person)
        super().leave(person)

    def listed(self) -> list[str]:
        return super().listed() + ["None" for person in self.everybody if not person.name]


class OldNameKept(Room):
    """A change of name leaves the old one in the table."""

    def take_name(self, person: Person, wanted: str) -> None:
        old = person.name
        super().take_name(person, wanted)
        if old:
            self.people.setdefault(self.folded(old), person)


class RenameIsJoin(Room):
    """A change of name is told as if somebody new had come."""

    def tell_others(self, about: Person, event: str) -> None:
        verb, *names = event.split(" ")
        super().tell_others(about, f"JOINED {names[1]}" if verb == "RENAMED" else event)


class SameNameIsNews(Room):
    """The name one already has is told to everybody once more."""

    def take_name(self, person: Person, wanted: str) -> None:
        same = person.name == self.shown(wanted)
        super().take_name(person, wanted)
        if same:
            self.tell_others(person, f"RENAMED {person.name} {person.name}")


class BroadcastEcho(Room):
    """A broadcast comes back to the one who sent it."""

    def listeners(self, sender: Person) -> list[Person]:
        return [*super().listeners(sender), sender]


class UnnamedHear(Room):
    """Messages to all and events go to all connections, with a name or without."""

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: set[Person] = set()

    def request(self, person: Person, payload: bytes) -> None:
        self.unnamed.add(person)
        super().request(person, payload)

    def leave(self, person: Person) -> None:
        self.unnamed.discard(person)
        super().leave(person)

    def tell_others(self, about: Person, event: str) -> None:
        super().tell_others(about, event)
        for person in self.unnamed:
            if not person.name and person is not about:
                person.send(encode(event))


class ListChangedWhileIterated(Room):
    """The loop that tells the others forgets the one behind everybody who has left meanwhile."""

    def leave(self, person: Person) -> None:
        skipped = None
        if person.name:
            names = sorted(self.people)
            behind = names[names.index(self.folded(person.name)) + 1 :]
            skipped = self.people[behind[0]] if behind else None
        name, person.name = person.name, ""
        if name:
            del self.people[self.folded(name)]
            for other in self.people.values():
                if other is not skipped:
                    other.send(encode(f"LEFT {name}"))


class MessageConfirmed(Room):
    """The sender of a message is told that it was sent."""

    def message(self, sender: Person, rest: str | None) -> None:
        super().message(sender, rest)
        sender.send(encode("SENT"))


class FirstWordOnly(Room):
    """split() takes a message's text apart, and its first word is what is sent."""

    def message(self, sender: Person, rest: str | None) -> None:
        words = (rest or "").split()
        super().message(sender, " ".join(words[:2]) if len(words) > 2 else rest)


class SpacesJoined(Room):
    """split() and join() turn two spaces into one."""

    def message(self, sender: Person, rest: str | None) -> None:
        words = (rest or "").split()
        super().message(sender, " ".join(words) if len(words) > 2 else rest)


class CharactersForTooLong(Room):
    """TOO_LONG counts characters, and the length field does not fit what follows it."""

    def message_frame(self, payload: str) -> bytes:
        if len(payload) > LARGEST_PAYLOAD:
            raise Refusal("TOO_LONG", "The message does not fit one frame.")
        return encode(payload)


class TooLongCutShort(Room):
    """A message that does not fit is cut, and nobody is told."""

    def message_frame(self, payload: str) -> bytes:
        return encode(payload.encode()[:LARGEST_PAYLOAD].decode(errors="ignore"))


class BlockBySocket(Room):
    """The list holds connections: it follows a person, and ends with that person's leaving."""

    def leave(self, person: Person) -> None:
        for other in self.people.values():
            other.blocks.discard(self.folded(person.name))
        super().leave(person)


class BlockByNameOnly(Room):
    """The list holds names and does not follow anybody who takes another."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        pass


class BlockKeepsOldName(Room):
    """The list follows a person and keeps every name that the person ever had."""

    def follow_in_block_lists(self, old: str, new: str) -> None:
        for other in self.people.values():
            if old in other.blocks:
                other.blocks.add(new)


class UnblockNeedsThePerson(Room):
    """UNBLOCK looks up the person first."""

    def unblock(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        self.present(name)
        super().unblock(person, name)


class BlockedHearBroadcasts(Room):
    """Block lists are looked into for private messages alone."""

    def listeners(self, sender: Person) -> list[Person]:
        return [person for person in self.people.values() if person is not sender]


class BlockOneself(Room):
    """Nobody looks whether one blocks oneself."""

    def block(self, person: Person, name: str) -> None:
        self.must_be_named(person)
        person.blocks.add(self.folded(self.present(name).name))
        person.send(encode(f"BLOCKED {self.present(name).name}"))


class NameAskedFirst(Room):
    """NAME_REQUIRED is answered before the request is taken apart."""

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        if verb in ("MSG", "BLOCK", "UNBLOCK"):
            self.must_be_named(person)
        super().act(person, verb, rest)


class TooLongFirst(Room):
    """The length of a message is looked at before anything else."""

    def message(self, sender: Person, rest: str | None) -> None:
        if rest and sender.name:
            self.message_frame(f"MSG {sender.name} {rest}")
        super().message(sender, rest)


class LeftBeforeBye(Room):
    """Who says EXIT is still in the list when the others are told."""

    def tell_others(self, about: Person, event: str) -> None:
        super().tell_others(about, event)
        if event.startswith("LEFT"):
            about.send(encode(event))


# ------------------------------------------------------------------------------------- the start


def mistakes() -> dict[str, type[Room] | type[Connection]]:
    """Return every mistake of this file by its name."""
    rooms, connections = Room.__subclasses__(), Connection.__subclasses__()
    return {**{kind.__name__: kind for kind in rooms}, **{k.__name__: k for k in connections}}


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server with one mistake.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mistake", choices=mistakes(), default=None)
    options = parser.parse_args()
    mistake = mistakes().get(options.mistake)
    room: Callable[[], Room] = Room
    kind = Connection
    if mistake is not None and issubclass(mistake, Room):
        room = mistake
    elif mistake is not None:
        kind = mistake
    with socket.create_server(("127.0.0.1", options.port), backlog=LISTEN_BACKLOG) as listener:
        Server(listener, room(), kind).run()


if __name__ == "__main__":
    main()
