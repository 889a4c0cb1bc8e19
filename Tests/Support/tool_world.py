"""A world around a sidecar's tool gateway: tools that count who calls them, an MCP server, and two agents that call them.

    python tool_world.py BINARY FOLDER shadow|fence|mcp|kill|full [ROUNDS]

With LEDGER in the environment the sidecar keeps an audit ledger there, whose keys must be there; with COLLECTOR it sends
spans to that URL. It starts the sidecar itself, plays the scenario, and prints one JSON object with what was seen.

shadow: the candidate copies every request's calls and then tries all it can to reach a tool itself.
fence:  a canary under load is rolled back again and again.
mcp:    the agents are MCP clients, and some of the tools stand on an MCP server.
kill:   under load the sidecar is killed at some moment, and started again, ROUNDS times.
full:   the sidecar's files cannot grow any more, and then they can again.
"""

import asyncio
import collections
import json
import logging
import os
import random
import resource
import sys
import time

import httpx2
import uvicorn
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

seen = []  # (time, tool, arguments) of every request that reached an upstream
reached = []  # (request id, tool, arguments) of those that came over plain HTTP
report = collections.defaultdict(collections.Counter)
problems = []
http = None
background = set()


def later(coroutine):
    task = asyncio.get_running_loop().create_task(coroutine)
    background.add(task)
    task.add_done_callback(background.discard)


