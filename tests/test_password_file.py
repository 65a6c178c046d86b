"""The file that holds the room password: what both programs make of it, good or bad."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import ROOT, SERVER, run_piped
from locked import PASSWORD

import chat_client
import chat_server
from chat.password_file import read_password

BAD_FILES = {
    "missing": None,
    "empty": b"",
    "an empty first line": b"\nsecret\n",
    "a control character": b"se\x1bcret\n",
    "a tab": b"se\tcret\n",
    "no UTF-8": b"\xff\xfe\n",
    "too long": b"x" * 10_000,
}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nmore\n"])
def test_line_ends_of_every_system_end_the_password(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "password"
    file.write_bytes(f"{PASSWORD}{ending}".encode())
    assert read_password(str(file)) == PASSWORD


@pytest.fixture(params=BAD_FILES)
def bad_file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    content: bytes | None = BAD_FILES[request.param]
    if content is not None:
        (tmp_path / "bad.txt").write_bytes(content)
    return str(tmp_path / "bad.txt")


@pytest.mark.parametrize("program", [chat_server, chat_client])
def test_a_file_without_a_usable_password_is_named_in_a_sentence(
    program: object, bad_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = program.main  # type: ignore[attr-defined]
    assert main(["--port", "1", "--password-file", bad_file]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert bad_file in line
    assert line.endswith(".")
    assert "secret" not in line


@pytest.mark.parametrize("program", [SERVER, str(ROOT / "chat_client.py")])
def test_a_missing_password_file_ends_the_program_with_one_line(
    program: str, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    done = run_piped(program, "--port", "1", "--password-file", missing)
    assert done.returncode == 1
    assert len((done.stdout + done.stderr).splitlines()) == 1
    assert missing in done.stderr


@pytest.mark.parametrize("program", [chat_server, chat_client])
def test_no_option_takes_the_password_itself(
    program: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everyone on a machine can read the command lines of its programs: ps(1)."""
    with pytest.raises(SystemExit):
        program.main(["--help"])  # type: ignore[attr-defined]
    options = re.findall(r"--[a-z-]*pass[a-z-]*", capsys.readouterr().out)
    assert set(options) == {"--password-file"}
