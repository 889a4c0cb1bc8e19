"""Answers the cases of JSONDocumentsTests with jsonschema and jsonpath-rfc9535.

    json_reference.py CASES.json  ->  JSON on standard output, one answer for each case

A case is {"schema": ..., "instance": ...}, answered with {"valid": bool, "places": [[instance path, keyword], ...]},
or {"path": "$...", "instance": ...}, answered with {"error": message} or {"nodes": [[normalized pointer, value], ...]}.

Numbers with a fraction are read as exact decimals: with floats, jsonschema gets multipleOf and large numbers wrong.
"""

import json
import sys
from decimal import Decimal

import jsonpath_rfc9535
from jsonschema import Draft202012Validator


def exact(text):
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else value


def pointer(parts):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def schema(case):
    errors = list(Draft202012Validator(case["schema"]).iter_errors(case["instance"]))
    return {
        "valid": not errors,
        "places": sorted({(pointer(error.absolute_path), error.validator or "false") for error in errors}),
    }


def path(case):
    try:
        nodes = jsonpath_rfc9535.find(case["path"], case["instance"])
    except jsonpath_rfc9535.JSONPathError as error:
        return {"error": str(error)}
    return {"nodes": [[pointer(node.location), node.value] for node in nodes]}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file, parse_float=exact)
    answers = [path(case) if "path" in case else schema(case) for case in cases]
    json.dump(answers, sys.stdout, default=float)


main()
