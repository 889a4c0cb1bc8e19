"""An agent, and an evaluator, on standard streams that behaves as told, for tests.

    python stub_exec_agent.py

How to behave stands in the `request` of each run: {"mode": MODE, "calls": [{"name": …, "args": …}]}.

    ok              the response is this process's id
    inline_tools    calls its tools over the stream; their answers are the response
    dies            exits with status 3
    dies_after      answers, then exits
    hangs           waits for ever
    stubborn        the same, and ignores SIGTERM; a child of it does too
    garbage         a line that is no JSON, then the answer
    wrong_type      a line of a type that there is not
    no_run_id       an answer without it
    call_without_run_id
                    a tool call without it, then the answer
    twice           the answer, twice
    other_run       an answer for a run that there is not, then its own
    late_call       answers, then calls a tool; the next run's response is what that was answered
    unknown_run     calls a tool for a run that there is not, or with "earlier" for the run before; what that was answered is
                    the response
    huge_line       a line that never ends
    errors          writes to standard error, then is ok
    closes_output   closes its standard output and stays

{"type": "evaluate"} is answered with the score in the request's "score", and an explanation.
"""

import json
import os
import signal
import sys
import time

earlier = None
last = "nobody"


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def call(run, number, tool):
    write({"type": "tool_call", "run_id": run["run_id"], "call_id": number, "name": tool["name"], "args": tool.get("args", {})})
    return json.loads(sys.stdin.readline())


def handle(run):
    global earlier, last
    before, last = last, run["run_id"]
    request = run["request"] if isinstance(run["request"], dict) else {}
    mode = request.get("mode", "ok")
    result = {"type": "result", "run_id": run["run_id"], "response": os.getpid(), "outcome": "success"}
    if mode == "inline_tools":
        result["response"] = [call(run, i, tool) for i, tool in enumerate(request["calls"])]
    elif mode == "dies":
        sys.exit(3)
    elif mode == "dies_after":
        write(result)
        sys.exit(0)
    elif mode in ("hangs", "stubborn"):
        if mode == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.fork()
        while True:
            time.sleep(1000)
    elif mode == "garbage":
        print("loading the model, please wait", flush=True)
    elif mode == "wrong_type":
        write({"type": "progress", "run_id": run["run_id"], "percent": 50})
    elif mode == "no_run_id":
        del result["run_id"]
    elif mode == "call_without_run_id":
        write({"type": "tool_call", "call_id": 1, "name": "read"})
    elif mode == "twice":
        write(result)
    elif mode == "other_run":
        write({**result, "run_id": "nobody"})
    elif mode == "late_call":
        write(result)
        earlier = call(run, 1, {"name": "read"})
        return
    elif mode == "unknown_run":
        result["response"] = call({"run_id": before if request.get("earlier") else "nobody"}, 1, {"name": "read"})
    elif mode == "huge_line":
        try:
            while True:
                sys.stdout.write("x" * 65536)
        except BrokenPipeError:
            os._exit(0)
    elif mode == "errors":
        sys.stderr.write("plain\n\x1b[31mred\n" + "y" * 100_000 + "\nlast\n")
        sys.stderr.flush()
    elif mode == "closes_output":
        os.close(1)
        time.sleep(1000)
    elif earlier is not None:
        result["response"] = earlier
        earlier = None
    write(result)


for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "evaluate":
        request = message["request"] if isinstance(message["request"], dict) else {}
        for score in request.get("scores", [request.get("score", 1)]):
            write({"type": "score", "run_id": message["run_id"], "score": score, "explanation": "as told"})
    else:
        handle(message)
