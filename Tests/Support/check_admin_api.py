#!/usr/bin/env python3
"""Holds a running admin API to the OpenAPI document that it serves.

    check_admin_api.py PORT

The document must be valid. A journey through the API is made; each answer must be one that the document knows for the
operation, with a body that fits its schema, and each body that the API takes must fit the schema of requests. Prints how
many answers were checked.
"""
import http.client
import json
import sys

import jsonschema
from openapi_spec_validator import validate

port = int(sys.argv[1])


def exchange(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = dict(headers or {})
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


document = json.loads(exchange("GET", "/openapi.json")[2])
validate(document)
checked = 0
seen = set()


def deref(part):
    while "$ref" in part:
        target = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def fits(value, schema):
    whole = {"components": document["components"], **schema}
    validator = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not errors, errors


def call(method, template, body=None, headers=None, status=200, path=None, query=""):
    global checked
    got, head, content = exchange(method, (path or template) + query, body, headers)
    assert got == status, (method, template, got, content)
    operation = document["paths"][template][method.lower()]
    known = operation["responses"].get(str(status))
    assert known is not None, f"{method} {template} answers {status}, which is not described"
    known = deref(known)
    for name in known.get("headers", {}):
        assert name in head, (method, template, status, name)
    if "content" in known:
        kind = head["Content-Type"].split(";")[0]
        schema = known["content"][kind]["schema"]
        fits(json.loads(content) if "json" in kind else content.decode(), schema)
    else:
        assert content == b"", content
    if status == 200 and body is not None and not isinstance(body, bytes):
        fits(body, operation["requestBody"]["content"]["application/json"]["schema"])
    checked += 1
    seen.add((method, template))
    return head, content


def etag():
    return {"If-Match": call("GET", "/v1/rollout")[0]["ETag"]}


def act(verb, body, status=200):
    return call("POST", "/v1/rollout/{verb}", body, status=status, path=f"/v1/rollout/{verb}")


call("PUT", "/v1/rollout", {"percent": 5, "why": "no revision"}, status=428)
call("PUT", "/v1/rollout", {"mode": "canary", "percent": 12.5, "why": "begin", "by": "ann"}, etag())
call("PUT", "/v1/rollout", {"percent": 5, "why": "too late"}, {"If-Match": '"1"'}, 412)
for wrong in [{"percent": 5}, {"percent": 101, "why": "w"}, {"percnt": 5, "why": "w"}, {"mode": "x", "why": "w"}, {"why": " "}, []]:
    call("PUT", "/v1/rollout", wrong, {"If-Match": "*"}, 400)
call("PUT", "/v1/rollout", b"{", {"If-Match": "*"}, 400)
call("PUT", "/v1/rollout", {"percent": 5, "why": "w"}, {"If-Match": "seven"}, 400)
act("resume", {"why": "nothing is on"}, 409)
steps = [{"percent": 1, "seconds": 600}, {"percent": 50}, {"percent": 100, "seconds": None}]
call("PUT", "/v1/rollout", {"steps": steps, "why": "by steps"}, etag())
act("pause", {"why": "lunch", "by": "ann"})
act("resume", {"why": "go on"})
act("promote", {"why": "fine"})
act("rollback", {"why": "not fine", "revision": 1}, 412)
act("rollback", {"why": "not fine"})
act("explode", {"why": "w"}, 404)
act("rollback", {"reason": "w"}, 400)
changes = json.loads(call("GET", "/v1/rollout/history", query="?limit=3")[1])["changes"]
assert [c["command"] for c in changes] == ["rollback", "promote", "resume"], changes
before = json.loads(call("GET", "/v1/rollout/history", query=f"?before={changes[-1]['revision']}&limit=1")[1])["changes"]
assert [c["command"] for c in before] == ["pause"] and before[0]["by"] == "ann", before
call("GET", "/v1/rollout/history", query="?limit=0", status=400)
for path in ["/healthz", "/readyz", "/openapi.json"]:
    assert exchange("GET", path)[0] == 200, path
call("GET", "/metrics")

context = {"context": {"targetingKey": "user-1"}}
status, _, content = exchange("POST", "/ofrep/v1/evaluate/flags/agent-rollout", context)
assert status == 200 and json.loads(content)["variant"] == "baseline", content
status, _, content = exchange("POST", "/ofrep/v1/evaluate/flags/other", context)
assert status == 404 and json.loads(content)["errorCode"] == "FLAG_NOT_FOUND", content
status, _, content = exchange("POST", "/ofrep/v1/evaluate/flags/agent-rollout", {"context": {}})
assert status == 400 and json.loads(content)["errorCode"] == "TARGETING_KEY_MISSING", content
status, head, content = exchange("POST", "/ofrep/v1/evaluate/flags", context)
assert status == 200 and [f["key"] for f in json.loads(content)["flags"]] == ["agent-rollout"], content
assert exchange("POST", "/ofrep/v1/evaluate/flags", context, {"If-None-Match": head["ETag"]})[0] == 304
act("promote", {"why": "again"})
status, _, content = exchange("POST", "/ofrep/v1/evaluate/flags", context, {"If-None-Match": head["ETag"]})
assert status == 200 and json.loads(content)["flags"][0]["variant"] == "candidate", content

# What nobody asked for must not get in.
assert exchange("PUT", "/v1/rollout", b"x" * 100_000, {"If-Match": "*"})[0] == 413
assert exchange("GET", "/v1/rollout", headers={"Host": "evil.example"})[0] == 421
assert exchange("DELETE", "/v1/rollout")[0] in (404, 405)
print(f"{checked} answers fit the document")
