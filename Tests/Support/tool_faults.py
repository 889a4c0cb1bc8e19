"""Tools and MCP servers that hang, lie and die behind a sidecar's tool gateway, while other runs go on.

    python tool_faults.py BINARY FOLDER

It prints what each call was answered, over HTTP and over MCP, and what was counted. COLLECTOR: where spans go.
"""

import asyncio
import collections
import gzip
import json
import os
import sys
import time

import httpx2
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from held_runs import RawServer, World, play, reply, reset

SLOW = {"hang", "half", "drip", "m_hang", "m_slow_stream", "m_hang_first"}  # answered by the time limit
TOOLS = ["hang", "half", "drip", "reset", "short", "long", "broken", "image", "no_http", "nothing", "huge", "huge_head",
         "redirect", "packed", "deep", "fails", "status_99"]
SERVERS = ["m_hang", "m_hang_first", "m_nonsense", "m_other_id", "m_bad_result", "m_endless", "m_slow_stream", "m_half_stream",
           "m_lost", "m_status", "m_status_0", "m_dies"]


async def tool(server, path, headers, body, reader, writer):
    name = path[1:]
    chunked = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    if name == "hang":
        await server.until_closed(path, reader)
    elif name == "half":
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":')
        await server.until_closed(path, reader)
    elif name == "drip":
        writer.write(chunked)
        while True:
            writer.write(b"1\r\n \r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif name == "reset":
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":')
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)
    elif name == "short":
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a": 1}')
        await writer.drain()
        raise ConnectionError
    elif name == "long":
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"a": 1}' + b'{"a": 2}' * 100)
    elif name == "broken":
        reply(writer, b'{"a":')
    elif name == "image":
        reply(writer, b"\x89PNG", kind="image/png")
    elif name == "no_http":
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    elif name == "nothing":
        raise ConnectionError
    elif name == "huge":
        writer.write(chunked)
        for _ in range(1024):
            writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            await writer.drain()
            server.sent[path] += 1
    elif name == "huge_head":
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(1_000_000):
            writer.write(b"x-%d: " % i + b"y" * 1000 + b"\r\n")
            await writer.drain()
    elif name == "redirect":
        reply(writer, b"", status="302 Found", more="location: http://127.0.0.1:1/\r\n")
    elif name == "packed":
        reply(writer, gzip.compress(b'{"a": 1}'), more="content-encoding: gzip\r\n")
    elif name == "deep":
        reply(writer, b"[" * 20_000 + b"]" * 20_000)
    elif name == "status_99":
        reply(writer, {"a": 1}, status="099 X")
    elif name == "fails":
        reply(writer, {"why": "no"}, status="500 Internal Server Error")
    else:
        reply(writer, {"name": name})


async def mcp(server, path, headers, body, reader, writer):
    name, message = path[1:], json.loads(body)
    method, id = message["method"], message.get("id")
    stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"

    def result(value, id=id):
        reply(writer, {"jsonrpc": "2.0", "id": id, "result": value})

    if method == "notifications/cancelled":
        server.closed[f"{path} told"] += 1
    if id is None:
        return reply(writer, b"", status="202 Accepted")
    if method == "initialize":
        if name == "m_hang_first":
            await server.until_closed(path, reader)
        body = json.dumps({"jsonrpc": "2.0", "id": id, "result": {
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}})
        return reply(writer, body.encode(), more=f"mcp-session-id: s{len(server.seen)}\r\n")
    if method == "tools/list":
        if name in ("m_hang", "m_slow_stream"):
            await server.until_closed(path, reader)
        bad = [1, {"name": name, "description": 7, "inputSchema": "no", "annotations": []}, {"description": "no name"}]
        return result({"tools": bad if name != "m_nonsense" else "none"})
    if name == "m_hang":
        await server.until_closed(path, reader)
    elif name == "m_nonsense":
        reply(writer, {"hello": 1})
    elif name == "m_other_id":
        result({"content": [{"type": "text", "text": "not yours"}]}, id=id + 1000)
    elif name == "m_bad_result":
        result({"content": "text"})
    elif name == "m_endless":
        writer.write(stream)
        while True:
            writer.write(b'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}\n\n' * 1000)
            await writer.drain()
    elif name == "m_slow_stream":
        writer.write(stream)
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)
    elif name == "m_half_stream":
        writer.write(stream + b'data: {"jsonrpc": "2.0", "id": %d, "result"' % id)
        await writer.drain()
        raise ConnectionError
    elif name == "m_lost":
        reply(writer, b"", status="404 Not Found")
    elif name == "m_status":
        reply(writer, b"<html>", status="503 Service Unavailable", kind="text/html")
    elif name == "m_status_0":
        reply(writer, {"jsonrpc": "2.0", "id": id, "result": {}}, status="000 X")
    elif name == "m_dies":
        reset(writer)
    else:
        result({"content": [{"type": "text", "text": "fine"}]})


