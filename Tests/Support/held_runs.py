"""A sidecar with agents whose runs stay open, so that a test can call tools in their name; for the tests of the tool gateway."""

import asyncio
import collections
import json
import logging
import os
import socket
import struct

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def serve(app):
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="on", backlog=4096))
    task = asyncio.get_running_loop().create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    server.task = task
    return server, server.servers[0].sockets[0].getsockname()[1]


class RawServer:
    """Speaks HTTP by hand: what is answered, and how badly, is the handler's affair."""

    def __init__(self, answer):
        self.answer = answer
        self.seen = []  # (path, headers, body)
        self.closed = collections.Counter()  # paths whose callers went away before they were answered
        self.sent = collections.Counter()

    async def start(self):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def count(self, path):
        return sum(1 for seen in self.seen if seen[0] == path)

    async def connection(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                path = head[0].split()[1]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append((path, headers, body))
                await self.answer(self, path, headers, body, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def until_closed(self, path, reader):
        await reader.read()
        self.closed[path] += 1
        raise ConnectionResetError


def reply(writer, body, status="200 OK", kind="application/json", more=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    writer.write(f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body)


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError


class Run:
    """A run that is held open: its agent is asked, and has not answered."""

    def __init__(self, world, url, token, traceparent, done):
        self.world, self.url, self.done = world, url, done
        self.headers = {"x-outrigger-run-token": token, "traceparent": traceparent}

    async def call(self, name, arguments=None):
        """The status and one word: ok, error, or why not."""
        answer = await self.world.http.post(f"{self.url}/tools/{name}", json=arguments or {}, headers=self.headers)
        self.world.calls += 1
        body = answer.json()
        return f"{answer.status_code} {body.get('refused') or body.get('failed') or ('ok' if body['success'] else 'error')}"

    async def rpc(self, method, parameters, id=1):
        message = {"jsonrpc": "2.0", "method": method, "params": parameters}
        if id is not None:
            message["id"] = id
        return await self.world.http.post(f"{self.url}/mcp", json=message, headers=self.headers)

    async def mcp(self, name, arguments=None, id=1):
        answer = await self.rpc("tools/call", {"name": name, "arguments": arguments or {}}, id)
        self.world.calls += 1
        result = answer.json()["result"]
        meta = result.get("_meta", {})
        return meta.get("outrigger/refused") or meta.get("outrigger/failed") or ("error" if result.get("isError") else "ok")

    def release(self):
        self.done.set()


class World:
    def __init__(self, binary, folder):
        self.binary, self.config = binary, f"{folder}/sidecar.yaml"
        self.http = httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=200))
        self.waiting = asyncio.Queue()
        self.lines, self.calls, self.users = [], 0, []

    async def agent(self, request):
        headers, done = request.headers, asyncio.Event()
        run = Run(self, headers["x-outrigger-tools"], headers["x-outrigger-run-token"], headers["traceparent"], done)
        run.role, run.mode = headers["x-outrigger-role"], headers["x-outrigger-mode"]
        await self.waiting.put(run)
        await done.wait()
        return JSONResponse({"response": "done", "outcome": "success"})

    def write(self, tools, rollout="{id: t, mode: baseline}", more="", baseline=None):
        baseline = baseline or f'{{url: "http://127.0.0.1:{self.agent_port}", version: v1}}'
        telemetry = {"endpoint": os.environ["COLLECTOR"]} if "COLLECTOR" in os.environ else {"enabled": False}
        text = f"""
listen: 127.0.0.1:0
admin: {{listen: "127.0.0.1:0"}}
agents:
  baseline: {baseline}
  candidate: {{url: "http://127.0.0.1:{self.agent_port}", version: v2}}
rollout: {rollout}
routing: {{keys: [{{header: x-user}}]}}
telemetry: {json.dumps(telemetry)}
shutdown: {{drain: 2s}}
{more}
tools:
  listen: 127.0.0.1:0
{tools}
"""
        if "LEDGER" in os.environ:
            text += f'audit: {{file: "{os.environ["LEDGER"]}"}}\n'
        # In one step, as editors do: half a file is none.
        with open(self.config + ".new", "w") as file:
            file.write(text)
        os.replace(self.config + ".new", self.config)

    async def listen(self):
        self.agent_server, self.agent_port = await serve(Starlette(routes=[Route("/run", self.agent, methods=["POST"])]))

    async def launch(self):
        self.process = await asyncio.create_subprocess_exec(
            self.binary, "serve", "--config", self.config, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        self.reader = asyncio.create_task(self.read())
        await self.until("it listens", lambda: any("telemetry " in line for line in self.lines) or self.reader.done())
        text = "".join(self.lines)
        self.port = int(text.split("listens on http://127.0.0.1:")[1].split()[0])
        self.admin = int(text.split("admin ")[1].split("127.0.0.1:")[1].split()[0])

    async def read(self):
        while line := (await self.process.stderr.readline()).decode():
            self.lines.append(line)

    async def until(self, what, condition, seconds=60):
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"never: {what}\n{''.join(self.lines[-20:])}"
            await asyncio.sleep(0.01)

    async def begin(self, user="u"):
        self.users.append(asyncio.create_task(self.http.post(
            f"http://127.0.0.1:{self.port}/run", json={"q": 1}, headers={"x-user": user})))
        return await self.waiting.get()

    async def put(self, rollout):
        url = f"http://127.0.0.1:{self.admin}/v1/rollout"
        current = await self.http.get(url)
        answer = await self.http.put(url, json=rollout, headers={"if-match": current.headers["etag"]})
        assert answer.status_code == 200, answer.text

    async def metrics(self):
        text = (await self.http.get(f"http://127.0.0.1:{self.admin}/metrics")).text
        found = collections.Counter()
        for line in text.splitlines():
            if line.startswith("outrigger_tool") and " " in line:
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def total(self, metrics, name):
        return sum(value for key, value in metrics.items() if key.split("{")[0] == name)

    async def end(self):
        for _ in range(self.waiting.qsize()):
            self.waiting.get_nowait().release()
        self.process.terminate()
        await self.process.wait()
        return self.process.returncode


def play(main):
    """Runs a scenario, prints its report, and ends: the servers have nothing left to do, and would be long in saying so."""
    logging.disable(logging.CRITICAL)
    report = asyncio.run(main)
    print(json.dumps(report), flush=True)
    os._exit(0)
