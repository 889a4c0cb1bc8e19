"""An evaluator on standard streams: scores a run by the share of its tool calls that succeeded.

Read a line, write a line. Nothing else may be written to standard output; what is for people goes to standard error.
"""

import json
import sys

for line in sys.stdin:
    run = json.loads(line)
    calls = run["tool_calls"]
    failed = [call["name"] for call in calls if not call.get("success", True)]
    score = 1 - len(failed) / len(calls) if calls else 1
    answer = {"type": "score", "run_id": run["run_id"], "score": score}
    if failed:
        answer["explanation"] = "failed: " + ", ".join(failed)
    print(json.dumps(answer), flush=True)
