"""Makes trace files for tests: the same seed gives the same bytes.

    python make_traces.py --seed 1 --runs 1000 --out runs.jsonl [--nasty]

Without --nasty, plain lines of the kind that agent frameworks write. With it, lines that are valid but easily read
wrong, and among them lines that must be rejected, one or more for each reason. FILE.expect.json says what a reader must
count: {"lines", "runs", "spans", "rejected": {reason: count}}; `lines` are those that are not blank.

The content holds nothing that looks like personal data or a secret, so that redaction leaves it alone.
"""

import argparse
import datetime
import json
import random

REASONS = ("invalid_json", "not_an_object", "wrong_type", "surplus_results", "nul_in_trace_id", "invalid_utf8")
WORDS = "order parcel lamp seat flight late broken refund window garden table yellow north quick answer please".split()
TOOLS = ("find_order", "track_parcel", "check_stock", "search_flights", "open_claim", "ask_human")
HARD_STRINGS = (
    "", "Straße", "日本語のテキスト", "👩‍👩‍👧‍👦🏳️‍🌈", "e\u0301 is not é to a byte", "a\u0000b", "\u0000",
    "tab\tand\nline\r\nbreak", "\u2028\u2029", "\ufeffBOM inside", "\u202eright to left",
    'quotes " and \\ and /', "\u007f\u0080\u009f",
    "\U0010ffff\ufffe\uffff", "\ufffd", '{"json": ["in a string", 1.0]}', "x" * 3000, "é" * 1100,
)


class Raw(str):
    """JSON text to be written as it is."""


class Writer:
    """Writes JSON in as many different ways as are valid."""

    def __init__(self, rng, nasty):
        self.rng, self.nasty = rng, nasty

    def space(self):
        if not self.nasty:
            return ""
        return self.rng.choice(("", "", "", "", " ", "  ", "\t", " \t ", "\r"))

    def string(self, text):
        plain = json.dumps(text, ensure_ascii=self.nasty and self.rng.random() < 0.3)
        if not self.nasty or self.rng.random() < 0.8 or not text.isascii():
            return plain
        # Any character may be escaped, with digits of either case.
        return '"' + "".join(
            self.rng.choice((f"\\u{ord(c):04x}", f"\\u{ord(c):04X}"))
            if self.rng.random() < 0.2 or c in '"\\' or c < " " else c
            for c in text) + '"'

    def value(self, item):
        if isinstance(item, Raw):
            return str(item)
        if isinstance(item, str):
            return self.string(item)
        if isinstance(item, dict):
            item = list(item.items())
            return self.object(item)
        if isinstance(item, list):
            inner = ",".join(self.space() + self.value(element) + self.space() for element in item)
            return "[" + (inner or self.space()) + "]"
        return json.dumps(item)

    def object(self, pairs):
        """An object from pairs, so that keys can repeat."""
        inner = ",".join(
            f"{self.space()}{self.string(key)}{self.space()}:{self.space()}{self.value(item)}{self.space()}"
            for key, item in pairs)
        return "{" + (inner or self.space()) + "}"


