"""Many viewers of the web view in one process.

They print the arrival time of each row at each viewer, as JSON.

``web_viewers.py URL VIEWERS IDLE SECONDS``: of the viewers, IDLE take nothing after the handshake.
"""

import asyncio
import json
import struct
import sys
import time

import websockets

FIRST = struct.Struct("<d")


async def watch(url: str, until_s: float, found: dict[str, list[float]]) -> None:
    """Take all that comes, and note the moment of each row."""
    async with websockets.connect(url, max_size=2**24, proxy=None, compression=None) as socket:
        nbytes = 0
        try:
            while True:
                async with asyncio.timeout(until_s - time.monotonic()):
                    data = await socket.recv()
                nbytes += len(data)
                if isinstance(data, bytes) and data[1] in (2, 3):
                    found.setdefault(str(int(FIRST.unpack_from(data, 16)[0])), []).append(time.monotonic())
        except TimeoutError:
            found.setdefault("bytes", []).append(nbytes)


async def idle(url: str, until_s: float) -> None:
    """Open the connection and take nothing."""
    host, _, port = url.split("/")[2].partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    writer.write(
        b"GET /live?version=2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(until_s - time.monotonic())
    writer.close()


async def main(url: str, viewers: int, idlers: int, seconds: float) -> None:
    """Watch, all at once."""
    until_s, found = time.monotonic() + seconds, {}
    async with asyncio.TaskGroup() as tasks:
        for n in range(viewers):
            tasks.create_task(idle(url, until_s) if n < idlers else watch(url, until_s, found))
            await asyncio.sleep(0.01)
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
