"""Agents that go away while their calls are under way, and a configuration that changes while they call.

    python tool_callers.py BINARY FOLDER gone|reload|release [ROUNDS]

gone:    callers close their connections, or cancel over MCP; the tools must hear of it.
reload:  under load the tools of the configuration are exchanged, and some configurations are bad.
release: the baseline is of a release file, and the candidate is not.
"""

import asyncio
import collections
import json
import signal
import sys

from mcp.server.mcpserver import MCPServer

from held_runs import RawServer, World, play, reply, serve

slept = collections.Counter()


def sleeper():
    """A real MCP server with a tool that takes long, and knows whether it was cancelled."""
    server = MCPServer("upstream")

    @server.tool()
    async def sleep() -> str:
        """Sleeps."""
        slept["begun"] += 1
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            slept["cancelled"] += 1
            raise
        return "rested"

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    return server.streamable_http_app()


async def tool(server, path, headers, body, reader, writer):
    if path == "/hang":
        await server.until_closed(path, reader)
    await asyncio.sleep(0.002)
    reply(writer, {"path": path})


async def gone(world):
    tools = await RawServer(tool).start()
    _, upstream = await serve(sleeper())
    world.write(f"""
  upstreams:
    hang: {{url: "http://127.0.0.1:{tools.port}/hang", timeout: 9m}}
    ok: {{url: "http://127.0.0.1:{tools.port}/ok", effect: read}}
    sleep: {{mcp: "http://127.0.0.1:{upstream}/mcp", timeout: 9m}}
""")
    await world.launch()
    run = await world.begin()
    gateway = int(run.url.rsplit(":", 1)[1])
    token = run.headers["x-outrigger-run-token"]
    report = {}

    async def connect(path, body):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway)
        # A connection that has been used before, as agents' are.
        for path, body in (("/tools/ok", {}), (path, body)):
            body = json.dumps(body).encode()
            writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-outrigger-run-token: {token}\r\n"
                         f"content-length: {len(body)}\r\n\r\n".encode() + body)
            if path == "/tools/ok":
                world.calls += 1
                await reader.readuntil(b"}}\n")
        world.calls += 1
        return writer

    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    # Plain HTTP and MCP, to a tool over plain HTTP.
    for number, (path, body) in enumerate((("/tools/hang", {}), ("/mcp", {**rpc, "params": {"name": "hang", "arguments": {}}})), 1):
        writer = await connect(path, body)
        await world.until("the tool is called", lambda: tools.count("/hang") == number)
        writer.close()
        await world.until("the tool hears of it", lambda: tools.closed["/hang"] == number)
    # To a tool of an MCP server, which must be told in words.
    writer = await connect("/tools/sleep", {})
    await world.until("the server is called", lambda: slept["begun"] == 1)
    writer.close()
    await world.until("the server hears of it", lambda: slept["cancelled"] == 1)
    # A caller over MCP that cancels with a message; one of another run cannot.
    other = await world.begin()
    call = asyncio.create_task(run.mcp("hang", id="seven"))
    await world.until("the tool is called", lambda: tools.count("/hang") == 3)
    for caller, id in ((other, "seven"), (run, "eight")):
        answer = await caller.rpc("notifications/cancelled", {"requestId": id}, id=None)
        assert answer.status_code == 202
    assert await run.call("ok") == "200 ok" and tools.closed["/hang"] == 2, "somebody else cancelled it"
    await run.rpc("notifications/cancelled", {"requestId": "seven", "reason": "enough"}, id=None)
    report["cancelled"] = await call
    await world.until("the tool hears of it", lambda: tools.closed["/hang"] == 3)
    # What is under way goes on although its caller's other connections end.
    assert await run.call("ok") == "200 ok"
    metrics = await world.metrics()
    report["failures"] = {key: value for key, value in metrics.items() if key.startswith("outrigger_tool_failures_total{")}
    report["active"] = metrics["outrigger_tool_calls_active"]
    report["counted"] = [world.calls, world.total(metrics, "outrigger_tool_calls_total")]
    run.release()
    other.release()
    return report


