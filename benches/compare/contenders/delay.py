"""A proxy that delays each response: `delay.py PORT SECONDS`, until stdin ends."""

import asyncio
import sys

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])


async def copy(reader, writer, seconds):
    """Pass bytes on, each piece so many seconds later."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue(64)

    async def write():
        while (piece := await pieces.get()) is not None:
            due, data = piece
            await asyncio.sleep(due - loop.time())
            writer.write(data)
            await writer.drain()
        writer.close()

    writing = asyncio.create_task(write())
    try:
        while data := await reader.read(1 << 18):
            await pieces.put((loop.time() + seconds, data))
    except OSError:
        pass
    await pieces.put(None)
    await writing


async def serve(reader, writer):
    """Connect a client with the server."""
    from_server, to_server = await asyncio.open_connection("127.0.0.1", PORT)
    await asyncio.gather(
        copy(reader, to_server, 0), copy(from_server, writer, SECONDS), return_exceptions=True
    )


async def main():
    """Serve until stdin ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
