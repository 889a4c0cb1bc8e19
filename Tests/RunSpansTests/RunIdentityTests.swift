import AgentRuns
import Digests
@testable import RunSpans
import Testing

/// The vectors of our mapping's specification: a change here moves every trace that was ever backfilled.
@Suite("Run identity")
struct RunIdentityTests {
    @Test("The ids of a baseline run are those of the specification")
    func baseline() {
        let identity = RunIdentity.demo
        #expect(identity.traceID.hex == "98c235dfe78466b6c322829cedd950ac")
        #expect(identity.spanID(.run).hex == "5a816d25d78fd4b9")
        #expect(identity.spanID(.step(0)).hex == "300366f52a9861ee")
        #expect(identity.spanID(.call(0)).hex == "6f3bfb9108a0be53")
        #expect(identity.spanID(.result(0)).hex == "e6e0bff14d16f321")
        #expect(identity.flags == 0x103)
    }

    @Test("The candidate has a trace of its own")
    func candidate() {
        let identity = RunIdentity(dataset: "demo", id: "t-001", occurrence: 0, role: .candidate)
        #expect(identity.traceID.hex == "95e1f286a98fe005633c20a12f900787")
        #expect(identity.spanID(.run).hex == "9b2bb011d9c050b1")
    }

    @Test("A recorded trace id is kept, and not said to be random")
    func recorded() throws {
        let id = try #require(TraceID(hex: "98C235dfe78466b6c322829cedd950ac".utf8))
        let identity = RunIdentity(recorded: id)
        #expect(identity.traceID == id)
        #expect(identity.flags == 0x101)
        // Span ids come from the trace id alone.
        #expect(identity.spanID(.result(0)).hex == "e6e0bff14d16f321")
    }

    @Test("Each part of the name counts, and so does where one ends")
    func parts() {
        let ids = [
            RunIdentity.demo, .init(dataset: "demo", id: "t-001", occurrence: 1, role: .baseline),
            .init(dataset: "demo", id: "t-001", occurrence: 10, role: .baseline), .init(dataset: "dem", id: "ot-001", occurrence: 0, role: .baseline),
            .init(dataset: "", id: "t-001", occurrence: 0, role: .baseline), .init(dataset: "demo", id: "", occurrence: 0, role: .baseline),
            .init(dataset: "demo", id: "T-001", occurrence: 0, role: .baseline),
        ].map(\.traceID.hex)
        #expect(Set(ids).count == ids.count)
    }

    @Test("Every span of a run has an id of its own, however many there are")
    func distinctSpans() {
        let indices = [0, 1, 9, 10, 11, 99, 100, 1000, 123_456]
        let identity = RunIdentity.demo
        let ids = [identity.spanID(.run)] + indices.flatMap { [identity.spanID(.step($0)), identity.spanID(.call($0)), identity.spanID(.result($0))] }
        #expect(Set(ids).count == ids.count)
    }

    @Test("An id is never all zero")
    func zero() {
        #expect(TraceID(high: 0, low: 0).hex == "00000000000000000000000000000001")
        #expect(SpanID(0).hex == "0000000000000001")
    }

    @Test(
        "Only 32 hex digits that are not all zero are a trace id",
        arguments: [
            "", "98c235dfe78466b6c322829cedd950a", "98c235dfe78466b6c322829cedd950ac0", "98c235dfe78466b6c322829cedd950ag",
            "00000000000000000000000000000000", " 8c235dfe78466b6c322829cedd950ac", "98c235df-e784-66b6-c322-829cedd950ac",
        ])
    func notATraceID(text: String) {
        #expect(TraceID(hex: text.utf8) == nil)
    }

    /// FIPS 180-2, appendix B.
    @Test(
        "SHA-256 gives the standard's digests",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(text: String, digest: String) {
        var hex: [UInt8] = []
        Array(text.utf8).withUnsafeBytes { SHA256.appendHex(of: $0, to: &hex) }
        #expect(String(decoding: hex, as: UTF8.self) == digest)
    }
}
