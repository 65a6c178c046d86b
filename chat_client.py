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
import sys

if sys.version_info < (3, 10):  # noqa: UP036 (there are older ones)
    sys.exit(f"chat_client: Python {sys.version.split()[0]} is too old: install 3.10 or later.")
if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Ctrl+C while the rest is imported, and until somebody talks, ends the program without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import io
import os
import select
import socket
import threading

try:
    from chat.client.commands import Commands, is_secret
    from chat.client.lines import Line
    from chat.client.link import TOO_MANY_FILES, State, Stream, why_not_connected
    from chat.client.options import login_name, parse_arguments, why_not_loaded
    from chat.client.prompts import free_name, prompts, title
    from chat.client.rows import rows
    from chat.client.session import Session
    from chat.client.tls import load_tls
    from chat.password_file import read_password
    from chat.sockets import catch_signals
    from chat.terminal.console import (
        Abilities,
        find_abilities,
        is_terminal,
        stop_job,
        take_all_text,
    )
    from chat.terminal.keyboard import Keyboard, open_keyboard
    from chat.terminal.keys import Paste
    from chat.terminal.line_editor import LINE_END, LineEditor
    from chat.terminal.screen import Screen
except ModuleNotFoundError as error:
    if str(error.name).split(".")[0] not in ("chat", "chat_protocol"):
        raise  # it is none of ours
    sys.exit(f"chat_client: its part {error.name} is missing: unpack or copy the whole folder.")

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGWINCH", "SIGTSTP", "SIGCONT")
SIGNALS_AT_ONCE = 1024  # of those that have come and are not dealt with yet, a byte each
QUICK_SECONDS = 1.0  # to connect: what takes longer is not left without a word
NO_STREAMS = (
    "cannot be used in IDLE, nor without an open input and output: start it in a terminal, or "
    "start chat_gui.py, the same in a window."
)

Watched = int | Stream  # what select() can watch: a descriptor, or what has one


class Client:
    """One person at a keyboard: the loop over socket, keyboard and signals."""

    def __init__(
        self,
        session: Session,
        keyboard: Keyboard,
        screen: Screen,
        signals: socket.socket,
        abilities: Abilities,
        *,
        offered_name: str,
        rings: bool,
    ) -> None:
        self.session = session
        self.keyboard = keyboard
        self.screen = screen
        self.signals = signals
        self.abilities = abilities
        self.offered_name = offered_name
        self.rings = rings
        self.commands = Commands(session)
        self.editor = LineEditor(self.commands.completions, is_secret)
        self.unseen = 0  # lines for this person since the last key
        self.asked_to_leave = False  # by Ctrl+C, once

    def run(self) -> int:
        """Talk until one side leaves. Returns the exit code."""
        session, keyboard = self.session, self.keyboard
        while True:
            self.editor.ask_secret(self.keeps_secret)
            self.show(session.lines.take())
            if session.state is State.OVER:
                return session.exit_code
            readable, writable = self.wait()
            self.heed_signals()
            session.turn(session.socket in readable, session.socket in writable)
            for key in keyboard.read(keyboard.source in readable):
                self.press(key)

    def show(self, lines: list[Line]) -> None:
        """Show lines, and what is being typed below them."""
        screen = self.screen
        width = screen.row_width
        shown = [row for line in lines for row in rows(line, width, self.abilities)]
        before = prompts(self.session, self.offered_name, secret=self.keeps_secret)
        screen.update(shown, before, self.editor)
        for_me = sum(line.for_me for line in lines)
        if for_me and self.rings:
            screen.ring()
        self.unseen += for_me
        screen.show_title(title(self.session, self.unseen))

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
        return self.session.password.wanted or self.session.password.is_judged or half_typed

    def press(self, key: str) -> None:
        """Do what a key means."""
        self.unseen = 0
        asked, self.asked_to_leave = self.asked_to_leave, False
        if key == "ctrl-c" and not self.editor.text and not asked:
            self.asked_to_leave = True
            self.session.lines.tell("Ctrl+C again leaves")
        elif key == "eof" or (key in ("ctrl-c", "ctrl-d") and not self.editor.text):
            self.session.leave()
        elif key == "ctrl-z":
            self.suspend()
        elif key == "ctrl-l":
            self.screen.clear()
        else:
            self.edit(key)

    def edit(self, key: str) -> None:
        """Have the line editor take a key, and do what the lines mean that it finishes."""
        if not self.editor.text:
            self.commands.begin_line()
        secret = self.editor.asks_secret
        lines = self.editor.press(key)
        if secret and not self.session.password.wanted:
            if any(lines):  # nobody asked for it: it is for no eyes
                self.session.lines.tell("no password is asked for now: that was dropped")
        elif lines == [""] and self.session.needs_name:
            self.commands.typed(free_name(self.session, self.offered_name))
        elif lines and self.commands.holds_back(lines):
            self.editor.put(LINE_END.join(lines))
        elif lines:
            self.commands.typed_lines(lines)
        elif isinstance(key, Paste):
            self.commands.tell_of_lines(self.editor.text)

    def heed_signals(self) -> None:
        """Do what the signals that have come ask for.

        One that comes as select() returns is not in what that tells. But a window's other size has
        to be known before anything is shown in it that came later.
        """
        try:
            numbers = self.signals.recv(SIGNALS_AT_ONCE)
        except BlockingIOError:
            return
        for number in numbers:
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
        self.screen.close()
        self.keyboard.give_back()
        stop_job()  # it goes on when the shell says `fg`
        self.keyboard.take()
        self.screen.open()


