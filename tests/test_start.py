"""Before the programs start: a Python that is too old, a copy in which something is missing."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import DEADLINE, ROOT, slow_beyond

PROGRAMS = ("chat_server.py", "chat_client.py", "chat_gui.py")
OLD = ((3, 8), (3, 9))  # that can be told; older ones do not get past the grammar

each_program = pytest.mark.parametrize("program", PROGRAMS)


def run(python: str, program: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program until it ends by itself."""
    return subprocess.run(
        [python, str(program), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=DEADLINE,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], program: str, *words: str) -> None:
    """The program ended with a sentence of its own, which holds these words."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{program.removesuffix('.py')}: ")
    assert line.endswith(".")
    for word in words:
        assert word in line


# ------------------------------------------------------------------------------ an old Python


@each_program
def test_an_old_python_gets_past_the_grammar(program: str) -> None:
    source = (ROOT / program).read_text(encoding="utf-8")
    ast.parse(source, feature_version=OLD[0])


def old_pythons() -> list[str]:
    """Return an interpreter of each old version that is found here."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for major, minor in OLD:
        on_path = shutil.which(f"python{major}.{minor}")
        candidates = [*pyenv.glob(f"{major}.{minor}.*/bin/python"), *filter(None, [on_path])]
        # What pyenv puts on the path may be a script that only says which versions there are.
        found += [str(path) for path in candidates if run(str(path), "--version").returncode == 0][
            :1
        ]
    return found


@pytest.mark.slow
@each_program
def test_a_python_that_is_too_old_is_said_in_a_sentence(program: str) -> None:
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python 3.8 or 3.9 is found here")
    for python in pythons:
        assert_one_sentence(run(python, ROOT / program), program, "too old", "3.10")


# ------------------------------------------------------------------------------ a part is missing


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with all of the chat in it."""
    for file in ROOT.glob("chat_*.py"):
        shutil.copy(file, tmp_path)
    shutil.copytree(ROOT / "chat", tmp_path / "chat", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@each_program
def test_a_program_that_was_copied_alone_says_so(program: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / program, tmp_path)
    done = run(sys.executable, tmp_path / program)
    assert_one_sentence(done, program, "missing", "copy the whole folder")


@pytest.mark.parametrize(
    ("program", "part"),
    [
        *((program, "chat_protocol.py") for program in PROGRAMS),
        *slow_beyond(0, [(program, "chat") for program in PROGRAMS]),
        ("chat_server.py", "chat/server"),
        *slow_beyond(
            0,
            [
                ("chat_server.py", "chat/server/stream.py"),
                ("chat_client.py", "chat/terminal"),
                ("chat_client.py", "chat/terminal/keys.py"),
                ("chat_gui.py", "chat/client/window"),
            ],
        ),
    ],
)
def test_a_missing_part_is_named(program: str, part: str, copied: Path) -> None:
    remove(copied / part)
    done = run(sys.executable, copied / program)
    name = part.removesuffix(".py").replace("/", ".")
    assert_one_sentence(done, program, f" {name} is missing", "unpack")


@pytest.mark.parametrize("part", ["chat/client/session.py", "chat/client/window/entry.py"])
def test_a_part_that_the_window_imports_late_is_named(part: str, copied: Path) -> None:
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    remove(copied / part)
    name = part.removesuffix(".py").replace("/", ".")
    done = run(sys.executable, copied / "chat_gui.py")
    assert_one_sentence(done, "chat_gui.py", f" {name} is missing")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@each_program
def test_what_python_itself_lacks_is_not_taken_for_a_part_of_ours(program: str) -> None:
    broken = (
        "import runpy, sys; sys.modules['argparse'] = None; "
        f"sys.path.insert(0, {str(ROOT)!r}); "
        f"runpy.run_path({str(ROOT / program)!r}, run_name='__main__')"
    )
    done = run(sys.executable, "-c", broken)
    assert done.returncode == 1
    assert "argparse" in done.stderr.splitlines()[-1]
    assert "whole folder" not in done.stderr
