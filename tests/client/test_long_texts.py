"""Nothing that a client does with a text takes longer than in proportion to the text.

Each of these takes about a second in a process of its own; what grew with the square of the text
would take minutes, and be ended after DEADLINE seconds.
"""

from __future__ import annotations

import pytest
from harness import run_piped, slow_beyond

from chat.client.lines import mentions
from chat.terminal.text import LONGEST_CLUSTER, clusters

# Normalising sorts the marks of a run by their combining class: here the highest come first.
MARKS = """
import unicodedata
marks = sorted(map(chr, range(0x300, 0x370)), key=unicodedata.combining, reverse=True)
text = "".join(mark * 10_000 for mark in marks)
"""
EDITOR = """
from chat.terminal.keys import Paste
from chat.terminal.line_editor import LineEditor
editor = LineEditor(lambda before: [], lambda line: line.startswith("PASS "))
def press(text, *keys):
    editor.put(text)
    for key in keys * 100:
        editor.press(key)
        editor.fits(70), editor.view(70)
"""


@pytest.mark.parametrize(
    "lines",
    slow_beyond(
        2,
        [
            MARKS + "from chat.client.lines import mentions; mentions(text, 'alice')",
            MARKS + "from chat.client.lines import colour_number; colour_number(text)",
            MARKS + "from chat.terminal.typed import split_text; split_text(text * 2, 9_900)",
            MARKS + EDITOR + "press('x' + text, 'y')",
            EDITOR + "press('é' * 100_000, 'left', 'right', 'home', 'é', 'end', 'é')",
            EDITOR + "press('\u200b' * 100_000, 'x', 'left')",
            EDITOR + "press('a\\n' * 60_000, 'x', 'left')",
            """
from chat.client.lines import Kind, Line
from chat.client.rows import rows
from chat.terminal.console import Abilities
line = Line(Kind.SAID, "hi" + "\u0301" * 1_000_000 + "\u200d", "bob")
rows(line, 80, Abilities(escapes=True))
""",
            """
from chat.client.lines import Lines
from chat.client.roster import Roster
roster = Roster(Lines(), print, interactive=True)
roster.list_people(10_000, [f"n{number}" for number in range(10_000)])
roster.names_like("é" * 1_000_000)
""",
        ],
    ),
)
def test_a_long_text_takes_no_longer_than_it_is(lines: str) -> None:
    done = run_piped("-c", lines)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_letter_with_marks_without_end_is_several_characters() -> None:
    text = "e" + "\u0301" * 1000
    found = clusters(text)
    assert "".join(found) == text
    assert max(map(len, found)) == LONGEST_CLUSTER


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("hello Alice!", "alice", True),
        ("hello malice, alices, alice-b", "alice", False),
        ("ａｌｉｃｅ, are you there?", "Alice", True),  # full width
        ("ΜΑΪ́ΟΥ!", "μαΐου", True),
        ("wo ist josé", "José", True),
        ("wo ist JOSE\u0301?", "josé", True),
        ("שלום דָּנָה, מה נשמע", "דָּנָה", True),
        ("नमस्ते हिन्दी जी", "हिन्दी", True),
        ("ﬁona", "FIONA", True),
        ("x" + "\u0301" * 5000 + " alice", "alice", True),
        ("alice" + "\u0345\u0334" * 2000, "alice", True),
        ("anything", "", False),
    ],
)  # fmt: skip
def test_a_name_is_found_as_a_word_in_whatever_form(text: str, name: str, found: bool) -> None:
    assert mentions(text, name) == found
