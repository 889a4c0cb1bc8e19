"""The peer for the replay benchmark: judges a recording by the Python sample's rules and prints the JSON summary.

    python3 python_replay.py TRACES
"""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        traces = [json.loads(line) for line in file if line.strip()]
    summary = {"total": len(traces), "passed": 0, "failed": 0, "tool_misuse": 0, "budget_overruns": 0, "details": []}
    for trace in traces:
        reasons = []
        if trace.get("outcome", "success") != "success":
            reasons.append("outcome_fail")
        allowed = trace.get("allowed_tools")
        if allowed is not None and any(call["name"] not in allowed for call in trace.get("tool_calls", [])):
            reasons.append("tool_misuse")
            summary["tool_misuse"] += 1
        for field, limit, reason in (("latency_ms", 9000, "latency"), ("cost_tokens", 9000, "cost")):
            if trace.get(field, 0) > limit:
                reasons.append(reason)
                summary["budget_overruns"] += 1
        summary["failed" if reasons else "passed"] += 1
        summary["details"].append({"trace_id": trace.get("trace_id"), "passed": not reasons, "reason": reasons})
    print(json.dumps(summary, indent=2))


main()
