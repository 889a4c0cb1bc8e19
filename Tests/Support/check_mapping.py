"""Checks backfilled spans against a second implementation of the mapping, written from its description alone.

    python check_mapping.py --traces runs.jsonl --requests STORE/requests.jsonl --start-time 1735689600000000000
    python check_mapping.py --selftest

It works out every span that the traces must become and compares all fields with the spans that arrived: as a
collector_stub.py stored them (--requests, accepted ones only), as varint-delimited requests (--otlp) or as OTLP/JSON
lines (--otlp-json). Prints the first differences, then 'N spans checked, M differences'. Exit status: 0 when all agree,
1 when not, 2 when no span arrived to be checked.

Content (--capture full) is compared token by token, so strings may be escaped in any valid way, but there must be no
white space between tokens. Redaction is not modelled: use traces that it leaves alone, or --ignore KEY.
"""

import argparse
import base64
import collections
import datetime
import decimal
import gzip
import hashlib
import json
import os
import re
import sys

import otlp_wire

SHOWN_DIFFERENCES = 20
MILLISECOND = 1_000_000
DAY_MS = 24 * 3600 * 1000
INT64 = range(-(2**63), 2**63)
ERROR = 2
INTERNAL = 1

# MARK: JSON, keeping the text as it stands


class Rejected(Exception):
    """A line that must not become a run; its argument is the reason."""


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_int=decimal.Decimal, parse_float=decimal.Decimal, parse_constant=no_constant)
SPACE = re.compile(r"[ \t\n\r]*")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s"\[\]{},:]+')


def skip_space(text, at):
    return SPACE.match(text, at).end()


def repair(string):
    """Lone surrogates become U+FFFD; Python has joined the pairs already."""
    return re.sub("[\ud800-\udfff]", "\ufffd", string)


class Value:
    """A JSON value as the text of the line has it. The line as a whole is known to be valid."""

    def __init__(self, raw):
        self.raw = raw
        self.kind = {'"': "string", "{": "object", "[": "array", "t": "bool", "f": "bool", "n": "null"}.get(
            raw[0], "number")

    def get(self):
        """The string (repaired), bool or exact number."""
        found = DECODER.decode(self.raw)
        return repair(found) if isinstance(found, str) else found

    def members(self):
        """An object's members; of several with one key the last counts."""
        found = {}
        at = skip_space(self.raw, 1)
        while self.raw[at] != "}":
            key, at = DECODER.raw_decode(self.raw, at)
            at = skip_space(self.raw, skip_space(self.raw, at) + 1)  # beyond the colon
            end = DECODER.raw_decode(self.raw, at)[1]
            found[repair(key)] = Value(self.raw[at:end])
            at = skip_space(self.raw, end)
            if self.raw[at] == ",":
                at = skip_space(self.raw, at + 1)
        return found

    def elements(self):
        found = []
        at = skip_space(self.raw, 1)
        while self.raw[at] != "]":
            end = DECODER.raw_decode(self.raw, at)[1]
            found.append(Value(self.raw[at:end]))
            at = skip_space(self.raw, end)
            if self.raw[at] == ",":
                at = skip_space(self.raw, at + 1)
        return found

    def text(self):
        """A string itself, of anything else the JSON text."""
        return self.get() if self.kind == "string" else self.raw


def tokens(raw):
    """The tokens of a JSON text, with the strings decoded."""
    return [("string", repair(DECODER.decode(token))) if token[0] == '"' else token for token in TOKEN.findall(raw)]


def same_compact_json(expected_raw, actual):
    """Whether `actual` is the JSON text `expected_raw` without white space between tokens."""
    if "".join(TOKEN.findall(actual)) != actual:
        return False
    try:
        return tokens(actual) == tokens(expected_raw)
    except ValueError:
        return False


# MARK: lines to runs


def field(members, key, *kinds):
    """The member `key`, None when it is missing or null; any other kind than the given ones rejects the line."""
    value = members.get(key)
    if value is None or value.kind == "null":
        return None
    if kinds and value.kind not in kinds:
        raise Rejected("wrong_type")
    return value


def scalar(members, key, kind):
    value = field(members, key, kind)
    return None if value is None else value.get()


def integral(number):
    """The number as an int64, None when it is not one."""
    if number is None or not number.is_finite() or number.adjusted() > 18:
        return None
    return int(number) if number == number.to_integral_value() and int(number) in INT64 else None