async def reload(world, rounds):
    first, second = await RawServer(tool).start(), await RawServer(tool).start()
    _, upstream = await serve(sleeper())

    def tools(server, more):
        return f"""
  limits: {{calls_per_run: 10000}}
  upstreams:
    both: {{url: "http://127.0.0.1:{server.port}/both"}}
    add: {{mcp: "http://127.0.0.1:{upstream}/mcp", effect: read}}
    {more}
"""

    one = tools(first, f'one: {{url: "http://127.0.0.1:{first.port}/one"}}')
    two = tools(second, f'two: {{url: "http://127.0.0.1:{second.port}/two", effect: read}}')
    bad = [two.replace("effect: read", "effect: raed"), two.replace("/two", "/two\" , \"x"),
           two.replace("limits: {", "limits: {runs: 0, "), two.replace("two: {", 'two: {headers: [{name: a, env: NOT_SET_ANYWHERE}], ')]
    world.write(one)
    await world.launch()
    run = await world.begin()
    answers, going = collections.Counter(), True

    async def caller():
        while going:
            answers[f"both {await run.call('both')}"] += 1
            answers[f"add {await run.mcp('add', {'a': 1, 'b': 2})}"] += 1
            answers[f"one {await run.call('one')}"] += 1
            answers[f"two {await run.call('two')}"] += 1

    load = [asyncio.create_task(caller()) for _ in range(8)]

    def said(words):
        return sum(words in line for line in world.lines)

    async def change(configuration, words="was read again", baseline=None):
        before = said(words)
        world.write(configuration, baseline=baseline)
        world.process.send_signal(signal.SIGHUP)
        await world.until(words, lambda: said(words) > before)

    async def in_force(wanted):
        deadline = asyncio.get_running_loop().time() + 60
        while f"{await run.call('one')}, {await run.call('two')}" != wanted:
            assert asyncio.get_running_loop().time() < deadline, f"never in force: {wanted}"
            await asyncio.sleep(0.02)
        report["after"][wanted] += 1

    report = {"after": collections.Counter()}
    for round in range(rounds):
        await change(two)
        await in_force("404 unknown_tool, 200 ok")
        # Whatever is wrong with it: the old one stays, as a whole.
        await change(bad[round % len(bad)].replace(str(second.port), str(first.port)), words="the old one stays")
        report["after"][f"bad: {await run.call('one')}, {await run.call('two')}"] += 1
        report["after"][f"bad: {await run.call('both')}"] += 1
        # A part of it that the tools have nothing to do with is wrong.
        if round % 4 == 0:
            await change(one, words="the old one stays", baseline='{url: "https://127.0.0.1:1", ca_file: /nowhere/ca.pem}')
            report["after"][f"bad: {await run.call('one')}, {await run.call('two')}"] += 1
        await change(one)
        await in_force("200 ok, 404 unknown_tool")
    going = False
    await asyncio.gather(*load)
    # The file alone, without a signal.
    world.write(two)
    await in_force("404 unknown_tool, 200 ok")
    report["answers"] = sorted(answers)
    report["both"] = answers["both 200 ok"] > rounds and first.count("/both") > 0 and second.count("/both") > 0
    metrics = await world.metrics()
    report["counted"] = [world.calls, world.total(metrics, "outrigger_tool_calls_total")]
    run.release()
    return report


RELEASE = """
version: v7
tools:
  - name: lookup
    description: The release's own words.
    effect: write
    schema: {type: object, required: [q], properties: {q: {type: string, maxLength: 5}}}
  - name: send
allowed_tools: [lookup, send]
"""


async def release(world):
    tools = await RawServer(tool).start()
    with open(f"{sys.argv[2]}/release.yaml", "w") as file:
        file.write(RELEASE)

    def write():
        world.write(f"""
  upstreams:
    lookup: {{url: "http://127.0.0.1:{tools.port}/lookup", effect: read, description: ours, schema: {{properties: {{n: {{type: integer}}}}}}}}
    send: {{url: "http://127.0.0.1:{tools.port}/send"}}
    extra: {{url: "http://127.0.0.1:{tools.port}/extra"}}
  allow: {{baseline: [lookup, extra]}}
""", baseline=f'{{url: "http://127.0.0.1:{world.agent_port}", release: release.yaml}}')

    write()
    await world.launch()
    run = await world.begin()
    report = {}

    async def tried(run):
        found = {}
        for name, arguments in (("lookup", {"q": "x"}), ("lookup", {}), ("lookup", {"q": "too long"}), ("lookup", {"q": "x", "n": "y"}),
                                ("send", {}), ("extra", {})):
            found[f"{name} {json.dumps(arguments)}"] = await run.call(name, arguments)
        listed = (await run.rpc("tools/list", {})).json()["result"]["tools"]
        found["listed"] = {tool["name"]: [tool.get("description"), tool["inputSchema"].get("required")] for tool in listed}
        return found

    report["baseline"] = await tried(run)
    report["reached"] = [path for path, _, _ in tools.seen]
    # The digest in spans is that of the start, and so are the rules, until the sidecar is started again.
    with open(f"{sys.argv[2]}/release.yaml", "w") as file:
        file.write(RELEASE.replace("[lookup, send]", "[extra]"))
    world.process.send_signal(signal.SIGHUP)
    await world.until("the configuration is read", lambda: any("was read again" in line for line in world.lines))
    report["changed"] = [await run.call("lookup", {"q": "x"}), await run.call("extra")]
    report["warned"] = any("release.yaml" in line and "restart" in line for line in world.lines)
    await world.put({"mode": "canary", "percent": 100, "why": "a test", "by": "a test"})
    candidate = await world.begin()
    assert candidate.role == "candidate"
    report["candidate"] = await tried(candidate)
    run.release()
    candidate.release()
    return report


async def main():
    world = World(*sys.argv[1:3])
    await world.listen()
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    report = await {"gone": lambda: gone(world), "reload": lambda: reload(world, rounds), "release": lambda: release(world)}[sys.argv[3]]()
    await asyncio.gather(*world.users)
    report["status"] = await world.end()
    return report


play(main())
