"""Checks what a replay exported: decodes the requests that collector_stub.py kept, with opentelemetry-proto.

    python check_replay_export.py REQUESTS.jsonl REPORT.json

REPORT.json is the replay's own JSON report. Prints what is wrong, one line each, and exits 1 if anything is.
"""

import base64
import json
import sys

import otlp_wire


def attributes(item):
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in item.attributes}


def main():
    spans, events, problems = [], [], []
    for line in open(sys.argv[1], encoding="utf-8"):
        request = json.loads(line)
        body, kind = base64.b64decode(request["body_b64"]), request["headers"].get("content-type", "")
        if request["path"].endswith("/v1/logs"):
            for resource in otlp_wire.decode_logs(body, kind).resource_logs:
                events += [record for scope in resource.scope_logs for record in scope.log_records]
        else:
            spans += [span for _, _, span in otlp_wire.spans_of(otlp_wire.decode(body, kind))]
    report = json.load(open(sys.argv[2], encoding="utf-8"))

    by_id = {(span.trace_id.hex(), span.span_id.hex()): span for span in spans}
    if len(by_id) != len(spans):
        problems.append(f"{len(spans) - len(by_id)} span ids came twice")
    roots = {key: span for key, span in by_id.items() if span.name == "agent.run"}
    for key, span in by_id.items():
        if span.parent_span_id and (key[0], span.parent_span_id.hex()) not in by_id:
            problems.append(f"{span.name} {key} has a parent that was not exported")
    for key, span in roots.items():
        found = attributes(span)
        role = found.get("outrigger.run.role")
        if found.get("outrigger.run.mode") != "replay" or role not in ("baseline", "candidate"):
            problems.append(f"agent.run {key}: mode {found.get('outrigger.run.mode')}, role {role}")
            continue
        if found.get("agent.version") != report[role]["version"]:
            problems.append(f"agent.run {key}: version {found.get('agent.version')}")
        if found.get("outrigger.release.digest") != report[role]["digest"]:
            problems.append(f"agent.run {key}: digest {found.get('outrigger.release.digest')}")
        if found.get("outrigger.replay.id") != report["replay_id"]:
            problems.append(f"agent.run {key}: replay {found.get('outrigger.replay.id')}")
        for link in span.links:
            other = roots.get((link.trace_id.hex(), link.span_id.hex()))
            wanted = "baseline" if role == "candidate" else "candidate"
            if other is None or attributes(other).get("outrigger.run.role") != wanted:
                problems.append(f"agent.run {key}: its link leads to no run of the {wanted}")
            elif attributes(other).get("outrigger.request.id") != found.get("outrigger.request.id"):
                problems.append(f"agent.run {key}: its link leads to another trace")
            if attributes(link) != {"outrigger.link.type": wanted}:
                problems.append(f"agent.run {key}: link attributes {attributes(link)}")

    told = set()
    for detail in report["details"]:
        both = all(detail[role]["error"] is None for role in ("baseline", "candidate"))
        for role in ("baseline", "candidate"):
            arm = detail[role]
            key = (arm["trace_id"], arm["span_id"])
            if "no_run" in arm["reason"]:
                continue
            span = roots.get(key)
            if span is None:
                problems.append(f"{detail['trace_id']}: the {role}'s run is not among the spans")
                continue
            told.add(key)
            if both and len(span.links) != 1:
                problems.append(f"{detail['trace_id']}: the {role}'s run has {len(span.links)} links")
            if attributes(span).get("outrigger.run.role") != role:
                problems.append(f"{detail['trace_id']}: the {role}'s ids are another's")
    if told != set(roots):
        problems.append(f"{len(set(roots) - told)} runs were exported that the report does not tell of")

    for event in events:
        key = (event.trace_id.hex(), event.span_id.hex())
        found = attributes(event)
        if event.event_name != "gen_ai.evaluation.result" or key not in roots:
            problems.append(f"event {event.event_name} {found} is about no run")
        elif found["gen_ai.evaluation.score.label"] not in ("pass", "fail") or "gen_ai.evaluation.name" not in found:
            problems.append(f"event {found}")
        elif not event.observed_time_unix_nano:
            problems.append(f"event {found} has no observed time")
    export = report["export"]
    for name, have in (("spans", len(spans)), ("events", len(events))):
        if export[name]["accepted"] != have or export[name]["built"] != have:
            problems.append(f"{name}: {have} arrived, the report says {export[name]}")
    mismatches = sum(1 for d in report["details"] if d["tool_diff"])
    failing = sum(1 for e in events if attributes(e)["gen_ai.evaluation.name"] == "tool_calls_match"
                  and attributes(e)["gen_ai.evaluation.score.label"] == "fail")
    if mismatches != failing:
        problems.append(f"{failing} events say that tool calls differ, the report {mismatches}")
    for problem in problems[:20]:
        print(problem)
    print(f"{len(spans)} spans, {len(roots)} runs, {len(events)} events, {len(problems)} problems")
    sys.exit(1 if problems or not roots or not events else 0)


if __name__ == "__main__":
    main()
