import Spool
import Testing
import Threads

@testable import Delivery

/// Whatever a collector answers, and however often the process starts again: the account is right at every instant, and what
/// it does not call lost has arrived.
@Suite(.timeLimit(.minutes(10))) struct SpooledExporterPropertyTests {
    private struct Receiver: Sendable {
        private var numbers: SeededNumbers
        var taken: Set<String> = []
        var isWell = false
        /// The next request is refused, whatever chance says.
        var refusesNext = false

        init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

        mutating func reply(to request: LoopbackServer.Request) -> LoopbackServer.Reply {
            defer { refusesNext = false }
            switch refusesNext ? 2 : isWell ? 9 : Int.random(in: 0..<12, using: &numbers) {
            case 0: return .close
            case 1:
                // Taken, but the answer is lost.
                taken.formUnion(request.spans)
                return .closeMidBody
            case 2: return .status(400)
            case 3: return .status(413)
            case 4...6: return .status(503)
            case 7: return .status(429, headers: ["Retry-After: 0"])
            case 8: return .raw(Array("what?\r\n".utf8))
            default:
                taken.formUnion(request.spans)
                return .accepted
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6], [true, false])
    func theAccountIsAlwaysRight(seed: UInt64, isSpooled: Bool) throws {
        let folder = try TemporaryFolder()
        let receiver = Monitor(Receiver(seed: seed))
        let server = try LoopbackServer { request in receiver.withLock { $0.reply(to: request) } }
        var submitted = 0
        var (delivered, rejected, dropped) = (0, 0, 0)
        var next = 0
        for round in 0..<4 {
            let delivering = try Delivering(to: server.port, spool: isSpooled ? folder.path("spool") : nil, settings: { $0.segmentBytes = 500 })
            let isDone = StopFlag()
            let wrong = Monitor<[SpooledExporter.Counts]>([])
            let (from, isLast) = (next, round == 3)
            next += 150
            // In the last round nothing is cut off, so that its refusal is certain to be counted.
            if isLast {
                receiver.withLock {
                    $0.isWell = true
                    $0.refusesNext = true
                }
            }
            try concurrently([
                {
                    while !isDone.isSet {
                        let counts = delivering.counts
                        if counts.imbalance != 0 || counts.waiting < 0 || counts.inFlight < 0 { wrong.withLock { $0.append(counts) } }
                    }
                },
                {
                    for number in from..<(from + 150) { delivering.submit(number..<(number + 1), of: 1 + number % 5, number % 4 == 0 ? .events : .spans) }
                    delivering.exporter.finish(within: isLast ? .seconds(60) : .milliseconds(Int(seed) * 5))
                    isDone.set()
                },
            ])
            #expect(wrong.withLock { $0.first } == nil)
            let counts = delivering.counts
            #expect(counts.imbalance == 0)
            #expect(counts.inFlight == 0)
            if isSpooled { #expect(counts.waiting == 0 || !isLast) } else { #expect(counts.waiting == 0) }
            submitted += counts.submitted
            delivered += counts.delivered
            rejected += counts.rejected
            dropped += counts.droppedInAll
        }
        let taken = receiver.withLock { $0.taken }
        #expect(taken.isSubset(of: (0..<next).flatMap { Delivering.names($0..<($0 + 1), of: 1 + $0 % 5) }))
        #expect(taken.count <= submitted)
        #expect(submitted - taken.count <= rejected + dropped, "something is gone that nobody counted")
        #expect(delivered > 0)
        #expect(rejected > 0)
        if isSpooled { #expect(dropped == 0) }
    }
}
