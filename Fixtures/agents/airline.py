"""A tiny airline agent on standard streams, to see how the agent protocol works. It knows four kinds of requests, and asks tools
as a real agent would; a real one asks a model what to do.

    outrigger replay --traces Fixtures/traces/airline-v12.jsonl --candidate "exec:python3 Fixtures/agents/airline.py" \
      --fail-on wrong_tool,missing,duplicated,extra --max-cost-tokens 2500 --no-export

With --hasty it pays money back without asking for the fare's rules: a replay finds that.

Read a line, write a line; each answer carries the run's id. Nothing else may be written to standard output.
"""

import datetime
import json
import re
import sys
import urllib.error
import urllib.request

IS_HASTY = "--hasty" in sys.argv


class ToolError(Exception):
    """A tool, or who answers for it, refused."""


def call_tool(run, name, **arguments):
    """Asks the replay for the tool's answer: the recorded one, or a refusal. No real tool is called."""
    request = urllib.request.Request(
        f"{run['tools_url']}/tools/{name}", json.dumps(arguments).encode(),
        {"content-type": "application/json", "traceparent": run["traceparent"]})
    try:
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as refusal:
        answer = json.load(refusal)
    if not answer["success"]:
        raise ToolError(answer["error"])
    return answer["result"]


def answer(run):
    """What the agent says, and what has become of the request."""
    text = str(run["request"])
    reference = re.search(r"\b[A-Z0-9]{6}\b", text)
    if not reference:
        return "That is in our conditions of carriage.", "answered"
    reference = reference.group()
    booking = call_tool(run, "lookup_booking", reference=reference)
    if "money back" in text:
        amount = booking["paid"]
        if not IS_HASTY:
            amount *= call_tool(run, "check_fare_rules", fare="ECO-FLEX", reason="cancelled_by_airline")["share"]
        call_tool(run, "issue_refund", reference=reference, amount=round(amount, 2), currency="EUR")
        return f"{amount:.2f} EUR are on their way to your card.", "refunded"
    if "later one" in text:
        flights = call_tool(
            run, "search_flights", **{"from": booking["from"]}, to=booking["to"], date=str(datetime.date.today()), after="12:00")
        call_tool(run, "change_booking", reference=reference, flight=flights[0]["flight"])
        return f"You now fly on {flights[0]['flight']}.", "rebooked"
    return f"{booking['flight']} is {booking['status']}.", "answered"


for line in sys.stdin:
    run = json.loads(line)
    try:
        response, outcome = answer(run)
    except ToolError as error:
        response, outcome = f"I cannot do that: {error}", "failed"
    print(json.dumps({"type": "result", "run_id": run["run_id"], "response": response, "outcome": outcome}), flush=True)
