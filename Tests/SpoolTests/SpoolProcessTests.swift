import Foundation
import Testing

@testable import Spool

/// Processes of their own: killed in the middle of their work, and with no room for more.
@Suite("Spool in a process that ends", .timeLimit(.minutes(10)), .serialized)
final class SpoolProcessTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("spool-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @Test("After any of fifty kills, all that an append returned for is there, and all that was settled is not")
    func killed() async throws {
        var random = SplitMix(state: 20_261_123)
        var waiting: Set<Int> = []
        var next = 0
        for round in 0..<50 {
            let journal = "\(folder)/journal-\(round)"
            let (count, delay, first) = (Int.random(in: 1...60, using: &random), Int.random(in: 0..<1000, using: &random), next)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [folder = folder as String, journal = journal as String, count = count as Int, delay = delay as Int, first = first as Int] in
                try SpoolChild(folder: folder, journal: journal, first: first).work(untilKilledAfter: count, microseconds: delay)
            }
            let done = try SpoolChild.Journal(journal)
            let begun = try #require(done.begun)
            #expect(begun >= first + count)
            next = begun + 1
            waiting.formUnion(done.appended)
            waiting.subtract(done.settled)

            let spool = try Spool(SpoolChild.settings(folder))
            #expect(spool.counts.damagedBytes == 0)
            let takesAll = round % 10 == 9
            var found: [Int] = []
            while let record = spool.next() {
                let number = try #require(SpoolChild.number(of: record.payload), "a payload that nobody wrote")
                #expect(record.items == number % 7 + 1)
                found.append(number)
                // Not all at once, so that files of several processes stand side by side.
                if takesAll || number % 3 != 0 { spool.settle(record.position) }
            }
            #expect(found == found.sorted())
            // What was under way when the end came is there or not: the last append, and a record about to be settled.
            let missing = waiting.subtracting(found).subtracting(done.taken)
            #expect(missing.isEmpty, "round \(round)")
            #expect(Set(found).subtracting(waiting).subtracting([begun]).isEmpty, "round \(round)")
            waiting = takesAll ? [] : Set(found.filter { $0 % 3 == 0 })
        }
    }

    @Test("Where files may not grow, a record is refused whole, and there is room again when there is")
    func noRoom() async throws {
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            signal(SIGXFSZ, SIG_IGN)
            func allow(_ bytes: rlim_t) {
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
                limit.rlim_cur = min(bytes, limit.rlim_max)
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            }
            let spool = try Spool(Spool.Settings(folder: folder + "/small"))
            allow(30_000)
            var written = 0
            var refusal: SpoolError?
            while refusal == nil, written < 100 {
                do throws(SpoolError) {
                    try spool.append(kind: 1, items: 1, SpoolChild.payload(written, of: 4000))
                    written += 1
                } catch {
                    refusal = error
                }
            }
            #expect(refusal?.code == EFBIG)
            #expect(written == 7)
            #expect(spool.counts.waitingItems == written)
            allow(.max)
            try spool.append(kind: 1, items: 1, SpoolChild.payload(written, of: 4000))
            for i in 0...written {
                let record = try #require(spool.next())
                #expect(SpoolChild.number(of: record.payload) == i)
            }
            #expect(spool.next() == nil)
        }
        let again = try Spool(Spool.Settings(folder: folder + "/small"))
        #expect(again.counts.recoveredItems == 8)
        #expect(again.counts.damagedBytes + again.counts.tornBytes == 0)
    }
}

/// What such a process does, and what it says that it did.
struct SpoolChild {
    let folder: String
    let journal: String
    let first: Int

    static func settings(_ folder: String) -> Spool.Settings {
        var settings = Spool.Settings(folder: folder + "/spool")
        settings.segmentBytes = 20_000
        return settings
    }

    /// A number, and bytes that follow from it.
    static func payload(_ number: Int, of size: Int) -> [UInt8] {
        var random = SplitMix(state: UInt64(number))
        var bytes = withUnsafeBytes(of: UInt64(number).littleEndian, Array.init)
        while bytes.count < size { bytes += withUnsafeBytes(of: random.next(), Array.init) }
        return bytes
    }

    static func number(of payload: [UInt8]) -> Int? {
        guard payload.count >= 8 else { return nil }
        let number = payload.withUnsafeBytes { Int(UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }
        return Self.payload(number, of: payload.count) == payload ? number : nil
    }

    /// Appends and settles for ever; another thread puts an end to it, some time after it has done a little.
    func work(untilKilledAfter count: Int, microseconds delay: Int) throws {
        let log = open(journal, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // A write that returned is kept by the system whatever becomes of the process.
        func say(_ what: Character, _ number: Int) {
            let line = Array("\(what)\(number)\n".utf8)
            precondition(write(log, line, line.count) == line.count)
        }
        let spool = try Spool(Self.settings(folder))
        var number = first
        while true {
            say("b", number)
            if number == first + count {
                Thread.detachNewThread {
                    usleep(UInt32(delay))
                    kill(getpid(), SIGKILL)
                }
            }
            try spool.append(kind: 1, items: number % 7 + 1, Self.payload(number, of: 8 + number * 37 % 3000))
            say("a", number)
            if number % 3 == 1, let record = spool.next(), let taken = Self.number(of: record.payload) {
                say("t", taken)
                spool.settle(record.position)
                say("s", taken)
            }
            number += 1
        }
    }

    struct Journal {
        /// The last append that was begun.
        var begun: Int?
        var appended: [Int] = []
        var settled: Set<Int> = []
        /// Handed out; may be settled or not.
        var taken: Set<Int> = []

        init(_ path: String) throws {
            guard FileManager.default.fileExists(atPath: path) else { return }
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                let number = try #require(Int(line.dropFirst()))
                switch line.first {
                case "b": begun = number
                case "a": appended.append(number)
                case "t": taken.insert(number)
                case "s": settled.insert(number)
                default: Issue.record("\(line)")
                }
            }
        }
    }
}
