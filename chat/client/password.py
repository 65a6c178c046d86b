"""The password that a server may want: given by a file, or asked of the person.

Knows what was asked and what is on its way; knows no connection.
"""

from __future__ import annotations

from chat.client.lines import Lines


class Password:
    """One person's password, as far as this conversation needs one."""

    def __init__(self, lines: Lines, known: str, *, readable: bool) -> None:
        self.wanted = False  # by the server, and the person should be asked
        self.known = known  # sent on every new connection
        self.on_its_way = False
        self._was_asked = False  # and the person had been asked for it
        self._lines = lines
        self._readable = readable  # for all, as it travels, and nobody has been warned yet

    @property
    def is_judged(self) -> bool:
        """Whether the person has given it, and the server has not answered yet.

        It may take its time, and the person may think that they have to type it again.
        """
        return self._was_asked and self.on_its_way

    def give(self, password: str) -> None:
        """A file held it, or the person was asked for it."""
        self._warn()
        self._was_asked, self.wanted = self.wanted, False
        self.known = password

    def ask(self, *, person: bool) -> None:
        """The server wants one: if a file's was wrong it is of no more use."""
        self._warn()
        self.known, self.wanted = "", person

    def _warn(self) -> None:
        if self._readable:
            self._readable = False
            self._lines.tell(
                "without TLS the password travels readable for everyone on the network"
            )
