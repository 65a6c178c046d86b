"""A third correct server: one coroutine a person, and asyncio's streams below it.

    python asyncio_server.py --port 8820

It passes every rule of this directory's suite.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

from correct_room import Person, Room, encode

LENGTH_FIELD_SIZE = 4
OUTBOX_LIMIT = 2**20  # bytes that may wait for one reader before it is cut off
FAREWELL_SECONDS = 5.0  # for what a leaving person still sends, and has not read yet


class Member(Person):
    """One connection and its coroutine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self.reader = reader
        self.writer = writer
        self.finished = False

    def send(self, data: bytes) -> None:
        if self.finished or self.writer.is_closing():
            return
        self.writer.write(data)
        if self.writer.transport.get_write_buffer_size() > OUTBOX_LIMIT:
            self.writer.transport.abort()

    def finish(self) -> None:
        """Say no more; what waits still goes out."""
        if not self.finished:
            self.finished = True
            with contextlib.suppress(OSError):
                self.writer.write_eof()

    async def serve(self, room: Room) -> None:
        """Deal with frame after frame, until EXIT, a bad frame or the end of the stream."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while not self.finished:
                length = await self.reader.readexactly(LENGTH_FIELD_SIZE)
                if not length.isdigit():  # bytes.isdigit() knows ASCII digits only
                    self.send(encode("ERROR BAD_FRAME A frame begins with four digits."))
                    break
                room.request(self, await self.reader.readexactly(int(length)))
        room.leave(self)
        self.finish()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self.say_goodbye(), FAREWELL_SECONDS)
        self.writer.close()

    async def say_goodbye(self) -> None:
        """Read and drop what still comes, and see what waits on its way."""
        while await self.reader.read(65536):
            pass
        await self.writer.drain()


async def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server with a coroutine a person.")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    room = Room()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Member(reader, writer).serve(room)

    server = await asyncio.start_server(welcome, "127.0.0.1", options.port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
