"""Agents over HTTP that behave as told, for tests: the agent protocol, and chat completions.

    python stub_agent.py [--delay-ms N]

It listens on a free port of 127.0.0.1, prints the port's number, and ends when its standard input does. How to behave
stands in the `request` of each run: {"mode": MODE, "calls": [{"name": …, "args": …}], …}. A request without a mode is
`ok`: the tools are called in order over `tools_url`, and their answers are the response.

    ok                      as above; "answer": {…} adds to or replaces fields of the answer
    slow                    answers after "delay_ms"
    hang                    never answers, holds the connection until the peer closes it
    half_json               a body that stops within its JSON, as long as its header says
    half_body               closes the connection in the middle of the body
    huge, huge_declared     a body without end; one that says that it has 1 GB
    nonsense, twice         a body that is no JSON; one that holds two answers
    twice_http              the answer, and the same once more on the connection
    not_http                bytes that are no HTTP
    raw                     "body" as it is, of "content_type"
    status_500, redirect    those statuses
    status_99               an answer whose status is none
    closes                  closes the connection without an answer
    flaky                   calls tools and, after "delay_ms", closes "failures" times for a run, then is ok
    calls_after_answer      answers, then calls its tools; GET /_late waits for that and tells the status
    after_late              waits until a run with mode `calls_after_answer` has called its tools, then is ok
    victim                  waits until a run with mode `calls_other_run` has called its tools, then is ok
    calls_other_run         waits for a run with mode `victim`, calls its tools as itself, then is ok
    echo                    the request's headers and body as the response

POST /v1/chat/completions reads {"mode": …, "calls": […]} from the last user message: it asks for one call a round, then
gives the tools' answers. Modes: ok, length, content_filter, refusal, forever, bad_arguments, no_choices, error, needs_key, echo (the
request's body as the answer, which GET /_asked gives again), small_total (a total below its parts), one_usage (told in the last
round only), and for the last answer: legacy (a function_call), object_calls (tool_calls that is no array), two_choices, repeated (a
member that is there twice), parts (text in two parts), mixed_parts (with another one between them).

GET /_stats tells how many requests came, and how many bytes of `huge` were taken.
"""

import argparse
import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

stats = {"requests": 0, "huge_sent": 0}
late = asyncio.Queue()
victims = asyncio.Queue()
failures = {}
asked = {}
arguments = None


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target, headers, body


def response(body, status="200 OK", content_type="application/json", extra=""):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