def wait_until_connected(session: Session) -> bool:
    """Connect, however long that takes. Returns whether it worked; else session.lines says why."""
    sentence = f"chat_client: connecting to {session.host}…"
    # A thread says it, for looking up the host may hold up this one.
    slow = threading.Timer(QUICK_SECONDS, print, [sentence], {"file": sys.stderr})
    slow.daemon = True
    if session.interactive:
        slow.start()
    try:
        session.connect()
    except (OSError, UnicodeError) as error:
        session.end(1, why_not_connected(error, session.host, session.port))
    while session.state is State.CONNECTING:
        session.turn(*session.ready(session.patience()))
    slow.cancel()
    if slow.is_alive():
        slow.join()  # what it has begun to say comes before anything else
    return session.state is State.ONLINE


def main(arguments: list[str] | None = None) -> int:
    """Run the client. Returns the exit code."""
    options = parse_arguments(arguments)
    try:
        password = read_password(options.password_file) if options.password_file else ""
        tls = load_tls(options.tls_ca) if options.tls else None
    except (OSError, ValueError) as error:
        print(f"chat_client: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    if not isinstance(sys.stdin, io.TextIOWrapper) or not isinstance(sys.stdout, io.TextIOWrapper):
        print(f"chat_client: {NO_STREAMS}", file=sys.stderr)
        return 1
    # A name in a script that this terminal's encoding lacks must not end the conversation.
    take_all_text(sys.stdout, "replace")
    session = Session(
        options.host,
        options.port,
        options.name,
        password=password,
        tls=tls,
        interactive=is_terminal(sys.stdin) and is_terminal(sys.stdout),
        wire=options.wire,
    )
    if not wait_until_connected(session):
        for line in session.lines.take():
            print(f"chat_client: {line.text}", file=sys.stderr)
        return 1
    return talk(session, options)


def talk(session: Session, options: argparse.Namespace) -> int:
    """Give a connected session a keyboard and a screen. Returns the exit code."""
    keyboard = open_keyboard(interactive=session.interactive)
    colours = not (options.no_color or os.environ.get("NO_COLOR"))
    abilities = find_abilities(sys.stdout, colours=colours)
    screen = Screen(sys.stdout, abilities, person=session.interactive)
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
    client = Client(
        session,
        keyboard,
        screen,
        signals,
        abilities,
        offered_name=login_name(),
        rings=options.bell,
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
