import AgentRuns
import LiveRuns
import RunSpans
import Testing

/// Exchanges of all kinds, each the same for the same seed.
private struct ExchangeMaker {
    var random: SeededGenerator

    mutating func exchange() -> Exchange {
        var exchange = Exchange(
            requestID: text(), role: RunRole.allCases.randomElement(using: &random) ?? .baseline,
            mode: RunMode.allCases.randomElement(using: &random) ?? .live, decision: decision(), trace: trace(), request: message(),
            client: endpoint(), times: times())
        exchange.response = maybe { $0.response() }
        exchange.upstream = maybe { $0.endpoint() }
        exchange.upstreamBase = maybe { $0.text() }
        exchange.failure = maybe { .init(type: $0.text(), message: $0.text()) }
        exchange.observedCalls = (0..<Int.random(in: 0...3, using: &random)).map { _ in call() }
        exchange.divergence = maybe { .init(index: .random(in: 0...9, using: &$0.random), tool: $0.text(), kind: $0.coin ? .extraTool : .otherArguments) }
        exchange.served = maybe { .init(traceID: $0.traceID(), spanID: $0.spanID(), flags: .random(in: 0...0xFFF, using: &$0.random), type: $0.text()) }
        exchange.pairedWith = maybe {
            .init(
                status: $0.number(), contentType: $0.maybe { $0.text() }, contentEncoding: $0.maybe { $0.text() }, body: $0.body(),
                isTruncated: $0.coin, latency: $0.random.next(), observedCalls: $0.coin ? [$0.call()] : [])
        }
        return exchange
    }

    var coin: Bool { mutating get { Bool.random(using: &random) } }
    mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? { coin ? make(&self) : nil }
    mutating func number() -> Int { Int.random(in: .min ... .max, using: &random) }
    mutating func traceID() -> TraceID { TraceID(high: random.next(), low: random.next()) }
    mutating func spanID() -> SpanID { SpanID(random.next()) }
    mutating func bytes() -> [UInt8] { (0..<Int.random(in: 0...300, using: &random)).map { _ in .random(in: 0...255, using: &random) } }
    mutating func body() -> [[UInt8]] { (0..<Int.random(in: 0...3, using: &random)).map { _ in bytes() } }
    mutating func endpoint() -> Exchange.Endpoint { .init(address: text(), port: number()) }

    mutating func text() -> String {
        let characters = ["a", "é", "\0", "😀", "\"", "\u{FEFF}", "z"]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in characters.randomElement(using: &random) ?? "" }.joined()
    }

    mutating func decision() -> Exchange.Decision {
        var decision = Exchange.Decision()
        decision.flagKey = text()
        decision.reason = [.static, .split, .disabled, .error, .targetingMatch].randomElement(using: &random) ?? .split
        decision.bucket = maybe { .random(in: 0..<100, using: &$0.random) }
        decision.stickyKey = maybe { $0.text() }
        decision.rolloutID = text()
        decision.revision = number()
        decision.stage = maybe { $0.text() }
        decision.weight = .random(in: 0...100, using: &random)
        decision.fallback = maybe { $0.text() }
        return decision
    }

    mutating func trace() -> Exchange.TraceContext {
        .init(
            traceID: traceID(), parentSpanID: maybe { $0.spanID() }, parentIsSampled: maybe { $0.coin },
            flags: .random(in: 0...255, using: &random), traceState: maybe { $0.text() }, serverSpanID: spanID(),
            clientSpanID: spanID(), runSpanID: spanID(), isSampled: coin)
    }

    mutating func message() -> Exchange.Message {
        .init(
            method: text(), target: text(), scheme: text(), authority: text(), httpVersion: text(), contentType: maybe { $0.text() },
            userAgent: maybe { $0.text() }, contentEncoding: maybe { $0.text() }, body: body(), bodyBytes: number(), isTruncated: coin)
    }

    mutating func response() -> Exchange.Response {
        .init(
            status: number(), contentType: maybe { $0.text() }, contentEncoding: maybe { $0.text() }, body: body(),
            bodyBytes: number(), isTruncated: coin, isComplete: coin)
    }

    mutating func times() -> Exchange.Times {
        .init(received: random.next(), sent: maybe { $0.random.next() }, firstByte: maybe { $0.random.next() }, ended: random.next())
    }

    mutating func call() -> ObservedToolCall {
        .init(
            name: text(), spanID: spanID(), arguments: maybe { $0.bytes() }, verdict: ToolVerdict.allCases.randomElement(using: &random) ?? .allowed,
            started: random.next(), result: maybe { .init(success: $0.coin, content: $0.maybe { $0.bytes() }, ended: $0.random.next()) })
    }
}

/// All that a value holds, as text.
private func everything(of value: Any) -> String {
    var text = ""
    dump(value, to: &text)
    return text
}

@Suite("An exchange as bytes")
struct ExchangeBinaryFormTests {
    @Test("It comes back as it was", arguments: 0..<100)
    func roundTrip(seed: UInt64) throws {
        var maker = ExchangeMaker(random: SeededGenerator(seed: seed))
        let exchange = maker.exchange()
        let form = exchange.binaryForm
        let back = try #require(Exchange(binaryForm: form[...]))
        #expect(everything(of: back) == everything(of: exchange))
        #expect(back.binaryForm == form)
        // A slice does not begin at 0.
        #expect(Exchange(binaryForm: ([7] + form).dropFirst())?.binaryForm == form)
    }

