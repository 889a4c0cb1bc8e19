"""An agent for a sidecar to stand before: answers every request in the agent protocol, and says who it is.

    python live_agent.py NAME [--delay-ms N]

It listens on a free port of 127.0.0.1, prints the port's number, and ends when its standard input does. GET /_stats tells
how many requests came.
"""

import argparse
import asyncio
import json
import sys

stats = {"requests": 0}


async def serve(reader, writer, name, delay):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, *lines = head.split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
            if int(headers.get("content-length", 0)):
                await reader.readexactly(int(headers["content-length"]))
            if start.split(" ")[1] == "/_stats":
                body = json.dumps(stats).encode()
            else:
                stats["requests"] += 1
                await asyncio.sleep(delay)
                call = {"name": "lookup", "args": {"q": 1}, "result": [7], "success": True, "duration_ms": 1}
                body = json.dumps({"response": name, "outcome": "success", "cost_tokens": 9, "tool_calls": [call]}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--delay-ms", type=float, default=0)
    options = parser.parse_args()
    server = await asyncio.start_server(
        lambda r, w: serve(r, w, options.name, options.delay_ms / 1000), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
