"""An early Ctrl+C: at the moment when a program has just imported this or that."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

from harness import DEADLINE, ROOT
from terminal.pseudo import clean_environment

# Python says on stderr what it has imported (-X importtime), as soon as it has.
IMPORTED = re.compile(r"import time: +\d+ \| +\d+ \| +(\S+)")


def interrupted_at(module: str, program: str, *arguments: str) -> tuple[int, str]:
    """Press Ctrl+C as soon as a module is imported; return the exit code and all that was said."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", str(ROOT / program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=clean_environment(),
    )
    assert process.stderr
    too_late = threading.Timer(DEADLINE, process.kill)  # it never imports such a module
    too_late.start()
    for line in process.stderr:
        if (found := IMPORTED.match(line)) and found[1] == module:
            process.send_signal(signal.SIGINT)
            break
    said, errors = process.communicate()
    too_late.cancel()
    return process.returncode, said + errors
