"""A client in a pseudo-terminal: the suite types, watches the screen, and plays the server.

Only what the exercise sheet promises is asked of a stranger's client: what is typed with the verb
in capitals is sent as it is, and what a MSG carries appears on the screen. It may show prompts and
colours, echo, ask for a name first, and send requests of its own; those get a fitting answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import struct
import sys
import threading
import time

from .family import Family
from .program import START_SECONDS, command_words
from .wire import RuleBroken, Stream, require, show

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

ROWS, COLUMNS = 50, 200
QUIET_SECONDS = 0.3  # a client that has been silent for so long is ready for what we type
WATCH_SECONDS = 0.1  # how often the watcher looks whether we have ended
SCREEN_SIZE = 200_000  # bytes that are kept; a flood of them is read and forgotten
CONTROL_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles
    r"|\x1b[@-Z\\-_=>78]|[\x00-\x09\x0b-\x1f\x7f]"
)
CURSOR_FORWARD = re.compile(r"\x1b\[(\d*)C")  # how some programs draw spaces
ASKS_FOR_A_NAME = re.compile(r"name|nick|user|who are you", re.IGNORECASE)


class Terminal:
    """One client program, its keyboard, its screen and the connection that it opens."""

    def __init__(self, command: str, patience: float) -> None:
        self.command = command
        self.patience = patience  # seconds that one step may take
        self.situation = ""
        self.output = bytearray()
        self.last_output = time.monotonic()
        self.name = ""
        self.process: Family | None = None
        self.keyboard = -1  # our end of the pseudo-terminal
        self.watcher: threading.Thread | None = None
        self.over = False
        self.stream: Stream | None = None

    # --------------------------------------------------------------------------- start and stop

    def start(self) -> None:
        """Run the client and see it through whatever it asks before it is ready."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._run(listener.getsockname()[1])
            self._accept(listener)
        self._wait_until_quiet()
        if not self.name and ASKS_FOR_A_NAME.search(self._unfinished_line()):
            self.types("alice")
            self._wait_until_quiet()
        if not self.name:
            self.types("NAME alice")
            with contextlib.suppress(RuleBroken):  # the rule about it will say so
                self.sends("NAME alice")

    def _run(self, port: int) -> None:
        self.keyboard, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {"LC_ALL": "C.UTF-8", **os.environ, "TERM": "xterm"}
        try:
            self.process = Family(
                command_words(self.command, host="127.0.0.1", port=port),
                stdin=inside,
                stdout=inside,
                stderr=inside,
                environment=environment,
            )
        except OSError as error:
            raise RuleBroken(f"the client cannot be started: {error}") from None
        finally:
            os.close(inside)
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def _watch(self) -> None:
        """Read what the client shows until it has ended, or we have."""
        with contextlib.suppress(OSError):  # how Linux says that nobody holds the other end
            while not self.over:
                if not select.select([self.keyboard], [], [], WATCH_SECONDS)[0]:
                    continue
                if not (data := os.read(self.keyboard, 4096)):
                    return
                self.output += data
                del self.output[:-SCREEN_SIZE]
                self.last_output = time.monotonic()

    def _accept(self, listener: socket.socket) -> None:
        listener.settimeout(QUIET_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        asked = False
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                self.stream = Stream(connection, "the server", "the client", self.patience)
                return
            require(self._runs(), f"the client ended before it connected; it shows {self._shown()}")
            if self._unfinished_line() and not asked:
                asked = True
                self.types("alice")
        raise RuleBroken(f"the client did not connect within {START_SECONDS:g} s")

    def _runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _wait_until_quiet(self) -> None:
        """Answer what the client asks until it asks and shows nothing more."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if self._next_request(time.monotonic() + QUIET_SECONDS) is not None:
                continue
            if time.monotonic() - self.last_output > QUIET_SECONDS:
                return

    def stop(self) -> None:
        """End the client with all its children."""
        if self.process is not None:
            self.process.end()
        if self.stream is not None:
            self.stream.close()
        self.over = True
        if self.watcher is not None:
            self.watcher.join()  # a number that is closed while it is read is given to the next
        if self.keyboard >= 0:
            os.close(self.keyboard)

    # ----------------------------------------------------------------------------- the keyboard

    def presses(self, keys: str) -> None:
        """Press these keys, without Enter."""
        with contextlib.suppress(OSError):  # it has ended; what follows will say so
            os.write(self.keyboard, keys.encode())

    def types(self, line: str) -> None:
        """Type a line and press Enter, which on a keyboard is a carriage return."""
        self.presses(line + "\r")

    # ------------------------------------------------------------------------------- the server

    def _next_request(self, deadline: float) -> str | None:
        """Return the client's next payload, answered; None when nothing comes by the deadline."""
        assert self.stream
        try:
            payload = self.stream.frame_before(deadline)
        except TimeoutError:
            return None
        if payload is None:
            return None
        request = without_enter_key(payload)
        verb, _, rest = request.partition(" ")
        if verb == "NAME" and rest:
            self.name = rest
            self.stream.send(f"HELLO {rest}")
        elif verb == "GET_NAMES":
            self.stream.send(f"NAMES 1 {self.name}" if self.name else "NAMES 0")
        elif verb == "PASS":
            self.stream.send("ACCEPTED")
        return request

    def sends(self, expected: str) -> None:
        """Wait for a frame with this payload; the Enter key may be part of it."""
        came: list[str] = []
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            request = self._next_request(deadline)
            if request == expected:
                return
            if request is not None:
                came.append(request)
            elif self.stream and self.stream.ended:
                raise RuleBroken(
                    f"the client closed its connection instead of sending {expected!r}"
                )
        rest = f"; what came is {show(came)}" if came else ""
        if self.stream and self.stream.unread:
            rest += f"; an unfinished frame came: {show(bytes(self.stream.unread))}"
        raise RuleBroken(
            f"{expected!r} was typed, and {self.patience:g} s later no such frame had come{rest}"
        )

    def ends_in_order(self) -> None:
        """Say BYE, unless the client is gone by then, and insist that no reset ends it."""
        assert self.stream
        deadline = time.monotonic() + self.patience
        while self._next_request(time.monotonic() + QUIET_SECONDS) is not None:
            if time.monotonic() > deadline:
                break
        if not self.stream.ended:
            self.stream.send("BYE")
            self.stream.stop_sending()
        deadline = time.monotonic() + self.patience
        while not self.stream.ended and time.monotonic() < deadline:
            self._next_request(deadline)
        require(self.stream.ended, "EXIT was answered BYE, and the client does not close")
        require(not self.stream.was_reset, "the client's connection ended with a reset")

    def hears(self, data: bytes) -> None:
        """Send these bytes to the client."""
        assert self.stream
        self.stream.send_bytes(data)

    def wait_a_moment(self) -> None:
        """Let the client read what it was sent so far; a slow one only makes a rule easier."""
        time.sleep(0.005)

    # ------------------------------------------------------------------------------- the screen

    def _screen(self) -> str:
        output = bytes(self.output).decode(errors="replace")
        output = CURSOR_FORWARD.sub(lambda found: " " * int(found[1] or 1), output)
        return CONTROL_SEQUENCES.sub("", output)

    def _unfinished_line(self) -> str:
        """Return what stands after the last line end: a prompt, if there is one."""
        return self._screen().rpartition("\n")[2].strip()

    def _shown(self) -> str:
        return show(self._screen().strip()[-60:]) if self._screen().strip() else "nothing"

    def shows_exactly(self, text: str) -> None:
        """Wait until the screen has shown this text, every space of it, within one row."""
        self.shows(*text.split())
        require(
            text in self._screen(),
            f"the screen shows the words of {show(text)}, but not the spaces between them;"
            f" it ends with {self._shown()}",
        )

    def shows(self, *texts: str) -> None:
        """Wait until the screen has shown these texts, in this order, however rows are broken."""
        deadline = time.monotonic() + self.patience
        while True:
            missing = first_missing(" ".join(self._screen().split()), texts)
            if missing is None:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        ended = "" if self._runs() else ", and the client has ended"
        raise RuleBroken(
            f"the screen did not show {show(missing)} within {self.patience:g} s{ended};"
            f" it ends with {self._shown()}"
        )


def first_missing(screen: str, texts: tuple[str, ...]) -> str | None:
    """Return the first text that does not stand on the screen after those before it."""
    position = 0
    for text in texts:
        position = screen.find(text, position)
        if position < 0:
            return text
        position += len(text)
    return None


def without_enter_key(payload: str) -> str:
    for ending in ("\r\n", "\n", "\r"):
        if payload.endswith(ending):
            return payload[: -len(ending)]
    return payload
