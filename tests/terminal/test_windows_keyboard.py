"""The keys of a Windows console, which is played here: on other systems there is none."""

from __future__ import annotations

import sys
import types
from collections import deque

import pytest

from chat.terminal.windows_keyboard import WindowsKeyboard


class PlayedMsvcrt(types.ModuleType):
    """Python's msvcrt, as far as a keyboard goes; each key waits as the halves it comes in."""

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.waiting: deque[str] = deque()

    def kbhit(self) -> bool:
        return bool(self.waiting)

    def getwch(self) -> str:
        assert self.waiting, "a real getwch() would wait here for good"
        return self.waiting.popleft()


@pytest.fixture
def msvcrt(monkeypatch: pytest.MonkeyPatch) -> PlayedMsvcrt:
    played = PlayedMsvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", played)
    return played


@pytest.mark.parametrize(
    ("halves", "keys"),
    [
        ("ab", ["a", "b"]),
        ("\xe0K", ["left"]),
        ("\xe0M", ["right"]),
        ("\xe0H", ["up"]),
        ("\xe0P", ["down"]),
        ("\xe0G", ["home"]),
        ("\xe0O", ["end"]),
        ("\xe0S", ["delete"]),
        ("\x00K", ["left"]),  # with the number pad
        ("\r", ["enter"]),
        ("\x08", ["backspace"]),
        ("\t", ["tab"]),
        ("\x01", ["ctrl-a"]),
        ("\x00;", []),  # F1
        ("\xe0\x86", []),  # F12
        ("a\xe0Kb", ["a", "left", "b"]),
        ("é漢ש", ["é", "漢", "ש"]),
        ("\ud83d\ude00!", ["😀", "!"]),
    ],
)
def test_keys_of_a_windows_console(msvcrt: PlayedMsvcrt, halves: str, keys: list[str]) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.extend(halves)
    assert [key for key in keyboard.read() if key != "unknown"] == keys
    assert not msvcrt.waiting


def test_a_typed_a_with_grave_is_a_letter(msvcrt: PlayedMsvcrt) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.append("\xe0")
    assert list(keyboard.read()) == ["à"]


def test_halves_of_a_character_may_come_one_after_the_other(msvcrt: PlayedMsvcrt) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.append("\ud83d")
    assert list(keyboard.read()) == []
    msvcrt.waiting.append("\ude00")
    assert list(keyboard.read()) == ["😀"]


def test_half_a_character_that_stays_alone_is_dropped(msvcrt: PlayedMsvcrt) -> None:
    keyboard = WindowsKeyboard()
    msvcrt.waiting.extend("\ud83dab\ude00c")
    assert [key for key in keyboard.read() if len(key) == 1 and key.isalpha()] == ["a", "b", "c"]


def test_nothing_typed_is_no_key(msvcrt: PlayedMsvcrt) -> None:
    assert list(WindowsKeyboard().read()) == []
