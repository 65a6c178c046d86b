"""The window client: a real window on a real server, driven through Tk's own events.

What it shows is read from its widgets. The display is an X server of its own (Xvfb) where there
is one, so that no window comes up on anybody's desk.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from harness import (
    DEADLINE,
    ROOT,
    ServerProcess,
    cpu_seconds,
    frames,
    make_certificate,
    needs_proc,
    quiet_for,
)
from terminal import PlayedServer

import chat_gui
from chat_client import PERSON_COLOURS, colour_number

tkinter = pytest.importorskip("tkinter", reason="this Python has no Tk")

PROGRAM = str(ROOT / "chat_gui.py")
PLAIN = 96 / 72  # pixels a point: `tk scaling` where nothing is enlarged
LONGEST_STAND_STILL = 1.0  # seconds: a person would notice

# The program as it is, and beside it a socket through which a test has expressions evaluated.
# Windows in the test's own process will not do: with several of them Tk 8.6 mixes up their focus
# and crashes.
WINDOW_PROCESS = """
import select, socket, sys
import chat_gui

channel = socket.create_connection(("127.0.0.1", int(sys.argv.pop(1))))
lines = channel.makefile(encoding="utf-8")

class Window(chat_gui.Window):
    def __init__(self, root, options):
        root.tk.call("tk", "scaling", float(sys.argv.pop(1)))
        super().__init__(root, options)
        parts = {
            "entry": self.entry.text,
            "conversation": self.conversation.text,
            "people": self.people.list,
            "menu": self.people.menu,
            "status": self.status,
            **self.dialog.fields,
        }
        self.names = {"window": self, "root": root, "dialog": self.dialog, **parts}
        self.names["focus"] = lambda: next(
            (name for name, part in parts.items() if part is root.focus_get()), "")
        self.answer()

    def answer(self):
        if select.select([channel], [], [], 0)[0] and (line := lines.readline()):
            try:
                answer = repr(eval(line, self.names))
            except Exception as error:
                answer = f"!{error!r} in {line!r}"
            channel.sendall(f"{answer}\\n".encode())
        self.root.after(1, self.answer)

