"""A window on a real server, driven through Tk's own events.

What it shows is read from its widgets. The window is another process, in which a test has
expressions evaluated; nothing else is needed for it.
"""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import DEADLINE, ROOT, ServerProcess

PLAIN = 96 / 72  # pixels a point: `tk scaling` where nothing is enlarged

# The program as it is, and beside it a socket through which a test has expressions evaluated.
# Windows in the test's own process will not do: with several of them Tk 8.6 mixes up their focus
# and crashes.
WINDOW_PROCESS = """
import ctypes, select, socket, sys
from functools import partial
from chat.client.window import start, window

channel = socket.create_connection(("127.0.0.1", int(sys.argv.pop(1))))
lines = channel.makefile(encoding="utf-8")

class Window(window.Window):
    def __init__(self, root, options):
        root.tk.call("tk", "scaling", float(sys.argv.pop(1)))
        super().__init__(root, options)
        parts = {
            "entry": self.entry.text,
            "conversation": self.conversation.text,
            "people": self.people.list,
            "menu": self.people.menu,
            "status": self.status.label,
            **self.dialog.fields,
        }
        self.names = {"window": self, "root": root, "dialog": self.dialog, **parts}
        self.names["focus"] = lambda: next(
            (name for name, part in parts.items() if part is root.focus_get()), "")
        self.names["menu_is_open"] = self.people.menu.winfo_viewable
        self.names["close_menu"] = partial(self.people.menu.event_generate, "<Escape>")
        if sys.platform == "win32":  # a menu there is the system's own, of which Tk knows nothing
            user = ctypes.WinDLL("user32")
            self.names["menu_is_open"] = partial(user.FindWindowW, "#32768", None)
            self.names["close_menu"] = user.EndMenu
        self.answer()

    def answer(self):
        if select.select([channel], [], [], 0)[0] and (line := lines.readline()):
            try:
                answer = repr(eval(line, self.names))
            except Exception as error:
                answer = f"!{error!r} in {line!r}"
            channel.sendall(f"{answer}\\n".encode())
        self.root.after(1, self.answer)

options, window.Window = sys.argv[2:], Window
sys.exit(start.main(options))
"""


