"""Passwords and TLS on Windows: asked for in a console, read from files as Windows writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from encrypted import TLSClient, TLSRoom, trusting
from harness import Certificate, StartServer

from windows.machine import StartThere, client_command, on_windows, run_there, there
from windows.service import StartService

pytestmark = [on_windows, pytest.mark.slow]

PASSWORD = "voilà, mot à mot"
# As PowerShell 5 writes `"word" > file`, as `echo word > file` does, as an editor may.
FILES = {
    "UTF-16": f"{PASSWORD}\r\n".encode("utf-16"),
    "a space at the end": f"{PASSWORD} \r\n".encode(),
    "UTF-8 with a mark": f"{PASSWORD}\r\n".encode("utf-8-sig"),
}
each_file = pytest.mark.parametrize("content", FILES.values(), ids=FILES)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file with the password, as it is written elsewhere."""
    file = tmp_path / "password.txt"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return file


def test_a_password_is_asked_for_and_edited(
    start_server: StartServer, start_there: StartThere, written: Path
) -> None:
    server = start_server("--password-file", str(written))
    seat = start_there(*client_command(server.port, "anna"))
    seat.is_asked("Password: ")
    typed = PASSWORD.replace("mot à mot", "mot  mot") + "!"
    seat.put(typed)
    seat.shows_line("•" * len(typed))
    for key, before, after in [
        ("backspace", len(typed) - 1, 0),
        *(("left", len(typed) - 1 - count, count) for count in range(1, 5)),
        ("f1", len(typed) - 5, 4),
        ("à", len(typed) - 4, 4),
        ("ctrl-left", 0, len(typed)),  # whatever words it has
        ("ctrl-right", len(typed), 0),
        ("home", 0, len(typed)),
        ("x", 1, len(typed)),
        ("left", 0, len(typed) + 1),
        ("delete", 0, len(typed)),
        ("end", len(typed), 0),
    ]:
        seat.put(key)
        seat.shows_line("•" * before, "•" * after)
    seat.put("enter")
    seat.shows("* you are anna")
    assert "voil" not in seat.text()
    seat.prompt = "anna> "
    seat.put("up")
    seat.put("Z")
    seat.shows_line("Z")


@each_file
def test_the_client_reads_a_file_of_windows(
    start_server: StartServer, written: Path, tmp_path: Path, content: bytes
) -> None:
    server = start_server("--password-file", str(written))
    (tmp_path / "word.txt").write_bytes(content)
    file = there(tmp_path / "word.txt")
    done = run_there(*client_command(server.port, "bot", "--password-file", file), typed=b"hi\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bot: hi" in done.stdout


@each_file
def test_the_server_reads_a_file_of_windows(
    start_service: StartService, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "word.txt").write_bytes(content)
    service = start_service("--password-file", there(tmp_path / "word.txt"))
    assert service.connect().ask(f"PASS {PASSWORD}") == "ACCEPTED"


# -------------------------------------------------------------------------------------------- TLS


def test_the_client_speaks_tls(
    tls_room: TLSRoom, certificate: Certificate, start_there: StartThere
) -> None:
    bob = tls_room.connect("bob")
    options = "--tls", "--tls-ca", there(Path(certificate.file))
    seat = start_there(*client_command(tls_room.server.port, "anna", *options))
    bob.expect("JOINED anna")
    seat.shows("* here (")
    seat.put("grüße à tous", "enter")
    bob.expect("MSG anna BROADCAST grüße à tous")
    bob.send(f"MSG anna {'long ' * 1000}end")
    seat.shows("long end")
    seat.put("/quit", "enter")
    bob.expect("LEFT anna")
    assert seat.wait_for_exit() == 0


def test_a_certificate_that_nobody_trusts(tls_room: TLSRoom) -> None:
    done = run_there(*client_command(tls_room.server.port, "anna", "--tls"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "certificate" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_server_speaks_tls(certificate: Certificate, start_service: StartService) -> None:
    certificate_file, key_file = there(Path(certificate.file)), there(Path(certificate.key))
    service = start_service("--tls-cert", certificate_file, "--tls-key", key_file)
    anna, bob = (
        TLSClient(("127.0.0.1", service.port), trusting(certificate)).name(name)
        for name in ("anna", "bob")
    )
    anna.expect("JOINED bob")
    bob.send(f"MSG anna {'x' * 9000}")
    anna.expect(f"MSG bob anna {'x' * 9000}")
    plain = service.connect()
    plain.send("NAME carl")
    plain.expect_error("TLS_REQUIRED")
    service.stop()
    assert anna.receive_all()[-1] == "BYE"
    service.ends_well()
    anna.close()
    bob.close()