async def oversized(world, run, tools):
    """Bodies that are larger than taken, from agents that say so, that do not, and that do not stop."""
    report = {}
    large = b'{"q": "' + b"x" * 200_000 + b'"}'

    async def pieces():
        for start in range(0, len(large), 10_000):
            yield large[start:start + 10_000]

    async def post(path, content):
        world.calls += 1
        answer = await world.http.post(f"{run.url}{path}", content=content, headers={**run.headers, "content-type": "application/json"})
        return f"{answer.status_code} {answer.json().get('refused') or answer.json().get('error', {}).get('code')}"

    report["said"] = await post("/tools/small", large)
    report["unsaid"] = await post("/tools/small", pieces())
    report["mcp"] = await post("/mcp", b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"x": "' + b"x" * (9 << 20) + b'"}}')

    async def raw(head):
        world.calls += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", int(run.url.rsplit(":", 1)[1]))
        token = run.headers["x-outrigger-run-token"]
        writer.write(f"POST /tools/small HTTP/1.1\r\nhost: x\r\nx-outrigger-run-token: {token}\r\n{head}\r\n\r\n".encode())
        return reader, writer

    reader, writer = await raw("transfer-encoding: chunked")
    sent = 0
    try:
        # It never stops by itself; the gateway reads on for a moment and then closes.
        while sent < 4 << 30:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
            sent += 0x10000
        report["endless"] = "was never stopped"
    except ConnectionError:
        report["endless"] = "stopped"
    reader, writer = await raw("content-length: 1000")
    writer.write(b'{"a": ')
    writer.close()
    assert tools.count("/small") == 0, "something reached the tool"
    return report


async def listed(run):
    """What the Python client of MCP makes of the list, with servers among them that do not answer."""
    client = httpx2.AsyncClient(headers=run.headers, timeout=60)
    async with client, streamable_http_client(f"{run.url}/mcp", http_client=client) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            return sorted(tool.name for tool in (await session.list_tools()).tools)


async def main():
    world = World(*sys.argv[1:3])
    await world.listen()
    tools, servers = await RawServer(tool).start(), await RawServer(mcp).start()
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    nobody = closed.sockets[0].getsockname()[1]
    closed.close()
    lines = ["  upstreams:"]
    for name in TOOLS + ["ok", "small", "gone"]:
        time_limit = "500ms" if name in SLOW else "60s"
        port = nobody if name == "gone" else tools.port
        lines.append(f'    {name}: {{url: "http://127.0.0.1:{port}/{name}", timeout: {time_limit}, max_result: 65536, max_body: 65536}}')
    for name in SERVERS + ["m_ok", "m_gone"]:
        time_limit = "500ms" if name in SLOW else "60s"
        port = nobody if name == "m_gone" else servers.port
        lines.append(f'    {name}: {{mcp: "http://127.0.0.1:{port}/{name}", timeout: {time_limit}, max_result: 65536}}')
    world.write("\n".join(lines) + "\n  limits: {calls_per_run: 10000}")
    await world.launch()
    run, other = await world.begin(), await world.begin()
    going, others = True, collections.Counter()

    async def healthy():
        while going:
            others[await other.call("ok")] += 1
            others[f"mcp {await other.mcp('m_ok')}"] += 1
            await asyncio.sleep(0.02)

    load = [asyncio.create_task(healthy()) for _ in range(6)]
    report = {"http": {}, "mcp": {}}
    for name in TOOLS + ["gone"] + SERVERS + ["m_gone"]:
        report["http"][name] = await run.call(name)
        report["mcp"][name] = await run.mcp(name)
    # Tools share a host here: what one sends beyond its answers must not come to the calls of another.
    lies = collections.Counter()

    async def liar():
        for _ in range(40):
            lies[await run.call("long")] += 1

    await asyncio.gather(liar(), liar())
    report["oversized"] = await oversized(world, run, tools)
    begun = time.monotonic()
    names = await listed(run)
    # Servers that hang are asked at once and given up after a few seconds, however many tools they have.
    assert time.monotonic() - begun < 30, "the list took too long"
    report["listed"] = len(names) == len(TOOLS + SERVERS) + 5 or names
    going = False
    await asyncio.gather(*load)
    report["others"] = sorted(others)
    await world.until("MCP servers are told", lambda: min(servers.closed["/m_hang told"], servers.closed["/m_slow_stream told"]) >= 2)
    report["closed"] = tools.closed["/hang"], tools.closed["/half"], servers.closed["/m_hang"] >= 2
    report["huge"] = tools.sent["/huge"] < 100
    metrics = collections.Counter()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and metrics["outrigger_tool_calls_total"] != world.calls:
        metrics = await world.metrics()
        metrics["outrigger_tool_calls_total"] = world.total(metrics, "outrigger_tool_calls_total")
        await asyncio.sleep(0.05)
    report["counted"] = [world.calls, metrics["outrigger_tool_calls_total"]]
    report["failures"] = {key.split('"')[1]: value for key, value in metrics.items() if key.startswith("outrigger_tool_failures_total{")}
    for word, count in lies.items():
        if word.split()[1] in report["failures"]:
            report["failures"][word.split()[1]] -= count
    report["active"] = metrics["outrigger_tool_calls_active"]
    with open(f"/proc/{world.process.pid}/status") as status:
        report["peak_kib"] = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
    run.release()
    other.release()
    await asyncio.gather(*world.users)
    report["status"] = await world.end()
    return report


play(main())
