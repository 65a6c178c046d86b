"""A program under test and all that it starts: begun together, ended together.

A process can leave its parent and its group, and go on when its program has long been judged: to
disturb the next one, or to write its own result. Linux gives such orphans to the next ancestor that
asks for them, prctl(2) PR_SET_CHILD_SUBREAPER, so there nobody gets away; elsewhere only the group
is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ENDING_SECONDS = 5.0  # for processes that were killed to be gone


class Family(subprocess.Popen[bytes]):
    """A process in a group of its own, with its children and theirs."""

    def __init__(
        self,
        command: list[str] | str,
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the command; OSError when there is no such program."""
        adopt_orphans()
        with starting_or_ending:
            self.others = our_children()
            super().__init__(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                start_new_session=True,
            )
            families.add(self)

    def end(self) -> None:
        """Kill them all, whether the process has ended by itself or not."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # another user's, and we are not root
            self.wait(ENDING_SECONDS)
        families.discard(self)
        end_children(but=self.others)


families: set[Family] = set()  # that have not been ended
starting_or_ending = threading.Lock()  # a child that has no family yet is nobody's orphan


def end_all() -> None:
    """End every program that this process has started."""
    for family in list(families):
        family.end()


def end_children(but: set[int]) -> None:
    """Kill our children save these and the living families'.

    Whose parent dies becomes our child, and is the next.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < deadline:
        with starting_or_ending:
            children = our_children() - but - {family.pid for family in families}
            for child in children:
                with contextlib.suppress(OSError):  # it has ended, or is another user's
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, os.WNOHANG)
        if not children:
            return
        time.sleep(0.001)


def our_children() -> set[int]:
    """Return the numbers of our child processes; nothing where the system does not tell."""
    if sys.platform != "linux":
        return set()
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # proc(5): number, (name), state, parent; a name may hold anything, ")" as well
            if int(status.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(status.parent.name))
    return found


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    process_control(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Be ended, as by SIGTERM, when our parent ends."""
    process_control(PR_SET_PDEATHSIG, signal.SIGTERM)


def process_control(option: int, value: int) -> None:
    """Call prctl(2), where there is one."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
