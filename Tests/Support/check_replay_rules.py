"""Compares `outrigger replay` with the rules of the Python sample, written once more from their description.

    python check_replay_rules.py OUTRIGGER [--seed N] [--traces N]

It makes random traces, judges them by the rules below, runs `outrigger replay` with the sample's own options, and
compares the text, the JSON report and the exit status. Exits 1 and says where when anything differs.

The rules: a trace fails with `outcome_fail` when its outcome is not what is expected (`expected_outcome` if it has one,
else `success`; no outcome counts as success, a null one does not), with `tool_misuse` when a tool outside `allowed_tools`
was called (once a trace), with `latency` and `cost` when it is over budget. Each of the last two is a budget overrun.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile


def make_trace(rng, number):
    trace = {}
    if rng.random() < 0.95:
        trace["trace_id"] = f"t-{number % 200}" if rng.random() < 0.1 else f"t-{number}"
    if rng.random() < 0.9:
        trace["outcome"] = rng.choice(["success"] * 6 + ["failure", "refunded", "", None, "Success"])
    if rng.random() < 0.3:
        trace["expected_outcome"] = rng.choice(["success", "refunded", None])
    if rng.random() < 0.8:
        trace["latency_ms"] = rng.choice([0, 100, 1999.5, 2000, 2000.0, 2000.25, 5000, -1, 1e6])
    if rng.random() < 0.8:
        trace["cost_tokens"] = rng.choice([0, 10, 799, 800, 800.5, 801, 10**12])
    if rng.random() < 0.8:
        names = ["search", "refund", "wéb", "a b", "'quoted'", 'say "hi"']
        calls = []
        for _ in range(rng.randrange(5)):
            name = rng.choice(names)
            calls.append(name if rng.random() < 0.3 else {"name": name, "args": {"n": rng.randrange(3)}})
        trace["tool_calls"] = calls
        if rng.random() < 0.6:
            trace["allowed_tools"] = rng.sample(names, rng.randrange(len(names) + 1))
        elif rng.random() < 0.2:
            trace["allowed_tools"] = None
    if rng.random() < 0.5:
        trace["request"], trace["response"] = "hello", {"answer": number}
    items = list(trace.items())
    rng.shuffle(items)
    return dict(items)


def judge(traces, max_latency, max_cost):
    summary = {"total": len(traces), "passed": 0, "failed": 0, "tool_misuse": 0, "budget_overruns": 0, "details": []}
    for trace in traces:
        reasons = []
        expected = trace.get("expected_outcome")
        if trace.get("outcome", "success") != ("success" if expected is None else expected):
            reasons.append("outcome_fail")
        allowed = trace.get("allowed_tools")
        if allowed is not None:
            called = [call if isinstance(call, str) else call["name"] for call in trace.get("tool_calls", [])]
            if any(name not in allowed for name in called):
                reasons.append("tool_misuse")
                summary["tool_misuse"] += 1
        for field, limit, reason in (("latency_ms", max_latency, "latency"), ("cost_tokens", max_cost, "cost")):
            if trace.get(field, 0) > limit:
                reasons.append(reason)
                summary["budget_overruns"] += 1
        summary["failed" if reasons else "passed"] += 1
        summary["details"].append({"trace_id": trace.get("trace_id"), "passed": not reasons, "reason": reasons})
    return summary


def sample_text(summary):
    lines = ["Replay summary:", f"  Total:   {summary['total']}", f"  Passed:  {summary['passed']}",
             f"  Failed:  {summary['failed']}", f"  Tool misuse:  {summary['tool_misuse']}",
             f"  Budget overruns: {summary['budget_overruns']}"]
    failed = [detail for detail in summary["details"] if not detail["passed"]]
    if failed:
        lines.append("Failed traces:")
        lines += [f"  - {detail['trace_id']}: {detail['reason']}" for detail in failed]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("outrigger")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--traces", type=int, default=2000)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    traces = [make_trace(rng, number) for number in range(options.traces)]
    if options.seed % 5 == 0:
        traces = [trace for trace in traces if not judge([trace], 2000, 800)["failed"]]
    expected = judge(traces, 2000, 800)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for trace in traces:
            file.write(json.dumps(trace, ensure_ascii=rng.random() < 0.5) + "\n")
        file.flush()
        command = [options.outrigger, "replay", "--traces", file.name, "--baseline-version", "v1", "--candidate-version",
                   "v2", "--max-latency-ms", "2000", "--max-cost-tokens", "800", "--no-export"]
        text = subprocess.run(command, capture_output=True, timeout=120)
        report = subprocess.run(command + ["--json"], capture_output=True, timeout=120)
    problems = []
    status = 1 if expected["failed"] else 0
    for name, result in (("text", text), ("JSON", report)):
        if result.returncode != status:
            problems.append(f"{name}: exit status {result.returncode}, expected {status}: {result.stderr.decode()}")
    # The sample's lines come first; what we know beyond them follows after an empty line.
    shown = text.stdout.decode().split("\n\n")[0].rstrip("\n") + "\n"
    wanted = sample_text(expected)
    if shown != wanted:
        pairs = zip(shown.splitlines() + ["(end)"], wanted.splitlines() + ["(end)"])
        problems.append("text: " + next((f"{a!r} instead of {b!r}" for a, b in pairs if a != b), "longer"))
    found = json.loads(report.stdout)
    for key in ("total", "passed", "failed", "tool_misuse", "budget_overruns"):
        if found[key] != expected[key]:
            problems.append(f"{key}: {found[key]} instead of {expected[key]}")
    if len(found["details"]) != len(expected["details"]):
        problems.append(f"{len(found['details'])} details instead of {len(expected['details'])}")
    for mine, theirs in zip(expected["details"], found["details"]):
        if {key: theirs[key] for key in mine} != mine:
            problems.append(f"detail {theirs} instead of {mine}")
            break
    for problem in problems:
        print(problem)
    print(f"seed {options.seed}: {len(traces)} traces, {expected['failed']} failed, {len(problems)} differences")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
