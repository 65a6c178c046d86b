"""The desk: a row to type in below the log, for whoever sits at the server.

Knows keys, the terminal, and whether this process is in front of it; does not know what a line
means (teacher.py). In the background the server never touches the terminal.
"""

from __future__ import annotations

import io
import os
import selectors
import socket
import sys
from collections.abc import Callable

from chat.server.deadlines import Deadlines
from chat.server.display import Display
from chat.server.log import Log, trace_of
from chat.server.stop import DESK_SIGNALS
from chat.server.teacher import Teacher
from chat.terminal.console import is_terminal, stop_job
from chat.terminal.keyboard import Keyboard, open_keyboard
from chat.terminal.keys import Paste
from chat.terminal.line_editor import LINE_END, LineEditor
from chat.terminal.screen import SIGNAL_TELLS_WIDTH

LOOK_SECONDS = 1.0  # in the background, between two looks: no signal tells of a shell's `fg`
PATIENCE_SECONDS = 0.5  # at the end, for a terminal that is behind
ANSWER_SECONDS = 0.03  # that the chat waits for a terminal to say where its cursor is
PROMPTS = ["everyone> ", "> "]


def has_terminal(log: Log) -> bool:
    """Whether standard input and output are one terminal, or console, that no write waits for."""
    streams = (sys.stdin, sys.stdout)
    if not all(isinstance(stream, io.TextIOWrapper) and is_terminal(stream) for stream in streams):
        return False  # IDLE's window says that it is a terminal, and is none
    if sys.platform == "win32":
        return True
    is_one = os.path.sameopenfile(sys.stdin.fileno(), sys.stdout.fileno())
    return is_one and log.printer.descriptor is not None


def is_in_front() -> bool:
    """Whether this process is in the foreground of its terminal: tcgetpgrp(3). On Windows all are.

    It is asked before anything is done to the terminal, which is somebody else's otherwise. Raises
    OSError: the terminal is gone, or it is that of another session.
    """
    return sys.platform == "win32" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