options, chat_gui.Window = sys.argv[2:], Window
sys.exit(chat_gui.main(options))
"""


@pytest.fixture(scope="module")
def display() -> Iterator[None]:
    """A screen to open windows on."""
    if not shutil.which("Xvfb"):
        try:
            tkinter.Tk().destroy()
        except tkinter.TclError as error:
            pytest.skip(f"no Xvfb, and no other display: {error}")
        yield
        return
    near, far = os.pipe()
    command = ["Xvfb", "-displayfd", str(far), "-screen", "0", "1600x1200x24", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[far], stderr=subprocess.DEVNULL)
    os.close(far)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(near) as number:
        patch.setenv("DISPLAY", f":{number.readline().strip()}")
        yield
    server.kill()
    server.wait()


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
        self("root.focus_force()")  # there is no window manager to do it

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
            self(f"people.event_generate('<ButtonPress-{button}>', {place})")
            self(f"people.event_generate('<ButtonRelease-{button}>', {place})")

    def close_menu(self) -> None:
        """Close the menu that is open."""
        self("menu.event_generate('<Escape>')")
        self.wait("not menu.winfo_viewable()")

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
        if self.process.poll() is None:
            self("root.after(1, root.tk.eval, root.protocol('WM_DELETE_WINDOW'))")
        try:
            self.wait_until_closed()
        finally:
            self.process.kill()


OpenWindow = Callable[..., Opened]


@pytest.fixture
def open_window(display: None, tmp_path: Path) -> Iterator[OpenWindow]:
    """A function that opens a window with the arguments given."""
    windows: list[Opened] = []

    def open_one(*arguments: str, **settings: float) -> Opened:
        faults = tmp_path / f"faults{len(windows)}"
        windows.append(Opened(faults, *arguments, **settings))
        return windows[-1]

    yield open_one
    for window in windows:
        window.close()


def join(
    open_window: OpenWindow, server: ServerProcess, *options: str, **settings: float
) -> Opened:
    """Return a window that is in the conversation as alice."""
    opened = open_window(server.host, str(server.port), "--name", "alice", *options, **settings)
    opened.wait_for(r"\* here \(\d+\)")
    return opened


@pytest.fixture
def alice(open_window: OpenWindow, server: ServerProcess) -> Opened:
    """A window that is in the conversation as alice."""
    return join(open_window, server)


# ------------------------------------------------------------------------------------- the looks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello שלום", False),
        ("שלום hello", True),
        ("... 12 שלום", True),
        ("مرحبا", True),
        ("12 !", False),
        ("", False),
        ("\N{RIGHT-TO-LEFT ISOLATE}שלום\N{POP DIRECTIONAL ISOLATE} hello", False),
        ("\N{LEFT-TO-RIGHT ISOLATE}hello\N{POP DIRECTIONAL ISOLATE} שלום", True),
        ("\N{LEFT-TO-RIGHT ISOLATE}hello", False),
        ("\N{RIGHT-TO-LEFT MARK}hello", True),
    ],
)
def test_direction_is_that_of_the_first_strong_character(text: str, expected: bool) -> None:
    """Unicode annex #9, rules P2 and P3."""
    assert chat_gui.runs_right_to_left(text) is expected


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_ink_can_be_read_on_every_paper() -> None:
    """Contrast 4.5 to 1, WCAG 2.1 success criterion 1.4.3."""
    inks = [chat_gui.INK, chat_gui.QUIET, chat_gui.ALARM, chat_gui.CALM]
    inks += map(chat_gui.person_colour, PERSON_COLOURS)
    papers = [chat_gui.PAPER, chat_gui.PRIVATE_PAPER, chat_gui.MENTION_PAPER, chat_gui.FRAME]
    pairs = [(ink, paper) for ink in inks for paper in papers]
    pairs.append((chat_gui.FOCUS, chat_gui.PAPER))
    for ink, paper in pairs:
        contrast = (luminance(paper) + 0.05) / (luminance(ink) + 0.05)
        assert contrast >= 4.5, f"{ink} on {paper}: {contrast:.2f}"


@pytest.mark.parametrize("percent", [100, pytest.param(125, marks=pytest.mark.slow), 200])
@pytest.mark.slow
def test_small_window_keeps_every_part(
    open_window: OpenWindow, server: ServerProcess, percent: int
) -> None:
    alice = join(open_window, server, scaling=PLAIN * percent / 100)
    alice("root.geometry('400x300')")
    alice.wait("root.winfo_height() == 300 and conversation.dlineinfo('end-1c')")
    row = alice("conversation.dlineinfo('end-1c')[3]")  # pixels
    assert row * 100 > 13 * percent  # letters grow with the scaling
    for part in ("conversation", "people", "entry", "status"):
        assert alice(f"{part}.winfo_viewable() and {part}.winfo_height() >= {row}"), part
        for side, whole in (("y", "height"), ("x", "width")):
            start = f"{part}.winfo_root{side}() - root.winfo_root{side}()"
            assert alice(start) >= 0, part
            if part != "status":  # where its end is cut off, its beginning says enough
                assert alice(f"{start} + {part}.winfo_{whole}() <= root.winfo_{whole}()"), part
    assert alice("conversation.winfo_height()") >= 2 * row


# ------------------------------------------------------------------------------------ the dialog


@pytest.mark.slow
def test_dialog_names_the_field_to_correct(open_window: OpenWindow, server: ServerProcess) -> None:
    server.connect("bob")
    window = open_window()
    window.wait("dialog.open")
    window.wait_for_status("Not connected")
    window.answer_dialog(server="", name="bob")
    window.wait_for_complaint("server", "Which machine")
    window.answer_dialog(server="no such machine", port="1")
    window.wait_for_complaint("server", "No machine is called")
    window.answer_dialog(server="127.0.0.1", port="http")
    window.wait_for_complaint("port", "no number from 1 to 65535")
    window.answer_dialog(port="1")
    window.wait_for_complaint("port", "Nothing listens on port 1 ")
    window.answer_dialog(port=str(server.port), name="bob the builder")
    window.wait_for_complaint("name", "no spaces")
    window.answer_dialog(name="Bob")
    window.wait_for_complaint("name", "Bob")
    window.wait_for_status("no name yet")
    window.answer_dialog(name="alice")
    window.wait("not dialog.open and root.focus_lastfor() is entry")  # ready to type
    window.wait_for_status(f"Online as alice at 127.0.0.1, port {server.port}")
    assert "!" not in window.shown()  # what was wrong was said in the dialog alone
    assert window("dialog.answer()[:3]") == ("127.0.0.1", server.port, "alice")  # remembered