async def post(url, body, headers=None):
    """POSTs JSON and returns the status and the JSON of the answer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        data = json.dumps(body).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        writer.write(
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{extra}"
            f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        answer = await reader.read()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(content)
    finally:
        writer.close()


async def call_tools(run, url=None):
    results = []
    for call in run["request"].get("calls", []):
        status, answer = await post(
            f"{url or run['tools_url']}/tools/{call['name']}", call.get("args", {}), {"traceparent": run["traceparent"]})
        results.append(answer if status == 200 else {"status": status, **answer})
    return results


async def answer_ok(run, writer, response_value=None):
    answer = {"response": await call_tools(run) if response_value is None else response_value, "outcome": "success",
              "cost_tokens": 10}
    answer.update(run["request"].get("answer", {}))
    writer.write(response({key: value for key, value in answer.items() if value != "absent"}))


async def run_agent(run, headers, reader, writer):
    """Answers one run. Returns whether the connection is kept."""
    if not isinstance(run["request"], dict):
        run["request"] = {}
    request = run["request"]
    mode = request.get("mode", "ok")
    if arguments.delay_ms:
        await asyncio.sleep(arguments.delay_ms / 1000)
    if mode == "ok":
        await answer_ok(run, writer)
    elif mode == "echo":
        await answer_ok(run, writer, {"headers": headers, "body": run})
    elif mode == "slow":
        await asyncio.sleep(request["delay_ms"] / 1000)
        await answer_ok(run, writer)
    elif mode == "after_late":
        await late.get()
        await answer_ok(run, writer)
    elif mode == "victim":
        run["released"] = asyncio.Event()
        victims.put_nowait(run)
        await run["released"].wait()
        await answer_ok(run, writer)
    elif mode == "hang":
        await reader.read()
        return False
    elif mode == "hang_in_answer":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        await reader.read()
        return False
    elif mode == "half_json":
        writer.write(response(b'{"response": "it stops'))
    elif mode == "half_body":
        writer.write(response(b'{"response": "it breaks off"}')[:-10])
        return False
    elif mode in ("huge", "huge_declared"):
        length = "Content-Length: 1000000000\r\n" if mode == "huge_declared" else ""
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{length}\r\n".encode())
        writer.write(b'{"response": "')
        try:
            while stats["huge_sent"] < 1_000_000_000:
                writer.write(b"x" * 65536)
                await writer.drain()
                stats["huge_sent"] += 65536
        except ConnectionError:
            pass
        return False
    elif mode == "nonsense":
        writer.write(response(b"I would rather not."))
    elif mode == "twice":
        writer.write(response(b'{"response": "one"}{"response": "two"}'))
    elif mode == "twice_http":
        writer.write(response({"response": "one"}) + response({"response": "two"}))
    elif mode == "not_http":
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        return False
    elif mode == "raw":
        writer.write(response(request["body"].encode(), content_type=request.get("content_type", "application/json")))
    elif mode == "status_500":
        writer.write(response({"error": "out of order"}, status="500 Internal Server Error"))
    elif mode == "status_99":
        writer.write(response({"response": "ok"}, status="099 X"))
    elif mode == "redirect":
        writer.write(response(b"", status="302 Found", extra="Location: http://127.0.0.1:1/elsewhere\r\n"))
    elif mode == "closes":
        return False
    elif mode == "flaky":
        failures[run["run_id"]] = failures.get(run["run_id"], 0) + 1
        if failures[run["run_id"]] <= request["failures"]:
            await call_tools(run)
            await asyncio.sleep(request.get("delay_ms", 0) / 1000)
            return False
        await answer_ok(run, writer)
    elif mode == "calls_after_answer":
        await answer_ok(run, writer, "done")
        await writer.drain()
        # Its answer is out, but whether it has been read only the reader knows.
        for _ in range(1000):
            results = await call_tools(run)
            if results[0].get("status") == 410:
                break
            await asyncio.sleep(0.01)
        late.put_nowait(results)
    elif mode == "calls_other_run":
        other = await victims.get()
        results = await call_tools(run, other["tools_url"])
        status, answer = await post(
            f"{other['tools_url']}/call", {"name": "read", "args": {}, "run_id": run["run_id"]})
        other["released"].set()
        await answer_ok(run, writer, results + [{"status": status, **answer}])
    else:
        writer.write(response({"error": f"no mode {mode}"}, status="400 Bad Request"))
    return True


def chat(body, headers):
    """The next answer of a model."""
    request = json.loads(next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user"))
    mode = request.get("mode", "ok")
    done = [m for m in body["messages"] if m["role"] == "tool"]
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    if mode == "small_total":
        usage["total_tokens"] = 1
    if mode == "one_usage" and len(done) < len(request.get("calls", [])):
        usage = None
    if mode == "needs_key" and headers.get("authorization") != "Bearer sesame":
        return response({"error": {"message": "who are you?"}}, status="401 Unauthorized")
    if mode == "no_choices":
        return response({"choices": []})
    if mode == "error":
        return response({"error": {"message": "overloaded"}})
    if mode == "echo":
        asked.update(body)
        message = {"role": "assistant", "content": json.dumps(body)}
        return response({"model": "stub-1", "usage": usage, "choices": [{"message": message, "finish_reason": "stop"}]})
    calls = request.get("calls", [])
    if mode == "forever" or len(done) < len(calls):
        call = calls[len(done) % len(calls)]
        text = '{"half":' if mode == "bad_arguments" else json.dumps(call.get("args", {}))
        message = {"role": "assistant", "content": None, "tool_calls": [
            {"id": f"call-{len(done)}", "type": "function", "function": {"name": call["name"], "arguments": text}}]}
        return response({"model": "stub-1", "usage": usage, "choices": [{"message": message, "finish_reason": "tool_calls"}]})
    message = {"role": "assistant", "content": json.dumps({
        "tools": [m["content"] for m in done], "model": body.get("model"), "stream": body["stream"],
        "names": [t["function"]["name"] for t in body.get("tools", [])], "roles": [m["role"] for m in body["messages"]]})}
    reason = mode if mode in ("length", "content_filter") else "stop"
    if mode == "refusal":
        message = {"role": "assistant", "content": None, "refusal": "I must not."}
    choice = {"message": message, "finish_reason": reason}
    if mode == "legacy":
        message["function_call"] = {"name": "rm", "arguments": "{}"}
    if mode == "object_calls":
        message["tool_calls"] = {"id": "1", "type": "function", "function": {"name": "rm", "arguments": "{}"}}
    if mode in ("parts", "mixed_parts"):
        message["content"] = [{"type": "text", "text": "a vou"}, {"type": "text", "text": "cher"}]
    if mode == "mixed_parts":
        message["content"].insert(1, {"type": "image_url", "image_url": {"url": "data:,"}})
    if mode == "two_choices":
        return response({"model": "stub-1", "usage": usage, "choices": [choice, choice]})
    if mode == "repeated":
        return response(f'{{"choices": [], "usage": null, "c\\u0068oices": {json.dumps([choice])}}}'.encode())
    return response({"model": "stub-1", "usage": usage, "choices": [choice]})


async def serve(reader, writer):
    try:
        while True:
            method, target, headers, body = await read_request(reader)
            keeps = True
            if target == "/_stats":
                writer.write(response(stats))
            elif target == "/_asked":
                writer.write(response(asked))
            elif target == "/_late":
                writer.write(response(await late.get()))
            elif target == "/evaluate":
                run = json.loads(body)
                verdict = run["request"].get("verdict", {"score": len(run["tool_calls"])})
                # A text is sent as it is, be it JSON or not.
                writer.write(response(verdict.encode() if isinstance(verdict, str) else verdict))
            elif target.endswith("/chat/completions"):
                stats["requests"] += 1
                writer.write(chat(json.loads(body), headers))
            else:
                stats["requests"] += 1
                keeps = await run_agent(json.loads(body), headers, reader, writer)
            await writer.drain()
            if not keeps:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started this holds the other end, and need not be alive to close it.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    # At once: connections that hang are some of the modes.
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0)
    arguments = parser.parse_args()
    asyncio.run(main())