async def serve(app):
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on", backlog=4096)
    server = uvicorn.Server(config)
    later(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    return server.servers[0].sockets[0].getsockname()[1]


async def tool(request):
    name = request.path_params["name"]
    arguments = json.loads(await request.body())
    seen.append((time.monotonic(), name, arguments))
    reached.append((request.headers.get("x-request-id"), name, json.dumps(arguments, sort_keys=True)))
    if name == "garbage":
        return PlainTextResponse('{"a":', headers={"content-type": "application/json"})
    if name == "slow":
        await asyncio.sleep(30)
    await asyncio.sleep(0.003)
    return JSONResponse({"tool": name, "n": len(seen)})


def mcp_app():
    server = MCPServer("upstream")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        seen.append((time.monotonic(), "add", {"a": a, "b": b}))
        return a + b

    @server.tool()
    def boom() -> str:
        """Fails."""
        seen.append((time.monotonic(), "boom", {}))
        raise ValueError("boom")

    @server.tool()
    def hidden() -> str:
        """Is not configured."""
        seen.append((time.monotonic(), "hidden", {}))
        return "never"

    return server.streamable_http_app()


def credentials(request):
    return request.headers["x-outrigger-tools"], {
        "x-outrigger-run-token": request.headers["x-outrigger-run-token"], "traceparent": request.headers["traceparent"]}


async def call(url, name, arguments, headers):
    answer = await http.post(f"{url}/tools/{name}", json=arguments, headers=headers)
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, {}


async def honest(request):
    question = json.loads(await request.body())["q"]
    url, headers = credentials(request)
    results = [await call(url, "lookup", {"q": question}, headers), await call(url, "send", {"to": question}, headers)]
    for status, answer in results:
        report["baseline"][f"{status} {answer.get('refused', answer.get('failed', 'ok'))}"] += 1
    return JSONResponse({"response": "b", "outcome": "success"})


phase = "before"


async def caller(request):
    url, headers = credentials(request)
    for name in ("lookup", "send"):
        status, answer = await call(url, name, {"to": phase}, headers)
        report[phase][f"{name} {status} {answer.get('refused', 'ok')}"] += 1
    return JSONResponse({"response": "b", "outcome": "success"})


tokens = []


async def hostile(request):
    question = json.loads(await request.body())["q"]
    url, headers = credentials(request)
    given = [await call(url, "lookup", {"q": question}, headers), await call(url, "send", {"to": question}, headers)]
    for status, answer in given:
        report["same"][f"{status} {'ok' if answer.get('success') else answer.get('refused')}"] += 1
    other = dict(headers)
    if tokens:
        other["x-outrigger-run-token"] = tokens[-1]
    tokens.append(headers["x-outrigger-run-token"])
    evil = {"to": question, "evil": True}
    forged = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    spoof = {**headers, "x-outrigger-role": "baseline", "x-outrigger-mode": "live"}
    tries = [
        ("send", headers), ("send", headers), ("send", {}), ("send", other), ("send", {"x-outrigger-run-token": tokens[0]}),
        ("send", {**headers, "traceparent": forged}), ("send", {"traceparent": headers["traceparent"]}), ("send", spoof),
        ("send", {"x-outrigger-run-token": "0" * 32}), ("..%2Ftools%2Fsend", headers), ("extra", headers), ("add", headers),
        ("send%00", headers), ("SEND", headers), ("send?x=1", headers),
    ]
    for name, what in tries:
        status, answer = await call(url, name, evil, what)
        report["tried"][f"{status} {'ok' if answer.get('success') else answer.get('refused')}"] += 1
    for what in (headers, {}, other):
        for method, parameters in (
                ("tools/call", {"name": "send", "arguments": evil}), ("tools/call", {"name": "add", "arguments": {"a": 6, "b": 66}}),
                ("tools/list", {})):
            answer = await http.post(f"{url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}, headers=what)
            result = answer.json()
            refused = result.get("result", {}).get("_meta", {}).get("outrigger/refused") or result.get("error", {}).get("code") or "ok"
            report["mcp"][f"{method} {refused}"] += 1

    async def after():
        for pause in (0.05, 0.2, 0.4):
            await asyncio.sleep(pause)
            status, answer = await call(url, "send", evil, headers)
            report["late"][f"{status} {answer.get('refused')}"] += 1
            status, answer = await call(url, "send", {"to": question}, headers)
            report["late"][f"{status} {answer.get('refused')}"] += 1

    later(after())
    return JSONResponse({"response": "b", "outcome": "success"})


def worker(arm):
    """An agent that makes several calls in a row, and minds when each began."""
    async def run(request):
        url, headers = credentials(request)
        for step in range(6):
            begun = time.monotonic()
            status, answer = await call(url, "send" if step % 2 else "lookup", {"arm": arm, "step": step}, headers)
            report[arm][f"{status} {'ok' if answer.get('success') else answer.get('refused', answer.get('failed'))}"] += 1
            if answer.get("success") and rolled_back_since is not None and arm == "candidate" and begun > rolled_back_since:
                problems.append(f"a candidate's call begun {begun - rolled_back_since:.4f} s after the rollback went through")
        return JSONResponse({"response": arm, "outcome": "success"})
    return run


rolled_back_since = None


async def mcp_agent(request):
    url, headers = credentials(request)
    found = {}
    client = httpx2.AsyncClient(headers=headers, timeout=30)
    async with client, streamable_http_client(f"{url}/mcp", http_client=client) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            found["tools"] = sorted(t.name for t in tools)
            found["schema"] = next(sorted(t.input_schema["properties"]) for t in tools if t.name == "add")
            for name, arguments in (("add", {"a": 2, "b": 40}), ("boom", {}), ("send", {"to": "x"}), ("extra", {}), ("hidden", {})):
                result = await session.call_tool(name, arguments)
                text = result.content[0].text if result.content else ""
                found[name] = {"error": bool(result.is_error), "text": text, "structured": result.structured_content}
    status, answer = await call(url, "add", {"a": 1, "b": 2}, headers)
    found["plain"] = {"status": status, "answer": answer}
    found["garbage"] = await call(url, "garbage", {}, headers)
    return JSONResponse({"response": found, "outcome": "success"})


async def post(port, body, headers=None):
    return await http.post(f"http://127.0.0.1:{port}/run", json=body, headers=headers or {})


async def put(admin, path, body):
    current = await http.get(f"http://127.0.0.1:{admin}/v1/rollout")
    answer = await http.request(
        "PUT" if path == "/v1/rollout" else "POST", f"http://127.0.0.1:{admin}{path}", json=body, headers={"if-match": current.headers["etag"]})
    assert answer.status_code == 200, answer.text


async def launch(binary, config):
    process = await asyncio.create_subprocess_exec(
        binary, "serve", "--config", config, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
    said = ""
    while "telemetry " not in said:
        line = (await process.stderr.readline()).decode()
        assert line, f"the sidecar ended: {said}"
        said += line
    later(process.stderr.read())
    port = int(said.split("listens on http://127.0.0.1:")[1].split()[0])
    return process, port, int(said.split("admin ")[1].split("127.0.0.1:")[1].split()[0])


async def main():
    global http, phase, rolled_back_since
    binary, folder, scenario = sys.argv[1:4]
    logging.disable(logging.CRITICAL)
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    http = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=200))
    tools = await serve(Starlette(routes=[Route("/{name}", tool, methods=["POST"])]))
    upstream = await serve(mcp_app())
    kinds = {"shadow": (honest, hostile), "kill": (worker("baseline"), worker("candidate")), "full": (caller, caller), "fence": (worker("baseline"), worker("candidate")), "mcp": (mcp_agent, mcp_agent)}
    agents = [await serve(Starlette(routes=[Route("/run", agent, methods=["POST"])])) for agent in kinds[scenario]]
    mode = {"shadow": "{id: t, mode: shadow}", "fence": "{id: t, mode: canary, percent: 50%}",
            "kill": "{id: t, mode: canary, percent: 50%}", "mcp": "{id: t, mode: baseline}", "full": "{id: t, mode: baseline}"}[scenario]
    config = f"{folder}/sidecar.yaml"
    with open(config, "w") as file:
        file.write(f"""
listen: 127.0.0.1:0
admin: {{listen: "127.0.0.1:0"}}
agents:
  baseline: {{url: "http://127.0.0.1:{agents[0]}", version: v1}}
  candidate: {{url: "http://127.0.0.1:{agents[1]}", version: v2}}
rollout: {mode}
routing: {{keys: [{{header: x-user}}]}}
telemetry: {json.dumps({"endpoint": os.environ["COLLECTOR"]} if "COLLECTOR" in os.environ else {"enabled": False})}
shutdown: {{drain: 2s}}
tools:
  listen: 127.0.0.1:0
  upstreams:
    lookup: {{url: "http://127.0.0.1:{tools}/lookup", effect: read}}
    send: {{url: "http://127.0.0.1:{tools}/send"}}
    extra: {{url: "http://127.0.0.1:{tools}/extra"}}
    garbage: {{url: "http://127.0.0.1:{tools}/garbage", effect: read}}
    add: {{mcp: "http://127.0.0.1:{upstream}/mcp", effect: read}}
    boom: {{mcp: "http://127.0.0.1:{upstream}/mcp"}}
  allow: {{baseline: [lookup, send, garbage, add, boom]}}
  shadow: {{wait: 2s, matching: strict}}
""")
        if "LEDGER" in os.environ:
            file.write(f'audit: {{file: "{os.environ["LEDGER"]}", checkpoint_every: 200, capture: full}}\n')
    process, port, admin = await launch(binary, config)
    try:
        if scenario == "shadow":
            for start in range(0, rounds, 8):
                answers = await asyncio.gather(*(post(port, {"q": n}) for n in range(start, min(rounds, start + 8))))
                for answer in answers:
                    report["user"][str(answer.status_code)] += 1
                    if "x-outrigger-run-token" in answer.headers:
                        problems.append("the token went to the client")
            deadline = time.monotonic() + 60
            while report["late"].total() < 6 * rounds and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            report["upstream"] = collections.Counter(name for _, name, _ in seen)
            report["evil"]["upstream"] = sum(1 for _, name, arguments in seen if arguments.get("evil") or name == "add")
        elif scenario == "fence":
            running = True

            async def user(number):
                while running:
                    answer = await post(port, {"q": 1}, {"x-user": f"u{number}"})
                    report["user"][f"{answer.status_code} {answer.json().get('response')}"] += 1

            users = [asyncio.create_task(user(n)) for n in range(24)]
            for round in range(rounds):
                await asyncio.sleep(0.12)
                await put(admin, "/v1/rollout/rollback", {"why": "a test", "by": "a test"})
                rolled_back_since = since = time.monotonic()
                # What went out before the answer is in this process' sockets by now, and is read however busy the machine is.
                for _ in range(15):
                    await asyncio.sleep(0)
                read = time.monotonic()
                await asyncio.sleep(0.12)
                late = [t - since for t, _, arguments in seen if arguments.get("arm") == "candidate" and t > read]
                if late:
                    problems.append(f"round {round}: the tool was called {late[0]:.4f} s after the rollback")
                rolled_back_since = None
                await put(admin, "/v1/rollout", {"mode": "canary", "percent": 50, "why": "again", "by": "a test"})
            running = False
            await asyncio.gather(*users)
        elif scenario == "kill":
            running = True

            async def client(number):
                while running:
                    try:
                        await post(port, {"q": 1}, {"x-user": f"u{number}"})
                    except httpx2.HTTPError:
                        await asyncio.sleep(0.01)

            clients = [asyncio.create_task(client(n)) for n in range(16)]
            for _ in range(rounds):
                before = len(reached)
                while len(reached) < before + 20:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(random.random() * 0.15)
                process.kill()
                await process.wait()
                process, port, admin = await launch(binary, config)
            running = False
            await asyncio.gather(*clients)
        elif scenario == "full":
            async def writable(wanted):
                deadline = time.monotonic() + 30
                while time.monotonic() < deadline:
                    metrics = (await http.get(f"http://127.0.0.1:{admin}/metrics")).text
                    if f"outrigger_audit_writable {wanted}\n" in metrics:
                        return
                    await asyncio.sleep(0.05)
                problems.append(f"outrigger_audit_writable was never {wanted} in the phase {phase}")

            unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            for phase, limit, wanted in (("before", unlimited, 1), ("full", (0, unlimited[1]), 0), ("after", unlimited, 1)):
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limit)
                if phase == "after":
                    await writable(1)
                for _ in range(3):
                    await post(port, {"q": 1})
                await writable(wanted)
            report["sends"] = collections.Counter(arguments["to"] for _, name, arguments in seen if name == "send")
        else:
            answer = await post(port, {"q": 1})
            report["answer"] = answer.json()["response"]
            report["upstream"] = collections.Counter(name for _, name, _ in seen)
        metrics = (await http.get(f"http://127.0.0.1:{admin}/metrics")).text
        report["metrics"] = [line for line in metrics.splitlines() if line.startswith("outrigger_tool")]
    finally:
        process.terminate()
        await process.wait()
    report["reached"] = reached
    print(json.dumps({**report, "problems": problems[:10]}), flush=True)
    # The servers have nothing left to do, and would be long in saying so.
    os._exit(0)


asyncio.run(main())
