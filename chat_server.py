"""The chat server: one thread, one select() loop, as many people as there are descriptors.

    the room      who is called what, who blocks whom, what a request does, who hears of it
    the loop      one select() over the listeners and every connection
    main()        the options, the listeners, the loop

What travels is in chat_protocol.py. What makes the loop hold has a file each in chat/server, which
lists them. The way of a message: serve, read_in_turn, read, answer_requests, answer; the handler
for its verb, mostly the room's; News.deliver or News.announce; and at the end of the turn
send_news and send_outbox. guard stands around each, so that a fault costs one client only.

Nothing here blocks except select() itself: a socket that has nothing to read is not read, one
that takes nothing is not written to, and all that has to happen later is a deadline that tells
select() how long to sleep.
"""

from __future__ import annotations

import signal
import sys

if sys.version_info < (3, 10):  # noqa: UP036 (there are older ones)
    sys.exit(f"chat_server: Python {sys.version.split()[0]} is too old: install 3.10 or later.")
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Ctrl+C while the rest is imported, and until the loop heeds it, ends the program quietly.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import selectors
import socket
import time
from collections.abc import Callable, Collection, Container, Hashable
from typing import Generic, TypeVar

try:
    import chat_protocol as protocol
    from chat.server.broadcast import News
    from chat.server.connection import Connection
    from chat.server.deadlines import Deadlines
    from chat.server.descriptors import NONE_IS_LEFT, SELECTORS
    from chat.server.desk import Desk
    from chat.server.door import LEFT, Door
    from chat.server.farewell import Farewell
    from chat.server.listeners import open_listeners
    from chat.server.log import Log, trace_of
    from chat.server.muted import Muted
    from chat.server.options import CannotStartError, Settings, load_settings, parse_arguments
    from chat.server.pace import Pace
    from chat.server.password import Admission
    from chat.server.places import Places
    from chat.server.slow_readers import SlowReaders
    from chat.server.stop import STOP_SENTENCES, catch_server_signals, signals_that_came
    from chat.server.teacher import Teacher
    from chat.server.welcome import welcome
    from chat.server.wire_view import WireView
    from chat.sockets import why_lost
    from chat_protocol import ErrorCode, ProtocolError, Request
except ModuleNotFoundError as error:
    if str(error.name).split(".")[0] not in ("chat", "chat_protocol"):
        raise  # it is none of ours
    sys.exit(f"chat_server: its part {error.name} is missing: unpack or copy the whole folder.")

# -------------------------------------------------------------------------------------- the room

MAX_BLOCKED = 1000  # names on one list: more is no list of people any more

Member = TypeVar("Member", bound=Hashable)


