"""Clients that never pause: each sends one request after the other, over connections that it keeps while it may.

    python live_load.py --port P [--admin A] [--clients N] [--count K] [--prefix R] [--list]

A client that is told `Connection: close`, or has none yet, asks the admin API's /readyz before it opens a connection, as a
load balancer does, and ends where it is told no. Anything else that goes wrong after a request was begun is a failure.
Prints one JSON object at the end: how many were answered, by whom, and every failure. SIGTERM ends it early. With --list
it names the ids of the requests whose answers came whole, as `ids`; they begin with the prefix.
"""

import argparse
import asyncio
import json
import signal

result = {"answered": 0, "by": {}, "failures": []}
stopping = False


async def ask(reader, writer, number, prefix):
    body = json.dumps({"request": f"question {number}"}).encode()
    writer.write(
        b"POST /run HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\nx-user: u%d\r\nx-request-id: %s%d\r\n"
        b"content-length: %d\r\n\r\n%s" % (number % 50, prefix.encode(), number, len(body), body))
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    answer = await reader.readexactly(length)
    if " 200 " not in head.split("\r\n")[0] + " ":
        result["failures"].append(head.split("\r\n")[0] + " " + answer.decode(errors="replace")[:200])
    else:
        name = json.loads(answer)["response"]
        result["by"][name] = result["by"].get(name, 0) + 1
    result["answered"] += 1
    if "ids" in result:
        result["ids"].append(f"{prefix}{number}")
    return "connection: close" not in head


async def ready(port):
    if port is None:
        return True
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        line = await reader.readline()
        writer.close()
        return b" 200 " in line
    except OSError:
        return False


async def client(options, numbers):
    while not stopping and await ready(options.admin):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
        except OSError as error:
            result["failures"].append(f"connect: {error}")
            return
        kept = True
        while kept and not stopping:
            number = next(numbers, None)
            if number is None:
                writer.close()
                return
            try:
                kept = await ask(reader, writer, number, options.prefix)
            except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError) as error:
                result["failures"].append(f"request {number}: {error!r}")
                break
        writer.close()


def stop():
    global stopping
    stopping = True


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--admin", type=int)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--prefix", default="r-")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        result["ids"] = []
    # Who started this may have kept its signals for itself, which is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    numbers = iter(range(options.count))
    await asyncio.gather(*(client(options, numbers) for _ in range(options.clients)))
    print(json.dumps(result))


asyncio.run(main())
