#!/usr/bin/env python3
"""The Python OpenTelemetry SDK as a peer of `outrigger backfill`: agent traces in JSONL to spans to OTLP/HTTP.

It makes the same spans as Outrigger does without content capture: agent.run, agent.step, tool.call and tool.result with
the same ids, times and attributes. It sends them as protobuf, uncompressed, 512 spans a request, in one of two ways:

  direct  ReadableSpan objects, the SDK's own encoder, one HTTP connection: the fastest way the SDK allows
  bsp     TracerProvider, BatchSpanProcessor and OTLPSpanExporter, with their defaults: as applications use it

Prints one line of JSON. CPU time is this process's, user and system, from opening the file to the last answer; imports
are not in it. Exits with 1 when not every span was delivered.

Needs opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http.
"""

import argparse
import hashlib
import json
import math
import os
import re
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Iterator, NamedTuple, Optional

import requests
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

DATASET = "bench"
ROLE = "baseline"
BATCH = 512
# BatchSpanProcessor's default. What comes while the queue is full is dropped, and a backfill is faster than the export.
QUEUE = 2048

SECOND = 1_000_000_000
# Lines without a start time start here (2026-01-01), one second apart.
FIRST_START = 1_767_225_600 * SECOND
LONGEST_MS = 24 * 3600 * 1000
TRACE_ID = re.compile("[0-9a-fA-F]{32}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

RESOURCE = Resource(
    {
        "service.name": "agent",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1",
    }
)
SCOPE = InstrumentationScope("outrigger", "1")


class Planned(NamedTuple):
    """A span to be made; a parent comes before its children."""

    name: str
    span_id: int
    parent_id: Optional[int]
    start: int
    end: int
    attributes: dict
    failed: bool = False


# Runs to spans


def digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"\0".join(parts)).digest()


def trace_id(recorded: str, occurrence: int) -> int:
    """The recorded id itself when it is a trace id and new, else one derived from it."""
    if occurrence == 0 and TRACE_ID.fullmatch(recorded) and (value := int(recorded, 16)):
        return value
    parts = (DATASET.encode(), recorded.encode(), str(occurrence).encode(), ROLE.encode())
    return int.from_bytes(digest(b"outrigger/backfill/1/trace", *parts)[:16], "big") or 1


def span_id(trace: bytes, path: str) -> int:
    return int.from_bytes(digest(b"outrigger/backfill/1/span", trace, path.encode())[:8], "big") or 1


def nanoseconds(milliseconds) -> Optional[int]:
    if not isinstance(milliseconds, (int, float)) or not 0 <= milliseconds <= LONGEST_MS:
        return None
    return math.floor(milliseconds * 1e6 + 0.5)


def start_time(recorded, index: int) -> int:
    if recorded is None:
        return FIRST_START + index * SECOND
    if isinstance(recorded, str):
        return (datetime.fromisoformat(recorded) - EPOCH) // timedelta(microseconds=1) * 1000
    return round(recorded * (1_000_000 if abs(recorded) >= 1e11 else SECOND))


def text(content) -> bytes:
    """The content's bytes. Of JSON other than strings, `json` does not keep the original; this is as near as it gets."""
    return (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode()


def succeeded(result: dict) -> bool:
    success = result.get("success")
    return result.get("error") in (None, "") if success is None else success


def run_attributes(run: dict, recorded_id: str, line_number: int, run_span: int) -> dict:
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "openinference.span.kind": "AGENT",
        "outrigger.run.mode": "backfill",
        "outrigger.run.role": ROLE,
        "outrigger.run.id": f"{run_span:016x}",
        "outrigger.source.dataset": DATASET,
        "outrigger.source.trace_id": recorded_id,
        "outrigger.source.line": line_number,
        "outrigger.request.id": recorded_id,
        "outrigger.time.source": "synthetic" if run.get("start_time") is None else "recorded",
    }
    for field, key in (
        ("version", "agent.version"),
        ("agent", "gen_ai.agent.name"),
        ("conversation_id", "gen_ai.conversation.id"),
        ("model", "gen_ai.request.model"),
        ("input_tokens", "gen_ai.usage.input_tokens"),
        ("output_tokens", "gen_ai.usage.output_tokens"),
    ):
        if (value := run.get(field)) is not None:
            attributes[key] = value
    if (request := run.get("request")) is not None:
        attributes["outrigger.request.sha256"] = hashlib.sha256(text(request)).hexdigest()
    if (outcome := run.get("outcome")) is not None:
        attributes["outrigger.outcome.actual"] = outcome
    if (expected := run.get("expected_outcome")) is not None:
        attributes["outrigger.outcome.expected"] = expected
        if outcome is not None:
            attributes["outrigger.outcome.match"] = outcome == expected
    if (cost := run.get("cost_tokens")) is not None:
        if cost == int(cost):
            cost = attributes["llm.token_count.total"] = int(cost)
        attributes["outrigger.cost.tokens"] = cost
    if (latency := run.get("latency_ms")) is not None:
        attributes["outrigger.latency_ms"] = float(latency)
    return attributes


