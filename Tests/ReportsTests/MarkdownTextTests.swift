@testable import Reports
import Testing

/// Texts as Markdown; what GitHub makes of them is in ``ReportTests``.
@Suite("Markdown text")
struct MarkdownTextTests {
    @Test("a name is code between as many backticks as it takes", arguments: [
        ("max_failed", "`max_failed`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("``", "``` `` ```"), ("a|b", "`a`&#124;`b`"), ("|", "&#124;"),
        ("", ""), ("<b>@x#1", "`<b>@x#1`"), ("a\nb", "`a b`"), ("a\\", "`a\\`"), ("|\u{301}", "&#124;`\u{301}`"), ("`\u{301}", "`` `\u{301} ``"),
    ])
    func code(text: String, shown: String) { #expect(MarkdownText.code(text) == shown) }

    @Test("what cannot be code is escaped, without anything that a copy would have too much of", arguments: [
        ("not worse: 1.2 < 1.3", "not worse: 1.2 &#60; 1.3"), ("a_b*c|d", "a&#95;b&#42;c&#124;d"), ("by @someone.", "by `@someone`."),
        ("see (https://x.example/a_b), #12!", "see &#40;`https://x.example/a_b`&#41;, `#12`&#33;"), ("WWW.x.example", "`WWW.x.example`"),
        (":tada: a:", "`:tada`: a:"), ("(:)", "&#40;:&#41;"), ("@\u{301}x", "`@\u{301}x`"),
    ])
    func inline(text: String, shown: String) { #expect(MarkdownText.inline(text) == shown) }

    @Test("in a block of HTML a name is an element")
    func element() {
        #expect(MarkdownText.element("<b>`a`@x") == "<code>&#60;b&#62;&#96;a&#96;&#64;x</code>")
    }
}
