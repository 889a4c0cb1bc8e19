import RunSpans
import Testing

@Suite("Secrets in text")
struct SecretScannerTests {
    private let redaction = Redaction()

    @Test(
        "E-mail addresses are replaced, and only they",
        arguments: [
            ("ann@example.com", "[REDACTED:email]"), ("to ann.b+c@mail.example.co.uk.", "to [REDACTED:email]."), ("<ann_b@x-y.org>", "<[REDACTED:email]>"),
            ("a@b.io,c@d.io", "[REDACTED:email],[REDACTED:email]"), ("müller@exämple.de", "[REDACTED:email]"),
        ])
    func email(text: String, expected: String) {
        #expect(redaction.text(text) == expected)
    }

    @Test(
        "Cards with a valid check digit are replaced, in the ways people write them",
        arguments: [
            "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5500005555555559", "378282246310005", "3782 822463 10005",
            "6011000990139424", "30569309025904", "4222222222222",
        ])
    func card(number: String) {
        #expect(redaction.text("pay \(number), now") == "pay [REDACTED:card], now")
        #expect(redaction.text(number) == "[REDACTED:card]")
    }

    @Test(
        "A card is found beside other numbers",
        arguments: [
            ("4111111111111111 12/27", "[REDACTED:card] 12/27"), ("4111 1111 1111 1111 123", "[REDACTED:card] 123"),
            ("12 4111111111111111", "12 [REDACTED:card]"), ("4111111111111111 5500005555555559", "[REDACTED:card] [REDACTED:card]"),
        ])
    func cardAmongNumbers(text: String, expected: String) {
        #expect(redaction.text(text) == expected)
    }

    @Test(
        "A bearer token goes, the word stays",
        arguments: [
            ("Authorization: Bearer abc.DEF-123_~+/=", "Authorization: Bearer [REDACTED:token]"), ("bearer  12345678", "bearer  [REDACTED:token]"),
            ("BEARER 12345678, more", "BEARER [REDACTED:token], more"),
        ])
    func bearer(text: String, expected: String) {
        #expect(redaction.text(text) == expected)
    }

    /// Prefixes and filling apart, so that no scanner takes this file for a leak.
    @Test(
        "Keys of common services are replaced",
        arguments: [
            "sk-", "sk-proj-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
            "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "AKIA", "ASIA", "AIza", "hf_", "npm_", "pypi-", "SG.", "gsk_", "pplx-",
            "whsec_", "dop_v1_", "shpat_", "eyJ",
        ])
    func apiKey(prefix: String) {
        let key = prefix + String(repeating: "Ab1", count: 14)
        #expect(redaction.text("key=\(key); end") == "key=[REDACTED:api_key]; end")
        #expect(redaction.text("\"\(key)\"") == "\"[REDACTED:api_key]\"")
        // A sentence's full stop is not the key's.
        #expect(redaction.text("\(key).") == "[REDACTED:api_key].")
        #expect(redaction.text("\(prefix)short") == "\(prefix)short")
    }

    @Test("A token of three parts is replaced whole")
    func webToken() {
        let part = String(repeating: "eyJhbGci", count: 5)
        #expect(redaction.text("jwt \(part).\(part).\(part)") == "jwt [REDACTED:api_key]")
    }

    @Test("A private key is replaced from its first line to its last", arguments: ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    func privateKey(kind: String) {
        let dashes = "-----"
        let begin = "\(dashes)BEGIN \(kind)PRIVATE KEY\(dashes)"
        let end = "\(dashes)END \(kind)PRIVATE KEY\(dashes)"
        #expect(redaction.text("a\n\(begin)\nMIIE\nabc\n\(end)\nb") == "a\n[REDACTED:private_key]\nb")
        // Cut off, all that is left of it goes.
        #expect(redaction.text("\(begin)\nMIIE\nabc") == "[REDACTED:private_key]")
    }

    @Test("A private key on one line ends where it ends")
    func privateKeyOnOneLine() {
        let dashes = "-----"
        #expect(
            redaction.text("\(dashes)BEGIN PRIVATE KEY\(dashes) MIIE \(dashes)END PRIVATE KEY\(dashes) and more")
                == "[REDACTED:private_key] and more")
    }

    @Test("A certificate is no secret")
    func certificate() {
        let text = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"
        #expect(redaction.text(text) == text)
    }

    @Test(
        "What is no secret stays",
        arguments: [
            "", "me @ home", "@", "a@", "@b.com", "user@localhost", "a@b.c", "x@1.2", "4111111111111112", "order 411111111111", "0000000000000000",
            "4111x1111 1111", "id41111111111111114", "41111111111111111111111", "bearer of news", "Bearer short", "the bearer", "task-management-and-more-words",
            "risk-assessment-framework-2026", "2026-03-02T09:30:00Z", "+49 30 1234567", "10.0.0.1", "é😀\0\n", "AKIA", "eyJ",
        ])
    func noSecret(text: String) {
        #expect(redaction.text(text) == text)
    }

    @Test("Any text of plain words stays as it is, byte for byte", arguments: 0..<UInt64(6))
    func plainText(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = ["the", "tool", "said", "12", "3.50", "é😀", "\n", "\t", "{", "}", "[", "]", "\"", ":", "-", "--", "a_b", "@", "x.y", "\\u0041", "sk", "bearer"]
        for _ in 0..<100 {
            let text = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in words.randomElement(using: &random) }.joined(separator: " ")
            #expect(redaction.text(text) == text)
        }
    }

    @Test("Wherever a secret stands in a text, it alone is replaced", arguments: 0..<UInt64(4))
    func placed(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = ["the", "tool", "é😀", "said:", "(x)", "\n", "and,"]
        let secrets = [("ann@example.com", "[REDACTED:email]"), ("4111111111111111", "[REDACTED:card]"), ("ghp_" + String(repeating: "a1", count: 18), "[REDACTED:api_key]")]
        for _ in 0..<100 {
            var text: [String] = []
            var expected: [String] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let word = words.randomElement(using: &random) ?? ""
                let secret = secrets.randomElement(using: &random) ?? ("", "")
                let isSecret = Int.random(in: 0..<4, using: &random) == 0
                text += isSecret ? [word, secret.0] : [word]
                expected += isSecret ? [word, secret.1] : [word]
            }
            #expect(redaction.text(text.joined(separator: " ")) == expected.joined(separator: " "))
        }
    }
}
