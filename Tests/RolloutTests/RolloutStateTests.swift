import JSONDocuments
import JSONText
import Testing

@testable import Rollout

/// The changes of a rollout, without a clock or a file.
@Suite("Rollout state")
struct RolloutStateTests {
    typealias Step = RolloutState.Schedule.Step

    static func percent(_ value: Double) -> Percentage { Percentage(percent: value) ?? .none }

    static let steps = [Step(percentage: percent(5), seconds: 60), Step(percentage: percent(25), seconds: nil), Step(percentage: percent(100), seconds: nil)]

    @Test("A schedule starts, moves on when its time has come, and waits where it is told to")
    func schedule() throws {
        var state = try RolloutState(id: "r").applying(.start(Self.steps), at: 1000)
        #expect(state.mode == .canary && state.percentage == Self.percent(5) && state.stage == "1/3")
        #expect(state.advanced(at: 60_999) == nil)
        state = try #require(state.advanced(at: 61_000))
        #expect(state.percentage == Self.percent(25) && state.stage == "2/3")
        #expect(state.advanced(at: .max / 2) == nil)
    }

    @Test("While it is paused no time passes for it")
    func pause() throws {
        var state = try RolloutState(id: "r").applying(.start(Self.steps), at: 0)
        state = try state.applying(.pause, at: 50_000)
        #expect(state.advanced(at: 1_000_000) == nil)
        #expect(throws: RolloutError.self) { try state.applying(.pause, at: 0) }
        state = try state.applying(.resume, at: 1_000_000)
        #expect(state.advanced(at: 1_009_999) == nil)
        #expect(state.advanced(at: 1_010_000)?.percentage == Self.percent(25))
        #expect(throws: RolloutError.self) { try state.applying(.resume, at: 0) }
    }

    @Test("A rollback takes everything from the candidate, and makes what was decided void", arguments: [RolloutCommand.rollback, .set(mode: .baseline, percentage: nil, shadowPercentage: nil)])
    func rollback(_ command: RolloutCommand) throws {
        let before = try RolloutState(id: "r").applying(.start(Self.steps), at: 0)
        let after = try before.applying(command, at: 1)
        #expect(after.mode == .baseline && after.percentage == .none && after.schedule == nil)
        #expect(after.epoch == before.epoch + 1)
        // Again, for good measure: it is recorded, and harmless.
        #expect(try after.applying(command, at: 2).revision == after.revision + 1)
    }

    @Test(
        "Changes that make no sense change nothing",
        arguments: [
            RolloutCommand.pause, .resume, .start([]), .set(mode: nil, percentage: nil, shadowPercentage: nil),
            .set(mode: .baseline, percentage: percent(5), shadowPercentage: nil), .set(mode: nil, percentage: percent(5), shadowPercentage: nil),
            .start([Step(percentage: percent(50), seconds: 1), Step(percentage: percent(5), seconds: 1)]),
        ])
    func senseless(_ command: RolloutCommand) {
        #expect(throws: RolloutError.self) { try RolloutState(id: "r").applying(command, at: 0) }
    }

    @Test("Whatever is done, revision and epoch only grow, and JSON brings the state back", arguments: 0..<20)
    func anyChanges(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        var state = RolloutState(id: "r")
        var now: Int64 = 0
        for _ in 0..<300 {
            now += Int64.random(in: -1000...100_000, using: &random)
            let commands: [RolloutCommand] = [
                .set(mode: RolloutMode.allCases.randomElement(using: &random), percentage: Self.percent(Double(Int.random(in: 0...10_000, using: &random)) / 100), shadowPercentage: Self.percent(50)),
                .start(Self.steps), .pause, .resume, .promote, .rollback,
            ]
            let command = commands.randomElement(using: &random) ?? .rollback
            let next = (try? state.applying(command, at: max(0, now))) ?? state.advanced(at: max(0, now)) ?? state
            #expect(next.revision == state.revision || next.revision == state.revision + 1)
            #expect(next.epoch >= state.epoch)
            #expect(next.mode != .baseline || next.weight == .none)
            state = next
            #expect(try RolloutState(json: JSONDocument(parsing: state.json.text)) == state)
        }
    }

    @Test(
        "JSON that is no state names what is wrong",
        arguments: [
            ("{}", "mode"), ("[]", "object"), (#"{"mode":"canry"}"#, "baseline, shadow, canary"),
            (#"{"mode":"canary","id":"r","percent":0.001,"shadow_percent":1,"revision":1,"epoch":0}"#, "percent"),
            (#"{"mode":"canary","id":"r","percent":1,"shadow_percent":1,"revision":0,"epoch":0}"#, "revision"),
            (#"{"mode":"canary","id":"r","percent":1,"shadow_percent":1,"revision":1,"epoch":0,"precent":3}"#, "precent"),
        ])
    func damagedJSON(text: String, word: String) throws {
        let document = try JSONDocument(parsing: text)
        #expect { try RolloutState(json: document) } throws: { "\($0)".contains(word) }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
