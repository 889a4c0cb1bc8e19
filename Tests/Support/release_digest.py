#!/usr/bin/env python3
"""Prints the digest of a release bundle, computed from the documentation alone: Python's own decimals and hashes, PyYAML.

    release_digest.py RELEASE_YAML...           one digest a line
    release_digest.py --canonical RELEASE_YAML  the canonical form
"""
import hashlib
import json
import os
import re
import sys
from decimal import Decimal

import yaml


class CoreLoader(yaml.SafeLoader):
    """Plain scalars by the core schema of YAML 1.2; numbers stay exact."""

    yaml_implicit_resolvers = {}


class Number(str):
    """A number as it was written."""


CORE = "tag:yaml.org,2002:"
for tag, pattern in [
    ("null", r"^(?:|~|null|Null|NULL)$"),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$"),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$"),
]:
    CoreLoader.add_implicit_resolver(CORE + tag, re.compile(pattern), None)
CoreLoader.add_constructor(CORE + "bool", lambda loader, node: node.value.lower() == "true")
for tag in ("int", "float"):
    CoreLoader.add_constructor(CORE + tag, lambda loader, node: Number(node.value))


def number(text):
    if text[:2] in ("0x", "0o"):
        text = str(int(text[2:], 16 if text[1] == "x" else 8))
    sign, digits, exponent = Decimal(text).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    if not digits:
        return "0"
    short = digits.rstrip("0")
    exponent += len(digits) - len(short)
    return ("-" if sign else "") + short + (f"e{exponent}" if exponent else "")


def string(text):
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def canonical(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return number(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = sorted(value.items(), key=lambda member: str(member[0]).encode())
    return "{" + ",".join(string(str(key)) + ":" + canonical(item) for key, item in members) + "}"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def form(path):
    folder = os.path.dirname(path)

    def content(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()

    def value(name):
        text = content(name)
        if name.endswith((".yaml", ".yml")):
            return yaml.load(text, CoreLoader)
        return json.loads(text, parse_int=Number, parse_float=Number)

    def prompt(item):
        if isinstance(item, dict):
            return content(item["file"]) if "file" in item else item["text"].encode()
        return item.encode() if "\n" in item else content(item)

    def tool(item):
        schema = item.get("schema")
        return {
            "name": item["name"],
            "description": item.get("description"),
            "effect": item.get("effect", "write"),
            "schema": value(schema) if isinstance(schema, str) else schema,
        }

    with open(path, "rb") as file:
        bundle = yaml.load(file, CoreLoader)
    policy = bundle.get("policy")
    if isinstance(policy, str):
        policy = value(policy) if policy.endswith((".json", ".yaml", ".yml")) else sha256(content(policy))
    model = bundle.get("model")
    allowed = bundle.get("allowed_tools")
    document = {
        "allowed_tools": None if allowed is None else sorted(set(allowed), key=str.encode),
        "model": model and {
            "name": model["name"], "provider": model.get("provider"), "parameters": model.get("parameters", {})},
        "policy": policy,
        "prompts": {name: sha256(prompt(item)) for name, item in bundle.get("prompts", {}).items()},
        "tools": sorted(
            map(tool, bundle.get("tools", [])), key=lambda item: (item["name"].encode(), canonical(item).encode())),
        "version": bundle["version"],
    }
    return canonical(document).encode()


def main(arguments):
    if arguments[:1] == ["--canonical"]:
        sys.stdout.buffer.write(form(arguments[1]))
        return
    for path in arguments:
        print(sha256(b"outrigger/release/1\0" + form(path)))


if __name__ == "__main__":
    main(sys.argv[1:])