@pytest.mark.slow
def test_dialog_asks_for_a_password_where_one_is_wanted(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    server = start_server("--password-file", str(secret))
    window = open_window(server.host, str(server.port))
    window.wait("dialog.open")
    assert not window("password.winfo_viewable()")
    window.answer_dialog(name="alice")
    window.wait_for_complaint("password", "assword")
    assert window("password['show']") == "•"
    window.answer_dialog(password="sesame")
    window.wait_for_complaint("password", "not the password")
    window.answer_dialog(password="open sesame")
    window.wait_for(r"\* here \(1\)")
    assert not window("dialog.open")


@pytest.mark.slow
def test_dialog_offers_tls_where_the_server_wants_it(
    open_window: OpenWindow, start_server: StartServer, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "localhost", "IP:127.0.0.1")
    server = start_server(*certificate.for_server)
    window = open_window(server.host, str(server.port), "--name", "alice")
    window.wait_for_complaint("tls", "TLS only")
    window.press("space")  # ticks it
    window.press("Return")
    window.wait_for_complaint("tls", "is trusted by nobody here")
    join(open_window, server, *certificate.for_client)


@pytest.mark.slow
@pytest.mark.slow
def test_dialog_comes_back_when_the_server_sends_us_away(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--login-timeout", "1")
    server.connect("bob")
    window = open_window(server.host, str(server.port), "--name", "bob")
    window.wait_for_complaint("name", "bob")
    window.wait_for_status("Not connected")
    window.answer_dialog(name="alice")
    window.wait_for(r"\* here \(2\)")
    assert not window("dialog.open")


def test_line_typed_without_connection_stays(open_window: OpenWindow) -> None:
    window = open_window()
    window("dialog.top.withdraw()")
    window.say("hello")
    window.wait("dialog.open")
    window.wait_for_typed("hello")
    window.focus("server")
    window("root.after(1, server.event_generate, '<Escape>')")
    window.wait_until_closed()  # for nothing was ever said


# ------------------------------------------------------------------------------ the conversation


def test_everything_said_has_its_looks(alice: Opened, server: ServerProcess) -> None:
    bob, eve = server.people("bob", "eve")
    alice.wait_for("eve joined")
    bob.send("MSG BROADCAST hello to all", "MSG alice just to you")
    eve.send("MSG BROADCAST Alice, are you there?", "MSG BROADCAST שלום לכולם")
    alice.wait_for("שלום")
    alice.wait_for("just to you")
    assert re.fullmatch(r"\d\d:\d\d bob: hello to all", alice.wait_for("hello to all"))
    assert alice.wait_for("just to you").endswith(" bob → you: just to you")
    assert alice.wait_for("are you there").endswith(" » eve: Alice, are you there?")
    colour = f"person{PERSON_COLOURS[colour_number('bob')]}"
    assert alice.tags("bob: hello") == {"said", "speaker", colour}
    assert alice.tags("hello to all") == {"said"}
    assert alice.tags("just to you") == {"private"}
    assert alice.tags("Alice, are") == {"said", "mention"}
    assert alice.tags("שלום") == {"said", "right"}
    assert alice.tags("* eve joined") == {"event"}
    alice.say("/msg bob hi")
    alice.say("/nonsense")
    alice.wait_for("! There is no command /nonsense")
    assert alice.tags("hi") == {"private"}
    assert alice.tags("! There") == {"error"}
    bob.receive_until("MSG alice bob hi")


def test_text_can_be_copied_but_not_changed(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob").send("MSG BROADCAST see https://example.org/ 🎉")
    alice.wait_for("example.org")
    before = alice.shown()
    assert alice.tags("https") == {"said"}  # a link is text like any other
    alice.focus("conversation")
    alice.press("Shift-Up")
    alice.wait("conversation.tag_ranges('sel') != ()")
    alice.press("<SelectAll>", "<Copy>", "x", "BackSpace", "<Cut>", "<Paste>")
    assert alice.shown() == before == alice("root.clipboard_get()").rstrip("\n")


@pytest.mark.slow
def test_scrolls_with_new_lines_only_at_the_end(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    bob.send(*(f"MSG BROADCAST line {number}" for number in range(100)))
    alice.wait_for("line 99")
    alice.wait("conversation.yview()[1] == 1.0")
    alice("root.geometry('500x300')")
    alice.wait("root.winfo_height() == 300 and conversation.yview()[1] == 1.0")
    alice.focus("entry")
    alice.press("Prior", "Prior")
    top = alice("conversation.index('@5,5')")
    bob.send("MSG BROADCAST one more")
    alice.wait_for("one more")
    assert alice("conversation.index('@5,5')") == top
    alice.wait_for_title("(1) alice – Chat")  # not seen yet
    alice.press("Next", "Next", "Next")
    alice.wait_for_title("alice – Chat")
    bob.send("MSG BROADCAST the last")
    alice.wait_for("the last")
    alice.wait("conversation.yview()[1] == 1.0")


@pytest.mark.slow
def test_burst_keeps_the_window_answering(alice: Opened, server: ServerProcess) -> None:
    """10,000 messages at once; what is older than the last 10,000 lines drops out."""
    bob = server.connect("bob")
    alice.wait_for("bob joined")
    alice.focus("entry")
    bob.send_meanwhile(frames(*(f"MSG BROADCAST number {number}" for number in range(10_000))))
    last = "conversation.get('end-1l linestart', 'end')"
    slowest = 0.0
    while "number 9999" not in alice(last):
        start = time.monotonic()
        alice("entry.event_generate('<Key>', keysym='x')")
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < LONGEST_STAND_STILL
    assert re.fullmatch("x+", alice("entry.get('1.0', 'end-1c')"))
    lines = alice.shown().splitlines()
    assert len(lines) == chat_gui.LINES_KEPT
    assert [line.rpartition(" ")[2] for line in lines] == [str(n) for n in range(10_000)]


# ------------------------------------------------------------------------------------ the people


@pytest.mark.slow
def test_people_are_listed_with_what_can_be_done(alice: Opened, server: ServerProcess) -> None:
    bob, eve = server.people("bob", "Eve")
    alice.wait_for_people("alice (you)", "bob", "Eve")
    assert alice("window.people.count['text']") == "3 here"

    def menu(row: int) -> list[str]:
        """Return which commands the menu of a person offers."""
        alice.click(row, button=3)
        alice.wait("menu.winfo_viewable()")
        alice.close_menu()
        commands = ("Message", "Block", "Unblock")
        return [c for c in commands if alice(f"str(menu.entrycget({c!r}, 'state'))") == "normal"]

    assert menu(0) == ["Message"]
    assert menu(2) == ["Message", "Block"]
    alice("menu.invoke('Block')")
    alice.wait_for_people("alice (you)", "bob", "Eve (blocked)")
    assert menu(2) == ["Message", "Unblock"]
    alice("menu.invoke('Unblock')")
    alice.wait_for_people("alice (you)", "bob", "Eve")
    alice.type("hi")
    alice.click(1, button=1, times=2)
    alice.wait_for_typed("/msg bob hi")
    alice.wait("focus() == 'entry'")
    alice.focus("people")
    alice.press("Down", "Return")
    alice.wait_for_typed("/msg Eve ")
    alice.say("psst")
    alice.wait_for("you → Eve: psst")
    bob.send("NAME robert")
    alice.wait_for_people("alice (you)", "Eve", "robert")
    eve.send("EXIT")
    alice.wait_for_people("alice (you)", "robert")
    assert alice("window.people.count['text']") == "2 here"


# ------------------------------------------------------------------------------------- the entry


def test_history_and_completion_as_in_the_terminal(alice: Opened, server: ServerProcess) -> None:
    server.people("bob", "bea")
    alice.wait_for("bea joined")
    alice.say("one")
    alice.say("two 🎉")
    alice.type("draft", "Up")
    alice.wait_for_typed("two 🎉")
    alice.press("Up")
    alice.wait_for_typed("one")
    alice.press("Down", "Down")
    alice.wait_for_typed("draft")
    alice.press("<SelectAll>", "BackSpace")
    alice.type("/ms", "Tab")
    alice.wait_for_typed("/msg ")
    alice.type("b", "Tab")
    alice.wait_for_typed("/msg bea ")
    alice.press("Tab")
    alice.wait_for_typed("/msg bob ")
    alice.say("hi")
    alice.wait_for("you → bob: hi")
    alice.type("🎉 end", "<LineStart>")
    alice.type("be", "Tab")  # what is left of the cursor is completed
    alice.wait_for_typed("/msg bea 🎉 end")
    alice.press("<SelectAll>", "BackSpace")
    alice.type("/ms", "Tab", "Return")
    alice.type("/msg ", "Tab")  # the same text as before, but a new line
    alice.wait_for_typed("/msg bea ")


def test_several_pasted_lines_are_sent_as_several(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice.wait_for("bob joined")
    alice.type("one\ntwo\n\n  three 🎉\n")
    alice.wait(f"entry['height'] == {chat_gui.ENTRY_ROWS}")
    alice.press("Return")
    bob.expect(*(f"MSG alice BROADCAST {text}" for text in ("one", "two", "  three 🎉")))
    alice.wait_for_typed("")
    alice.wait("entry['height'] == 1")


def test_every_part_is_reached_by_keyboard(alice: Opened, server: ServerProcess) -> None:
    server.connect("bob")
    alice.wait_for("bob joined")
    parts = ["entry", "conversation", "people"]
    alice.focus("entry")
    for part in (*parts, "entry"):
        alice.wait(f"focus() == {part!r}")
        assert alice("root.focus_get()['highlightthickness']") > 0  # it is seen where the focus is
        alice.press("F6")
    alice.press("Escape")
    alice.wait("focus() == 'entry'")
    reached = set()
    for _ in range(4):
        alice.press("Tab")  # from an empty entry it goes on as from everywhere
        reached.add(alice("focus()"))
    assert reached >= set(parts)
    alice.focus("people")
    alice.press("Down", "Shift-F10")
    alice.wait("menu.winfo_viewable()")
    alice.close_menu()


# --------------------------------------------------------------------------- state and attention


@pytest.mark.slow
def test_title_counts_what_was_not_seen(open_window: OpenWindow, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice = join(open_window, server, "--flash")
    alice.wait_for_title("alice – Chat")
    open_window()  # takes the focus
    bob.send("MSG BROADCAST one", "MSG alice two")
    alice.wait_for_title("(2) alice – Chat")
    bob.send("MSG BROADCAST alice!")
    alice.wait("str(status['style']) == 'Lit.TLabel' and root.title() == '» (3) alice – Chat'")
    alice.wait_for_title("(3) alice – Chat")  # flashes go out again
    alice("root.focus_force()")
    alice.wait_for_title("alice – Chat")


@pytest.mark.slow
def test_mention_does_not_flash_unasked(open_window: OpenWindow, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice = join(open_window, server)
    open_window()  # takes the focus
    bob.send("MSG BROADCAST alice!")
    alice.wait_for_title("(1) alice – Chat")
    end = time.monotonic() + 0.7  # the light would be on for half of every second
    while time.monotonic() < end:
        assert alice("root.title(), str(status['style'])") == ("(1) alice – Chat", "Calm.TLabel")


@pytest.mark.slow
def test_reconnects_like_the_terminal_client(
    open_window: OpenWindow, start_server: StartServer
) -> None:
    server = start_server("--rate", "0")
    alice = join(open_window, server)
    server.may_end = True
    server.process.kill()
    alice.wait_for_status("Connection lost: next try in ")
    alice.wait("window.connect.winfo_viewable()")  # to choose another server instead
    alice.say("said meanwhile")
    alice.wait_for(r"you \(waiting\): said meanwhile")
    bob = start_server("--rate", "0", "--port", str(server.port)).connect("bob")
    bob.expect("JOINED alice", "MSG alice BROADCAST said meanwhile")
    alice.wait_for("you are back as alice")
    alice.wait_for_status("Online as alice")
    assert not alice("dialog.open or window.connect.winfo_viewable()")


@pytest.mark.slow
def test_it_is_not_online_until_it_has_its_name_back(open_window: OpenWindow) -> None:
    with PlayedServer() as played:
        alice = open_window("127.0.0.1", str(played.port), "--name", "alice")
        connection = played.accept()
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")
        connection.close()
        connection = played.accept()
        connection.expect("NAME alice")
        connection.send("ERROR NAME_TAKEN alice is taken; choose another name.")
        alice.wait_for("alice is still held by your old connection")
        alice.wait_for_status(f"Connected to 127.0.0.1, port {played.port}; waiting for the name")
        connection.welcome("alice")
        alice.wait_for_status("Online as alice")


def test_closing_the_window_leaves_politely(alice: Opened, server: ServerProcess) -> None:
    bob = server.connect("bob")
    alice.close()
    bob.expect("LEFT alice")
    server.wait_for_line("alice gone: left")


def test_quit_closes_the_window(alice: Opened) -> None:
    alice.type("/quit")
    alice("root.after(1, entry.event_generate, '<Return>')")
    alice.wait_until_closed()


# ----------------------------------------------------------------------------------- the program


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_help_needs_no_tk() -> None:
    code = (
        "import runpy, sys; sys.modules['_tkinter'] = None; sys.path.insert(0, '.'); "
        "sys.argv = ['chat_gui.py', '--help']; runpy.run_path('chat_gui.py', run_name='__main__')"
    )
    result = run("-I", "-S", "-c", code)
    assert result.returncode == 0, result.stderr
    assert "--name" in result.stdout


def test_without_tk_says_how_to_get_it() -> None:
    code = (
        "import runpy, sys; sys.modules['_tkinter'] = None; sys.path.insert(0, '.'); "
        "sys.argv = ['chat_gui.py']; runpy.run_path('chat_gui.py', run_name='__main__')"
    )
    result = run("-c", code)
    assert result.returncode == 1
    assert re.fullmatch("chat_gui: .*python3-tk.*chat_client.py.\n", result.stderr)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display there")
def test_without_display_says_what_to_do() -> None:
    result = run(PROGRAM, DISPLAY="")
    assert result.returncode == 1
    assert re.fullmatch("chat_gui: .*display.*chat_client.py.\n", result.stderr)


def test_program_joins_and_leaves_at_a_signal(display: None, server: ServerProcess) -> None:
    bob = server.connect("bob")
    command = [sys.executable, PROGRAM, server.host, str(server.port), "--name", "alice"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as program:
        bob.expect("JOINED alice")
        program.terminate()
        bob.expect("LEFT alice")
        assert program.wait(DEADLINE) == 0
        assert program.stderr
        assert program.stderr.read() == b""


@pytest.mark.slow
@needs_proc
def test_idle_window_costs_next_to_nothing(display: None, server: ServerProcess) -> None:
    bob = server.connect("bob")
    command = [sys.executable, PROGRAM, server.host, str(server.port), "--name", "alice"]
    with subprocess.Popen(command, cwd=ROOT) as program:
        bob.expect("JOINED alice")
        assert quiet_for(1.0, bob)  # until it is built
        before = cpu_seconds(program.pid)
        assert quiet_for(4.0, bob)
        assert (cpu_seconds(program.pid) - before) / 4.0 < 0.05
        program.terminate()
        assert program.wait(DEADLINE) == 0
