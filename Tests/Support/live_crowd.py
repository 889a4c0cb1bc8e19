"""A crowd before a sidecar: connections that say nothing, and event streams that stay open.

    python live_crowd.py --port P --admin A --agent G [--idle N] [--streams N]

Opens them all, waits until each stream has its first event, asks a request beside them, reads the sidecar's own figures, and
lets the streams end. Prints one JSON object: what was opened and answered, and the figures before and with the crowd.
"""

import argparse
import asyncio
import json
import resource


async def get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    # Not every server here closes a connection that it is asked to.
    body = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
    writer.close()
    return int(head.split(" ")[1]), body.decode()


async def figures(admin):
    _, text = await get(admin, "/metrics")
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: int(found[name]) for name in ("process_resident_memory_bytes", "process_open_fds", "outrigger_connections")}


async def stream(port):
    """A stream whose first event is here."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /stream HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    await reader.readuntil(b"data: first\n\n")
    return reader, writer


async def rest(reader, writer):
    """Whether the stream ended as it should."""
    text = await reader.readuntil(b"0\r\n\r\n")
    writer.close()
    return b"data: [DONE]\n\n" in text


async def at_once(tasks):
    """So many at once that neither side's queue of new connections overflows."""
    results = []
    for i in range(0, len(tasks), 200):
        results += await asyncio.gather(*(task() for task in tasks[i:i + 200]))
    return results


async def main():
    parser = argparse.ArgumentParser()
    for name in ("--port", "--admin", "--agent"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--idle", type=int, default=0)
    parser.add_argument("--streams", type=int, default=0)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    await get(options.port, "/")
    result = {"before": await figures(options.admin), "descriptors": hard}
    idle = await at_once([lambda: asyncio.open_connection("127.0.0.1", options.port)] * options.idle)
    streams = await at_once([lambda: stream(options.port)] * options.streams)
    # Connections that the system has taken for the sidecar count once it has them.
    for _ in range(600):
        result["with"] = await figures(options.admin)
        if result["with"]["outrigger_connections"] >= len(idle) + len(streams):
            break
        await asyncio.sleep(0.1)
    result["beside"], _ = await get(options.port, "/")
    await get(options.agent, "/_release")
    ended = await asyncio.gather(*(rest(*pair) for pair in streams))
    result |= {"idle": len(idle), "streams": len(streams), "ended": sum(ended)}
    for _, writer in idle:
        writer.close()
    print(json.dumps(result))


asyncio.run(main())
