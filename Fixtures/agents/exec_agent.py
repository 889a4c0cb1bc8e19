"""An agent on standard streams: answers one kind of question, with one tool.

    outrigger replay --traces Fixtures/agents/traces.jsonl --candidate 'exec:python3 Fixtures/agents/exec_agent.py' --no-export

It reads one JSON object a line and writes one line for each. Three things matter: `run_id` comes back as it came, every
line is flushed, and nothing but such lines goes to standard output (logs go to standard error).
"""

import json
import re
import sys
import urllib.error
import urllib.request


def call_tool(run, name, arguments):
    """POSTs the arguments to the run's own tool endpoint: {"success": true, "result": …} or {"success": false, "error": …}.

    A replay names it in the request's body; a sidecar's tool gateway names it in headers, with the run's token."""
    headers = {"content-type": "application/json", "traceparent": run.get("traceparent", "")}
    if "tools_token" in run:
        headers["x-outrigger-run-token"] = run["tools_token"]
    request = urllib.request.Request(f"{run['tools_url']}/tools/{name}", json.dumps(arguments).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=run.get("deadline_ms", 30000) / 1000) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def answer(run):
    """What the agent makes of a request: the fields of its answer."""
    reference = re.search(r"\b[A-Z0-9]{6}\b", run["request"])
    if not reference:
        return {"response": "Which booking is it?", "outcome": "asked_back"}
    tool = call_tool(run, "lookup_booking", {"reference": reference.group()})
    if not tool["success"]:
        return {"response": f"I cannot look that up: {tool['error']}", "outcome": "failed"}
    booking = tool["result"]
    return {
        "response": f"{booking['flight']} is {booking['status']}, {booking['passenger'].split()[0]}.",
        "outcome": "answered",
        "cost_tokens": 412,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        run = json.loads(line)
        try:
            result = answer(run)
        except Exception as error:
            result = {"error": str(error)}
        print(json.dumps({"type": "result", "run_id": run["run_id"], **result}), flush=True)
