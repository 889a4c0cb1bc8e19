"""An OTLP/HTTP trace sink that misbehaves as told, and answers read-back queries like Jaeger, Tempo and Phoenix.

    python collector_stub.py --port-file PORT --store DIR --script '[{"status": 503, "repeat": 2}, {"ok": true}]'

It listens on a free port of 127.0.0.1 and writes the port's number to the port file once it does. Every POST, on any
path, is a trace export; only those on /v1/logs are log exports, which are checked and logged, no more. The script says how to answer each in order of arrival (when its body has been read):

    {"ok": true}                         200 with an empty body: the default
    {"status": 503, "headers": {"Retry-After": "1"}, "body": "text", "content_type": "text/html", "body_b64": "..."}
    {"partial": {"rejected": 3, "message": "too old"}}
                                         200 with partial_success; the first 3 spans are not kept
    {"garbage": true}                    200 application/x-protobuf that does not decode
    {"close": "before"}                  closes the connection without an answer
    {"close": "mid-body"}                closes it after half of the body that the header announced
    {"hang": true}                       never answers; holds the connection until the peer closes it, 30 s at most

Any step can also have
    "repeat": K      for K requests, -1 for ever (it stands for 1 if left out)
    "delay_ms": N    before answering
    "accept": BOOL   whether the spans count as taken. Normally those of a complete 2xx answer do; `true` with "close"
                     or "hang" is the lost answer that makes a client send twice.

Or write {"default": STEP} as the last step: it applies once the script is exhausted. Without it, that is `ok`.

Queries see the spans taken:
    GET /api/traces/HEX                  Jaeger's query API
    GET /tempo/api/traces/HEX            Tempo
    GET /v1/projects/NAME/spans          Phoenix: trace_id, span_id, name (repeatable), parent_id, limit, cursor, order
    GET /_stats                          what has been counted
"""

import argparse
import base64
import datetime
import json
import os
import select
import signal
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import otlp_wire

HANG_SECONDS = 30


class Script:
    """Hands out the step for each request in turn. Not thread-safe: the caller holds the lock."""

    def __init__(self, steps):
        self.default = {"ok": True}
        self.steps = []
        for step in steps:
            if "default" in step:
                self.default = step["default"]
            else:
                self.steps.append(dict(step))

    def next(self):
        while self.steps:
            step = self.steps[0]
            left = step.get("repeat", 1)
            if left == 0:
                self.steps.pop(0)
                continue
            if left > 0:
                step["repeat"] = left - 1
            return step
        return self.default


class Spans:
    """The spans taken, and which of them queries can see. Not thread-safe: the caller holds the lock."""

    def __init__(self, drop_every, drop_older_than_hours):
        self.drop_every = drop_every
        self.drop_older_than_hours = drop_older_than_hours
        self.taken = 0
        self.ids = set()
        self.by_trace = {}  # trace id -> [(resource_spans, scope_spans, span)], in order of arrival
        self.projects = {}  # Phoenix: project name -> [row id]
        self.rows = []  # Phoenix: row id - 1 -> span; span ids are unique in its whole database
        self.row_span_ids = set()

    def take(self, spans, project_header):
        for resource_spans, scope_spans, span in spans:
            self.taken += 1
            self.ids.add((span.trace_id, span.span_id))
            if self.drop_every and self.taken % self.drop_every == 0:
                continue
            if self.drop_older_than_hours is not None:
                if span.start_time_unix_nano < time.time_ns() - self.drop_older_than_hours * 3600e9:
                    continue
            self.by_trace.setdefault(span.trace_id, []).append((resource_spans, scope_spans, span))
            if span.span_id not in self.row_span_ids:
                self.row_span_ids.add(span.span_id)
                self.rows.append(span)
                project = project_header or project_attribute(resource_spans) or "default"
                self.projects.setdefault(project, []).append(len(self.rows))


def project_attribute(resource_spans):
    for attribute in resource_spans.resource.attributes:
        if attribute.key == "openinference.project.name":
            return attribute.value.string_value
    return None