class Maker:
    def __init__(self, seed, nasty):
        self.rng = random.Random(seed)
        self.nasty = nasty
        self.writer = Writer(self.rng, nasty)
        self.hex_ids, self.ids = [], []
        self.spans = 0

    def words(self, most=12):
        return " ".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(1, most))).capitalize()

    def sometimes(self, chance):
        return self.nasty and self.rng.random() < chance

    # MARK: values

    def hard_number(self):
        return Raw(self.rng.choice((
            "0", "-0", "-0.0", "1E5", "1e+2", "0.1", "3.0", "-12.50", "9007199254740993", "18446744073709551615",
            "123456789012345678901234567890", "1.000000000000000000001", "2.2250738585072014e-308", "5e-324")))

    def payload(self, depth=0):
        """What a tool takes or gives."""
        kind = self.rng.random()
        if self.nasty and kind < 0.25:
            return self.rng.choice(HARD_STRINGS)
        if self.nasty and kind < 0.35:
            return self.hard_number()
        if self.nasty and kind < 0.4:
            return self.rng.choice((True, False, [], {}))
        if depth < 3 and kind < 0.5:
            return [self.payload(depth + 1) for _ in range(self.rng.randint(0, 4))]
        if depth < 3 and kind < 0.85:
            pairs = [(self.rng.choice(WORDS), self.payload(depth + 1)) for _ in range(self.rng.randint(0, 4))]
            # A repeated key inside content stays in its raw text.
            return Raw(self.writer.object(pairs)) if self.nasty else dict(pairs)
        return self.rng.choice((self.words(4), self.rng.randint(0, 90000), round(self.rng.random() * 500, 2)))

    def deep(self):
        depth = self.rng.randint(20, 100)
        return Raw('{"a":[' * depth + "1" + "]}" * depth)

    def request(self):
        if self.sometimes(0.1):
            # Lone surrogates, which no JSON writer of ours makes, and a pair that is fine.
            return Raw(self.rng.choice((
                r'"\ud800"', r'"a\udc00b"', r'"\ud83d x \ude00"', r'"\ud83d\ud83d\ude00"', r'"\uDBFF\uDFFF"',
                r'{"text": "\ud800", "n": 1.0}', r'["\udfff\ud800"]')))
        if self.sometimes(0.05):
            return self.deep()
        return self.payload() if self.sometimes(0.5) else self.words()

    def start_time(self):
        seconds = self.rng.randint(1_700_000_000, 1_790_000_000)
        if not self.nasty:
            return self.rfc3339(seconds, self.rng.choice(("", ".250")), "Z")
        fraction = "".join(self.rng.choice("0123456789") for _ in range(self.rng.randint(1, 9)))
        offset = self.rng.choice(("Z", "Z", "+00:00", "-00:00", "+01:00", "-09:30", "+14:00", "-12:00", "+05:45"))
        return self.rng.choice((
            self.rfc3339(seconds, self.rng.choice(("", "." + fraction, ".000000001", ".999999999")), offset),
            seconds, seconds * 1000 + self.rng.randint(0, 999),
            Raw(f"{seconds}.{fraction}"), Raw(f"{seconds}{self.rng.randint(0, 999):03}.{fraction[:6]}"),
            Raw(f"{seconds}.0000000005"), Raw(f"{seconds / 1e9:.9f}e9"), Raw(f"{seconds}.0"),
            9000000000, 100000000000, "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5+23:59",
        ))

    def rfc3339(self, seconds, fraction, offset):
        # The digits are read in the given offset; which instant that is does not matter here.
        days, second = divmod(seconds, 86400)
        year, month, day = civil(days)
        time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        return f"{year:04}-{month:02}-{day:02}T{time}{fraction}{offset}"

    def milliseconds(self):
        if not self.nasty or self.rng.random() < 0.5:
            return self.rng.choice((self.rng.randint(1, 30000), round(self.rng.random() * 5000, 1)))
        return Raw(self.rng.choice((
            "0", "-1", "-0.5", "0.0000004", "0.0000005", "0.0000015", "12.0000005", "1e3", "1.5E+2", "350", "86400000",
            "86400000.0", "86400001", "1e30", "1e400", "-1e400", "123456789012345678901234567890", "0.000001",
            "7.123456", "33.333333333333333333333")))

    def trace_id(self, number):
        roll = self.rng.random()
        if not self.nasty:
            return f"run-{number:06}" if roll < 0.5 else self.hex_id()
        if roll < 0.3:
            return self.hex_id()
        if roll < 0.4 and self.hex_ids:  # the same 16 bytes, written in another case: one id, another text
            change = self.rng.choice((str.upper, str.lower, str.swapcase))
            return change(self.rng.choice(self.hex_ids))
        if roll < 0.5 and self.ids:
            return self.rng.choice(self.ids)
        if roll < 0.58:
            return self.rng.choice((None, "", "0" * 32, "０" * 32, "a" * 31, "a" * 33, " " + "b" * 31, "0x" + "c" * 30,
                                "+" + "d" * 31))
        if roll < 0.66:  # equal to a reader that compares characters; to us they differ
            return self.rng.choice(("caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "line:1", "ID", "id", "İ", "\ufffd"))
        if roll < 0.7:
            return Raw(self.rng.choice((r'"x\ud800"', r'"x\udfff"', r'"\u0041"', r'"x\ufffd"')))
        return f"run-{number:06}"

    def hex_id(self):
        found = f"{self.rng.getrandbits(128):032x}"
        if self.nasty:
            found = "".join(self.rng.choice((c, c.upper())) for c in found)
        self.hex_ids.append(found)
        return found

    # MARK: runs

    def call(self):
        name = self.rng.choice(TOOLS)
        if self.sometimes(0.1):
            return name
        if self.sometimes(0.1):
            name = self.rng.choice(("outil-é", "outil-e\u0301", "工具", "tool with spaces", "a.b.c"))
        pairs = [] if self.sometimes(0.03) else [("name", name)]
        if self.rng.random() < 0.7:
            pairs.append(("id", f"call_{self.rng.getrandbits(32):08x}"))
        if self.rng.random() < 0.9:
            pairs.append(("args", self.deep() if self.sometimes(0.03) else self.payload()))
        if self.sometimes(0.1):
            pairs.append((self.rng.choice(("id", "args")), None))
        if pairs and self.sometimes(0.1):
            pairs.insert(0, (pairs[0][0], "earlier"))  # of no account: the later one counts
        return Raw(self.writer.object(pairs))

    def result(self):
        pairs = []
        failed = self.rng.random() < 0.15
        if not self.sometimes(0.15):
            pairs.append(("success", not failed))
        elif self.sometimes(0.5):
            pairs.append(("success", None))
        if self.rng.random() < 0.9:
            pairs.append(("result", None if failed else self.payload()))
        if failed or self.sometimes(0.1):
            error = "409: the seat was sold a moment ago"
            if self.nasty:
                error = self.rng.choice((error, "", None, "échec", {"code": 409, "retry": False}, 0, False, []))
            pairs.append(("error", error))
        if self.rng.random() < 0.7:
            pairs.append(("duration_ms", self.milliseconds()))
        self.rng.shuffle(pairs)
        return Raw(self.writer.object(pairs))

    def run(self, number):
        rng = self.rng
        trace_id = self.trace_id(number)
        if isinstance(trace_id, str) and trace_id and not isinstance(trace_id, Raw):
            self.ids.append(trace_id)
        pairs = [("trace_id", trace_id)]

        def perhaps(chance, key, make):
            if rng.random() < chance:
                pairs.append((key, make()))

        perhaps(0.6, "start_time", self.start_time)
        perhaps(0.7, "agent", lambda: rng.choice(("shop-support", "ops-oncall", "airline-support")))
        perhaps(0.7, "version", lambda: rng.choice(("v12", "2.3.0", "v13-rc1")))
        perhaps(0.6, "model", lambda: "example-model-2")
        perhaps(0.4, "conversation_id", lambda: f"chat-{rng.randint(1, 9999)}")
        perhaps(0.95, "request", self.request)
        perhaps(0.4, "allowed_tools", lambda: rng.sample(TOOLS, rng.randint(0, 4)) + ["outil-é"])

        calls = [self.call() for _ in range(rng.choice((0, 1, 1, 2, 3, 3, 5)))]
        if self.sometimes(0.01):
            calls = [self.call() for _ in range(300)]
        count = rng.randint(0, len(calls)) if rng.random() < 0.1 else len(calls)
        results = [None if self.sometimes(0.05) else self.result() for _ in range(count)]
        if calls or rng.random() < 0.5:
            pairs += [("tool_calls", calls), ("tool_results", results)]

        perhaps(0.9, "response", lambda: self.payload() if self.sometimes(0.4) else self.words(20))
        outcomes = ("refunded", "answered", "escalated") + (("caf\u00e9", "cafe\u0301", "") if self.nasty else ())
        perhaps(0.9, "outcome", lambda: rng.choice(outcomes))
        perhaps(0.6, "expected_outcome", lambda: rng.choice(outcomes))
        perhaps(0.9, "latency_ms", self.milliseconds)
        perhaps(0.5, "input_tokens", lambda: rng.randint(0, 5000))
        perhaps(0.5, "output_tokens", lambda: rng.randint(0, 800))
        tokens = (Raw("12.0"), Raw("12.5"), Raw("1e3"), Raw("9223372036854775807"), Raw("9007199254740993"), 0, -3)
        perhaps(0.8, "cost_tokens", lambda: rng.choice(tokens) if self.sometimes(0.5) else rng.randint(1, 9000))

        if self.nasty:
            if rng.random() < 0.2:
                rng.shuffle(pairs)
            if rng.random() < 0.2:  # an earlier value has no effect
                key = rng.choice(pairs)[0]
                earlier = 7
                if key in ("tool_calls", "tool_results", "allowed_tools"):
                    earlier = [] if rng.random() < 0.5 else [Raw("{}")] * 9 if key != "allowed_tools" else ["x"]
                elif not key.endswith(("_ms", "_tokens", "start_time")):
                    earlier = rng.choice(("earlier", ""))
                pairs.insert(0, (key, rng.choice((None, earlier, earlier))))
            if rng.random() < 0.1:
                pairs.append((rng.choice(("", "trace", "TRACE_ID", "tool_calls ", "extra\u0000", "é")), self.payload()))
            if rng.random() < 0.1:
                pairs.append((rng.choice(("agent", "model", "expected_outcome", "cost_tokens")), None))
        self.spans += 2 if not calls else 1 + 2 * len(calls) + sum(result is not None for result in results)
        line = self.writer.object(pairs)
        return (self.writer.space() + line + self.writer.space().replace("\r", " ")).encode()

    # MARK: lines to be rejected

    def reject(self, reason):
        ok = '"request":"Is the pool open?","outcome":"answered"'
        choices = {
            "invalid_json": (
                "{%s" % ok, "{%s,}" % ok, "{%s}}" % ok, "{%s} {}" % ok, "{'a':1}", '{"a":01}', '{"a":NaN,%s}' % ok,
                '{"a":1.}', '{"a":-Infinity}', '{"a":+1}', '{"a":"\t"}', '{"a":"\x00"}', '{"a":"\\x41"}',
                '{"a":"\\u12"}', "nonsense", '{"a":tru}', '{"a" 1}', '{a:1}', '{"a":[1,]}', '{"a":"',
                '{"a":1]', "// {}",
                '{"request":"cut off', "\ufeff{%s}" % ok),
            "not_an_object": ("[]", '["r-4", {"a":1}]', '"text"', "12", "-0.5", "true", "null", "  [ ]  "),
            "wrong_type": (
                '{"tool_calls":"opening_hours",%s}' % ok, '{"tool_calls":{"name":"a"},%s}' % ok,
                '{"trace_id":12,%s}' % ok, '{"trace_id":["a"],%s}' % ok, '{"latency_ms":"350",%s}' % ok,
                '{"tool_calls":[12],%s}' % ok,
                '{"tool_results":true,"tool_calls":["a"],%s}' % ok,
                '{"tool_calls":["a"],"tool_results":["done"],%s}' % ok,
                '{%s,"outcome":7}' % ok, '{"version":{"major":2},%s}' % ok, '{"tool_calls":[{"name":7}],%s}' % ok,
                '{"tool_calls":["a"],"tool_results":[{"success":"yes"}],%s}' % ok, '{"cost_tokens":"812",%s}' % ok),
            "surplus_results": (
                '{"tool_calls":["a"],"tool_results":[{"success":true},{"success":true}],%s}' % ok,
                '{"tool_results":[{"success":true}],%s}' % ok, '{"tool_calls":[],"tool_results":[{}],%s}' % ok,
                '{"tool_calls":null,"tool_results":[{}],%s}' % ok),
            "nul_in_trace_id": (r'{"trace_id":"a\u0000b",%s}' % ok, r'{"trace_id":"\u0000",%s}' % ok),
            "invalid_utf8": (
                '{%s,"note":"INVALID"}' % ok, '{"request":"INVALID"}', '{"trace_id":"INVALID"}', '{"INVALID":1}'),
        }
        line = self.rng.choice(choices[reason]).encode()
        # Lone continuation, overlong slash, an encoded surrogate, beyond U+10FFFF, cut short.
        bad = self.rng.choice((b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"))
        return line.replace(b"INVALID", bad)


def civil(days):
    """The date that many days after 1970-01-01."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days)
    return date.year, date.month, date.day


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1000, help="lines that become runs; rejected ones come on top")
    parser.add_argument("--out", required=True)
    parser.add_argument("--nasty", action="store_true")
    options = parser.parse_args()

    maker = Maker(options.seed, options.nasty)
    rng = maker.rng
    lines = [maker.run(number) for number in range(options.runs)]
    rejected = dict.fromkeys(REASONS, 0)
    if options.nasty:
        # Lines that stand twice, byte for byte, without an id of their own.
        twin = b'{"request":"Is the sauna open?","latency_ms":190}'
        lines += [twin, twin]
        maker.spans += 4
        wanted = list(REASONS) + rng.choices(REASONS, k=options.runs // 20)
        for reason in wanted:
            rejected[reason] += 1
            # Never first: a BOM at the start of a file is no reason to reject.
            lines.insert(rng.randint(1, len(lines)), maker.reject(reason))
    counts = {"lines": len(lines), "runs": options.runs + 2 * options.nasty, "spans": maker.spans, "rejected": rejected}

    with open(options.out, "wb") as file:
        if options.nasty:
            file.write(b"\xef\xbb\xbf")
        for number, line in enumerate(lines):
            file.write(line)
            if number == len(lines) - 1 and options.nasty:
                break  # the last line without an end
            file.write(b"\r\n" if maker.sometimes(0.2) else b"\n")
            if maker.sometimes(0.05):
                file.write(rng.choice((b"\n", b"\r\n", b"  \n", b"\t\r\n", b" \r \n")))
    with open(options.out + ".expect.json", "w", encoding="utf-8") as file:
        json.dump(counts, file)
        file.write("\n")


if __name__ == "__main__":
    main()
