"""The welcome on Windows: what others are to type there works in its shell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import Certificate, wait_until

from windows.machine import StartThere, on_windows, run_there, there

pytestmark = [on_windows, pytest.mark.slow]

# Where this Python is found as "python".
IN_CMD = """
import os, subprocess, sys
folder = os.path.dirname(sys.executable)
os.environ["PATH"] = folder + os.pathsep + os.environ["PATH"]
done = subprocess.run(sys.argv[1], shell=True, input=b"NAME winnie\\nhello\\n", stdout=1, stderr=1)
sys.exit(done.returncode)
"""


def test_the_command_works_in_cmd_over_tls(
    start_there: StartThere, tmp_path: Path, certificate: Certificate
) -> None:
    file = tmp_path / "our cert.pem"
    file.write_bytes(Path(certificate.file).read_bytes())
    files = ("--tls-cert", there(file), "--tls-key", there(Path(certificate.key)))
    seat = start_there("chat_server.py", "--host", "127.0.0.1", "--port", "0", *files)
    seat.shows("Ctrl+C stops the server.")
    text = seat.text().replace("\n", "")  # the command may take more than a row
    command = re.search(r"(python chat_client\.py .* 127\.0\.0\.1 \d+) *Room for", text)
    assert command, seat.text()
    done = run_there("-c", IN_CMD, command[1])
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: "is now called winnie" in seat.text(), "she was there")


def test_an_address_for_others_is_found(start_there: StartThere) -> None:
    seat = start_there("chat_server.py", "--port", "0")
    seat.shows("Ctrl+C stops the server.")
    found = re.findall(r"^ {4}python chat_client\.py (\S+) (\d+)$", seat.text(), re.MULTILINE)
    assert 1 <= len(found) <= 3
    for host, port in found:
        done = run_there("chat_client.py", host, port, typed=b"NAME winnie\nhello\n")
        assert done.returncode == 0, done.stdout + done.stderr
