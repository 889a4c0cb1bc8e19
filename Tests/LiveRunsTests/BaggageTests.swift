import AgentRuns
import LiveRuns
import Testing

@Suite("Baggage")
struct BaggageTests {
    @Test(
        "A member's value is found, without its properties and its percent-encoding",
        arguments: [
            ("a=1", "1"), ("b=2,a=1", "1"), (" a = 1 ;p=q , b=2", "1"), ("a=1;a=2", "1"), ("a=1,a=2", "1"), ("a=", ""), ("a=x=y", "x=y"),
            ("a=J%C3%BCrgen%20%e2%82%ac", "Jürgen €"), ("a=100%", "100%"), ("a=%4", "%4"), ("a=%zz", "%zz"), ("a=%41%", "A%"),
            ("b,a=1", "1"), ("=5,a=1", "1"), ("b=,\u{301}x=2,a=1", "1"), ("a=%00", "\0"), ("a=%FF", "\u{FFFD}"),
            ("A=2", nil), ("b=a=1", nil), ("", nil), (",,,", nil), ("b;a=1", nil), ("aa=1", nil),
        ] as [(String, String?)])
    func value(header: String, expected: String?) {
        #expect(Baggage.value(of: "a", in: header) == expected)
    }

    @Test("Who answers and which request it is stand first")
    func ours() {
        #expect(Baggage.adding(role: .candidate, requestID: "r-1", to: nil) == "outrigger.role=candidate,outrigger.request.id=r-1")
        #expect(
            Baggage.adding(role: .baseline, requestID: "a,b;c=d %é", to: "x=1;p, y=2")
                == "outrigger.role=baseline,outrigger.request.id=a%2Cb%3Bc%3Dd%20%25%C3%A9,x=1;p,y=2")
    }

    @Test("What claims to be ours is replaced")
    func claimed() {
        let inbound = "outrigger.role=candidate,a=1, outrigger.request.id = forged ,b=2"
        #expect(Baggage.adding(role: .baseline, requestID: "r", to: inbound) == "outrigger.role=baseline,outrigger.request.id=r,a=1,b=2")
    }

    @Test(
        "What a reader that undoes percent-encoding in names would take for ours is left out",
        arguments: [
            "outrigger%2Erole", "outrigger%2erole", "%6Futrigger.role", "outrigger.request%2Eid", "outrigger.role%20", "+outrigger.role",
            "Outrigger%2ERole",
        ])
    func encodedClaim(name: String) {
        #expect(
            Baggage.adding(role: .baseline, requestID: "r", to: "a%2Eb=1,\(name)=candidate,outrigger.roles=2")
                == "outrigger.role=baseline,outrigger.request.id=r,a%2Eb=1,outrigger.roles=2")
    }

    @Test("The id comes back as it was", arguments: ["r", "a b", "100%", "%41", "ü;=,\"\\", "\u{1F6F6}"])
    func roundTrip(id: String) {
        #expect(Baggage.value(of: "outrigger.request.id", in: Baggage.adding(role: .baseline, requestID: id, to: "a=1")) == id)
    }

    @Test("Members that are none are left out", arguments: ["a", "=1", "a b=1", "a=1\u{7F}", "a=é", "é=1", "a\"=1", ",", "  "])
    func malformed(member: String) {
        #expect(
            Baggage.adding(role: .baseline, requestID: "r", to: "x=1,\(member),y=2")
                == "outrigger.role=baseline,outrigger.request.id=r,x=1,y=2")
    }

    @Test("62 members of the client's fit beside ours")
    func members() {
        let inbound = (0..<70).map { "k\($0)=1" }
        let members = Baggage.adding(role: .baseline, requestID: "r", to: inbound.joined(separator: ",")).split(separator: ",")
        #expect(members.count == 64)
        #expect(members.dropFirst(2).map(String.init) == Array(inbound.prefix(62)))
    }

    @Test("8192 bytes are the bound, to the byte", arguments: [-1, 0, 1])
    func bytes(surplus: Int) {
        let alone = Baggage.adding(role: .baseline, requestID: "r", to: nil)
        let member = "k=" + String(repeating: "v", count: 8192 - alone.utf8.count - 3 + surplus)
        let result = Baggage.adding(role: .baseline, requestID: "r", to: "\(member),z=1")
        #expect(result.utf8.count <= 8192)
        #expect(result.contains(member) == (surplus <= 0))
        #expect(result.hasSuffix(",z=1") == (surplus > 0))
    }
}
