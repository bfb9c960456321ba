"""One accepted connection: h11 reads the requests, steps become bytes and faults on the real socket."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

import h11

from resilience.simulator.provider import Received
from resilience.simulator.steps import Close, Garble, Hang, Head, Refuse, Reset, Send, Step, Wait

MAX_BODY_BYTES = 4 * 1024 * 1024
LONGEST_HANG_S = 600.0
"""No hang outlives this, whatever the other end does."""

Respond = Callable[[Received], Iterator[Step]]


class Connection:
    """Serves one connection until either end closes it. respond: the steps for each request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Respond) -> None:
        self._reader = reader
        self._writer = writer
        self._respond = respond
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)

    async def serve(self) -> None:
        """Answer request after request. Raises nothing for what the other end does."""
        try:
            while (received := await self._request()) is not None:
                if not await self._play(self._respond(received)):
                    return
                self._http.start_next_cycle()
        except (ConnectionError, h11.ProtocolError):
            return  # the client went away, or speaks no HTTP
        finally:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    def reset(self) -> None:
        """Close with RST, as a crashed process does: what is still unsent is lost."""
        if self._writer.is_closing():
            return
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _request(self) -> Received | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            match event:
                case h11.NEED_DATA:
                    self._http.receive_data(await self._reader.read(65_536))
                case h11.Request():
                    head = event
                case h11.Data():
                    body += event.data
                    if len(body) > MAX_BODY_BYTES:
                        return None
                case h11.EndOfMessage() if head is not None:
                    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                    return Received(head.target.decode("latin-1").partition("?")[0], headers, bytes(body))
                case _:
                    return None  # the client closed the connection

    async def _play(self, steps: Iterator[Step]) -> bool:
        """Whether the connection can take another request."""
        for step in steps:
            match step:
                case Wait(seconds):
                    if not await self._stays(seconds):
                        return False
                case Head(status, headers, gap_s):
                    head = h11.Response(status_code=status, headers=list(headers), reason=b"")
                    if not await (self._drip(head, gap_s) if gap_s else self._send(head)):
                        return False
                case Send(data):
                    await self._send(h11.Data(data))
                case Garble():
                    self._writer.write(b"no chunk size\r\n")
                    await self._writer.drain()
                    return False
                case Hang():
                    await self._stays(LONGEST_HANG_S)
                    return False
                case Reset() | Refuse():
                    self.reset()
                    return False
                case Close():
                    return False
        await self._send(h11.EndOfMessage())
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send(self, event: h11.Event) -> bool:
        self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()
        return True

    async def _drip(self, event: h11.Event, gap_s: float) -> bool:
        """Byte by byte; False as soon as the client has gone."""
        for byte in self._http.send(event) or b"":
            self._writer.write(bytes((byte,)))
            await self._writer.drain()
            if not await self._stays(gap_s):
                return False
        return True

    async def _stays(self, seconds: float) -> bool:
        """Let time pass; False as soon as the client has gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while data := await self._reader.read(65_536):
                    self._http.receive_data(data)  # the next request, early
                return False
        return True
