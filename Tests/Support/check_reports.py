"""Checks reports with readers that were not written here.

    python check_reports.py json REPORT SCHEMA      jsonschema; prints total passed failed and the number of details
    python check_reports.py junit REPORT SCHEMA     xmlschema and lxml, then junitparser; prints tests failures errors skipped
    python check_reports.py html REPORT             html.parser: balanced, one script, its hashes as the policy says
    python check_reports.py markdown REPORT         GitHub's parser, then html.parser: no elements but ours, and nothing outside of
                                                    code that GitHub would take for a link, a mention, a reference or an emoji;
                                                    prints the texts of cells, items, quotes and summaries as a JSON list

Exit status: 0 when all is well, 1 with the reason on standard output when not.
"""

import base64
import hashlib
import html.parser
import json
import re
import sys

VOID = {"meta", "br", "input", "line", "circle", "link", "img"}


def check_json(path, schema_path):
    import jsonschema

    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(report))
    if errors:
        raise ValueError("\n".join(f"{error.json_path}: {error.message[:300]}" for error in errors[:5]))
    if list(report)[:5] != ["total", "passed", "failed", "tool_misuse", "budget_overruns"]:
        raise ValueError("the sample's keys do not come first")
    if list(report)[-1] != "details":
        raise ValueError("details do not come last")
    print(report["total"], report["passed"], report["failed"], len(report["details"]))


def check_junit(path, schema_path):
    import junitparser
    import lxml.etree
    import xmlschema

    xmlschema.XMLSchema(schema_path).validate(path)
    lxml.etree.XMLSchema(lxml.etree.parse(schema_path)).assertValid(lxml.etree.parse(path))
    report = junitparser.JUnitXml.fromfile(path)
    found = [0, 0, 0, 0]
    for suite in report:
        counts = [0, 0, 0, 0]
        for case in suite:
            counts[0] += 1
            for result in case.result:
                counts[{"Failure": 1, "Error": 2, "Skipped": 3}[type(result).__name__]] += 1
        if counts != [suite.tests, suite.failures, suite.errors, suite.skipped]:
            raise ValueError(f"suite {suite.name} counts {counts} wrongly")
        found = [a + b for a, b in zip(found, counts)]
    if found != [report.tests, report.failures, report.errors, report.skipped]:
        raise ValueError(f"the report counts {found} wrongly")
    print(*found)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
        self.counts = {}
        self.policy = ""
        self.texts = {"script": "", "style": ""}

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name.startswith("on") or name in ("src", "style", "srcdoc", "action"):
                raise ValueError(f"<{tag}> has {name}")
            if name == "href" and not re.match("https?://", value):
                raise ValueError(f"a link to {value}")
        given = dict(attributes)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] in self.texts:
            self.texts[self.open[-1]] += data


def check_html(path):
    page = Page()
    with open(path, encoding="utf-8", newline="") as file:
        page.feed(file.read())
    page.close()
    if page.open:
        raise ValueError(f"left open: {page.open}")
    for tag in ("script", "style", "title", "main", "header", "h1"):
        if page.counts.get(tag, 0) != 1:
            raise ValueError(f"{page.counts.get(tag, 0)} <{tag}>")
    for tag, text in page.texts.items():
        digest = "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        if f"{tag}-src '{digest}'" not in page.policy:
            raise ValueError(f"the policy does not know the {tag}: {digest}")
    print(page.counts.get("details", 0))


class Comment(html.parser.HTMLParser):
    TAGS = {"h2", "h3", "p", "strong", "em", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "details",
            "summary", "blockquote", "sub", "br", "a"}
    TEXTS = {"td", "th", "li", "blockquote", "summary"}

    def __init__(self):
        super().__init__()
        self.open = []
        self.texts = []

    def handle_starttag(self, tag, attributes):
        if tag not in self.TAGS:
            raise ValueError(f"<{tag}>")
        for name, value in attributes:
            # The one link is the test's own; the others say how a column or a block looks.
            if name == "href" and not value.startswith("https://traces.example/trace/"):
                raise ValueError(f"a link to {value}")
            if name not in ("href", "align", "class"):
                raise ValueError(f"<{tag}> has {name}")
        if tag in self.TEXTS:
            self.texts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data):
        if any(tag in self.TEXTS for tag in self.open):
            self.texts[-1] += data
        if "code" not in self.open and (found := re.search(r"@\w|#\d|https?:/|www\.\w|:\w+:", data)):
            raise ValueError(f"{found.group()!r} outside of code")


def check_markdown(path):
    import cmarkgfm
    from cmarkgfm.cmark import Options

    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    # Without the filter that makes text of <script>, so that it would be found.
    extensions = ["table", "autolink", "strikethrough", "tasklist"]
    comment = Comment()
    comment.feed(cmarkgfm.markdown_to_html_with_extensions(text, options=Options.CMARK_OPT_UNSAFE, extensions=extensions))
    comment.close()
    if comment.open:
        raise ValueError(f"left open: {comment.open}")
    print(json.dumps([text.strip("\n") for text in comment.texts]))


def main():
    check = {"json": check_json, "junit": check_junit, "html": check_html, "markdown": check_markdown}[sys.argv[1]]
    try:
        check(*sys.argv[2:])
    except Exception as error:
        print(f"{type(error).__name__}: {error}"[:2000])
        sys.exit(1)


if __name__ == "__main__":
    main()
