"""What the documents say exists: the names, the commands, their options, and the links."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from harness import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = sorted([*ROOT.glob("chat_*.py"), *(ROOT / "chat").rglob("*.py")])
CONFORMANCE = ROOT / "tests" / "conformance"
EXAMPLES = {"Bob", "José", "STRASSE", "AWAY"}  # stand in backticks, and are no names of ours

document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def code_words(text: str) -> list[str]:
    """Return what stands in backticks within the sentences and tables of a document."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def command_lines(text: str) -> list[str]:
    """Return the lines of code blocks that run Python."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if "python " in line]


# ------------------------------------------------------------------------------------------ names


@cache
def known_names() -> set[str]:
    """Every name that our programs define or use, and the words in capitals that they send."""
    names = set(dir(builtins)) | set(dir(str))
    for program in PROGRAMS:
        for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.update(re.findall(r"\b[A-Z][A-Z_]+\b", node.value))
    return names


@cache
def members() -> dict[str, set[str]]:
    """What each class of ours defines."""
    return {
        node.name: {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        | {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute)}
        for program in PROGRAMS
        for node in ast.parse(program.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }


@document
def test_names_in_backticks_exist(path: Path) -> None:
    missing = []
    for word in code_words(path.read_text(encoding="utf-8")):
        name = word.removesuffix("()")
        if method := re.fullmatch(r"([A-Z]\w+)\.(\w+)", name):
            exists = method[2] in members().get(method[1], set())
        elif word.endswith("()") or re.fullmatch(r"\w*[A-Z_]\w+", word):
            exists = name.rpartition(".")[2] in known_names() | EXAMPLES
        else:
            continue
        if not exists:
            missing.append(word)
    assert not missing


@document
def test_files_in_backticks_exist(path: Path) -> None:
    for word in code_words(path.read_text(encoding="utf-8")):
        if re.fullmatch(r"(chat|tests|docs)/[\w/.-]*|(chat|test)_\w+\.py", word):
            assert (ROOT / word).exists(), word


# --------------------------------------------------------------------------------------- commands


@cache
def options_of(program: Path) -> set[str]:
    """Return the options that a program, or the conformance suite, tells of."""
    if program == CONFORMANCE:
        text = (CONFORMANCE / "options.py").read_text(encoding="utf-8")
    else:
        command = [sys.executable, str(program), "--help"]
        text = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=60, check=True
        ).stdout
    return set(re.findall(r"--[a-z][\w-]*", text))


@document
def test_commands_name_files_and_options_that_exist(path: Path) -> None:
    for line in command_lines(path.read_text(encoding="utf-8")):
        ours = re.sub(r'"[^"]*"', "", line)  # in quotes stands a program of somebody else
        files = re.findall(r"(?:tests|docs)/[\w/.-]*\w|\b(?!my_)\w+\.py\b", ours)
        for name in files:
            assert (ROOT / name).exists(), line
        for option in re.findall(r"(?<=\s)--[a-z][\w-]*", ours):
            if files:
                assert option in options_of(ROOT / files[-1]), line


@document
def test_options_in_backticks_exist(path: Path) -> None:
    words = code_words(path.read_text(encoding="utf-8"))
    mentioned = {word.split()[0] for word in words if word.startswith("--")}
    places = [ROOT / "chat_server.py", ROOT / "chat_client.py", CONFORMANCE]
    known = set().union(*(options_of(place) for place in places if place.exists()))
    assert mentioned <= known


# ------------------------------------------------------------------------------------------ links


@document
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)", path.read_text(encoding="utf-8"))
    for target in targets:
        assert target.startswith(("http:", "https:")) or (path.parent / target).exists(), target
