"""The server on Windows: start and stop, a port in use, a full room, output that nobody reads."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from client.piped import free_port
from harness import Client, wait_until

from windows.machine import (
    HERE,
    StartThere,
    client_command,
    on_windows,
    run_there,
    there,
)
from windows.service import StartService

pytestmark = [on_windows, pytest.mark.slow]


def test_people_talk_and_ctrl_c_says_goodbye(start_service: StartService) -> None:
    service = start_service("--rate", "0")
    anna, bob = service.connect("anna"), service.connect("bob")
    anna.expect("JOINED bob")
    bob.send("MSG BROADCAST là-bas 漢字 😀", "MSG anna psst", "BLOCK anna")
    anna.expect("MSG bob BROADCAST là-bas 漢字 😀", "MSG bob anna psst")
    bob.expect("BLOCKED anna")
    service.stop()
    for client in (anna, bob):
        notice, goodbye = client.receive_all()
        assert notice.startswith("INFO The server is being shut down from its keyboard")
        assert goodbye == "BYE"
    service.ends_well()


def test_nobody_is_there_when_it_stops(start_service: StartService) -> None:
    service = start_service()
    service.seat.ctrl_c()
    service.ends_well()


def test_server_and_clients_on_windows(
    start_service: StartService, start_there: StartThere
) -> None:
    service = start_service()
    anna, bob = (start_there(*client_command(service.port, name)) for name in ("anna", "bob"))
    anna.shows("bob")
    bob.shows("anna")
    anna.is_asked("anna> ")
    bob.is_asked("bob> ")
    anna.put("voilà", "enter")
    bob.sees("anna: voilà")
    service.stop()
    for seat in (anna, bob):
        assert seat.wait_for_exit() == 0
        assert "shut down" in seat.text()
    service.ends_well()


def test_a_port_in_use(start_service: StartService) -> None:
    service = start_service()
    for host in (("--host", "127.0.0.1"), ()):
        done = run_there("chat_server.py", *host, "--port", str(service.port))
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith(f"chat_server: port {service.port} is in use: ")
        assert len(done.stderr.splitlines()) == 1
    service.connect("anna")  # the first goes on


def test_a_full_room(start_service: StartService) -> None:
    service = start_service("--max-clients", "1")
    service.connect("anna")
    bob = service.connect()
    bob.expect_error("SERVER_FULL")
    assert bob.receive_all() == []
    done = run_there(*client_command(service.port, "bot"))
    assert done.returncode == 1
    assert "Every place here is taken" in done.stdout


def test_output_in_a_file_is_utf_8(start_there: StartThere, tmp_path: Path) -> None:
    port = free_port()
    command = "chat_server.py", "--host", "127.0.0.1", "--port", str(port), "--wire"
    shown, errors = tmp_path / "shown", tmp_path / "errors"
    seat = start_there(there(HERE / "redirected.py"), "-", there(shown), there(errors), *command)
    wait_until(lambda: shown.exists() and b"Ctrl+C stops" in shown.read_bytes(), "it listens")
    zoe = Client(("127.0.0.1", port)).name("zoé")
    zoe.send("EXIT")
    zoe.receive_until("BYE")
    zoe.close()
    wait_until(lambda: "zoé gone: left" in shown.read_text("utf-8"), "the log is written")
    assert "0009│NAME zoé" in shown.read_text("utf-8")
    seat.ctrl_c()
    assert seat.wait_for_exit() in (0, 0xC000013A)  # STATUS_CONTROL_C_EXIT: of redirected.py
    wait_until(lambda: "being shut down" in shown.read_text("utf-8"), "it has stopped")
    assert errors.read_bytes() == b""


def test_output_that_nobody_reads_holds_up_nobody(start_there: StartThere, tmp_path: Path) -> None:
    port, shown = free_port(), tmp_path / "shown"
    command = "chat_server.py", "--host", "127.0.0.1", "--port", str(port), "--rate", "0"
    start_there(
        *(there(HERE / "redirected.py"), "-", "|", "-", *command, "--verbose", "--wire"),
        PIPED=there(shown),
    )
    wait_until(lambda: listens(port), "it listens")
    anna = Client(("127.0.0.1", port)).name("anna")
    for number in range(300):  # 600 kB of log at least; a pipe holds 64
        anna.send(f"MSG anna {number} {'x' * 1000}")
        anna.expect(f"MSG anna anna {number} {'x' * 1000}")
    shown.touch()  # from here on somebody reads it

    def tells() -> bool:
        anna.round_trip()  # one more line
        return b"lines are left out: nobody read them" in shown.read_bytes()

    wait_until(tells, "it tells that nobody read its lines")
    anna.close()


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
