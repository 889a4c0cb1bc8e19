"""A tiny airline agent on standard streams, to see how the agent protocol works: it looks up the booking that the request
names, and says what it found. A real agent asks a model here.

Read a line, write a line; each answer carries the run's id. Nothing else may be written to standard output.
"""

import json
import re
import sys
import urllib.request


def call_tool(run, name, arguments):
    """Asks the replay for the tool's answer: the recorded one, or a refusal. No real tool is called."""
    request = urllib.request.Request(
        f"{run['tools_url']}/tools/{name}", json.dumps(arguments).encode(),
        {"content-type": "application/json", "traceparent": run["traceparent"]})
    return json.load(urllib.request.urlopen(request))


for line in sys.stdin:
    run = json.loads(line)
    reference = re.search(r"\b[A-Z0-9]{6}\b", str(run["request"]))
    calls, response, outcome = [], "Which booking is it about?", "failure"
    if reference:
        arguments = {"reference": reference.group()}
        answer = call_tool(run, "lookup_booking", arguments)
        calls.append({"name": "lookup_booking", "args": arguments, **answer})
        if answer["success"]:
            response, outcome = f"I found booking {reference.group()}.", "success"
    result = {"type": "result", "run_id": run["run_id"], "response": response, "outcome": outcome, "tool_calls": calls}
    print(json.dumps(result), flush=True)
