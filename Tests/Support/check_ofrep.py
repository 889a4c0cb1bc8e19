#!/usr/bin/env python3
"""Asks a sidecar for arms with OpenFeature's own Python provider.

    check_ofrep.py PORT FLAG CONTEXTS [TOKEN]

CONTEXTS is a file with a JSON list, each {"key": TEXT or null, "attributes": {...}}. Prints a JSON list of what the provider made of each:
[value, variant, reason, error code, metadata].
"""
import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

port, flag = sys.argv[1], sys.argv[2]
headers = {"Authorization": f"Bearer {sys.argv[4]}"} if len(sys.argv) > 4 else {}
api.set_provider(OFREPProvider(f"http://127.0.0.1:{port}", headers_factory=lambda: headers, timeout=120))
client = api.get_client()

results = []
with open(sys.argv[3], encoding="utf-8") as file:
    contexts = json.load(file)
for context in contexts:
    details = client.get_string_details(flag, "fallback", EvaluationContext(context["key"], context["attributes"]))
    code = details.error_code.value if details.error_code else None
    results.append([details.value, details.variant, str(details.reason), code, dict(details.flag_metadata)])
print(json.dumps(results))
