"""Checks the spans and events of live requests against a second statement of their rules.

    python check_live_spans.py CASES.json

CASES.json is a list of cases: what was exchanged in plain words, and the OTLP requests that it became, in base64. The rules
are those of the fact sheet: one SERVER span around agent.run, a CLIENT span within it, agent.step, tool.call and tool.result
by the answer; statuses by the HTTP conventions; trace flags, trace state and links by W3C and OTLP. Prints each difference;
exit status 0 when there is none.
"""

import base64
import hashlib
import json
import sys

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import otlp_wire

INTERNAL, SERVER, CLIENT = 1, 2, 3
UNSET, ERROR = 0, 2
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}


def attributes(items):
    """Attributes as a dictionary; a key that stands twice is an error of its own."""
    found = {}
    for item in items:
        assert item.key and item.key not in found, f"the key {item.key!r} stands twice"
        kind = item.value.WhichOneof("value")
        assert kind in ("string_value", "int_value", "double_value", "bool_value"), (item.key, kind)
        found[item.key] = getattr(item.value, kind)
    for key in found:
        for other in found:
            assert not other.startswith(key + "."), f"{key} is a prefix of {other}"
    return found


def span_id(run_span, trace_id, path):
    """An id below agent.run: hashed from the run's own id, since several runs can stand in one trace."""
    seed = bytes.fromhex(run_span) + bytes.fromhex(trace_id)[8:]
    found = hashlib.sha256(b"outrigger/backfill/1/span\0" + seed + b"\0" + path.encode()).digest()[:8]
    return found.hex() if any(found) else "0000000000000001"