def call_attributes(call: dict, index: int, allowed: Optional[list], answered: bool, failed: bool) -> dict:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.type": "function",
        "openinference.span.kind": "TOOL",
        "outrigger.tool.index": index,
    }
    name = call.get("name")
    if name is not None:
        attributes["tool.name"] = attributes["gen_ai.tool.name"] = name
    if (call_id := call.get("id")) is not None:
        attributes["gen_ai.tool.call.id"] = call_id
    if allowed is not None:
        attributes["outrigger.tool.allowed"] = name in allowed
    if not answered:
        attributes["outrigger.tool.result_missing"] = True
    if failed:
        attributes["error.type"] = "tool_error"
    return attributes


def spans_of(run: dict, trace: bytes, recorded_id: str, line_number: int, index: int) -> Iterator[Planned]:
    calls = run.get("tool_calls") or []
    results = run.get("tool_results") or []
    results = results + [None] * (len(calls) - len(results))
    waits = [nanoseconds(result.get("duration_ms")) if result else None for result in results]
    known = [wait for wait in waits if wait is not None]
    waited = sum(known)
    duration = nanoseconds(run.get("latency_ms"))
    if duration is None:
        duration = waited if known else 1_000_000
    duration = max(duration, waited, 1)
    steps = max(len(calls), 1)

    start = start_time(run.get("start_time"), index)
    run_span = span_id(trace, "run")
    attributes = run_attributes(run, recorded_id, line_number, run_span)
    yield Planned("agent.run", run_span, None, start, start + duration, attributes)

    step_start, past = start, 0
    for k in range(steps):
        past += (waits[k] or 0) if calls else 0
        step_end = start + past + (duration - waited) * (k + 1) // steps
        step_span = span_id(trace, f"run/{k}")
        attributes = {"step.index": k, "openinference.span.kind": "CHAIN"}
        yield Planned("agent.step", step_span, run_span, step_start, step_end, attributes)
        if calls:
            call, result, wait = calls[k], results[k], waits[k]
            if isinstance(call, str):
                call = {"name": call}
            failed = result is not None and not succeeded(result)
            call_span = span_id(trace, f"run/{k}/call")
            call_start = step_start if wait is None else step_end - wait
            attributes = call_attributes(call, k, run.get("allowed_tools"), result is not None, failed)
            yield Planned("tool.call", call_span, step_span, call_start, step_end, attributes, failed)
            if result is not None:
                attributes = {"tool.success": not failed, "openinference.span.kind": "CHAIN", "outrigger.tool.index": k}
                if failed:
                    attributes["error.type"] = "tool_error"
                result_span = span_id(trace, f"run/{k}/result")
                yield Planned("tool.result", result_span, call_span, step_end, step_end, attributes, failed)
        step_start = step_end


def read_runs(path: str, limit: Optional[int]) -> Iterator[tuple[int, Iterator[Planned]]]:
    """The trace id and the spans of each run in a file whose lines are all good."""
    seen: dict[str, int] = {}
    index = 0
    with open(path, "rb") as file:
        for line_number, line in enumerate(file, 1):
            line = line.rstrip(b"\r\n")
            if not line.strip():
                continue
            if index == limit:
                return
            run = json.loads(line)
            recorded_id = run.get("trace_id") or "line:" + hashlib.sha256(line).hexdigest()
            key = recorded_id.lower() if TRACE_ID.fullmatch(recorded_id) else recorded_id
            occurrence = seen.get(key, 0)
            seen[key] = occurrence + 1
            trace = trace_id(recorded_id, occurrence)
            yield trace, spans_of(run, trace.to_bytes(16, "big"), recorded_id, line_number, index)
            index += 1


