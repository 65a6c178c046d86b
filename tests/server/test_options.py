"""The options: each explained and checked, and a sentence where a named file is of no use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import SERVER, Certificate, make_certificate, run_piped

import chat_server
from chat.server.options import parse_arguments
from chat_protocol import VERSION


def test_help_explains_each_option_with_its_default() -> None:
    done = run_piped(SERVER, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    explanations = dict(
        re.findall(r"^  (--[a-z-]+)(.*?)(?=^  -|^$)", done.stdout, re.DOTALL | re.MULTILINE)
    )
    for option, default in {
        "--host": "all that this machine has, IPv4 and IPv6",
        "--port": "8820",
        "--max-clients": "as many as the selector and the process's file limit allow",
        "--max-per-address": "no limit",
        "--rate": "50",
        "--max-backlog": "1024",
        "--login-timeout": "300",
        "--selector": "select",
        "--verbose": "off",
    }.items():
        assert f"(default: {default})" in " ".join(explanations[option].split())
    del explanations["--version"]
    for option, explanation in explanations.items():
        assert "(default:" in explanation, option


def test_version_is_told() -> None:
    done = run_piped(SERVER, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"chat_server {VERSION}\n", "")


@pytest.mark.parametrize(
    "options",
    ["--nonsense", "extra", "--port", "--port http", "--port -1", "--port 65536", "--port 80.5",
     "--max-clients 0", "--max-clients some", "--max-per-address 0", "--rate -1", "--rate fast",
     "--rate nan", "--max-backlog 0", "--login-timeout -1", "--selector none"],
)  # fmt: skip
def test_a_wrong_option_is_not_taken(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(options.split())
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: chat_server.py")


def test_a_wrong_option_shows_the_usage_and_ends_with_2() -> None:
    done = run_piped(SERVER, "--port", "65536")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: chat_server.py")
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------------------- the certificate


@pytest.mark.parametrize("options", [["--tls-cert", "cert.pem"], ["--tls-key", "cert.key"]])
def test_a_certificate_without_its_key_shows_the_usage(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        chat_server.main(options)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.fixture
def bad_files(tmp_path: Path, certificate: Certificate) -> Path:
    """A folder with files that are no certificate."""
    (tmp_path / "garbage").write_text("Dear diary,\n")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.pem").write_bytes(Path(certificate.file).read_bytes())
    other = make_certificate(tmp_path, "other", "IP:127.0.0.1")
    (tmp_path / "good.key").write_bytes(Path(certificate.key).read_bytes())
    (tmp_path / "another.key").write_bytes(Path(other.key).read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("missing", "good.key"),
        ("good.pem", "missing"),
        ("garbage", "good.key"),
        ("good.pem", "garbage"),
        ("empty", "empty"),
        ("folder", "good.key"),
        ("good.pem", "another.key"),
    ],
)
def test_a_server_without_a_usable_certificate_says_so_in_a_sentence(
    bad_files: Path, file: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--tls-cert", str(bad_files / file), "--tls-key", str(bad_files / key))
    assert chat_server.main(list(options)) == 1
    said = capsys.readouterr()
    assert said.out == "", "it does not even begin to listen"
    (line,) = said.err.splitlines()
    assert str(bad_files) in line
    assert line.endswith(".")


@pytest.mark.slow
def test_nobody_imports_ssl_who_does_not_ask_for_it() -> None:
    code = (
        f"import runpy, sys\ntry:\n runpy.run_path({SERVER!r}, run_name='__main__')\n"
        "except SystemExit: pass\nprint('ssl' in sys.modules)"
    )
    done = run_piped("-c", code, "--version")
    assert done.stdout.splitlines()[-1] == "False", done.stderr
