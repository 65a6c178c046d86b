"""The house: which room may know which, that no file is too long, what the loop does not speak of.

All of it is read from the files, as text: an import counts wherever it stands, in a function and
under TYPE_CHECKING too.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from harness import ROOT, slow_beyond

GROUND = {"chat_protocol", "chat.sockets", "chat.terminal"}  # none of these knows another
STOCK = GROUND | {"chat.password_file"}
# Each room, and the rooms that it may know. A file belongs to the room with the longest name.
KNOWS: dict[str, set[str]] = {
    **{room: set() for room in GROUND},
    "chat": set(),
    "chat.password_file": {"chat_protocol"},
    "chat.server": STOCK,
    "chat.client": STOCK,
    "chat.client.window": {"chat.client", *STOCK},
    "chat_server": {"chat.server", *STOCK},
    "chat_client": {"chat.client", *STOCK},
    "chat_gui": {"chat.client.window"},
}
LINES = {"chat_protocol": 450, "chat_server": 600, "chat_client": 300, "chat_gui": 40}
LINES_OF_A_ROOM = 400
PACKAGES = {"colorama"}  # all that we use besides the standard library

Sources = Mapping[str, str]  # by module


def our_sources() -> dict[str, str]:
    """Return what every module of ours says."""
    files = [*ROOT.glob("chat_*.py"), *(ROOT / "chat").rglob("*.py")]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            file.read_text(encoding="utf-8")
        )
        for file in files
    }


@cache
def imports(module: str, source: str) -> list[str]:
    """Every module that this one imports, or imports something from, wherever it does so."""
    return [*imports_in(module, source)]


def imports_in(module: str, source: str) -> Iterator[str]:
    """The same, one after the other."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of_ours(sources: Sources) -> dict[str, set[str]]:
    """Return which of our modules each of them imports."""
    return {
        module: {name for name in imports(module, source) if name in sources} - {module}
        for module, source in sources.items()
    }


def room_of(module: str) -> str:
    """Return the room that a module belongs to."""
    rooms = [room for room in KNOWS if module == room or module.startswith(f"{room}.")]
    return max(rooms, key=len)


def forbidden(sources: Sources) -> list[str]:
    """Return the imports that point up, or to a room next door."""
    return [
        f"{module} imports {other}"
        for module, others in imports_of_ours(sources).items()
        for other in sorted(others)
        if room_of(other) not in {room_of(module), *KNOWS[room_of(module)], "chat"}
    ]


def circles(sources: Sources) -> list[str]:
    """Return the modules from which imports lead back to themselves."""
    known = imports_of_ours(sources)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = set(known[start])
        while ahead:
            module = ahead.pop()
            found.add(module)
            ahead |= known[module] - found
        return found

    return [module for module in known if module in reached(module)]


def test_imports_point_down() -> None:
    assert forbidden(our_sources()) == []


def test_there_is_no_circle() -> None:
    assert circles(our_sources()) == []


@pytest.mark.parametrize(
    "source",
    slow_beyond(
        2,
        [
            "import chat_protocol",
            "import chat.client.link as link",
            "from chat_protocol import fold",
            "from chat import client",
            "from ..client import session",
            "def late():\n    from chat.server.broadcast import News",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import chat_server",
        ],
    ),
)
def test_a_terminal_that_knows_a_chat_is_found(source: str) -> None:
    assert forbidden({**our_sources(), "chat.terminal.screen": source})


@pytest.mark.parametrize(
    ("module", "source"),
    slow_beyond(
        2,
        [
            ("chat.server.broadcast", "import chat_server"),
            ("chat.server.broadcast", "from chat.client.lines import Line"),
            ("chat.client.link", "from chat.server import stream"),
            ("chat.client.session", "from chat.client.window.window import Window"),
            ("chat.sockets", "from chat_protocol import PORT"),
            ("chat_protocol", "from chat.sockets import prepare"),
            ("chat_client", "import chat_server"),
        ],
    ),
)
def test_an_import_that_points_up_or_next_door_is_found(module: str, source: str) -> None:
    assert len(forbidden({**our_sources(), module: source})) >= 1


def test_a_circle_is_found() -> None:
    circle = {
        "chat.server.log": "from chat.server.broadcast import News",
        "chat.server.broadcast": "def late():\n    import chat.server.pace",
        "chat.server.pace": "from chat.server import log",
    }
    assert set(circles({**our_sources(), **circle})) == set(circle)


def test_we_use_the_standard_library_and_little_else() -> None:
    for module, source in our_sources().items():
        foreign = {name.partition(".")[0] for name in imports(module, source)}
        foreign -= sys.stdlib_module_names | {name.partition(".")[0] for name in KNOWS}
        assert foreign <= PACKAGES, module


def test_each_file_can_be_read_in_one_sitting() -> None:
    for module, source in our_sources().items():
        assert source.count("\n") <= LINES.get(module, LINES_OF_A_ROOM), module


def test_each_file_begins_with_what_it_is_for() -> None:
    for module, source in our_sources().items():
        assert ast.get_docstring(ast.parse(source)), module


def test_nobody_reaches_into_a_room_by_its_underscored_names() -> None:
    for module, source in our_sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names}
                assert not any(re.match("_[a-z]", name) for name in names), (module, names)
            elif isinstance(node, ast.Attribute) and re.match("_(?!fields)[a-z]", node.attr):
                owner = node.value
                assert isinstance(owner, ast.Name), (module, node.lineno, node.attr)
                assert owner.id in {"self", "cls"}, (module, node.lineno, node.attr)


def test_the_loop_does_not_speak_of_what_has_a_room_of_its_own() -> None:
    tree = ast.parse(our_sources()["chat_server"])
    loop = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Server"
    )
    words = re.findall(r"[a-z]+", ast.unparse(loop).lower())
    assert not {"tls", "password", "rate", "resting", "terminal", "certificate"} & set(words)