def scalar(value):
    """(Jaeger's type name, the JSON value) of an AnyValue."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return "string", value.string_value
    if kind == "bool_value":
        return "bool", value.bool_value
    if kind == "int_value":
        return "int64", value.int_value
    if kind == "double_value":
        return "float64", value.double_value
    return "string", json_format.MessageToJson(value, indent=None)


# MARK: the three query APIs; each returns (status, content type, body bytes)


def as_json(status, tree):
    return status, "application/json", json.dumps(tree).encode()


def jaeger_id(trace_id):
    """Jaeger writes a trace id whose upper half is zero with 16 digits only."""
    return trace_id.hex()[16:] if trace_id[:8] == bytes(8) else trace_id.hex()


def jaeger_tags(attributes):
    return [dict(zip(("key", "type", "value"), (item.key, *scalar(item.value)))) for item in attributes]


def jaeger_trace(spans, hex_id):
    def failure(status, message):
        return as_json(status, {
            "data": None, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": status, "msg": message}]})

    try:
        found = spans.by_trace.get(bytes.fromhex(hex_id.zfill(32)))
    except ValueError:
        return failure(400, f"malformed trace id: {hex_id}")
    if not found:
        return failure(404, "trace not found")

    # Identical copies of a span become one, copies that differ are all shown.
    distinct = {span.SerializeToString(deterministic=True): (resource, span) for resource, _, span in found}
    processes, shown = {}, []
    for resource, span in distinct.values():
        service = next((a.value.string_value for a in resource.resource.attributes if a.key == "service.name"), "")
        tags = jaeger_tags(a for a in resource.resource.attributes if a.key != "service.name")
        process = {"serviceName": service, "tags": tags}
        process_id = next((key for key, known in processes.items() if known == process), None)
        if process_id is None:
            process_id = f"p{len(processes) + 1}"
            processes[process_id] = process
        parent = [{"refType": "CHILD_OF", "traceID": jaeger_id(span.trace_id), "spanID": span.parent_span_id.hex()}]
        status = [{"key": "otel.status_code", "type": "string", "value": "ERROR"},
                  {"key": "error", "type": "bool", "value": True}]
        shown.append({
            "traceID": jaeger_id(span.trace_id),
            "spanID": span.span_id.hex(),
            "operationName": span.name,
            "references": parent if span.parent_span_id else [],
            "startTime": span.start_time_unix_nano // 1000,
            "duration": (span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
            "tags": jaeger_tags(span.attributes) + (status if span.status.code == 2 else []),
            "logs": [],
            "processID": process_id,
            "warnings": None,
        })
    trace = {"traceID": shown[0]["traceID"], "spans": shown, "processes": processes, "warnings": None}
    return as_json(200, {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None})


def tempo_trace(spans, hex_id):
    try:
        found = spans.by_trace.get(bytes.fromhex(hex_id.zfill(32)))
    except ValueError:
        return 400, "text/plain; charset=utf-8", b"trace IDs can only contain hex characters"
    if not found:
        return 404, "text/plain; charset=utf-8", b""

    # Of spans with one id and kind the first is kept. Protobuf's own JSON mapping is Tempo's: ids in base64.
    first = {}
    for entry in found:
        first.setdefault((entry[2].span_id, entry[2].kind), entry)
    batches = [
        {"resource": json_format.MessageToDict(resource.resource),
         "scopeSpans": [{"scope": json_format.MessageToDict(scope.scope), "spans": [json_format.MessageToDict(span)]}]}
        for resource, scope, span in first.values()
    ]
    return as_json(200, {"batches": batches})


def phoenix_time(nanoseconds):
    """Phoenix keeps microseconds."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (epoch + datetime.timedelta(microseconds=nanoseconds // 1000)).isoformat()


def phoenix_row(row, span):
    attributes = {item.key: scalar(item.value)[1] for item in span.attributes}
    kind = attributes.pop("openinference.span.kind", "UNKNOWN")
    return {
        "id": base64.b64encode(b"Span:%d" % row).decode(),
        "name": span.name,
        "context": {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()},
        "span_kind": kind,
        "parent_id": span.parent_span_id.hex() or None,
        "start_time": phoenix_time(span.start_time_unix_nano),
        "end_time": phoenix_time(span.end_time_unix_nano),
        "status_code": ("UNSET", "OK", "ERROR")[span.status.code],
        "status_message": span.status.message,
        "attributes": attributes,
        "events": [],
    }


def phoenix_spans(spans, project, query):
    # Phoenix ignores what it does not know, so a misspelt filter returns everything. Filters it has and we lack are
    # refused, lest a test pass for the wrong reason.
    lacking = set(query) & {"start_time", "end_time", "span_kind", "status_code", "attribute", "sort"}
    if lacking - {"sort"} or query.get("sort", ["id"])[-1] != "id":
        return 501, "text/plain; charset=utf-8", f"collector_stub lacks {sorted(lacking)}".encode()
    limit, order = query.get("limit", ["100"])[-1], query.get("order", ["desc"])[-1]
    if not (limit.isdigit() and 1 <= int(limit) <= 1000) or order not in ("asc", "desc"):
        return as_json(422, {"detail": [{"loc": ["query"], "msg": f"limit={limit} order={order}"}]})
    if project not in spans.projects:
        return 404, "text/plain; charset=utf-8", f"Project with name {project} not found".encode()

    rows = sorted(spans.projects[project], reverse=order == "desc")
    if "cursor" in query:
        try:
            start = int(base64.b64decode(query["cursor"][-1], validate=True).decode().removeprefix("Span:"))
        except ValueError:
            return 422, "text/plain; charset=utf-8", b"Invalid cursor"
        rows = [row for row in rows if (row <= start if order == "desc" else row >= start)]

    def wanted(span):
        parent = span.parent_span_id.hex() or "null"
        return all(value in query.get(key, [value]) for key, value in (
            ("trace_id", span.trace_id.hex()), ("span_id", span.span_id.hex()),
            ("name", span.name), ("parent_id", parent)))

    rows = [row for row in rows if wanted(spans.rows[row - 1])]
    page, rest = rows[: int(limit)], rows[int(limit) :]
    cursor = base64.b64encode(b"Span:%d" % rest[0]).decode() if rest else None
    return as_json(200, {"data": [phoenix_row(row, spans.rows[row - 1]) for row in page], "next_cursor": cursor})


