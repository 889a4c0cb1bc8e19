import AgentRuns
import Testing

@testable import LiveRuns

private let traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

@Suite("tracestate")
struct TraceStateTests {
    @Test(
        "A list is passed on in its order, from however many headers it comes",
        arguments: [
            (["foo=1"], "foo=1"), (["foo=1,bar=2"], "foo=1,bar=2"), (["foo=1", "bar=2"], "foo=1,bar=2"),
            (["foo=1 \t ,  \t bar=2", "\tbaz=3 "], "foo=1,bar=2,baz=3"), (["foo=1", ""], "foo=1"), (["foo=1,,bar=2,"], "foo=1,bar=2"),
            (["foo@bar=1,rojo=00f067aa0ba902b7"], "foo@bar=1,rojo=00f067aa0ba902b7"), (["a_b-c*d/e=1"], "a_b-c*d/e=1"), (["foo=1;bar"], "foo=1;bar"),
            (["0=1"], "0=1"), (["a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~ x"], "a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~ x"),
            // Of one key the first is the newest.
            (["foo=1,foo=1"], "foo=1"), (["foo=1,bar=2,foo=3"], "foo=1,bar=2"),
        ])
    func forwarded(headers: [String], expected: String) {
        #expect(W3CTraceContext(traceParent: traceParent, traceState: headers)?.traceState == expected)
    }

    @Test(
        "A list with a member that cannot be read is void, the traceparent is not",
        arguments: [
            "foo", "foo=", "=1", "foo =1", "Foo=1", "foo=1=2", "foo=\u{7F}", "foo=é", "é=1", "foo=1\u{1}", "foo.bar=1", "_foo=1",
            "\(String(repeating: "k", count: 257))=1", "k=\(String(repeating: "v", count: 257))",
        ])
    func void(header: String) {
        let context = W3CTraceContext(traceParent: traceParent, traceState: ["a=1", header])
        #expect(context != nil)
        #expect(context?.traceState == nil)
    }

    @Test("A combining mark behind a comma does not hide the comma")
    func combining() {
        #expect(TraceState.forwarded(["a=1,\u{301}b=2"]) == nil)
        #expect("a=1,\u{301}b=2"[...].listMembers.count == 2)
    }

    @Test("32 members are passed on, 33 are not")
    func members() {
        let members = (0..<33).map { "k\($0)=1" }
        #expect(TraceState.forwarded([members.dropLast().joined(separator: ",")])?.split(separator: ",").count == 32)
        #expect(TraceState.forwarded(members) == nil)
        #expect(TraceState.forwarded([String(repeating: "k", count: 256) + "=1"]) != nil)
    }

    @Test("512 characters are passed on")
    func fits() {
        let list = (0..<4).map { "k\($0)=" + String(repeating: "v", count: 124) }.joined(separator: ",")
        #expect(list.count == 511)
        #expect(TraceState.forwarded([list]) == list)
        #expect(TraceState.forwarded([list + "v"]) == list + "v")
        #expect(TraceState.forwarded([list + "vv"])?.split(separator: ",").count == 3)
    }

    @Test("Of what is too long, members over 128 characters go first, then those at the end")
    func cut() {
        let long = "long=" + String(repeating: "v", count: 130)
        let short = (0..<20).map { "k\($0)=" + String(repeating: "v", count: 20) }
        let list = ([long] + short).joined(separator: ",")
        #expect(TraceState.forwarded([list]) == short.joined(separator: ","))
        let many = (0..<30).map { "k\($0)=" + String(repeating: "v", count: 20) }
        let kept = TraceState.forwarded([(many + [long]).joined(separator: ",")])?.split(separator: ",").map(String.init) ?? []
        #expect(kept == Array(many.prefix(kept.count)))
        #expect(kept.joined(separator: ",").count <= 512)
        #expect((kept + [many[kept.count]]).joined(separator: ",").count > 512)
    }
}

@Suite("Consistent sampling")
struct TraceRandomnessTests {
    @Test("The fact sheet's vector")
    func vector() {
        #expect(TraceState.beginning(withRequest: "req-1") == "ot=rv:f814777cc164c4")
        #expect(TraceState.randomness(of: TraceID(high: 1, low: 2), "ot=rv:f814777cc164c4") == 0xF8_1477_7CC1_64C4)
    }

    @Test(
        "Without 14 hex digits the trace id's last 56 bits count",
        arguments: [
            nil, "foo=1", "ot=th:c", "ot=rv:f814777cc164c", "ot=rv:f814777cc164c40", "ot=rv:F814777CC164C4", "ot=rv:g814777cc164c4", "ot=",
            "xot=rv:f814777cc164c4", "ot=xrv:f814777cc164c4",
        ] as [String?])
    func traceID(state: String?) {
        #expect(TraceState.randomness(of: TraceID(high: 1, low: 0xFF00_1234_5678_9ABC), state) == 0x1234_5678_9ABC)
    }

    @Test(
        "A copy's trace is sampled by the same number, and has none of the others' members",
        arguments: [
            (nil, "ot=rv:00123456789abc"), ("foo=1", "ot=rv:00123456789abc"), ("foo=1,ot=th:c", "ot=th:c;rv:00123456789abc"),
            ("ot=rv:f814777cc164c4", "ot=rv:f814777cc164c4"), ("ot=rv:f814777cc164c4;th:8,foo=1", "ot=th:8;rv:f814777cc164c4"),
            ("ot=rv:nonsense", "ot=rv:00123456789abc"),
        ] as [(String?, String)])
    func copy(state: String?, expected: String) {
        let served = TraceID(high: 7, low: 0xFF00_1234_5678_9ABC)
        let copied = TraceState.copying(served, state)
        #expect(copied == expected)
        #expect(TraceState.randomness(of: TraceID(high: 8, low: 9), copied) == TraceState.randomness(of: served, state))
        #expect(TraceState.forwarded([copied]) == copied)
    }
}
