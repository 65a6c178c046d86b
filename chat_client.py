"""The chat client: one person's terminal, with select() on the socket and the keyboard.

A typed key goes this way: the keyboard reads it, the line editor makes lines of keys, `Commands`
finds out what a line means, the session sends the request over its link. A frame that comes goes
the other way: the link, the session, and as a line to the screen.

    chat/terminal/    the keyboard, the line editor, the screen
    chat/client/      what typed lines and received frames mean, the connection

What travels is in chat_protocol.py.
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Ctrl+C while the rest is imported, and until somebody talks, ends the program without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import io
import os
import select
import socket
import sys

import chat_protocol as protocol
from chat.client.commands import Commands, is_secret
from chat.client.lines import row
from chat.client.link import TOO_MANY_FILES, State, Stream, why_not_connected
from chat.client.options import (
    DEFAULT_HOST,
    add_session_options,
    login_name,
    parse_session_options,
    why_not_loaded,
)
from chat.client.session import Session
from chat.client.tls import load_tls
from chat.password_file import read_password
from chat.sockets import catch_signals
from chat.terminal.console import find_abilities, is_terminal
from chat.terminal.keyboard import Keyboard, open_keyboard
from chat.terminal.keys import Paste
from chat.terminal.line_editor import LINE_END, LineEditor
from chat.terminal.screen import Screen

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGWINCH", "SIGTSTP", "SIGCONT")
SIGNALS_AT_ONCE = 1024  # of those that have come and are not dealt with yet, a byte each

Watched = int | Stream  # what select() can watch: a descriptor, or what has one


class Client:
    """One person at a keyboard: the loop over socket, keyboard and signals."""

    def __init__(
        self,
        session: Session,
        keyboard: Keyboard,
        screen: Screen,
        signals: socket.socket,
        *,
        offered_name: str,
        colours: bool,
    ) -> None:
        self.session = session
        self.keyboard = keyboard
        self.screen = screen
        self.signals = signals
        self.offered_name = offered_name
        self.colours = colours
        self.commands = Commands(session)
        self.editor = LineEditor(self.commands.completions, is_secret)

    def run(self) -> int:
        """Talk until one side leaves. Returns the exit code."""
        session, keyboard = self.session, self.keyboard
        while True:
            self.editor.ask_secret(self.keeps_secret)
            rows = [row(line, colours=self.colours) for line in session.take_lines()]
            self.screen.update(rows, self.prompts(), self.editor)
            if session.state is State.OVER:
                return session.exit_code
            readable, writable = self.wait()
            if self.signals in readable:
                self.heed_signals()
            session.turn(session.socket in readable, session.socket in writable)
            for key in keyboard.read(keyboard.source in readable):
                self.press(key)

    def wait(self) -> tuple[list[Watched], list[Stream]]:
        """Sleep in select() until there is something to do: what may be read, what written."""
        session, keyboard = self.session, self.keyboard
        to_read, writing = session.watched
        reading: list[Watched] = [self.signals, *to_read]
        if keyboard.source is not None and not session.backed_up:
            reading.append(keyboard.source)
        timeouts = (keyboard.patience(), session.patience())
        timeout = min((seconds for seconds in timeouts if seconds is not None), default=None)
        # Windows reports a connect() that failed in the third list only, select(2) in the second.
        readable, writable, failed = select.select(reading, writing, writing, timeout)
        return readable, writable + failed

    @property
    def keeps_secret(self) -> bool:
        """Whether what is typed may be a password, or the second half of one."""
        half_typed = self.editor.asks_secret and self.editor.text != ""
        return self.session.needs_password or self.session.password_is_judged or half_typed

    def prompts(self) -> tuple[str, ...]:
        """Return what may stand before the line being typed, the best first, the shortest last."""
        if self.session.password_is_judged:
            return "Password sent, please wait: ", "> "
        if self.keeps_secret:
            return "Password: ", "> "
        if not self.session.needs_name:
            return ("> ",)
        offer = (f"Your name [{self.offered_name}]: ",) if self.offered_name else ()
        return *offer, "Your name: ", "> "

    def press(self, key: str) -> None:
        """Do what a key means."""
        if key == "eof" or (key in ("ctrl-c", "ctrl-d") and not self.editor.text):
            self.session.leave()
        elif key == "ctrl-z":
            self.suspend()
        elif key == "ctrl-l":
            self.screen.clear()
        else:
            secret = self.editor.asks_secret
            lines = self.editor.press(key)
            if secret and not self.session.needs_password:
                if any(lines):  # nobody asked for it: it is for no eyes
                    self.session.lines.tell("no password is asked for now: that was dropped")
                return
            if lines == [""] and self.session.needs_name:
                lines = [self.offered_name]
            if lines:
                self.commands.typed_lines(lines)
            if isinstance(key, Paste):
                self.tell_of_lines()

    def tell_of_lines(self) -> None:
        """Say what to do with several lines that were pasted."""
        count = sum(bool(line.strip()) for line in self.editor.text.split(LINE_END))
        if count > 1:
            self.session.lines.tell(f"{count} lines pasted: Enter sends them, Ctrl+C drops them")

    def heed_signals(self) -> None:
        """Do what the signals that have come ask for."""
        for number in self.signals.recv(SIGNALS_AT_ONCE):
            name = signal.Signals(number).name
            if name == "SIGINT":
                self.press("ctrl-c" if self.session.interactive else "eof")
            elif name == "SIGTSTP":
                self.suspend()
            elif name == "SIGCONT":
                self.keyboard.take()  # a shell may have changed the terminal meanwhile
                self.screen.open()
            elif name == "SIGWINCH":
                self.screen.resized(self.keyboard.cursor_column)
            else:
                self.session.leave()

    def suspend(self) -> None:
        """Stop, like any program at Ctrl+Z, with the terminal as the shell expects it."""
        if not hasattr(signal, "SIGTSTP"):
            return
        self.screen.close()
        self.keyboard.give_back()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)  # the whole job, as the terminal itself would do it
        # Here the program goes on when the shell says `fg`.
        signal.signal(signal.SIGTSTP, handler)
        self.keyboard.take()
        self.screen.open()


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chat_client.py",
        description="Talk to everyone at a chat_server.py. /help shows the commands.",
    )
    add_session_options(parser)
    parser.add_argument(
        "--no-color", action="store_true", help="no colours; NO_COLOR=1 does the same"
    )
    parser.add_argument("--version", action="version", version=f"chat_client {protocol.VERSION}")
    options = parse_session_options(parser, arguments)
    options.host = options.host or DEFAULT_HOST
    return options


def wait_until_connected(session: Session) -> bool:
    """Connect, however long that takes. Returns whether it worked; else take_lines() says why."""
    try:
        session.connect()
    except (OSError, UnicodeError) as error:
        session.end(1, why_not_connected(error, session.host, session.port))
    while session.state is State.CONNECTING:
        session.turn(*session.ready(session.patience()))
    return session.state is State.ONLINE


def main(arguments: list[str] | None = None) -> int:
    """Run the client. Returns the exit code."""
    options = parse_arguments(arguments)
    if sys.stdin is None or not isinstance(sys.stdout, io.TextIOWrapper):
        print("chat_client: needs an input and an output that are open.", file=sys.stderr)
        return 1
    # A name in a script that this terminal's encoding lacks must not end the conversation.
    sys.stdout.reconfigure(errors="replace")
    is_redirected = sys.platform == "win32" and not is_terminal(sys.stdout)
    if is_redirected and "PYTHONIOENCODING" not in os.environ:
        sys.stdout.reconfigure(encoding="utf-8")  # not the old code page, which lacks most scripts
    interactive = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    try:
        password = read_password(options.password_file) if options.password_file else ""
        tls = load_tls(options.tls_ca) if options.tls else None
    except (OSError, ValueError) as error:
        print(f"chat_client: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    session = Session(
        options.host,
        options.port,
        options.name,
        password=password,
        tls=tls,
        interactive=interactive,
        wire=options.wire,
    )
    if not wait_until_connected(session):
        for line in session.take_lines():
            print(f"chat_client: {line.text.removeprefix('! ')}", file=sys.stderr)
        return 1
    return talk(session, options.no_color)


def talk(session: Session, no_color: bool) -> int:
    """Give a connected session a keyboard and a screen. Returns the exit code."""
    keyboard = open_keyboard(interactive=session.interactive)
    abilities = find_abilities(sys.stdout)
    screen = Screen(sys.stdout, terminal=session.interactive, escapes=abilities.escapes)
    # One that was told to be ignored stays so: nohup(1).
    caught = [
        number
        for number in signal.Signals
        if number.name in SIGNALS and signal.getsignal(number) is not signal.SIG_IGN
    ]
    try:
        signals = catch_signals(caught)
        select.select([signals], [], [], 0)
    except (OSError, ValueError):  # no descriptor is left, or none that select(2) can watch
        print(f"chat_client: {TOO_MANY_FILES}", file=sys.stderr)
        return 1
    colours = abilities.colours and not no_color and not os.environ.get("NO_COLOR")
    client = Client(
        session,
        keyboard,
        screen,
        signals,
        offered_name=login_name(),
        colours=colours,
    )
    keyboard.take()
    try:
        screen.open()
        return client.run()
    except OSError:
        # Nobody reads our output any more. What is left of it must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        screen.close()
        keyboard.give_back()


if __name__ == "__main__":
    sys.exit(main())