    /// Of texts that are longer than any, the room that is made at first is too small.
    @Test("Long texts come back as they were", arguments: [0, 500, 1000, 1001, 1024, 5000, 100_000])
    func longTexts(size: Int) throws {
        var maker = ExchangeMaker(random: SeededGenerator(seed: 3))
        var exchange = maker.exchange()
        let text = String(repeating: "t", count: size)
        exchange.requestID = text
        exchange.upstreamBase = text
        exchange.decision.rolloutID = text + "2"
        exchange.trace.traceState = text
        exchange.request.authority = text
        exchange.failure = .init(type: text, message: text + "3")
        let form = exchange.binaryForm
        let back = try #require(Exchange(binaryForm: form[...]))
        #expect(everything(of: back) == everything(of: exchange))
        #expect(form.count > 7 * size)
    }

    /// What an earlier process of the same version wrote is read by this one.
    @Test("The form is the one that stands on disks")
    func known() {
        var exchange = Exchange(
            requestID: "r", role: .candidate, mode: .canary, decision: .init(),
            trace: .init(
                traceID: TraceID(high: 1, low: 2), parentIsSampled: true, flags: 3, serverSpanID: SpanID(4), clientSpanID: SpanID(5),
                runSpanID: SpanID(6), isSampled: true),
            request: .init(method: "M", target: "/", authority: "é", body: [[1], []], bodyBytes: 1),
            client: .init(address: "c", port: 7), times: .init(received: 8, sent: 9, ended: 10))
        exchange.response = .init(status: 200)
        func short(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        func long(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        func text(_ text: String) -> [UInt8] {
            var bytes = short(UInt32(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
            return bytes
        }
        let none: [UInt8] = [255, 255, 255, 255]
        let parts: [[UInt8]] = [
            [2], text("r"), text("candidate"), text("canary"),
            // The decision.
            text(""), text("disabled"), [0], none, text(""), long(0), none, long(0), none,
            // The trace.
            long(1), long(2), [0, 1, 3], none, long(4), long(5), long(6), [1],
            // The request.
            text("M"), text("/"), text("http"), text("é"), text("1.1"), none, none, none, short(2), short(1), [1], short(0), long(1), [0],
            // The answer.
            [1], long(200), none, none, short(0), long(0), [0, 1],
            // Ends and times.
            text("c"), long(7), [0], none, long(8), [1], long(9), [0], long(10),
            // What there is not.
            none, none, short(0), [0, 0, 0],
        ]
        let expected = Array(parts.joined())
        #expect(exchange.binaryForm == expected)
    }

    @Test("Cut off anywhere, or with more behind it, it is none", arguments: 0..<10)
    func truncated(seed: UInt64) {
        var maker = ExchangeMaker(random: SeededGenerator(seed: seed))
        let form = maker.exchange().binaryForm
        for count in 0..<form.count where Exchange(binaryForm: form.prefix(count)) != nil { Issue.record("\(count) of \(form.count) bytes") }
        #expect(Exchange(binaryForm: (form + [0])[...]) == nil)
    }

    @Test("Changed anywhere, it is none, or one that is written as it was read", arguments: 0..<5)
    func changed(seed: UInt64) {
        var maker = ExchangeMaker(random: SeededGenerator(seed: seed))
        let form = maker.exchange().binaryForm
        for i in form.indices {
            for bits: UInt8 in [0xFF, 0x01, 0x80] {
                var bytes = form
                bytes[i] ^= bits
                // Texts that are no UTF-8 are repaired, ids that are zero are made valid.
                guard let read = Exchange(binaryForm: bytes[...]) else { continue }
                #expect(Exchange(binaryForm: read.binaryForm[...])?.binaryForm == read.binaryForm)
            }
        }
        var other = form
        other[0] &+= 1
        #expect(Exchange(binaryForm: other[...]) == nil)
    }

    /// A field that somebody adds must be added to the form, too: this fails until then.
    @Test("Every field is in it")
    func fields() throws {
        var maker = ExchangeMaker(random: SeededGenerator(seed: 1))
        var exchange = maker.exchange()
        exchange.response = maker.response()
        exchange.failure = .init(type: "", message: "")
        func count(_ value: Any) -> Int { Mirror(reflecting: value).children.count }
        #expect(count(exchange) == 16)
        #expect(count(exchange.decision) == 9)
        #expect(count(exchange.trace) == 9)
        #expect(count(exchange.request) == 11)
        #expect(count(try #require(exchange.response)) == 7)
        #expect(count(exchange.client) == 2)
        #expect(count(exchange.times) == 4)
        #expect(count(Exchange.Failure(type: "", message: "")) == 2)
        #expect(count(Exchange.ServedAnswer(status: 1, contentType: nil, body: [], latency: 0)) == 7)
        #expect(count(maker.call()) == 6)
        #expect(count(ObservedToolCall.Result(success: true, content: nil, ended: 0)) == 3)
        #expect(count(ToolDivergence(index: 0, tool: "", kind: .extraTool)) == 3)
        #expect(count(SpanLink(traceID: maker.traceID(), spanID: maker.spanID(), flags: 0, type: "")) == 4)
    }
}
