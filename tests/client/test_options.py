"""The command line of the client: its options, and what it says to wrong ones."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
from harness import Certificate, run_piped, slow_beyond

import chat_client
import chat_protocol as protocol
from chat.client.options import parse_arguments
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
    for word in ("--host", "--port", "--name", "--no-color", "127.0.0.1", "8820", "HOST:PORT"):
        assert word in usage.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *("--nonsense", "host port", "host 65536", "--port -1", "a 1 b", "--tls-ca cert.pem"),
        *("host:", "host:port", "host:0", "host:65536", "[::1]:65536", "[::1]:", "--host host:-1"),
        *("host:1 2", "host:1 --port 2", "--host host:1 2", "host 1 --port 2"),
        *("host --host other", "host:1 --host host:2", "host:1 --host other:1"),
    ],
)
def test_wrong_arguments_show_the_usage(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chat_client.main(arguments.split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "usage:" in said
    assert "error:" in said.splitlines()[-1]


def test_a_program_with_wrong_arguments_ends_with_2() -> None:
    done = run_piped(CLIENT, "--nonsense")
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize(
    "form",
    slow_beyond(
        2,
        [
            "127.0.0.1 {}",
            "--host 127.0.0.1 --port {}",
            "--port {}",
            "127.0.0.1:{}",
            "--host [127.0.0.1]:{}",
        ],
    ),
)
def test_host_and_port_are_given_by_place_or_by_name(form: str, played: PlayedServer) -> None:
    assert_finds(played, *form.format(played.port).split())


@pytest.mark.parametrize(
    ("arguments", "host", "port"),
    [
        ("", "127.0.0.1", 8820),
        ("192.168.1.20:8821", "192.168.1.20", 8821),
        ("localhost:8821", "localhost", 8821),
        ("[::1]:8821", "::1", 8821),
        ("[::1]", "::1", 8820),
        ("[fe80::1%eth0]:8821", "fe80::1%eth0", 8821),
        ("::1", "::1", 8820),
        ("::1 8821", "::1", 8821),
        ("fe80::1%eth0", "fe80::1%eth0", 8820),
        ("fe80::1:8821", "fe80::1:8821", 8820),
        ("--host localhost:8821", "localhost", 8821),
        ("--host [::1]:8821", "::1", 8821),
        ("localhost:8821 8821 --host localhost --port 8821", "localhost", 8821),
        ("localhost --port 8821", "localhost", 8821),
        (":8821", "127.0.0.1", 8821),
    ],
)
def test_an_address_holds_a_host_and_may_hold_a_port(arguments: str, host: str, port: int) -> None:
    options = parse_arguments(arguments.split())
    assert (options.host, options.port) == (host, port)


def test_an_ipv6_address_with_a_port_is_called(ipv6: None) -> None:
    with PlayedServer("::1") as played:
        assert_finds(played, f"[::1]:{played.port}")


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
