"""What a server has logged since a test began."""

from __future__ import annotations

import itertools
import re

from harness import ServerProcess, wait_until

TIME = r"^\d\d:\d\d:\d\d "
SIGNS = re.compile("[←→│]")  # what only the wire view writes


class Log:
    """What a server has logged since a test began, without the time in front of each line."""

    _numbers = itertools.count()

    def __init__(self, server: ServerProcess) -> None:
        """Begin: once a passer-by is in the log, nothing from before can still come."""
        name = f"passer-by{next(self._numbers)}"
        passer_by = server.connect(name)
        passer_by.send("EXIT")
        assert passer_by.receive_all() == ["BYE"]
        server.wait_for_line(f"{name} gone: left")
        self._server = server
        self._start = len(server.lines)

    def lines(self) -> list[str]:
        """Return the lines so far."""
        return [line.partition(" ")[2] for line in self._server.lines[self._start :]]

    def wait_for(self, *endings: str) -> None:
        """Wait until lines that end so were logged, in this order."""

        def are_there() -> bool:
            lines = iter(self.lines())
            return all(any(line.endswith(ending) for line in lines) for ending in endings)

        wait_until(are_there, f"{endings} in order in the log")

    def wait_for_error(self, code: str, peer: str) -> None:
        """Wait until an error was shown on its way to this peer."""
        pattern = re.compile(rf"→ {peer} \d{{4}}│ERROR {code} \S")
        wait_until(lambda: any(map(pattern.match, self.lines())), f"{code} in the log")