class Opened:
    """A window, what a person sees of it, and what they can do with it."""

    def __init__(self, faults: Path, *arguments: str, scaling: float = PLAIN) -> None:
        self._faults = faults  # a file for all that the program has to complain
        with socket.create_server(("127.0.0.1", 0)) as listener, faults.open("w") as errors:
            listener.settimeout(DEADLINE)
            port = str(listener.getsockname()[1])
            self.process = subprocess.Popen(
                [sys.executable, "-c", WINDOW_PROCESS, port, str(scaling), *arguments],
                cwd=ROOT,
                stderr=errors,
            )
            try:
                self._channel = listener.accept()[0]
            except TimeoutError:
                self.process.kill()
                raise
        self._channel.settimeout(DEADLINE)
        self._answers = self._channel.makefile(encoding="utf-8")
        self.wait("root.winfo_viewable()")
        # There is no window manager to do it; the part that has the focus in the window keeps it.
        self("[part := root.focus_lastfor(), root.focus_force(), part.focus_force()] and None")

    def __call__(self, expression: str) -> Any:
        """Return what an expression is in the program."""
        self._channel.sendall(f"{expression}\n".encode())
        answer = self._answers.readline()
        assert answer, f"the program has ended: {self._faults.read_text()}"
        assert answer[0] != "!", answer
        return ast.literal_eval(answer)

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true in the program; return its value."""
        end = time.monotonic() + DEADLINE
        while not (value := self(expression)):
            assert time.monotonic() < end, f"never came true: {expression}\n{self.shown()}"
        return value

    def wait_for(self, pattern: str) -> str:
        """Wait until a line of the conversation matches; return the last that does."""
        end = time.monotonic() + DEADLINE
        while not (found := re.findall(rf"^.*{pattern}.*$", self.shown(), re.MULTILINE)):
            assert time.monotonic() < end, f"no {pattern!r} in:\n{self.shown()}"
        return str(found[-1])

    def wait_for_complaint(self, field: str, words: str) -> None:
        """Wait until the dialog says what is wrong, with the focus on the field to correct."""
        self.wait(f"dialog.open and {words!r} in dialog.message['text']")
        self.wait(f"focus() == {field!r}")

    def wait_for_status(self, words: str) -> None:
        self.wait(f"{words!r} in status['text']")

    def wait_for_people(self, *rows: str) -> None:
        self.wait(f"people.get(0, 'end') == {rows!r}")

    def wait_for_typed(self, text: str) -> None:
        self.wait(f"entry.get('1.0', 'end-1c') == {text!r}")

    def wait_for_title(self, title: str) -> None:
        self.wait(f"root.title() == {title!r}")

    def shown(self) -> str:
        """Return the whole conversation."""
        return str(self("conversation.get('1.0', 'end-1c')"))

    def tags(self, text: str) -> set[str]:
        """Return the tags where the conversation shows `text` first."""
        return set(self(f"conversation.tag_names(conversation.search({text!r}, '1.0'))"))

    def press(self, *keys: str) -> None:
        """Press keys, or send virtual events, wherever the focus is."""
        for key in keys:
            self(f"[root.focus_get().event_generate('<{key}>'), root.update()] and None")

    def focus(self, part: str) -> None:
        """Give a part of the window the focus."""
        self(f"{part}.focus_force()")
        self.wait(f"focus() == {part!r}")

    def type(self, text: str, *keys: str) -> None:
        """Type into the entry, key by key, and press `keys`; what no key types is pasted."""
        self.focus("entry")
        if text.isascii() and "\n" not in text:
            names = {" ": "space", "/": "slash", "?": "question"}
            for character in text:
                self(f"entry.event_generate('<Key>', keysym={names.get(character, character)!r})")
        else:
            self(f"[root.clipboard_clear(), root.clipboard_append({text!r})] and None")
            self.press("<Paste>")
        self.press(*keys)

    def say(self, text: str) -> None:
        """Type a line and press Enter."""
        self.type(text, "Return")

    def click(self, row: int, button: int, times: int = 1) -> None:
        """Click on a row of the people."""
        left, top, _, height = self(f"people.bbox({row})")
        x, y = left + 3, top + height // 2
        place = f"x={x}, y={y}, rootx=people.winfo_rootx() + {x}, rooty=people.winfo_rooty() + {y}"
        for _ in range(times):
            for event in (f"<ButtonPress-{button}>", f"<ButtonRelease-{button}>"):
                # Soon, not now: while Windows shows a menu, whoever asked for it has to wait.
                self(f"root.after(1, lambda: people.event_generate({event!r}, {place}))")

    def wait_for_menu(self) -> None:
        """Wait until the menu is open, and close it."""
        self.wait("menu_is_open()")
        self("close_menu()")
        self.wait("not menu_is_open()")

    def answer_dialog(self, **values: str) -> None:
        """Fill in fields of the dialog and press Enter."""
        for field, value in values.items():
            self.focus(field)
            self(f"[{field}.delete(0, 'end'), {field}.insert(0, {value!r})] and None")
        self.press("Return")

    def wait_until_closed(self) -> None:
        """Wait until the program has ended as it should."""
        assert self.process.wait(DEADLINE) == 0
        assert self._faults.read_text() == ""
        self._answers.close()
        self._channel.close()

    def close(self) -> None:
        """Close the window as a person does."""
        try:
            if self.process.poll() is None:
                self("root.after(1, root.tk.eval, root.protocol('WM_DELETE_WINDOW'))")
            self.wait_until_closed()
        finally:
            self.process.kill()


OpenWindow = Callable[..., Opened]


def join(
    open_window: OpenWindow, server: ServerProcess, *options: str, **settings: float
) -> Opened:
    """Return a window that is in the conversation as alice."""
    opened = open_window(server.host, str(server.port), "--name", "alice", *options, **settings)
    opened.wait_for(r"\* here \(\d+\)")
    return opened