class Checker:
    def __init__(self, case):
        self.case = case
        self.differences = []

    def equal(self, what, found, expected):
        if found != expected:
            self.differences.append(f"{self.case['name']}: {what}: found {found!r}, expected {expected!r}")

    def check(self):
        try:
            self.check_spans()
            self.check_events()
        except (AssertionError, KeyError, IndexError) as error:
            self.differences.append(f"{self.case['name']}: {type(error).__name__}: {error}")
        return self.differences

    # MARK: spans

    def check_spans(self):
        case = self.case
        decode = otlp_wire.decode_json if case["encoding"] == "json" else ExportTraceServiceRequest.FromString
        spans = [s for _, _, s in otlp_wire.spans_of(decode(base64.b64decode(case["spans"])))]
        self.equal("ids are unique", len({s.span_id for s in spans}), len(spans))
        expected = self.expected_spans()
        self.equal("names in order", [s.name for s in spans], [s["name"] for s in expected])
        for span, rule in zip(spans, expected):
            self.check_span(span, rule)
        by_id = {s.span_id: s for s in spans}
        for span in spans:
            parent = by_id.get(span.parent_span_id)
            if parent:
                inside = parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= parent.end_time_unix_nano
                self.equal(f"{span.name} lies within {parent.name}", inside, True)

    def check_span(self, span, rule):
        name = rule["name"]
        self.equal(f"{name}: trace", span.trace_id.hex(), self.case["trace_id"])
        self.equal(f"{name}: id", span.span_id.hex(), rule["id"])
        self.equal(f"{name}: parent", span.parent_span_id.hex(), rule["parent"] or "")
        self.equal(f"{name}: kind", span.kind, rule["kind"])
        self.equal(f"{name}: flags", span.flags, rule["flags"])
        self.equal(f"{name}: trace state", span.trace_state, self.case.get("trace_state") or "")
        self.equal(f"{name}: status", span.status.code, ERROR if rule["error"] else UNSET)
        self.equal(f"{name}: ends after it begins", span.start_time_unix_nano <= span.end_time_unix_nano, True)
        for what, found in (("start", span.start_time_unix_nano), ("end", span.end_time_unix_nano)):
            if what in rule:
                self.equal(f"{name}: {what}", found, rule[what])
        found = attributes(span.attributes)
        self.equal(f"{name}: error.type", found.get("error.type"), rule["error"])
        for key, value in rule["attributes"].items():
            self.equal(f"{name}: {key}", found.get(key), value)
        for key in rule.get("only", []):
            self.equal(f"{name}: {key} is known", key in rule["attributes"] or key not in found, True)
        links = [(l.trace_id.hex(), l.span_id.hex(), l.flags, attributes(l.attributes)) for l in span.links]
        self.equal(f"{name}: links", links, rule.get("links", []))

    def expected_spans(self):
        case = self.case
        trace, run, flags = case["trace_id"], case["run_id"], case["flags"]
        shadow, times = case["mode"] == "shadow", case["times"]
        begun = times["sent"] or times["received"]
        failure, status = case["failure"], case["status"]
        refused = failure and not times["first_byte"] and status is not None and 400 <= status < 500
        wire = failure or (str(status) if status and status >= 500 else None)
        method = case["method"] if case["method"] in METHODS else "_OTHER"
        span_name = "HTTP" if method == "_OTHER" else method
        spans = []
        if not shadow:
            server = {
                "http.request.method": method, "url.path": case["path"], "url.scheme": "http",
                "http.response.status_code": status, "client.address": case["client"], "server.address": case["host"],
                "server.port": case["port"], "user_agent.original": case["user_agent"], "network.protocol.version": "1.1",
                "outrigger.request.id": case["request_id"], "url.query": case["query_shown"],
                "http.request.method_original": case["method"] if method == "_OTHER" else None,
            }
            spans.append(dict(
                name=span_name, id=case["server_id"], parent=case["parent_id"], kind=SERVER,
                flags=flags | (0x300 if case["parent_id"] else 0x100), error=None if refused else wire,
                start=times["received"], end=times["ended"], attributes=server))
        if not shadow and not case["upstream"] and not times["sent"]:
            return spans
        decision = case["decision"]
        outrigger = {
            "gen_ai.operation.name": "invoke_agent", "openinference.span.kind": "AGENT", "gen_ai.agent.name": "concierge",
            "agent.version": {"baseline": "v1", "candidate": "v2"}[case["role"]],
            "outrigger.run.mode": case["mode"], "outrigger.run.role": case["role"], "outrigger.run.id": run,
            "outrigger.request.id": case["request_id"], "outrigger.rollout.id": decision["rollout"],
            "outrigger.rollout.revision": decision["revision"], "outrigger.rollout.weight": decision["weight"],
            "outrigger.rollout.stage": decision["stage"], "outrigger.rollout.bucket": decision["bucket"],
            "outrigger.rollout.fallback": decision["fallback"], "outrigger.latency_ms": (times["ended"] - begun) / 1e6,
            "outrigger.answer.shape": case["shape"], "outrigger.answer.problem": case["problem"],
            "outrigger.capture.truncated": True if case["truncated"] else None,
            "outrigger.sampling.kept_for": case["kept_for"], "gen_ai.response.model": case["answering_model"],
            "input.value": case["request_shown"], "outrigger.outcome.actual": case["outcome"],
            "outrigger.source.trace_id": None, "outrigger.source.line": None, "outrigger.source.dataset": None,
            "outrigger.time.source": None,
        }
        links = [(case["link"]["trace_id"], case["link"]["span_id"], case["link"]["flags"], {"outrigger.link.type": "baseline"})] \
            if case["link"] else []
        spans.append(dict(
            name="agent.run", id=run, parent=None if shadow else case["server_id"], kind=INTERNAL, flags=flags | 0x100,
            error=wire or case["agent_error"], start=begun, end=times["ended"], attributes=outrigger, links=links))
        self.add_steps(spans, run, trace, flags | 0x100, begun, times["ended"])
        connecting = case["upstream"] and failure and failure.startswith("connect")
        if times["sent"] or connecting:
            answered = not failure or times["first_byte"]
            client = {
                "http.request.method": method, "server.address": case["upstream"]["host"], "server.port": case["upstream"]["port"],
                "url.full": case["upstream"]["url"], "http.response.status_code": status if answered else None,
            }
            error = wire or (str(status) if status and status >= 400 else None)
            spans.append(dict(
                name=span_name, id=case["client_id"], parent=run, kind=CLIENT, flags=flags | 0x100, error=error, start=begun,
                end=times["ended"], attributes=client))
        return spans

    def add_steps(self, spans, run, trace, flags, start, end):
        """Calls with a duration end their steps and take that long; the steps share the rest of the time."""
        calls = self.case["calls"]
        count = max(1, len(calls))
        spent = sum(c["duration_ns"] or 0 for c in calls)
        rest, inside, at = (end - start) - spent, 0, start
        for k in range(count):
            call = calls[k] if calls else None
            duration = call["duration_ns"] if call else None
            inside += duration or 0
            to = start + inside + rest * (k + 1) // count
            step = span_id(run, trace, f"run/{k}")
            spans.append(dict(
                name="agent.step", id=step, parent=run, kind=INTERNAL, flags=flags, error=None, start=at, end=to,
                attributes={"step.index": k}))
            if call:
                failed = call["success"] is False
                error = "tool_error" if failed else None
                call_id = span_id(run, trace, f"run/{k}/call")
                spans.append(dict(
                    name="tool.call", id=call_id, parent=step, kind=INTERNAL, flags=flags, error=error,
                    start=at if duration is None else to - duration, end=to,
                    attributes={
                        "tool.name": call["name"], "gen_ai.tool.name": call["name"], "gen_ai.operation.name": "execute_tool",
                        "gen_ai.tool.call.id": call["id"], "outrigger.tool.index": k,
                        "outrigger.tool.result_missing": True if call["success"] is None else None}))
                if call["success"] is not None:
                    spans.append(dict(
                        name="tool.result", id=span_id(run, trace, f"run/{k}/result"), parent=call_id, kind=INTERNAL, flags=flags,
                        error=error, start=to, end=to, attributes={"tool.success": call["success"], "outrigger.tool.index": k}))
            at = to

    # MARK: events

    def check_events(self):
        case = self.case
        if case["encoding"] == "json":
            return self.check_json_events()
        request = ExportLogsServiceRequest.FromString(base64.b64decode(case["events"]))
        records = [r for resource in request.resource_logs for scope in resource.scope_logs for r in scope.log_records]
        found = []
        for record in records:
            self.equal("event: trace", record.trace_id.hex(), case["trace_id"])
            self.equal("event: flags", record.flags, case["flags"])
            self.equal("event: severity", record.severity_number, 9)
            self.equal("event: observed", record.observed_time_unix_nano > 0, True)
            found.append(dict(attributes(record.attributes), event=record.event_name, span=record.span_id.hex()))
        self.equal("events", found, self.expected_events())

    def check_json_events(self):
        text = base64.b64decode(self.case["events"])
        records = []
        if text:
            (resource,) = json.loads(text)["resourceLogs"]
            (scope,) = resource["scopeLogs"]
            records = scope["logRecords"]
        read = {"stringValue": str, "intValue": int, "doubleValue": float, "boolValue": bool}
        found = []
        for record in records:
            self.equal("event: trace", record["traceId"], self.case["trace_id"])
            self.equal("event: observed", int(record["observedTimeUnixNano"]) > 0, True)
            values = {}
            for item in record["attributes"]:
                ((kind, value),) = item["value"].items()
                values[item["key"]] = read[kind](value)
            found.append(dict(values, event=record["eventName"], span=record["spanId"]))
        self.equal("events", found, self.expected_events())

    def expected_events(self):
        case, decision = self.case, self.case["decision"]
        if case["mode"] == "shadow":
            return [self.evaluation(*e) for e in case["evaluations"]]
        if not decision["flag"]:
            return []
        event = {
            "event": "feature_flag.evaluation", "span": case["run_id"], "feature_flag.key": decision["flag"],
            # The flag said candidate, even where the baseline had to answer in its place.
            "feature_flag.result.variant": "candidate" if decision["fallback"] else case["role"],
            "feature_flag.result.reason": decision["reason"], "feature_flag.provider.name": "outrigger",
            "feature_flag.context.id": decision["sticky"], "feature_flag.set.id": decision["rollout"],
            "feature_flag.version": str(decision["revision"]), "outrigger.rollout.fallback": decision["fallback"],
            "error.type": "general" if decision["reason"] == "error" else None,
        }
        return [{key: value for key, value in event.items() if value is not None}]

    def evaluation(self, name, score, label, explanation):
        event = {
            "event": "gen_ai.evaluation.result", "span": self.case["run_id"], "gen_ai.evaluation.name": name,
            "gen_ai.evaluation.score.value": score, "gen_ai.evaluation.score.label": label, "gen_ai.evaluation.explanation": explanation,
        }
        return {key: value for key, value in event.items() if value is not None}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    differences = [d for case in cases for d in Checker(case).check()]
    for difference in differences:
        print(difference)
    print(f"{len(cases)} cases checked, {len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