# Spans to the endpoint: both ways return how many spans were built, and how many delivered


def send_direct(runs, endpoint: str) -> tuple[int, int]:
    session = requests.Session()
    session.trust_env = False  # No look at proxies and .netrc for each request.
    session.headers["Content-Type"] = "application/x-protobuf"
    sampled, unset, error = TraceFlags(TraceFlags.SAMPLED), Status(StatusCode.UNSET), Status(StatusCode.ERROR)
    delivered = built = 0
    batch: list[ReadableSpan] = []

    def post() -> int:
        response = session.post(endpoint, data=encode_spans(batch).SerializeToString(), timeout=60)
        response.raise_for_status()
        rejected = ExportTraceServiceResponse.FromString(response.content).partial_success.rejected_spans
        return len(batch) - rejected

    for trace, spans in runs:
        contexts: dict[Optional[int], Optional[SpanContext]] = {None: None}
        for span in spans:
            context = contexts[span.span_id] = SpanContext(trace, span.span_id, False, sampled)
            batch.append(
                ReadableSpan(
                    name=span.name,
                    context=context,
                    parent=contexts[span.parent_id],
                    resource=RESOURCE,
                    attributes=span.attributes,
                    kind=SpanKind.INTERNAL,
                    status=error if span.failed else unset,
                    start_time=span.start,
                    end_time=span.end,
                    instrumentation_scope=SCOPE,
                )
            )
            if len(batch) == BATCH:
                built += BATCH
                delivered += post()
                batch.clear()
    if batch:
        built += len(batch)
        delivered += post()
    return built, delivered


class GivenIds(IdGenerator):
    """Hands out the ids that were put in."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class CountingExporter(OTLPSpanExporter):
    delivered = 0

    def export(self, spans) -> SpanExportResult:
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        return result


def send_by_processor(runs, endpoint: str) -> tuple[int, int]:
    ids = GivenIds()
    exporter = CountingExporter(endpoint=endpoint, compression=Compression.NoCompression, timeout=60)
    processor = BatchSpanProcessor(exporter, max_queue_size=QUEUE, max_export_batch_size=BATCH)
    provider = TracerProvider(resource=RESOURCE, id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer(SCOPE.name, SCOPE.version)
    error = Status(StatusCode.ERROR)
    built = 0

    for trace, spans in runs:
        ids.trace_id = trace
        contexts = {None: None}
        for planned in spans:
            ids.span_id = planned.span_id
            span = tracer.start_span(
                planned.name,
                context=contexts[planned.parent_id],
                kind=SpanKind.INTERNAL,
                attributes=planned.attributes,
                start_time=planned.start,
            )
            contexts[planned.span_id] = set_span_in_context(span)
            if planned.failed:
                span.set_status(error)
            span.end(planned.end)
            built += 1
            if built % QUEUE == 0:
                processor.force_flush()
    provider.shutdown()
    return built, exporter.delivered


MODES = {"direct": send_direct, "bsp": send_by_processor}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", required=True, metavar="FILE", help="agent traces, one JSON object a line")
    parser.add_argument("--endpoint", required=True, metavar="URL", help="such as http://127.0.0.1:4318/v1/traces")
    parser.add_argument("--limit", type=int, metavar="N", help="read the first N runs only")
    parser.add_argument("--mode", choices=MODES, required=True)
    arguments = parser.parse_args()

    before, wall = os.times(), time.perf_counter()
    built, delivered = MODES[arguments.mode](read_runs(arguments.traces, arguments.limit), arguments.endpoint)
    after, wall = os.times(), time.perf_counter() - wall
    cpu = after.user + after.system - before.user - before.system

    report = {
        "mode": arguments.mode,
        "spans": delivered,
        "cpu_seconds": round(cpu, 3),
        "wall_seconds": round(wall, 3),
        "spans_per_cpu_second": round(delivered / cpu) if cpu > 0 else None,
    }
    print(json.dumps(report))
    if delivered != built:
        print(f"error: {built - delivered} of {built} spans were not delivered", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
