"""An agent for a sidecar to stand before: answers every request in the agent protocol, and says who it is.

    python live_agent.py NAME [--delay-ms N] [--port N] [--tls CERT KEY]

It listens on a free port of 127.0.0.1 (or --port), prints the port's number, and ends when its standard input does. GET /_stats tells
how many requests came. GET /stream answers with an event stream: one event at once, the last one after GET /_release.
"""

import argparse
import asyncio
import json
import ssl
import sys

stats = {"requests": 0, "streams": 0}
released = asyncio.Event()


async def stream(writer):
    def chunk(text):
        return b"%x\r\n%s\r\n" % (len(text), text)

    stats["streams"] += 1
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"data: first\n\n"))
    await writer.drain()
    await released.wait()
    writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def serve(reader, writer, name, delay):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            start, *lines = head.split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
            if int(headers.get("content-length", 0)):
                await reader.readexactly(int(headers["content-length"]))
            path = start.split(" ")[1]
            if path == "/stream":
                await stream(writer)
                continue
            if path == "/_release":
                released.set()
                body = b"{}"
            elif path == "/_stats":
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
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    server = await asyncio.start_server(
        lambda r, w: serve(r, w, options.name, options.delay_ms / 1000), "127.0.0.1", options.port, backlog=4096, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
