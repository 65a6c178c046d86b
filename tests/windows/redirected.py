"""Starts a Python program in this console, some of its streams elsewhere. Runs on Windows' side.

    python redirected.py INPUT OUTPUT ERRORS PROGRAM …

Each stream is `-` (this console), `|` (a pipe), or the path of a file, NUL included. A shell's `<`
and `>` do the same, where there is a shell. What comes out of the pipe is copied into the file
PIPED from the environment; until there is such a file, nobody reads the pipe.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import IO


def opened(where: str, mode: str) -> IO[bytes] | int | None:
    """Return what Popen() takes for a stream that is to be there."""
    if where == "-":
        return None
    return subprocess.PIPE if where == "|" else open(where, mode)


def main() -> int:
    """Run it to its end; return its exit code."""
    source, output, errors, *program = sys.argv[1:]
    process = subprocess.Popen(
        [sys.executable, *program],
        stdin=opened(source, "rb"),
        stdout=opened(output, "wb"),
        stderr=opened(errors, "wb"),
    )
    if process.stdout:
        while not os.path.exists(os.environ["PIPED"]):
            time.sleep(0.01)
        with open(os.environ["PIPED"], "wb", buffering=0) as copy:
            while data := os.read(process.stdout.fileno(), 65536):
                copy.write(data)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
