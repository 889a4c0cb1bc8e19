"""Tells which requests' spans a collector took.

    python check_answered.py REQUESTS.jsonl

REQUESTS.jsonl is what collector_stub.py keeps. Prints one JSON object: `ids`, the outrigger.request.id of every served
agent.run that came (a shadow's does not count) below a SERVER span that came too; `negative`, spans that end before they
begin, and `longest`, the longest span in milliseconds.
"""

import base64
import gzip
import json
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVER = 2
servers, runs = set(), {}
negative = longest = 0
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        record = json.loads(line)
        if not record["accepted"] or not record["path"].endswith("/v1/traces"):
            continue
        body = base64.b64decode(record["body_b64"])
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                length = span.end_time_unix_nano - span.start_time_unix_nano
                negative += length < 0
                longest = max(longest, length / 1e6)
                if span.kind == SERVER:
                    servers.add((span.trace_id, span.span_id))
                for attribute in span.attributes if span.name.startswith("agent.run") else []:
                    if attribute.key == "outrigger.request.id":
                        runs[(span.trace_id, span.parent_span_id)] = attribute.value.string_value
ids = sorted(name for place, name in runs.items() if place in servers)
print(json.dumps({"ids": ids, "negative": negative, "longest": longest}))
