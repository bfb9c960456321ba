"""A listening port that can be closed and opened again, with the connections that came in through it."""

import asyncio
import socket
import sys

from resilience.simulator.connection import Connection, Respond

HOST = "127.0.0.1"
_CLOSING_S = 5.0

# Two sockets of one port as long as one of them does not listen; also while connections of before are still ending.
_SHARED = socket.SO_REUSEPORT if sys.platform == "darwin" else socket.SO_REUSEADDR


class Listener:
    """One port on loopback. port: the wanted one, 0 for any free one; once open, the real one. Needs a running loop.

    From the first `open` to `aclose` a second socket holds the port without listening: given to anybody else while
    closed, it would not refuse.
    """

    def __init__(self, port: int, respond: Respond) -> None:
        self.port = port
        self._respond = respond
        self._socket: socket.socket | None = None
        self._held: socket.socket | None = None
        self._starting: asyncio.Task[asyncio.Server] | None = None
        self._connections: dict[Connection, asyncio.Task[None] | None] = {}

    def open(self) -> None:
        """Listen, from now on; nothing if it does already. Raises OSError if the port is taken."""
        if self._socket is not None:
            return
        if self._held is None:
            self._held = _bound(self.port)
            self.port = self._held.getsockname()[1]
        self._socket = _bound(self.port)
        self._socket.listen(1024)
        # The kernel queues connections from here on, so nobody has to wait for this task.
        self._starting = asyncio.get_running_loop().create_task(asyncio.start_server(self._serve, sock=self._socket))

    def close(self) -> None:
        """Refuse from now on, and reset what is connected."""
        if self._socket is None or self._starting is None:
            return
        if self._starting.done():
            self._starting.result().close()
        else:
            self._starting.cancel()
            self._socket.close()
        self._socket = self._starting = None
        for connection in self._connections:
            connection.reset()

    async def aclose(self) -> None:
        """Close, give the port back, and wait until each connection has ended."""
        self.close()
        if self._held is not None:
            self._held.close()
            self._held = None
        if serving := [task for task in self._connections.values() if task is not None]:
            await asyncio.wait(serving, timeout=_CLOSING_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._respond)
        self._connections[connection] = asyncio.current_task()
        try:
            await connection.serve()
        finally:
            del self._connections[connection]


def _bound(port: int) -> socket.socket:
    taken = socket.socket()
    try:
        taken.setsockopt(socket.SOL_SOCKET, _SHARED, 1)
        taken.bind((HOST, port))
    except OSError:
        taken.close()
        raise
    return taken
