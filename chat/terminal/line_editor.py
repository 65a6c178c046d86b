"""The line that a person types: keys in, a line out.

Knows keys and how wide text is; knows no terminal and not what a line means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from itertools import chain

from chat.terminal.keys import Paste
from chat.terminal.text import clusters, columns, harmless

LINE_END = "\n"
LINE_END_SHOWN = "⏎"
HISTORY_LENGTH = 500  # lines, as in bash(1)


class LineEditor:
    """Keys in, a line out. It knows no terminal, only how wide things are.

    `complete` returns what the text left of the cursor may become, the likeliest first;
    `is_secret` tells of a line that it is neither to be shown nor kept; none is where it is None.

    The line is kept as two lists of clusters, left and right of the cursor: a key then works at
    the ends where they meet.
    """

    def __init__(
        self,
        complete: Callable[[str], list[str]],
        is_secret: Callable[[str], bool] | None = None,
    ) -> None:
        self._complete = complete
        self._is_secret = is_secret
        self._secret_asked = False  # a password is typed: neither shown nor kept
        self._aside: tuple[list[str], list[str]] = ([], [])  # both sides of a line that waits
        self._before: list[str] = []
        self._after: list[str] = []
        self._first_shown = 0  # how far a long line is scrolled sideways, in clusters
        self._history: list[str] = []
        self._place = 0  # in the history; at its end stands the line being typed
        self._draft = ""  # that line, while another is looked at
        self._choices: list[str] = []  # what Tab goes through
        self._keys: dict[str, Callable[[], None]] = {
            "left": lambda: self._move(self._before, self._after),
            "right": lambda: self._move(self._after, self._before),
            "word-left": lambda: self._move_word(self._before, self._after),
            "word-right": lambda: self._move_word(self._after, self._before),
            "home": lambda: self._move_all(self._before, self._after),
            "end": lambda: self._move_all(self._after, self._before),
            "up": lambda: self._recall(self._place - 1),
            "down": lambda: self._recall(self._place + 1),
            "backspace": lambda: self._drop(self._before),
            "delete": lambda: self._drop(self._after),
            "ctrl-u": lambda: self._before.clear(),
            "ctrl-k": lambda: self._after.clear(),
            "ctrl-w": self._drop_word,
            "ctrl-c": self._clear,
            "tab": self._next_choice,
        }
        self._keys["ctrl-a"] = self._keys["home"]
        self._keys["ctrl-e"] = self._keys["end"]

    @property
    def text(self) -> str:
        """The line being typed; line ends stand in it where some were pasted."""
        return "".join(self._before + self._after[::-1])

    def press(self, key: str) -> list[str]:
        """Take one key; return the lines that are finished with it: none, or those on Enter.

        A key that means nothing does nothing.
        """
        if key != "tab":
            self._choices = []
        if key == "enter":
            return self._finish()
        if isinstance(key, Paste) or len(key) == 1:
            self._insert(key)
        elif key in self._keys:
            self._keys[key]()
        return []

    @property
    def asks_secret(self) -> bool:
        """Whether a password is typed."""
        return self._secret_asked

    def ask_secret(self, secret: bool) -> None:
        """Begin or end the typing of a password; the line typed so far waits meanwhile."""
        if secret != self._secret_asked:
            self._secret_asked = secret
            self._aside, (self._before, self._after) = (self._before, self._after), self._aside

    def put(self, text: str) -> None:
        """Have `text` stand in the line, whatever stood there, as if it had been pasted."""
        self._choices = []
        self._set("", "")
        self._insert(text)

    def fits(self, width: int) -> bool:
        """Whether the whole line, with the cursor at its end, fits within `width` columns."""
        whole = map(_shown, chain(reversed(self._before), reversed(self._after)))
        count = len(_those_that_fit(whole, width - 1))
        return width > 0 and count == len(self._before) + len(self._after)

    def view(self, width: int) -> tuple[str, str]:
        """Return what to show left and right of the cursor within `width` columns.

        A longer line is scrolled sideways, so that the cursor with one column for itself is
        always seen. Only what is seen is looked at, however long the line is.
        """
        show = (lambda _: "•") if self._holds_secret() else _shown
        seen = len(_those_that_fit(map(show, reversed(self._before)), width - 1))
        if self.fits(width):
            self._first_shown = 0
        elif (
            not len(self._before) - seen <= self._first_shown < len(self._before)
            or len(self._before) - self._first_shown + len(self._after) < width // 3
        ):
            # The cursor has left the window, or most of a wider one is empty: put it where both
            # sides of it can be seen.
            seen = len(_those_that_fit(map(show, reversed(self._before)), width * 2 // 3))
            self._first_shown = len(self._before) - seen
        left = [*map(show, self._before[self._first_shown :])]
        right = map(show, reversed(self._after))
        place = width - sum(map(_columns_kept, left)) - 1
        return "".join(left), "".join(_those_that_fit(right, place))

    def _holds_secret(self) -> bool:
        """Whether a password is in the line, on whichever of its lines it was pasted."""
        if self._is_secret is None:
            return self._secret_asked  # without a look at all of a long line, at every key
        return self._secret_asked or any(map(self._is_secret, self.text.split(LINE_END)))

    # The right half is kept back to front, so that the cursor is at the end of both lists.

    def _set(self, before: str, after: str) -> None:
        self._before = clusters(before)
        self._after = clusters(after)[::-1]

    def _insert(self, text: str) -> None:
        text = text.replace("\r\n", LINE_END).replace("\r", LINE_END).replace("\t", " ")
        text = "".join(c for c in text if c == LINE_END or unicodedata.category(c) != "Cc")
        if text.endswith(LINE_END):
            text = text[:-1]  # whoever copies whole lines copies the last line's end too
        last = self._before.pop() if self._before else ""
        self._before += clusters(last + text)  # a mark joins the letter before it

    @staticmethod
    def _move(source: list[str], target: list[str]) -> None:
        if source:
            target.append(source.pop())

    def _move_word(self, source: list[str], target: list[str]) -> None:
        """Go to the far end of the next word, like GNU readline's backward-word and forward-word.

        In a password to the far end of all: nobody is to see where its words are.
        """
        if self._holds_secret():
            self._move_all(source, target)
        for in_word in (False, True):
            while source and _is_of_word(source[-1]) == in_word:
                self._move(source, target)

    @staticmethod
    def _move_all(source: list[str], target: list[str]) -> None:
        target += reversed(source)
        source.clear()

    @staticmethod
    def _drop(side: list[str]) -> None:
        if side:
            side.pop()

    def _drop_word(self) -> None:
        while self._before and self._before[-1] == " ":
            self._before.pop()
        while self._before and self._before[-1] != " ":
            self._before.pop()

    def _finish(self) -> list[str]:
        text = self.text
        if text.strip() and text not in self._history[-1:] and not self._holds_secret():
            self._history.append(text)
            del self._history[:-HISTORY_LENGTH]
        self._clear()
        return text.split(LINE_END)

    def _clear(self) -> None:
        self._place = len(self._history)
        self._draft = ""
        self._set("", "")

    def _recall(self, place: int) -> None:
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self._set([*self._history, self._draft][place], "")

    def _next_choice(self) -> None:
        """Complete what stands left of the cursor; pressed again, try the next possibility."""
        if not self._choices:
            self._choices = self._complete("".join(self._before))
        if not self._choices:
            self._insert(" ")
            return
        choice = self._choices.pop(0)
        self._choices.append(choice)
        self._before = clusters(choice)


def _is_of_word(cluster: str) -> bool:
    """Whether this is a letter or a digit of any script, or a mark (general categories L, N, M)."""
    return unicodedata.category(cluster[0])[0] in "LNM"


def _shown(cluster: str) -> str:
    if cluster == LINE_END:
        return LINE_END_SHOWN
    if unicodedata.category(cluster[0]) in ("Mn", "Me", "Mc"):
        return "◌" + cluster  # with no letter to stand on it would join what is left of it
    return harmless(cluster)  # Tab may have completed a name that somebody hostile made up


def _columns_kept(cluster: str) -> int:
    """Return how many columns to keep for a cluster, one at least: however many that take none
    stand in a line, a window then shows no more of them than it has columns.
    """
    return max(1, columns(cluster))


def _those_that_fit(some: Iterable[str], width: int) -> list[str]:
    """Return the first clusters, as many as fit into `width` columns."""
    fitting: list[str] = []
    for cluster in some:
        width -= _columns_kept(cluster)
        if width < 0:
            break
        fitting.append(cluster)
    return fitting
