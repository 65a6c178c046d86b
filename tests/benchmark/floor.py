"""The floor: the least that a select() loop in Python can do, to measure a server against.

It knows no names, frames or limits, and takes for granted that every socket always has room.

    python floor.py broadcast SIZE   reads SIZE bytes, one message, and sends them to all others
    python floor.py private SIZE     hands what one of the first two sends to the other of them
"""

import select
import socket
import sys


def main() -> None:
    private = sys.argv[1] == "private"
    size = int(sys.argv[2])
    server = socket.create_server(("127.0.0.1", 0))
    print("Listening on 127.0.0.1:" + str(server.getsockname()[1]), flush=True)
    people: dict[int, socket.socket] = {}
    # Plain numbers: of a socket object, select() would have to ask the number every time.
    descriptors = [server.fileno()]
    while True:
        readable, _, _ = select.select(descriptors, (), ())
        for descriptor in readable:
            if descriptor == server.fileno():
                client, _ = server.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                people[client.fileno()] = client
                descriptors.append(client.fileno())
                continue
            source = people[descriptor]
            data = source.recv(size)
            if not data:
                return  # the measurement is over
            if private:
                first, second = descriptors[1:3]
                people[second if descriptor == first else first].send(data)
                continue
            for listener in people.values():
                if listener is not source:
                    listener.send(data)


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, ConnectionError):
        pass  # the way to stop it
