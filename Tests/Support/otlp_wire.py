"""What the tools beside this file share: reading OTLP trace requests in each form in which they travel."""

import base64
import json
import zlib

from google.protobuf import json_format
from google.protobuf.internal.decoder import _DecodeVarint32
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def gunzip(data):
    """Decompresses gzip of one or more members. Raises ValueError when it is damaged or cut off."""
    out = []
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            out.append(member.decompress(data))
        except zlib.error as error:
            raise ValueError(f"gzip: {error}") from None
        if not member.eof:
            raise ValueError("gzip: cut off")
        data = member.unused_data
    return b"".join(out)


def decode_protobuf(body):
    """Decodes a binary ExportTraceServiceRequest. Raises ValueError."""
    try:
        return ExportTraceServiceRequest.FromString(body)
    except Exception as error:  # protobuf's exception type depends on its backend
        raise ValueError(f"protobuf: {error}") from None


def decode_json(body):
    """Decodes an OTLP/JSON ExportTraceServiceRequest. Raises ValueError.

    OTLP differs from protobuf's own JSON mapping: ids are hex, and enums are integers.
    """
    def ids_to_base64(value):
        if isinstance(value, list):
            return [ids_to_base64(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else ids_to_base64(item)
            for key, item in value.items()
        }

    try:
        tree = json.loads(body)
        if not isinstance(tree, dict):
            raise ValueError("not an object")
        return json_format.ParseDict(ids_to_base64(tree), ExportTraceServiceRequest(), ignore_unknown_fields=True)
    except (ValueError, TypeError, AttributeError, json_format.ParseError) as error:
        raise ValueError(f"json: {error}") from None


def decode(body, content_type):
    """Decodes a request body of the given Content-Type. Raises ValueError."""
    return decode_json(body) if "json" in content_type else decode_protobuf(body)


def read_delimited(data):
    """Yields the requests of a file in which a varint says how long each one is."""
    at = 0
    while at < len(data):
        size, at = _DecodeVarint32(data, at)
        if at + size > len(data):
            raise ValueError(f"the last request is cut off: {len(data) - at} of {size} bytes")
        yield decode_protobuf(data[at : at + size])
        at += size


def spans_of(request):
    """Yields (resource_spans, scope_spans, span) in the order of the request."""
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield resource_spans, scope_spans, span


def decode_logs(body, content_type):
    """Decodes an ExportLogsServiceRequest, binary or JSON. Raises ValueError."""
    try:
        if "json" not in content_type:
            return ExportLogsServiceRequest.FromString(body)
        tree = json.loads(body)
        for resource in tree.get("resourceLogs", []):
            for scope in resource.get("scopeLogs", []):
                for record in scope.get("logRecords", []):
                    for key in ("traceId", "spanId"):
                        record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()
        return json_format.ParseDict(tree, ExportLogsServiceRequest())
    except Exception as error:  # protobuf's exception types depend on its backend
        raise ValueError(f"logs: {error}") from None