class Room(Generic[Member]):
    """Who is called what, who blocks whom, what each request does and who hears of it.

    It knows no sockets: a member is any object, and every frame leaves through `deliver`, to one
    member, or through `announce`, to all who have a name except some. That makes the rules of the
    chat testable with plain strings for people.
    """

    def __init__(
        self,
        names: dict[Member, str],
        muted: Container[Member],
        deliver: Callable[[Member, bytes], None],
        announce: Callable[[bytes, Collection[Member]], None],
    ) -> None:
        """Only the room changes `names`, and others look them up; nobody hears the `muted`."""
        self.names = names
        self._muted = muted
        self._deliver = deliver
        self._announce = announce
        self._names_frames: list[bytes] = []  # made once for all who ask, until a name changes
        self._members: dict[str, Member] = {}  # by folded name: `Bob` is taken once `bob` is here
        # Who blocks a folded name, its owner here or gone: a broadcast finds all who must not hear
        # it in one look. And for departures the other way round: whom one blocks, and how spelled.
        self._blockers: dict[str, set[Member]] = {}
        self._lists: dict[Member, dict[str, str]] = {}
        # What can be asked for, by verb. A handler does it and tells everyone concerned, or raises
        # ProtocolError, and then nobody was told anything.
        self.handlers: dict[str, Callable[[Member, Request], None]] = {
            "NAME": self._name,
            "GET_NAMES": self._get_names,
            "MSG": self._message,
            "BLOCK": self._block,
            "UNBLOCK": self._unblock,
        }

    def leave(self, member: Member) -> None:
        """Tell the others that `member` leaves, if they had a name, and forget them."""
        for folded in list(self._lists.get(member, ())):
            self._lift_block(member, folded)
        name = self.names.get(member)
        if name is not None:
            self._tell_others(member, f"LEFT {name}")
            self._names_frames = []
            del self._members[protocol.fold(name)]
            del self.names[member]

    def _tell(self, member: Member, payload: str) -> None:
        self._deliver(member, protocol.encode(payload))

    def _tell_others(self, member: Member, payload: str) -> None:
        self._announce(protocol.encode(payload), {member})

    def _name_of(self, member: Member) -> str:
        if member not in self.names:
            sentence = f"Choose a name first: {protocol.USAGE['NAME']}"
            raise ProtocolError(ErrorCode.NAME_REQUIRED, sentence)
        return self.names[member]

    def _member_called(self, name: str) -> Member:
        if (member := self._members.get(protocol.fold(name))) is None:
            sentence = f"Nobody here is called {name[: protocol.MAX_NAME_LENGTH]}."
            raise ProtocolError(ErrorCode.NO_SUCH_NAME, sentence)
        return member

    def _name(self, member: Member, request: Request) -> None:
        new = protocol.check_name(request.name)
        folded = protocol.fold(new)
        if self._members.get(folded, member) != member:
            raise ProtocolError(ErrorCode.NAME_TAKEN, f"{new} is taken; choose another name.")
        old = self.names.get(member)
        if old is not None:
            del self._members[protocol.fold(old)]
        self.names[member] = new
        self._names_frames = []
        self._members[folded] = member
        self._carry_blocks(old, new)
        self._tell(member, f"HELLO {new}")
        if old is None:
            self._tell_others(member, f"JOINED {new}")
        elif old != new:
            self._tell_others(member, f"RENAMED {old} {new}")

    def _carry_blocks(self, old: str | None, new: str) -> None:
        """Let the blocks of a person follow them from their `old` name to their `new` one.

        Whoever blocked the last owner of the new name goes on blocking that name.
        """
        before, after = protocol.fold(old or ""), protocol.fold(new)
        followed = self._blockers.pop(before, set())
        for blocker in followed:
            del self._lists[blocker][before]
        blockers = followed | self._blockers.get(after, set())
        for blocker in blockers:
            self._lists[blocker][after] = new
        if blockers:
            self._blockers[after] = blockers

    def _get_names(self, member: Member, _request: Request) -> None:
        if not self._names_frames:
            self._names_frames = protocol.names_frames(
                self.names[self._members[folded]] for folded in sorted(self._members)
            )
        for frame in self._names_frames:
            self._deliver(member, frame)

    def _message(self, member: Member, request: Request) -> None:
        sender = self._name_of(member)
        if member in self._muted:
            raise ProtocolError(ErrorCode.MUTED, "You are muted for now: nobody reads this.")
        blockers = self._blockers.get(protocol.fold(sender), set()) if self._blockers else set()
        if protocol.is_broadcast(request.name):
            frame = protocol.message(sender, protocol.BROADCAST, request.text)
            self._announce(frame, blockers | {member})
            return
        addressee = self._member_called(request.name)
        name = self.names[addressee]
        if addressee in blockers and addressee != member:  # a rename may make it oneself
            raise ProtocolError(ErrorCode.BLOCKED, f"{name} does not want your messages.")
        self._deliver(addressee, protocol.message(sender, name, request.text))

    def _block(self, member: Member, request: Request) -> None:
        self._name_of(member)
        other = self._member_called(request.name)
        if other == member:
            raise ProtocolError(ErrorCode.BAD_ARGUMENTS, "You cannot block yourself.")
        blocked = self._lists.get(member, {})
        if len(blocked) >= MAX_BLOCKED and protocol.fold(request.name) not in blocked:
            sentence = f"You block {MAX_BLOCKED} names already; UNBLOCK one of them first."
            raise ProtocolError(ErrorCode.BAD_ARGUMENTS, sentence)
        self._add_block(member, self.names[other])
        self._tell(member, f"BLOCKED {self.names[other]}")

    def _unblock(self, member: Member, request: Request) -> None:
        self._name_of(member)
        folded = protocol.fold(request.name)
        spelling = self._lists.get(member, {}).get(folded)
        if spelling is None:
            raise ProtocolError(ErrorCode.NOT_BLOCKED, "You do not block anybody of that name.")
        self._lift_block(member, folded)
        self._tell(member, f"UNBLOCKED {spelling}")

    def _add_block(self, member: Member, name: str) -> None:
        self._blockers.setdefault(protocol.fold(name), set()).add(member)
        self._lists.setdefault(member, {})[protocol.fold(name)] = name

    def _lift_block(self, member: Member, folded: str) -> None:
        self._blockers[folded].remove(member)
        if not self._blockers[folded]:
            del self._blockers[folded]
        del self._lists[member][folded]
        if not self._lists[member]:
            del self._lists[member]


# -------------------------------------------------------------------------------------- the loop

