"""The client without a person: behind pipes that end, or that stay open."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

from harness import DEADLINE, ROOT, run_piped
from terminal.pseudo import clean_environment

from client.person import CLIENT
from client.played import PlayedServer


def piped(
    port: int, *options: str, typed: str | bytes = b"", program: tuple[str, ...] = (CLIENT,)
) -> subprocess.CompletedProcess[str]:
    """Run the client until it ends by itself, with `typed` as its input."""
    return run_piped(*program, "127.0.0.1", str(port), *options, typed=typed)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The client gave up with one sentence for people, which holds these words."""
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    assert said.endswith((".", "?")), said
    for word in words:
        assert word in said


def assert_finds(played: PlayedServer, *arguments: str) -> None:
    """A client without input that is started with these arguments calls this server, and leaves."""
    with PipedClient(*arguments) as client:
        client.type("", is_all=True)
        played.accept().end()
        assert client.wait_exit() == 0


class PipedClient:
    """A client behind pipes that stay open, started with these arguments."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, CLIENT, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**clean_environment(), "PYTHONUTF8": "1"},
        )

    def __enter__(self) -> PipedClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe
            pipe.close()
        self.process.wait()

    def type(self, text: str, *, is_all: bool = False) -> None:
        """Write into its input, and close that if this is all."""
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()
        if is_all:
            self.process.stdin.close()

    def prints(self, text: str) -> None:
        """Wait until it has printed a line with this text; end it at the deadline."""
        assert self.process.stdout
        watch = threading.Timer(DEADLINE, self.process.kill)
        watch.start()
        try:
            while text not in (line := self.process.stdout.readline()):
                assert line, f"it printed no {text!r}"
        finally:
            watch.cancel()

    def stop_reading(self) -> None:
        """Close the pipe that it prints into."""
        assert self.process.stdout
        self.process.stdout.close()

    def wait_exit(self) -> int:
        """Return the exit code, once it has ended with its input still open."""
        return self.process.wait(DEADLINE)

    def last_words(self) -> str:
        """Return what it has printed since, on either stream; no traceback may be in it."""
        pipes = (self.process.stdout, self.process.stderr)
        said = "".join(pipe.read() for pipe in pipes if pipe and not pipe.closed)
        assert "Traceback" not in said
        assert "Exception" not in said
        return said