class Sitting:
    """From taking the terminal until it is given back: keys in, rows out."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        deadlines: Deadlines,
        log: Log,
        teacher: Teacher,
        editor: LineEditor,
        keyboard: Keyboard,
        attempt: Callable[[Callable[[], None]], None],
    ) -> None:
        """`attempt` does what a key asks for, and deals with a fault in it."""
        self._selector = selector
        self._deadlines = deadlines
        self._log = log
        self._teacher = teacher
        self._editor = editor
        self._keyboard = keyboard
        self._keyboard.answer_seconds = ANSWER_SECONDS
        self._attempt = attempt
        self._display = Display(log.printer, deadlines)
        self._watched: set[object] = set()
        self._is_stale = True  # the row has changed since it was shown
        self.stops = False  # Ctrl+Z was pressed
        self.ended = False  # no more keys come: the terminal is gone, or it is not ours any more

    def take(self) -> None:
        """Have keys as they are pressed, also where a shell has changed that meanwhile."""
        self._log.desk = self._display.log
        self._keyboard.take()
        self._display.screen.open()
        self._is_stale = True
        self._look_soon()

    def leave(self, *, in_front: bool, patience: float) -> None:
        """Give the terminal back, if it is still ours to be touched.

        Whoever reads it may be behind for so many seconds of `patience`.
        """
        self._log.desk = None
        self._deadlines.forget(self)
        self._watch(self._keyboard.source, selectors.EVENT_READ, False)
        self._watch(self._log.printer.descriptor, selectors.EVENT_WRITE, False)
        try:
            if in_front:
                self._display.close(patience)
        finally:
            if in_front:
                self._keyboard.give_back()
            for text in self._display.unshown():
                self._log.say(text)

    @property
    def has_news(self) -> bool:
        """Whether there is anything to show."""
        return self._is_stale or self._display.has_news

    def show(self) -> None:
        """Show what this turn has brought."""
        self._is_stale = False
        self._display.update(PROMPTS, self._editor)
        keys_wanted, room_wanted = not self._display.is_full, self._display.stands_still
        self._watch(self._keyboard.source, selectors.EVENT_READ, keys_wanted)
        self._watch(self._log.printer.descriptor, selectors.EVENT_WRITE, room_wanted)

    def resized(self) -> None:
        """The window has another size."""
        self._display.resized(self._keyboard.cursor_column)
        self._is_stale = True
        self._look_soon()  # for what was typed while the terminal was asked

    def tell(self, answers: list[str]) -> None:
        """Answer whoever sits here."""
        for answer in answers:
            self._display.tell(answer)

    # -- keys

    def _watch(self, source: int | socket.socket | None, event: int, wanted: bool) -> None:
        """Have select() tell of keys, and of room on the terminal, where it can."""
        if source is None or wanted == (source in self._watched):
            return
        if wanted:
            # Where there is room, show() goes on at the end of the turn.
            deed = self._keys_came if event == selectors.EVENT_READ else lambda: None
            self._selector.register(source, event, deed)
            self._watched.add(source)
        else:
            self._selector.unregister(source)
            self._watched.remove(source)

    def _look_soon(self) -> None:
        """Look at what select() does not tell of: a lone Escape; on Windows all keys."""
        if (patience := self._keyboard.patience()) is not None:
            self._deadlines.later(patience, self, self._look)

    def _keys_came(self) -> None:
        if self._keyboard.source in self._watched:  # else it was given up in this very turn
            self._attempt(lambda: self._press(self._keyboard.read(True)))

    def _look(self, _sitting: object) -> None:
        self._attempt(lambda: self._press(self._keyboard.read(False)))

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            if self.stops:
                break  # what was typed behind Ctrl+Z was meant for the shell
            self.press(key)
        self._is_stale = self._is_stale or not SIGNAL_TELLS_WIDTH
        self._look_soon()

    def press(self, key: str) -> None:
        """Do what a key means."""
        self._is_stale = True
        if key in ("ctrl-c", "ctrl-d") and not self._editor.text:
            self.tell(self._teacher.ask_to_end())
        elif key == "ctrl-z":
            self.stops = True
        elif key == "ctrl-l":
            self._display.screen.clear()
        elif key == "eof":
            self.ended = True
        else:
            self._edit(key)

    def _edit(self, key: str) -> None:
        """Have the line editor take a key, and do what the lines mean that it finishes."""
        lines = self._editor.press(key)
        if lines and (sentence := self._teacher.holds_back(lines)):
            self.tell([sentence])
            self._editor.put(LINE_END.join(lines))
        elif lines:
            self.tell(self._teacher.typed(lines))
        elif isinstance(key, Paste):
            pasted = self._editor.text.split(LINE_END)
            count = sum(bool(line.strip()) for line in pasted)
            says = f"{count} lines pasted: Enter says them, Ctrl+C drops them."
            self.tell([self._teacher.holds_back(pasted) or says] if count > 1 else [])


class Desk:
    """Takes the terminal whenever this process is in front of it, and gives it back."""

    def __init__(
        self, selector: selectors.BaseSelector, deadlines: Deadlines, log: Log, teacher: Teacher
    ) -> None:
        self._selector = selector
        self._deadlines = deadlines
        self._log = log
        self._teacher = teacher
        self._editor = LineEditor(teacher.completions)
        self._keyboard: Keyboard | None = None  # until what it has changed is given back
        self._sitting: Sitting | None = None
        self._knows_how = False  # whoever sits here was told what the desk is for
        self._is_lost = not has_terminal(log)  # there is no terminal, or none any more

    def __enter__(self) -> Desk:
        """Take the terminal, now or as soon as this process is in front of it."""
        self._attempt(self._look)
        self._show()
        return self

    def __exit__(self, *_: object) -> None:
        self._attempt(lambda: self._leave(PATIENCE_SECONDS))

    def _is_in_front(self) -> bool:
        try:
            return is_in_front()
        except OSError:
            self._is_lost = True
            return False

    def _look_again(self, _desk: object) -> None:
        self._attempt(self._look)

    def _look(self) -> None:
        """Sit down if the terminal is in front of us; look again in a moment if not."""
        if self._sitting or self._is_lost:
            return
        if self._is_in_front():
            self._sit_down()
        elif not self._is_lost:
            self._deadlines.later(LOOK_SECONDS, self, self._look_again)

    def _sit_down(self) -> None:
        self._keyboard = self._keyboard or open_keyboard(interactive=True)
        self._sitting = Sitting(
            self._selector,
            self._deadlines,
            self._log,
            self._teacher,
            self._editor,
            self._keyboard,
            self._attempt,
        )
        self._sitting.take()
        if not self._knows_how:
            self._knows_how = True
            self._sitting.tell(["What you type goes to everyone here; /help lists the rest."])

    def _leave(self, patience: float = 0.0) -> None:
        """Give the terminal back. The log is printed as anywhere else from now on."""
        sitting, self._sitting = self._sitting, None
        if sitting:
            in_front = self._is_in_front()
            if in_front:
                self._keyboard = None
            sitting.leave(in_front=in_front, patience=patience)

    def _attempt(self, deed: Callable[[], None]) -> None:
        """Do something at the desk. A fault of ours costs the desk, and not the chat."""
        try:
            deed()
            if self._sitting and self._sitting.ended:
                self._leave()
                self._look()
            elif self._sitting and self._sitting.stops:
                self._stop()
        except Exception as fault:  # noqa: BLE001 (whatever it is: people go on talking)
            self._is_lost = True
            self._attempt(self._leave)
            self._log.note(f"at the desk: {trace_of(fault)}")

    def show(self, heed_signals: Callable[[], None]) -> None:
        """At the end of a turn: show what it has brought.

        A signal may have come when select() had returned. What is shown in a window needs its size.
        """
        if self._sitting and self._sitting.has_news:
            heed_signals()
            self._show()

    def _show(self) -> None:
        if self._sitting:
            self._attempt(self._sitting.show)

    def heed(self, name: str) -> bool:
        """Do what a signal means that concerns the terminal; return whether this is one."""
        sitting = self._sitting
        if name == "SIGINT" and sitting:
            self._attempt(lambda: sitting.press("ctrl-c"))
        elif name == "SIGTSTP":
            self._attempt(self._stop)
        elif name == "SIGCONT":
            self._attempt(self._go_on)
        elif name == "SIGWINCH" and sitting:
            self._attempt(sitting.resized)
        return name in DESK_SIGNALS or (name == "SIGINT" and sitting is not None)

    def _stop(self) -> None:
        """Stop, like any program at Ctrl+Z, with the terminal as the shell expects it."""
        self._leave(PATIENCE_SECONDS)
        stop_job()
        self._look()

    def _go_on(self) -> None:
        """We were stopped by somebody else, and go on, perhaps in the background."""
        if self._sitting and self._is_in_front():
            self._sitting.take()
        else:
            self._leave()
            self._look()
