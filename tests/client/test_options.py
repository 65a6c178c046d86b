"""The command line of the client: its options, and what it says to wrong ones."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
from harness import Certificate, run_piped

import chat_client
import chat_protocol as protocol
from chat.client.tls import load_tls
from client.person import CLIENT
from client.piped import assert_finds
from client.played import PlayedServer


def test_version_and_help_are_answered() -> None:
    version = run_piped(CLIENT, "--version")
    assert version.returncode == 0
    assert protocol.VERSION in version.stdout
    usage = run_piped(CLIENT, "--help")
    assert usage.returncode == 0
    for word in ("--host", "--port", "--name", "--no-color", "127.0.0.1", "8820"):
        assert word in usage.stdout


@pytest.mark.parametrize(
    "arguments",
    ["--nonsense", "host port", "host 65536", "--port -1", "a 1 b", "--tls-ca cert.pem"],
)
def test_wrong_arguments_show_the_usage(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chat_client.main(arguments.split())
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_program_with_wrong_arguments_ends_with_2() -> None:
    done = run_piped(CLIENT, "--nonsense")
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize("form", ["127.0.0.1 {}", "--host 127.0.0.1 --port {}", "--port {}"])
def test_host_and_port_are_given_by_place_or_by_name(form: str, played: PlayedServer) -> None:
    assert_finds(played, *form.format(played.port).split())


def test_no_option_turns_the_check_off(
    certificate: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        chat_client.main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {option for option in options if "tls" in option} == {"--tls", "--tls-ca"}
    assert not [word for word in options if re.search("insecure|verify|unsafe|trust", word)]
    context = load_tls(certificate.file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("file", ["missing", "garbage", "empty", "folder"])
def test_a_client_without_usable_certificates_says_so_in_a_sentence(
    tmp_path: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "garbage").write_text("Dear diary,\n")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert chat_client.main(["--tls", "--tls-ca", str(tmp_path / file)]) == 1
    said = capsys.readouterr()
    (line,) = (said.out + said.err).splitlines()
    assert str(tmp_path / file) in line
    assert line.endswith(".")


def test_nobody_imports_ssl_who_does_not_ask_for_it() -> None:
    code = (
        f"import runpy, sys\ntry:\n runpy.run_path({CLIENT!r}, run_name='__main__')\n"
        "except SystemExit: pass\nprint('ssl' in sys.modules)"
    )
    done = run_piped("-c", code, "--version")
    assert done.stdout.splitlines()[-1] == "False", done.stderr