def round_half_up(number):
    with decimal.localcontext() as context:
        context.prec = 400
        return int(number.quantize(decimal.Decimal(1), decimal.ROUND_HALF_UP))


def shift(number, power):
    with decimal.localcontext() as context:
        context.prec = 400
        return number.scaleb(power)


def duration(milliseconds):
    """Nanoseconds, or None when the duration is unusable."""
    if milliseconds is None or not 0 <= milliseconds <= DAY_MS:
        return None
    return round_half_up(shift(milliseconds, 6))


RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def start_time(value):
    """Nanoseconds since 1970, None when there is no start time. One that no span can have rejects the line."""
    if value is None:
        return None
    nanoseconds = parse_start_time(value)
    if not 0 <= nanoseconds < 2**63:
        raise Rejected("wrong_type")
    return nanoseconds


def parse_start_time(value):
    if value.kind == "number":
        number = value.get()
        if number.adjusted() > 20:
            return -1
        return round_half_up(shift(number, 6 if abs(number) >= 10**11 else 9))
    match = RFC3339.fullmatch(value.get())
    if not match:
        raise Rejected("wrong_type")
    try:
        date = datetime.datetime(*map(int, match.groups()[:6]), tzinfo=datetime.timezone.utc)
    except ValueError:
        raise Rejected("wrong_type") from None
    offset = 60 * int(match[9] or 0) + int(match[10] or 0)
    seconds = int((date - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds())
    seconds -= (-60 if match[8] == "-" else 60) * offset
    return seconds * 10**9 + int((match[7] or "").ljust(9, "0"))


class Call:
    def __init__(self, value):
        self.name, self.id, self.args = None, None, None
        if value.kind == "string":
            self.name = value.get()
        elif value.kind == "object":
            members = value.members()
            self.name, self.id = scalar(members, "name", "string"), scalar(members, "id", "string")
            self.args = field(members, "args")
        else:
            raise Rejected("wrong_type")


class Result:
    def __init__(self, value):
        if value.kind != "object":
            raise Rejected("wrong_type")
        members = value.members()
        self.result, self.error = field(members, "result"), field(members, "error")
        self.duration = duration(scalar(members, "duration_ms", "number"))
        self.success = scalar(members, "success", "bool")
        if self.success is None:
            self.success = self.error is None or self.error.text() == ""


class Run:
    """One line that counts, its values typed. Raises Rejected."""

    def __init__(self, line, line_number, index):
        self.line_number, self.index = line_number, index
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise Rejected("invalid_utf8") from None
        try:
            DECODER.decode(text)
        except ValueError:
            raise Rejected("invalid_json") from None
        root = Value(text.strip(" \t\r\n"))
        if root.kind != "object":
            raise Rejected("not_an_object")
        members = root.members()

        self.id = scalar(members, "trace_id", "string")
        for name in ("agent", "version", "model", "conversation_id", "outcome", "expected_outcome"):
            setattr(self, name, scalar(members, name, "string"))
        for name in ("latency_ms", "cost_tokens", "input_tokens", "output_tokens"):
            setattr(self, name, scalar(members, name, "number"))
        for name in ("input_tokens", "output_tokens"):
            if getattr(self, name) is not None and integral(getattr(self, name)) is None:
                raise Rejected("wrong_type")
        self.request, self.response = field(members, "request"), field(members, "response")
        self.start = start_time(field(members, "start_time", "string", "number"))

        def elements(name):
            found = field(members, name, "array")
            return None if found is None else found.elements()

        self.calls = [Call(value) for value in elements("tool_calls") or []]
        self.results = [None if value.kind == "null" else Result(value) for value in elements("tool_results") or []]
        self.allowed = elements("allowed_tools")
        if self.allowed is not None:
            if any(value.kind != "string" for value in self.allowed):
                raise Rejected("wrong_type")
            self.allowed = [value.get() for value in self.allowed]
        if len(self.results) > len(self.calls):
            raise Rejected("surplus_results")
        if self.id and "\0" in self.id:
            raise Rejected("nul_in_trace_id")
        self.id = self.id or "line:" + hashlib.sha256(line).hexdigest()

        self.results += [None] * (len(self.calls) - len(self.results))
        self.durations = [None if result is None else result.duration for result in self.results]
        known = [nanoseconds for nanoseconds in self.durations if nanoseconds is not None]
        latency = duration(self.latency_ms)
        if latency is not None:
            self.duration = max(1, latency)
        else:
            self.duration = max(1, sum(known)) if known else MILLISECOND
        self.duration = max(self.duration, sum(known))


def read_lines(path):
    """Yields (line number, bytes) of the lines that are not blank."""
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line = line.removesuffix(b"\r")
        if line.strip(b" \t\r"):
            yield number, line


# MARK: runs to spans


def digest(*parts):
    return hashlib.sha256(b"\0".join(parts)).digest()


def nonzero(identifier):
    return identifier if any(identifier) else identifier[:-1] + b"\x01"


def hashed_trace_id(dataset, recorded, occurrence, role):
    parts = ("outrigger/backfill/1/trace", dataset, recorded, str(occurrence), role)
    return nonzero(digest(*(part.encode() for part in parts))[:16])


def span_id(trace_id, path):
    return nonzero(digest(b"outrigger/backfill/1/span", trace_id, path.encode())[:8])


def is_hex_id(text):
    return re.fullmatch("[0-9a-fA-F]{32}", text) is not None


class Expected:
    """What one span must be. Attributes map to (kind, value); kind 'json' is a string of compact JSON."""

    def __init__(self, name, trace_id, flags, path, parent, interval):
        self.name, self.trace_id, self.flags = name, trace_id, flags
        self.span_id, self.parent = span_id(trace_id, path), parent
        self.start, self.end = interval
        self.attributes = {}
        self.status, self.message = 0, ("string", "")

    def set(self, kind, key, value):
        """Sets an attribute, unless there is no value."""
        if value is not None:
            self.attributes[key] = (kind, value)

    def fail(self, result, capture):
        self.set("string", "error.type", "tool_error")
        self.status = ERROR
        if capture == "full" and result.error is not None:
            self.message = ("string" if result.error.kind == "string" else "json", result.error.text())

    def measure(self, key, value, with_hash=True):
        """Size and hash of content."""
        if value is not None:
            data = value.text().encode()
            self.set("int", key + ".size", len(data))
            if with_hash:
                self.set("string", key + ".sha256", hashlib.sha256(data).hexdigest())

    def content(self, key, value):
        """Content as OpenInference has it: text or JSON, and which of them."""
        if value is not None:
            is_text = value.kind == "string"
            self.set("string" if is_text else "json", key + ".value", value.text())
            self.set("string", key + ".mime_type", "text/plain" if is_text else "application/json")


def message(role, value):
    return None if value is None else (
        '[{"role":"%s","parts":[{"type":"text","content":%s}]}]' % (role, value.raw))


def expected_spans(run, occurrence, time_zero, options):
    """All spans of a run in their order."""
    use_recorded = (
        is_hex_id(run.id) and int(run.id, 16) and occurrence == 0 and options.role == "baseline" and not options.rehash)
    trace_id = bytes.fromhex(run.id) if use_recorded else hashed_trace_id(
        options.dataset, run.id, occurrence, options.role)
    flags = 0x101 if use_recorded else 0x103
    metadata, full = options.capture in ("metadata", "full"), options.capture == "full"

    start = run.start if run.start is not None else time_zero + run.index * options.stride_ns
    steps = max(1, len(run.calls))
    spent = [nanoseconds or 0 for nanoseconds in run.durations]
    rest = run.duration - sum(spent)
    bounds = [start + sum(spent[:k]) + rest * k // steps for k in range(steps + 1)]

    root = Expected("agent.run", trace_id, flags, "run", b"", (start, start + run.duration))
    root.set("string", "gen_ai.operation.name", "invoke_agent")
    root.set("string", "openinference.span.kind", "AGENT")
    root.set("string", "outrigger.run.mode", "backfill")
    root.set("string", "outrigger.run.role", options.role)
    root.set("string", "outrigger.run.id", root.span_id.hex())
    root.set("string", "outrigger.request.id", run.id)
    root.set("string", "outrigger.source.dataset", options.dataset)
    root.set("string", "outrigger.source.trace_id", run.id)
    root.set("int", "outrigger.source.line", run.line_number)
    root.set("string", "outrigger.time.source", "synthetic" if run.start is None else "recorded")
    root.set("string", "agent.version", run.version if run.version is not None else options.agent_version)
    root.set("string", "gen_ai.agent.name", run.agent if run.agent is not None else options.agent_name)
    root.set("string", "gen_ai.conversation.id", run.conversation_id)
    root.set("string", "gen_ai.request.model", run.model)
    root.set("int", "gen_ai.usage.input_tokens", integral(run.input_tokens))
    root.set("int", "gen_ai.usage.output_tokens", integral(run.output_tokens))
    root.set("string", "outrigger.outcome.actual", run.outcome)
    root.set("string", "outrigger.outcome.expected", run.expected_outcome)
    if run.outcome is not None and run.expected_outcome is not None:
        root.set("bool", "outrigger.outcome.match", run.outcome == run.expected_outcome)
    root.set("int", "llm.token_count.total", integral(run.cost_tokens))
    if integral(run.cost_tokens) is not None:
        root.set("int", "outrigger.cost.tokens", integral(run.cost_tokens))
    elif run.cost_tokens is not None:
        root.set("double", "outrigger.cost.tokens", float(run.cost_tokens))
    if run.latency_ms is not None and abs(float(run.latency_ms)) != float("inf"):
        root.set("double", "outrigger.latency_ms", float(run.latency_ms))
    if run.request is not None:
        root.set("string", "outrigger.request.sha256", hashlib.sha256(run.request.text().encode()).hexdigest())
    if metadata:
        root.measure("outrigger.request", run.request, with_hash=False)  # its hash is there always
        root.measure("outrigger.response", run.response)
    if full:
        root.content("input", run.request)
        root.content("output", run.response)
        root.set("json", "gen_ai.input.messages", message("user", run.request))
        root.set("json", "gen_ai.output.messages", message("assistant", run.response))
    yield root

    for k in range(steps):
        step = Expected("agent.step", trace_id, flags, f"run/{k}", root.span_id, (bounds[k], bounds[k + 1]))
        step.set("int", "step.index", k)
        step.set("string", "openinference.span.kind", "CHAIN")
        yield step
        if not run.calls:
            return

        call, result, known = run.calls[k], run.results[k], run.durations[k]
        interval = (bounds[k] if known is None else bounds[k + 1] - known, bounds[k + 1])
        span = Expected("tool.call", trace_id, flags, f"run/{k}/call", step.span_id, interval)
        span.set("string", "tool.name", call.name)
        span.set("string", "gen_ai.tool.name", call.name)
        span.set("string", "gen_ai.operation.name", "execute_tool")
        span.set("string", "gen_ai.tool.type", "function")
        span.set("string", "openinference.span.kind", "TOOL")
        span.set("int", "outrigger.tool.index", k)
        span.set("string", "gen_ai.tool.call.id", call.id)
        if run.allowed is not None:
            span.set("bool", "outrigger.tool.allowed", call.name in run.allowed)
        if result is None:
            span.set("bool", "outrigger.tool.result_missing", True)
        elif not result.success:
            span.fail(result, options.capture)
        if metadata:
            span.measure("outrigger.tool.arguments", call.args)
        if full:
            span.set("json", "gen_ai.tool.call.arguments", call.args and call.args.raw)
            span.set("json", "gen_ai.tool.call.result", result and result.result and result.result.raw)
        yield span
        if result is None:
            continue

        interval = (bounds[k + 1], bounds[k + 1])
        outcome = Expected("tool.result", trace_id, flags, f"run/{k}/result", span.span_id, interval)
        outcome.set("bool", "tool.success", result.success)
        outcome.set("string", "openinference.span.kind", "CHAIN")
        outcome.set("int", "outrigger.tool.index", k)
        if not result.success:
            outcome.fail(result, options.capture)
        if metadata:
            outcome.measure("outrigger.tool.result", result.result)
        if full:
            outcome.content("output", result.result)
        yield outcome


def all_expected(options):
    """({(trace id, span id): Expected} in order, the number of runs, the rejected lines by reason)."""
    expected, rejected, occurrences, runs = {}, collections.Counter(), collections.Counter(), 0
    for path in options.traces:
        # Each file has its own line numbers, indices and T0; only occurrences count across files.
        lines = []
        for index, (number, line) in enumerate(read_lines(path)):
            try:
                lines.append(Run(line, number, index))
            except Rejected as reason:
                rejected[str(reason)] += 1
                lines.append(None)
        if not lines:
            continue
        time_zero = options.start_time
        if time_zero is None:
            last = lines[-1].duration if lines[-1] else 0
            time_zero = os.stat(path).st_mtime_ns - (len(lines) - 1) * options.stride_ns - last
        for run in filter(None, lines):
            runs += 1
            key = run.id.lower() if is_hex_id(run.id) else run.id
            for span in expected_spans(run, occurrences[key], time_zero, options):
                expected[span.trace_id, span.span_id] = span
            occurrences[key] += 1
    return expected, runs, rejected


# MARK: what arrived


def requests_that_arrived(options):
    """Yields (where it is from, request, number of its first spans that were refused)."""
    for path in options.requests:
        with open(path, encoding="utf-8") as file:
            for record in map(json.loads, file):
                if not record["accepted"]:
                    continue
                if "body_b64" not in record:
                    sys.exit(f"{path}: stored with --no-bodies")
                body = base64.b64decode(record["body_b64"])
                request = otlp_wire.decode(body, record["headers"].get("content-type", ""))
                yield f"{path} request {record['n']}", request, record.get("rejected", 0)
    for path in options.otlp:
        with open(path, "rb") as file:
            data = file.read()
        if data.startswith(b"\x1f\x8b"):
            data = otlp_wire.gunzip(data)
        for number, request in enumerate(otlp_wire.read_delimited(data), 1):
            yield f"{path} request {number}", request, 0
    for path in options.otlp_json:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path} line {number}", otlp_wire.decode_json(line), 0


class Differences:
    def __init__(self):
        self.count = 0

    def add(self, where, what):
        self.count += 1
        if self.count <= SHOWN_DIFFERENCES:
            print(f"{where}: {what}")

    def check(self, where, what, actual, expected):
        if actual != expected:
            self.add(where, f"{what} is {brief(actual)}, expected {brief(expected)}")


def brief(value):
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 300 else text[:300] + "…"


def read_attributes(where, attributes, differences):
    """The attributes as {key: (kind, value)}, after checking what must hold for any collection of them."""
    found = {}
    for item in attributes:
        kind = item.value.WhichOneof("value")
        if kind not in ("string_value", "bool_value", "int_value", "double_value"):
            differences.add(where, f"attribute {item.key!r} is of type {kind}")
            continue
        if not item.key or item.key in found:
            differences.add(where, f"attribute key {item.key!r} is empty or repeated")
        if getattr(item, "key_strindex", 0):
            differences.add(where, f"attribute {item.key!r} has a key_strindex")
        found[item.key] = (kind.removesuffix("_value"), getattr(item.value, kind))
    for key in found:
        parts = key.split(".")
        for size in range(1, len(parts)):
            if ".".join(parts[:size]) in found:
                differences.add(where, f"attribute key {'.'.join(parts[:size])!r} is a prefix of {key!r}")
    return found


def compare_attributes(where, actual, expected, ignored, differences):
    for key in sorted(set(actual) | set(expected)):
        if key in ignored:
            continue
        if key not in expected:
            differences.add(where, f"unexpected attribute {key} = {brief(actual[key])}")
        elif key not in actual:
            differences.add(where, f"lacks attribute {key} = {brief(expected[key])}")
        elif expected[key][0] == "json":
            kind, value = actual[key]
            if kind != "string" or not same_compact_json(expected[key][1], value):
                differences.add(where, f"{key} is {brief(actual[key])}, expected {brief(expected[key])}")
        else:
            differences.check(where, key, actual[key], expected[key])


def compare_span(where, span, expected, options, differences):
    for what, actual, wanted in (
        ("name", span.name, expected.name),
        ("parent_span_id", span.parent_span_id, expected.parent),
        ("kind", span.kind, INTERNAL),
        ("start", span.start_time_unix_nano, expected.start),
        ("end", span.end_time_unix_nano, expected.end),
        ("flags", span.flags, expected.flags),
        ("trace_state", span.trace_state, ""),
        ("status code", span.status.code, expected.status),
        ("events and links", len(span.events) + len(span.links), 0),
        ("dropped counts", (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
         (0, 0, 0)),
    ):
        differences.check(where, what, actual, wanted)
    actual = read_attributes(where, span.attributes, differences)
    # The message is compared as if it were an attribute: it can be JSON too.
    actual["status.message"] = ("string", span.status.message)
    wanted = {**expected.attributes, "status.message": expected.message}
    compare_attributes(where, actual, wanted, options.ignore, differences)


def check_envelope(where, request, options, differences):
    """Resource, scope, and that nothing is in the request that the schema does not know."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.DiscardUnknownFields()
    differences.check(where, "size without unknown fields", copy.ByteSize(), request.ByteSize())

    resource = {
        "service.name": "unknown_service:outrigger",
        "telemetry.sdk.name": "outrigger",
        "telemetry.sdk.language": "swift",
        **dict(item.split("=", 1) for item in options.resource),
    }
    if options.service_name is not None:
        resource["service.name"] = options.service_name
    resource = {key: ("string", value) for key, value in resource.items()}
    if not request.resource_spans:
        differences.add(where, "an empty request")
    for resource_spans in request.resource_spans:
        actual = read_attributes(where + " resource", resource_spans.resource.attributes, differences)
        if actual.pop("telemetry.sdk.version", ("", ""))[1] == "":
            differences.add(where, "resource lacks telemetry.sdk.version")
        compare_attributes(where + " resource", actual, resource, options.ignore, differences)
        differences.check(where, "resource's schema URL", resource_spans.schema_url, "")
        differences.check(where, "resource's dropped count", resource_spans.resource.dropped_attributes_count, 0)
        if not resource_spans.scope_spans:
            differences.add(where, "no scope")
        for scope_spans in resource_spans.scope_spans:
            differences.check(where, "scope", scope_spans.scope.name, "outrigger")
            differences.check(where, "scope's schema URL", scope_spans.schema_url, "")
            differences.check(where, "scope's attributes", len(scope_spans.scope.attributes), 0)
            if not scope_spans.scope.version:
                differences.add(where, "scope has no version")
            if not scope_spans.spans:
                differences.add(where, "an empty scope")


def check(options):
    differences = Differences()
    expected, runs, rejected = all_expected(options)
    position = {key: number for number, key in enumerate(expected)}
    checked, arrived = 0, {}
    for where, request, refused in requests_that_arrived(options):
        check_envelope(where, request, options, differences)
        last = {}
        for number, (_, _, span) in enumerate(otlp_wire.spans_of(request)):
            if number < refused:
                continue
            checked += 1
            key = (span.trace_id, span.span_id)
            place = f"{where} span {number} {span.name} {span.trace_id.hex()}/{span.span_id.hex()}"
            if key in arrived:
                if not options.allow_duplicates or arrived[key] != span:
                    differences.add(place, "arrived before")
                continue
            arrived[key] = span
            if key not in expected:
                differences.add(place, "unexpected span")
                continue
            compare_span(place, span, expected[key], options, differences)
            if position[key] < last.get(span.trace_id, -1):
                differences.add(place, "comes after a later span of its run")
            last[span.trace_id] = position[key]
    for key, span in expected.items():
        if key not in arrived:
            line = span.attributes.get("outrigger.source.line", ("", "?"))[1]
            differences.add(f"{span.name} {key[0].hex()}/{key[1].hex()} (line {line})", "did not arrive")

    if differences.count > SHOWN_DIFFERENCES:
        print(f"… and {differences.count - SHOWN_DIFFERENCES} more")
    print(f"{runs} runs, {len(expected)} spans expected, rejected lines: {json.dumps(dict(sorted(rejected.items())))}")
    print(f"{checked} spans checked, {differences.count} differences")
    if not checked:
        return 2
    return 1 if differences.count else 0


# MARK: self-test


def selftest():
    """The vectors of the mapping's description, and examples of each rule that is easy to get wrong."""
    trace = hashed_trace_id("demo", "t-001", 0, "baseline")
    candidate = hashed_trace_id("demo", "t-001", 0, "candidate")
    assert trace.hex() == "98c235dfe78466b6c322829cedd950ac"
    assert span_id(trace, "run").hex() == "5a816d25d78fd4b9"
    assert span_id(trace, "run/0").hex() == "300366f52a9861ee"
    assert span_id(trace, "run/0/call").hex() == "6f3bfb9108a0be53"
    assert span_id(trace, "run/0/result").hex() == "e6e0bff14d16f321"
    assert candidate.hex() == "95e1f286a98fe005633c20a12f900787"
    assert span_id(candidate, "run").hex() == "9b2bb011d9c050b1"
    assert digest(b"outrigger/rv/1", b"req-1")[:7].hex() == "f814777cc164c4"
    assert nonzero(bytes(8)) == bytes(7) + b"\x01"

    options = argparse.Namespace(
        dataset="demo", role="baseline", rehash=False, stride_ns=10**9, agent_version=None, agent_name=None,
        capture="none")
    spans = list(expected_spans(Run(b'{"latency_ms":350,"tool_calls":["a","b","c"]}', 1, 2), 0, 0, options))
    assert [span.start - 2 * 10**9 for span in spans if span.name == "agent.step"] == [0, 116666666, 233333333]
    assert spans[0].end == 2 * 10**9 + 350 * MILLISECOND

    for text, nanoseconds in (
        ('"2026-03-02T10:15:03+01:00"', 1772442903 * 10**9), ('"2026-03-02T09:15:03.25Z"', 1772442903250000000),
        ("1772442903", 1772442903 * 10**9), ("1772442903250", 1772442903250000000),
        ("1772442903.0000000005", 1772442903000000001), ("1.772442903e9", 1772442903 * 10**9),
        ("9000000000", 9000000000 * 10**9), ("100000000000", 100000000 * 10**9),
    ):
        assert start_time(Value(text)) == nanoseconds, text
    for text, nanoseconds in (
        ("0.0000005", 1), ("0.0000004", 0), ("86400000", DAY_MS * MILLISECOND), ("86400000.1", None),
        ("-1", None), ("1e400", None), ("1e-99999", 0),
    ):
        assert duration(Value(text).get()) == nanoseconds, text

    root = Value(r'{"a" : {"x":1 , "x":2} ,"\u0062":[1.0, "\ud800x\ud83d\ude00"],"a": [ ] }').members()
    assert root["a"].raw == "[ ]" and [value.raw for value in root["b"].elements()] == ["1.0", r'"\ud800x\ud83d\ude00"']
    assert root["b"].elements()[1].get() == "\ufffdx\U0001f600"
    assert same_compact_json(r'[ 1.50, "\u00e9" ]', '[1.50,"é"]') and not same_compact_json("[1]", "[1 ]")
    assert not same_compact_json("1.50", "1.5")
    for line, reason in ((b"{", "invalid_json"), (b"NaN", "invalid_json"), (b"[]", "not_an_object"),
                         (b'{"tool_calls":1}', "wrong_type"), (b'{"tool_results":[{}]}', "surplus_results"),
                         (rb'{"trace_id":"a\u0000"}', "nul_in_trace_id"), (b'{"x":"\xff"}', "invalid_utf8")):
        try:
            Run(line, 1, 0)
            assert False, line
        except Rejected as error:
            assert str(error) == reason, (line, error)
    print("selftest passed")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--selftest", action="store_true")
    parser.add_argument("--traces", nargs="+", default=[], metavar="FILE", help="the input, in order; gzip is seen")
    parser.add_argument("--requests", nargs="+", default=[], metavar="FILE", help="requests.jsonl of collector_stub.py")
    parser.add_argument("--otlp", nargs="+", default=[], metavar="FILE", help="varint-delimited protobuf requests")
    parser.add_argument("--otlp-json", nargs="+", default=[], metavar="FILE", help="one OTLP/JSON request a line")
    parser.add_argument("--dataset", default="default")
    parser.add_argument("--role", default="baseline")
    parser.add_argument("--rehash", action="store_true")
    parser.add_argument("--start-time", type=int, metavar="NS", help="T0; otherwise it follows from each file's mtime")
    parser.add_argument("--stride-ns", type=int, default=10**9, metavar="N")
    parser.add_argument("--agent-name")
    parser.add_argument("--agent-version")
    parser.add_argument("--capture", choices=("none", "metadata", "full"), default="none")
    parser.add_argument("--service-name")
    parser.add_argument("--resource", nargs="+", action="extend", default=[], metavar="K=V",
                        help="what else the resource has")
    parser.add_argument("--ignore", nargs="+", action="extend", default=[], metavar="KEY",
                        help="attributes (or status.message) not to compare")
    parser.add_argument("--allow-duplicates", action="store_true", help="a span may arrive again if it is the same")
    options = parser.parse_args()
    if options.selftest:
        return selftest()
    if not options.traces:
        parser.error("--traces is needed")
    return check(options)


if __name__ == "__main__":
    sys.exit(main())
