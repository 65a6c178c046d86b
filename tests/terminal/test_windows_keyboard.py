"""The keys of a Windows console, which is played here as Microsoft's C runtime was seen to behave.

The real one is in tests/windows.
"""

from __future__ import annotations

import sys
import types
from collections import deque

import pytest

from chat.terminal.keys import Paste
from chat.terminal.windows_keyboard import BURST_KEYS, PasteFinder, WindowsKeyboard


class PlayedMsvcrt(types.ModuleType):
    """Python's msvcrt, as far as a keyboard goes."""

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.waiting: deque[str] = deque()  # keys in the console; a special one as both its halves
        self._kept = ""  # for the next getwch(): a second half, or what was put back

    def kbhit(self) -> bool:
        """Whether the console has a key. What is kept is none any more."""
        return bool(self.waiting)

    def getwch(self) -> str:
        if not self._kept:
            assert self.waiting, "a real getwch() would wait here for good"
            self._kept = self.waiting.popleft()
        first, self._kept = self._kept[0], self._kept[1:]
        return first

    def ungetwch(self, character: str) -> None:
        if self._kept:
            raise OSError("there is room for one")
        self._kept = character

    def is_empty(self) -> bool:
        return not self.waiting and not self._kept


@pytest.fixture
def msvcrt(monkeypatch: pytest.MonkeyPatch) -> PlayedMsvcrt:
    played = PlayedMsvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", played)
    return played


def read_all(keyboard: WindowsKeyboard) -> list[str]:
    """Return the keys of one look, and of the next, which finds that no more come."""
    return [*keyboard.read(), *keyboard.read()]


@pytest.mark.parametrize(
    ("waiting", "keys"),
    [
        (["a", "b"], ["a", "b"]),
        (["\xe0K"], ["left"]),
        (["\xe0M"], ["right"]),
        (["\xe0H"], ["up"]),
        (["\xe0P"], ["down"]),
        (["\xe0G"], ["home"]),
        (["\xe0O"], ["end"]),
        (["\xe0S"], ["delete"]),
        (["\x00K"], ["left"]),  # with the number pad
        (["\xe0s"], ["word-left"]),  # Ctrl
        (["\xe0t"], ["word-right"]),
        (["\x00s"], ["word-left"]),
        (["\x00t"], ["word-right"]),
        (["\x00\x9b"], ["word-left"]),  # Alt
        (["\x00\x9d"], ["word-right"]),
        (["\x000"], ["word-left"]),  # Alt+B
        (["\x00!"], ["word-right"]),  # Alt+F
        (["0", "s", "!"], ["0", "s", "!"]),
        (["\r"], ["enter"]),
        (["\x08"], ["backspace"]),
        (["\t"], ["tab"]),
        (["\x01"], ["ctrl-a"]),
        (["\x00;"], []),  # F1
        (["\xe0\x86"], []),  # F12
        (["\xe0\xe0"], []),  # no key there is, but its second half must not be taken for à
        (["a", "\xe0K", "b"], ["a", "left", "b"]),
        (["\xe0K", "\xe0K", "K"], ["left", "left", "K"]),
        (["é", "漢", "ש"], ["é", "漢", "ש"]),
        (["\ud83d", "\ude00", "!"], ["😀", "!"]),
    ],
)
def test_keys_of_a_windows_console(
    msvcrt: PlayedMsvcrt, waiting: list[str], keys: list[str]
) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.extend(waiting)
    assert [key for key in read_all(keyboard) if key != "unknown"] == keys
    assert msvcrt.is_empty()


@pytest.mark.parametrize(
    ("waiting", "keys"),
    [
        (["\xe0"], ["à"]),
        (["\xe0", "K"], ["à", "K"]),
        (["\xe0", "\xe0K"], ["à", "left"]),
        (["\xe0K", "\xe0"], ["left", "à"]),
        (["\xe0", "\xe0", "\xe0H", "\xe0"], ["à", "à", "up", "à"]),
        ([*"là-bas, voilà"], [*"là-bas, voilà"]),
    ],
)
def test_the_letter_a_with_grave_is_no_special_key(
    msvcrt: PlayedMsvcrt, waiting: list[str], keys: list[str]
) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.extend(waiting)
    assert read_all(keyboard) == keys
    assert msvcrt.is_empty()


def test_halves_of_a_character_may_come_one_after_the_other(msvcrt: PlayedMsvcrt) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.append("\ud83d")
    assert keyboard.read() == []
    msvcrt.waiting.append("\ude00")
    assert keyboard.read() == ["😀"]


def test_half_a_character_that_stays_alone_is_dropped(msvcrt: PlayedMsvcrt) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.extend("\ud83dab\ude00c")
    assert [key for key in read_all(keyboard) if key.isascii() and len(key) == 1] == [*"abc"]


def test_nothing_typed_is_no_key(msvcrt: PlayedMsvcrt) -> None:
    assert WindowsKeyboard().read() == []


# ------------------------------------------------------------------------------------------ pastes


def looks(*texts: str) -> list[str]:
    """Let a PasteFinder look at what each of these holds, then at nothing; return what it found."""
    finder = PasteFinder()
    names = {"\n": "enter", "\t": "tab", "<": "left"}
    found: list[str] = []
    for text in (*texts, ""):
        found += finder.look([names.get(character, character) for character in text])
    return found


def assert_paste(found: list[str], text: str) -> None:
    """All of it is one paste of this text."""
    assert found == [text]
    assert isinstance(found[0], Paste)


@pytest.mark.parametrize(
    "text", ["one\ntwo", "one\ntwo\n", "\none\n", "a\nb\nc\n", "one\n\n", "a\tb\nc\td"]
)
def test_lines_that_come_together_are_a_paste(text: str) -> None:
    assert_paste(looks(text), text)


@pytest.mark.parametrize(
    "texts",
    [
        ("one\n", "two\n"),
        ("one", "\ntwo"),
        ("/msg anna one", "\n", "two\n"),
        ("hello", "\nth", "ere\n"),
    ],
)
def test_a_paste_may_come_in_parts(texts: tuple[str, ...]) -> None:
    assert "".join(looks(*texts)) == "".join(texts)
    assert any(isinstance(key, Paste) and "\n" in key for key in looks(*texts))
    assert "enter" not in looks(*texts)


@pytest.mark.parametrize("text", ["h", "hi", "hello", "hello world, whole", "tab\t"])
def test_text_without_enter_goes_on_at_once(text: str) -> None:
    assert "".join(PasteFinder().look(list(text))) == text


@pytest.mark.parametrize("text", ["hello\n", "\n", "a\n", "a\nb", "yes\nn"])
def test_one_line_and_its_enter_are_keys(text: str) -> None:
    assert looks(text) == ["enter" if key == "\n" else key for key in text]


def test_lines_typed_one_after_the_other_are_no_paste() -> None:
    looked = ["y", "e", "s", "", "\n", "", "n", "o", "", "\n", "", "\n", "", "\n", ""]
    assert looks(*looked) == [*"yes", "enter", *"no", "enter", "enter", "enter"]


def test_few_keys_together_are_no_paste() -> None:
    assert len("a\nb") < BURST_KEYS
    finder = PasteFinder()
    assert finder.look(["a", "enter", "b"]) == ["a", "enter", "b"]


def test_a_special_key_ends_a_paste() -> None:
    assert looks("one\ntwo<x") == ["one\ntwo", "left", "x"]