# MARK: the server


def status_message(code, text):
    """A google.rpc.Status (1 code, 2 message), short enough that every length is one byte."""
    text = text.encode()[:120]
    return bytes([0x08, code, 0x12, len(text)]) + text


class State:
    """Everything the connections share."""

    def __init__(self, options, steps):
        self.options = options
        self.lock = threading.Lock()
        self.script = Script(steps)
        self.spans = Spans(options.drop_every, options.drop_older_than_hours)
        self.requests = self.accepted_requests = self.connections = 0
        self.tls = None
        self.log = None
        if options.store:
            os.makedirs(options.store, exist_ok=True)
            self.log = open(os.path.join(options.store, "requests.jsonl"), "a", encoding="utf-8")

    def stats(self):
        with self.lock:
            return {
                "requests": self.requests,
                "accepted_requests": self.accepted_requests,
                "spans_accepted": self.spans.taken,
                "unique_spans": len(self.spans.ids),
                "duplicate_spans": self.spans.taken - len(self.spans.ids),
                "connections": self.connections,
            }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # an idle connection does not keep its thread for ever
    state: State

    def setup(self):
        with self.state.lock:
            self.state.connections += 1
        if self.state.tls:
            # Here and not on the listening socket, so that a slow handshake holds up its own connection only.
            self.request.settimeout(10)
            self.request = self.state.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self):
        super().finish()
        if self.state.tls:
            self.request.close()  # TLS took the descriptor from the socket that the server closes

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body, announced=None):
        """Sends an answer in one piece; `announced` is a Content-Length other than the body's."""
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Status',))[0]}"]
        headers = {"Content-Length": str(len(body) if announced is None else announced), **headers}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if self.command == "HEAD" else body))

    # MARK: queries

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        parts = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
        spans = self.state.spans
        with self.state.lock:
            if parts[:2] == ["api", "traces"] and len(parts) == 3:
                found = jaeger_trace(spans, parts[2])
            elif parts[:3] == ["tempo", "api", "traces"] and len(parts) == 4:
                found = tempo_trace(spans, parts[3])
            elif parts[:2] == ["v1", "projects"] and parts[3:] == ["spans"]:
                query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
                found = phoenix_spans(spans, parts[2], query)
            else:
                found = None
        if parts == ["_stats"]:
            found = as_json(200, self.state.stats())
        status, content_type, body = found or (404, "text/plain", b"not found")
        self.answer(status, {"Content-Type": content_type}, body)

    do_HEAD = do_GET

    # MARK: exports

    def read_body(self):
        """The body as sent, or None when the peer went away."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            return body if len(body) == size else None
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(chunks)

    def do_POST(self):
        options, state = self.state.options, self.state
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = self.read_body()
        if sent is None:
            self.close_connection = True
            return

        body, spans, problem = sent, None, None
        json_type = "json" in headers.get("content-type", "")
        try:
            if not (options.no_bodies and options.no_decode and options.max_body is None):
                if headers.get("content-encoding", "identity") == "gzip":
                    body = otlp_wire.gunzip(sent)
            if self.path.split("?")[0].endswith("/v1/logs"):
                otlp_wire.decode_logs(body, headers.get("content-type", ""))
                spans = []
            elif not options.no_decode:
                spans = list(otlp_wire.spans_of(otlp_wire.decode(body, headers.get("content-type", ""))))
        except ValueError as error:
            problem = str(error)

        # Number, log and keep the request under one lock: the log is then in the order of the numbers, and whoever
        # has an answer finds the request in the log.
        with state.lock:
            state.requests += 1
            number = state.requests
            step = state.script.next()
            if options.max_body is not None and len(body) > options.max_body:
                step = {"status": 413, "body": "request entity too large", "content_type": "text/plain"}
            elif problem is not None and step.get("status", 200) < 300 and not ({"close", "hang"} & set(step)):
                kind = "application/json" if json_type else "application/x-protobuf"
                text = json.dumps({"code": 3, "message": problem}).encode() if json_type else status_message(3, problem)
                step = {"status": 400, "content_type": kind, "body_b64": base64.b64encode(text).decode()}
            unanswered = "close" in step or "hang" in step
            status = 0 if unanswered else step.get("status", 200)
            accepted = step.get("accept", 200 <= status < 300) and problem is None
            rejected = min(step.get("partial", {}).get("rejected", 0), len(spans or []))
            if accepted:
                state.accepted_requests += 1
                state.spans.take((spans or [])[rejected:], headers.get("x-project-name"))
            if state.log:
                self.write_log(number, headers, status, sent, body, spans, accepted, rejected)

        time.sleep((options.latency_ms + step.get("delay_ms", 0)) / 1000)
        self.perform(step, json_type)

    def write_log(self, number, headers, status, sent, body, spans, accepted, rejected):
        record = {
            "n": number, "path": self.path, "headers": headers, "status": status, "wire_bytes": len(sent),
            "spans": -1 if spans is None else len(spans), "accepted": accepted, "rejected": rejected,
            "time_ns": time.time_ns(),
        }
        if not self.state.options.no_bodies:
            record["body_b64"] = base64.b64encode(body).decode()
        self.state.log.write(json.dumps(record) + "\n")
        self.state.log.flush()

    def perform(self, step, json_type):
        """Answers, or fails to, as the step says."""
        if "hang" in step:
            self.close_connection = True
            deadline = time.monotonic() + HANG_SECONDS
            while time.monotonic() < deadline:
                if select.select([self.connection], [], [], 0.5)[0] and not self.connection.recv(65536):
                    break
            return
        if step.get("close") == "before":
            self.close_connection = True
            return
        if step.get("close") == "mid-body":
            self.answer(200, {"Content-Type": "application/x-protobuf"}, bytes(50), announced=100)
            self.close_connection = True
            return

        kind, body = ("application/json", b"{}") if json_type else ("application/x-protobuf", b"")
        if "partial" in step:
            response = ExportTraceServiceResponse()
            response.partial_success.rejected_spans = step["partial"].get("rejected", 0)
            response.partial_success.error_message = step["partial"].get("message", "")
            body = json_format.MessageToJson(response).encode() if json_type else response.SerializeToString()
        elif "garbage" in step:
            # Field number 0, then a length beyond the end: no protobuf whatever the random rest.
            kind, body = "application/x-protobuf", b"\x02\xff\xff\xff\x7f" + os.urandom(60)
        elif "body_b64" in step:
            body = base64.b64decode(step["body_b64"])
        elif "body" in step:
            kind, body = "text/plain; charset=utf-8", step["body"].encode()
        headers = {"Content-Type": step.get("content_type", kind), **step.get("headers", {})}
        self.answer(step.get("status", 200), headers, body)
        if headers.get("Connection", "").lower() == "close":
            self.close_connection = True

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):
            pass  # the peer went away or sent nonsense; what it completed has been logged


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a refused handshake or a reset: part of the tests


def tls_context(options):
    certificate, key = options.tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", required=True, help="where to write the port's number once it listens")
    parser.add_argument("--store", help="directory for requests.jsonl, one line for each POST")
    parser.add_argument("--script", default="[]", help="JSON steps, or a file of them")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak TLS with this PEM certificate and key")
    parser.add_argument("--client-ca", help="require a client certificate that this PEM CA signed")
    parser.add_argument("--drop-every", type=int, default=0, metavar="N", help="take every Nth span but never show it")
    parser.add_argument("--drop-older-than-hours", type=float, metavar="H", help="take older spans but never show them")
    parser.add_argument("--latency-ms", type=float, default=0, help="wait before every answer to a POST")
    parser.add_argument("--max-body", type=int, metavar="N", help="answer 413 to bodies over N bytes, decompressed")
    parser.add_argument("--no-bodies", action="store_true", help="leave body_b64 out of requests.jsonl")
    parser.add_argument("--no-decode", action="store_true", help="do not look at the spans; queries see none")
    parser.add_argument("--max-seconds", type=float, default=300, help="exit after this long, whatever happens")
    options = parser.parse_args()

    script = options.script
    if not script.lstrip().startswith("["):
        with open(script, encoding="utf-8") as file:
            script = file.read()
    state = State(options, json.loads(script))
    if options.tls:
        state.tls = tls_context(options)
    Handler.state = state

    server = Server(("127.0.0.1", 0), Handler)
    with open(options.port_file + ".tmp", "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.replace(options.port_file + ".tmp", options.port_file)

    def stop(*_):
        os._exit(0)  # the log is flushed line by line; nothing else is worth waiting for

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    timer = threading.Timer(options.max_seconds, stop)
    timer.daemon = True
    timer.start()
    server.serve_forever()


if __name__ == "__main__":
    main()