ACCEPT_SECONDS = 0.002  # of a turn, to let in those who knock
ACCEPT_REST_SECONDS = 1.0  # after the system ran out of descriptors
RECEIVE_SIZE = 64 * 1024  # bytes for one recv()
TURN_SECONDS = 0.007  # for all that is read in a turn; to send it to a thousand takes as long
REQUESTS_PER_TURN = 32  # of one connection, so that a flood does not hold up the others


class Server:
    """The select() loop, and what it does when a socket is ready or a deadline has come."""

    def __init__(
        self,
        listeners: list[socket.socket],
        signals: socket.socket,
        selector: selectors.BaseSelector,
        settings: Settings,
        log: Log,
    ) -> None:
        self.listeners = listeners
        self.selector = selector
        self.settings = settings
        self.log = log.note
        self.connections: set[Connection] = set()  # those here, and those leaving
        self.names: dict[Connection, str] = {}  # the room writes it, the others look people up
        self.deadlines = Deadlines()
        self.pace = Pace(settings, self.deadlines, self.answer_requests)
        self.slow_readers = SlowReaders(settings, self.pace)
        self.admission = Admission(settings, self.deadlines, self.pace, self.admit)
        self.farewell = Farewell(self.deadlines, self.close)
        self.wire_view = WireView(self.names, self.admission, self.log) if settings.wire else None
        self.news = News(self.names, self.wire_view)
        self.muted = Muted(self.deadlines, self.pace, self.take_name)
        self.door = Door(self.names, self.muted, self.log)
        self.places = Places(
            settings, selector, self.deadlines, self.log, self.evict, self.wire_view, self.door
        )
        self.room = Room(self.names, self.muted, self.news.deliver, self.news.announce)
        self.desk = Desk(selector, self.deadlines, log, Teacher(self))
        # What the loop has to know of too, and not the room alone.
        ours = {"NAME": self.take_name, "PASS": self.admit, "EXIT": self.exit}
        self.handlers = {**self.room.handlers, **ours}
        self.turn_end = 0.0  # by the clock of time.monotonic()
        self.signals = signals
        selector.register(signals, selectors.EVENT_READ, self.heed_signals)
        for listener in listeners:
            self.watch_listener(listener)

    def serve(self) -> None:
        """Run the chat until it was stopped and everyone has been seen off."""
        while self.listeners or self.connections:
            patience = self.deadlines.patience()
            ready = self.selector.select(patience)
            self.turn_end = time.monotonic() + TURN_SECONDS
            for deed, whom in self.deadlines.take_due() if patience is not None else ():
                if isinstance(whom, Connection):
                    self.guard(deed, whom)
                else:
                    deed(whom)
                if self.turn_is_over:
                    break
            for key, events in ready:
                if isinstance(key.data, Connection):
                    if events & selectors.EVENT_WRITE:
                        self.serve_in_turn(self.send_more, key.data)
                    if events & selectors.EVENT_READ:
                        self.serve_in_turn(self.read_in_turn, key.data)
                elif callable(key.data):
                    key.data()  # signals, or the desk's keys
            for key, _ in ready:
                if key.data in self.listeners:
                    self.accept_waiting(key.data)
            self.send_news()
            self.desk.show(self.heed_signals)

    @property
    def turn_is_over(self) -> bool:
        """Whether this turn lasts long enough, or has so much to say, that the rest has to wait."""
        return self.news.is_large or time.monotonic() > self.turn_end

    def serve_in_turn(self, task: Callable[[Connection], None], connection: Connection) -> None:
        """Serve one client, or have it stand in line for the next turn."""
        if self.turn_is_over:
            self.deadlines.later(0, connection, task)
        else:
            self.guard(task, connection)

    def guard(self, task: Callable[[Connection], None], connection: Connection) -> None:
        """Serve one client. A fault of ours costs that client its place, and nobody else's."""
        if connection not in self.connections:
            return  # closed earlier in this turn
        try:
            task(connection)
        except ProtocolError as error:
            self.complain(connection, error)
        except OSError as error:  # it broke: a departure like any other
            self.drop(connection, why_lost(error))
        except Exception as fault:  # noqa: BLE001 (whatever it is: the others go on talking)
            self.log(f"while {self.who(connection)} was served: {trace_of(fault)}")
            self.drop(connection, "a fault in the server")

    # -- coming

    def watch_listener(self, listener: socket.socket) -> None:
        """Have select() tell when somebody knocks."""
        self.selector.register(listener, selectors.EVENT_READ, listener)

    def accept_waiting(self, listener: socket.socket) -> None:
        """Let in everyone who waits: a class that comes at once shall not take a turn for each."""
        end = time.monotonic() + ACCEPT_SECONDS
        while True:
            try:
                client, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return  # nobody waits any more
            except OSError as error:
                if error.errno in NONE_IS_LEFT:
                    # The listener stays readable, so watching on would spin. Those who knock
                    # wait in the kernel's backlog meanwhile.
                    self.log(f"cannot accept for now: {error.strerror}")
                    self.selector.unregister(listener)
                    self.deadlines.later(ACCEPT_REST_SECONDS, listener, self.watch_listener)
                    return
                # Any other error: this one has gone again before it was let in.
            else:
                if connection := self.places.let_in(client, address):
                    self.connections.add(connection)
                    self.pace.welcome(connection)
                    connection.watch(self.selector)
                    self.guard(self.door.check, connection)
            if time.monotonic() > end:
                return  # the others wait in the backlog until those inside have been served

    # -- asking

    def read_in_turn(self, connection: Connection) -> None:
        """Read from one client, if it may be read now."""
        if connection.stream.is_opening:
            # That may take milliseconds: those who begin wait in a line, and hold up nobody else.
            self.deadlines.later(0, connection, self.read)
        elif not connection.paused:
            self.read(connection)

    def read(self, connection: Connection) -> None:
        """Read once, and answer every request that is whole by then."""
        try:
            data = connection.stream.recv(RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            connection.watch(self.selector)
            return  # nothing there after all, see select(2); or nothing for us
        if not data or connection.stream.ended:
            connection.input_ended = True
        if connection.leaving:
            self.finish(connection)
            return
        if self.wire_view:
            self.wire_view.read(connection, data)
        connection.reader.feed(data)
        if not self.answer_requests(connection) and not connection.leaving:
            self.pace.count_a_piece(connection)
            connection.watch(self.selector)

    def answer_requests(self, connection: Connection) -> int:
        """Answer the requests that have arrived whole, until none is left or it has to wait.

        Returns how many that were.
        """
        answered = 0
        while (payload := connection.reader.next_payload()) is not None:
            self.answer(connection, payload)
            answered += 1
            self.slow_readers.look_at(connection)
            self.pace.count(connection, len(payload))
            if answered == REQUESTS_PER_TURN or self.turn_is_over:
                self.pace.yield_turn(connection)
            if connection.paused or connection.leaving:
                break
        else:
            if connection.input_ended:
                self.part_from(connection, connection.broken or "closed the connection")
        connection.watch(self.selector)
        return answered

    def answer(self, connection: Connection, payload: bytes) -> None:
        """Do what one request asks for, or say why not."""
        if self.wire_view:
            self.wire_view.received(connection, payload)
        try:
            text = protocol.read_request_text(payload)
            self.admission.check(connection, text)
            request = protocol.parse_request(text)
            if self.settings.verbose:
                self.log(f"{self.who(connection)} asks: {protocol.show_request(request)}")
            self.handlers[request.verb](connection, request)
        except ProtocolError as error:
            self.complain(connection, error)

    def complain(self, connection: Connection, error: ProtocolError) -> None:
        """Tell a client what it did wrong; see it off where there is no going on from there."""
        self.news.deliver(connection, protocol.error_frame(error))
        if error.closes:
            self.part_from(connection, error.closes)

    def admit(self, connection: Connection, request: Request) -> None:
        """Let in who may come in."""
        if self.admission.accepts(connection, request):
            self.tell(connection, "ACCEPTED")

    def take_name(self, connection: Connection, request: Request) -> None:
        """Let somebody take a name: now they are part of the chat."""
        newcomer, before = connection not in self.names, self.who(connection)
        if self.door.holds_up(connection, request):
            return
        self.news.catch_up(connection)  # a newcomer hears what comes from here on
        self.room.handlers["NAME"](connection, request)
        self.places.settle(connection)
        if self.who(connection) != before:
            self.log(f"{before} is now called {self.who(connection)}")
            self.door.was_named(connection, newcomer=newcomer)

    def exit(self, connection: Connection, _request: Request) -> None:
        """Say goodbye."""
        self.tell(connection, "BYE")
        self.part_from(connection, LEFT)

    # -- sending

    def who(self, connection: Connection) -> str:
        """Return what a connection is called in the log: its name, else its address."""
        return self.room.names.get(connection) or str(connection)

    def tell(self, connection: Connection, payload: str) -> None:
        """Let one client hear a payload at the end of this turn."""
        self.news.deliver(connection, protocol.encode(payload))

    def send_news(self) -> None:
        """Send what this turn had to say: to everyone, then to those who have news of their own."""
        news = self.news
        while news.announced or news.addressed:  # send_outbox may cut somebody off: news again
            if news.announced:
                news.send_announcements()
            while news.addressed:
                self.guard(self.send_outbox, news.addressed.pop())
        news.begin_anew()

    def send_more(self, connection: Connection) -> None:
        """Go on sending to one client, now that its kernel has room again."""
        connection.kernel_full = False
        self.send_outbox(connection)

    def send_outbox(self, connection: Connection) -> None:
        """Send what waits for one client, as far as its kernel takes it."""
        waiting = connection.outbox_size
        try:
            connection.flush()
        except OSError as error:
            if connection.leaving:
                raise
            connection.lose_output(why_lost(error))  # what it asked before that is still done
        if self.slow_readers.is_lost(connection):
            self.drop(connection, f"cut off: {connection.outbox_size} bytes wait for it to read")
        elif connection.leaving:
            if connection.outbox_size < waiting:
                self.farewell.has_sent(connection)
            self.finish(connection)
        else:
            self.slow_readers.look_at(connection)
            connection.watch(self.selector)

    # -- leaving: drop (at once) and part_from (in good order) both depart from the room; see_off
    # and finish let the last words arrive; close gives everything back.

    def drop(self, connection: Connection, reason: str) -> None:
        """Take a client out of the room, and close its connection as it stands."""
        try:
            self.depart(connection, reason)
        finally:
            self.close(connection)

    def part_from(self, connection: Connection, reason: str) -> None:
        """Take a client out of the room; what waits for it still goes out before it is closed."""
        self.depart(connection, reason)
        self.see_off(connection)

    def depart(self, connection: Connection, reason: str) -> None:
        """Take a client out of the room and tell the others."""
        if not connection.leaving:
            self.door.went(connection, reason)
            self.room.leave(connection)

    def see_off(self, connection: Connection) -> None:
        """From now on only send: what it asks is no longer looked at."""
        self.forget(connection)
        self.places.unsettle(connection)
        self.farewell.begin(connection)
        self.news.addressed.add(connection)

    def evict(self, connection: Connection, error: ProtocolError) -> None:
        """Tell a client why it has to go, if it takes that at once, and close its connection."""
        if not connection.leaving:
            self.news.deliver(connection, protocol.error_frame(error))
        self.farewell.hurry_out(connection)
        self.drop(connection, error.closes)

    def finish(self, connection: Connection) -> None:
        """Close a leaving connection if its last words have arrived."""
        if self.farewell.try_to_end(connection):
            self.close(connection)
        else:
            connection.watch(self.selector)

    def forget(self, connection: Connection) -> None:
        """Let nothing of what it waited for happen to it any more."""
        for part in (self.deadlines, self.pace, self.slow_readers, self.admission, self.muted):
            part.forget(connection)

    def close(self, connection: Connection) -> None:
        """Give back all that a connection has used."""
        connection.close(self.selector)
        self.connections.remove(connection)
        self.forget(connection)
        self.news.forget(connection)
        self.places.let_out(connection)

    def heed_signals(self) -> None:
        """Ctrl+C, say, at a server without a desk: several at once are one."""
        if ours := [one for one in signals_that_came(self.signals) if not self.desk.heed(one.name)]:
            self.end(STOP_SENTENCES[ours[0]])
            self.send_news()  # for this may be all that is left of the turn

    def end(self, sentence: str) -> None:
        """Let nobody in any more and see everyone off, so that serve() ends; or else just go."""
        if not self.listeners:
            for connection in list(self.connections) if self.farewell.may_be_cut_short else ():
                self.close(connection)
            return
        self.log(sentence)
        self.farewell.hurry()
        for listener in self.listeners:
            if not self.deadlines.forget(listener):  # else it rests, unwatched
                self.selector.unregister(listener)
            listener.close()
        self.listeners = []
        for connection in self.connections:
            if not connection.leaving:
                self.tell(connection, f"INFO {sentence}")
                self.tell(connection, "BYE")
            self.see_off(connection)


# ---------------------------------------------------------------------------------------- main()


def main(arguments: list[str] | None = None) -> int:
    """Run the server until it is stopped by a signal. Returns the exit code."""
    options = parse_arguments(arguments)
    log = Log()
    selector = SELECTORS[options.selector]()
    try:
        settings = load_settings(options, selector)
        listeners = open_listeners(options.host, options.port)
        signals = catch_server_signals(selector)
    except CannotStartError as reason:
        print(f"chat_server: {reason}", file=sys.stderr)
        return 1
    server = Server(listeners, signals, selector, settings, log)
    for line in welcome(listeners, settings):
        log.say(line)
    with server.desk:
        server.serve()
    log.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
