"""Answers cases about exact numbers, patches, pointers and patterns with implementations not written here.

    python json_exact_reference.py CASES.json

The file holds an array; printed is an array with an answer for each:

    {"number": TEXT}                     the canonical text by decimal.Decimal; "double" if a float has the same digits,
                                         which then is what RFC 8785 writes
    {"a": TEXT, "b": TEXT}               "order" (-1, 0, 1) and "multiple" (a of b) by fractions.Fraction
    {"from": X, "to": Y, "patch": P}     whether PyPI jsonpatch makes Y of X by P
    {"in": X, "pointer": TEXT}           what PyPI jsonpointer finds: {"value": …} or {}
    {"pattern": TEXT, "text": TEXT}      whether re.search finds it, or null if it is no pattern
"""

import decimal
import fractions
import json
import re
import sys

import jsonpatch
import jsonpointer

decimal.getcontext().prec = 1000


def digits_and_point(value):
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    exponent += len(text) - len(text.rstrip("0"))
    text = text.rstrip("0")
    return sign, text, len(text) + exponent


def canonical(value):
    """ECMAScript's Number::toString for the digits of a Decimal."""
    sign, digits, point = digits_and_point(value)
    if not digits:
        return "0"
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if len(digits) <= point else digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + "e%+d" % (point - 1)
    return "-" * sign + text


def same(a, b):
    """Equality that knows true from 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def answer(case):
    if "number" in case:
        value = decimal.Decimal(case["number"])
        near = float(value)
        is_double = near not in (float("inf"), float("-inf")) and decimal.Decimal(repr(near)) == value
        return {"canonical": canonical(value), "double": is_double}
    if "a" in case:
        a, b = fractions.Fraction(case["a"]), fractions.Fraction(case["b"])
        return {"order": (a > b) - (a < b), "multiple": b != 0 and (a / b).denominator == 1}
    if "patch" in case:
        return same(jsonpatch.apply_patch(case["from"], case["patch"]), case["to"])
    if "pointer" in case:
        try:
            return {"value": jsonpointer.resolve_pointer(case["in"], case["pointer"])}
        except jsonpointer.JsonPointerException:
            return {}
    # Python's $ also matches before a line end, and its classes know more than ASCII.
    try:
        pattern = re.compile(re.sub(r"(?<!\\)\$", r"\\Z", case["pattern"]), re.ASCII)
    except re.error:
        return None
    return pattern.search(case["text"]) is not None


class ExactEncoder(json.JSONEncoder):
    def default(self, value):
        return float(value)


with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file, parse_float=decimal.Decimal)
print(json.dumps([answer(case) for case in cases], cls=ExactEncoder))
