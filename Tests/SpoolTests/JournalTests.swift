import Foundation
import Testing

@testable import Spool

@Suite("The journal", .timeLimit(.minutes(10)))
final class JournalTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)").path
    private var path: String { folder + "/exchanges.journal" }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func open(capacity: Int = 64 << 10, maps: Bool = true) throws -> Journal {
        try Journal(path, capacity: capacity, maps: maps)
    }

    private static func payload(_ number: Int, _ size: Int) -> [UInt8] {
        var random = SplitMix(state: UInt64(number))
        return (0..<size).map { _ in UInt8.random(in: 1...255, using: &random) }
    }

    @Test("What was appended and not settled is found again, in order", arguments: [true, false])
    func found(maps: Bool) throws {
        let payloads = [0, 1, 7, 8, 100, 5000].map { Self.payload($0, $0) }
        var positions: [Journal.Position] = []
        do {
            let journal = try open(maps: maps)
            if !maps { #expect(!journal.isMapped) }
            for payload in payloads { positions.append(try #require(journal.append(payload))) }
            #expect(positions == positions.sorted())
        }
        do {
            let journal = try open(maps: maps)
            let found = journal.takeRecovered()
            #expect(found.map(\.payload) == payloads && found.map(\.position) == positions)
            #expect(journal.takeRecovered().isEmpty)
            journal.settle(positions[2])
            #expect(journal.append([1, 2, 3]) != nil)
        }
        let journal = try open(maps: !maps)
        let found = journal.takeRecovered()
        #expect(found.map(\.payload) == payloads[3...] + [[1, 2, 3]])
        journal.settle(try #require(found.last).position)
        journal.removeIfSettled()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("Appended, settled and reopened at random over many laps, it holds what a list would", arguments: 0..<20)
    func random(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let maps = seed % 2 == 0
        var journal = try open(capacity: 16 << 10, maps: maps)
        var waiting: [(payload: [UInt8], position: Journal.Position)] = []
        var (number, refused) = (0, 0)
        for _ in 0..<3000 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                number += 1
                let payload = Self.payload(number, Int.random(in: 0...900, using: &random))
                if let position = journal.append(payload) { waiting.append((payload, position)) } else { refused += 1 }
            case 60..<97:
                guard !waiting.isEmpty else { continue }
                let count = Int.random(in: 1...min(waiting.count, 6), using: &random)
                journal.settle(waiting[count - 1].position)
                waiting.removeFirst(count)
            default:
                #expect(journal.refusals == refusals(full: refused))
                refused = 0
                journal = try open(capacity: 16 << 10, maps: maps)
                let found = journal.takeRecovered()
                try #require(found.map(\.payload) == waiting.map(\.payload))
                #expect(found.map(\.position) == waiting.map(\.position))
            }
        }
        #expect(number > 1000)
    }

    private func refusals(full: Int = 0, tooLarge: Int = 0, failed: Int = 0) -> Journal.Refusals {
        var refusals = Journal.Refusals()
        (refusals.full, refusals.tooLarge, refusals.failed) = (full, tooLarge, failed)
        return refusals
    }

    @Test("What has no place is refused and counted, and has a place once others are settled")
    func bounds() throws {
        let journal = try open(capacity: 16 << 10)
        #expect(journal.append(Self.payload(1, 4096 - 23)) == nil)
        let positions = (0..<4).compactMap { journal.append(Self.payload($0, 4096 - 24)) }
        #expect(positions.count == 4)
        #expect(journal.append([]) == nil)
        #expect(journal.refusals == refusals(full: 1, tooLarge: 1))
        journal.settle(positions[0])
        #expect(journal.append(Self.payload(9, 4096 - 24)) != nil)
        #expect(journal.append([]) == nil)
        #expect(try open().takeRecovered().map(\.payload) == [1, 2, 3, 9].map { Self.payload($0, 4096 - 24) })
    }

    @Test("A file that was cut or changed anywhere gives what stood before, and never anything else")
    func damage() throws {
        let payloads = [40, 700, 3, 90].map { Self.payload($0, $0) }
        do {
            let journal = try open()
            let first = try #require(journal.append([9]))
            for payload in payloads { #expect(journal.append(payload) != nil) }
            journal.settle(first)
        }
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let end = Journal.headerSize + 1200
        for offset in stride(from: Journal.headerSize, to: end, by: 7) {
            for change in 0..<3 {
                var bytes = whole
                switch change {
                case 0: bytes[offset] ^= 0x40
                case 1: bytes.replaceSubrange(offset..., with: [UInt8](repeating: 0, count: bytes.count - offset))
                default: bytes.replaceSubrange(offset..<(offset + 4), with: [255, 255, 255, 255])
                }
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                let found = try open(maps: offset % 2 == 0).takeRecovered().map(\.payload)
                #expect(payloads.starts(with: found), "byte \(offset), change \(change)")
                if offset > Journal.headerSize + 32 + 64 + 24, change < 2 { #expect(!found.isEmpty) }
            }
        }
        for size in [0, 1, 20, 4095, 4096, 5000] {
            try Data(whole.prefix(size)).write(to: URL(fileURLWithPath: path))
            #expect(try size > 0 && size < 16 ? (try? open()) == nil : open().takeRecovered().isEmpty, "\(size) bytes")
        }
    }

    @Test("What was settled is wiped from the file", arguments: [true, false])
    func wiped(maps: Bool) throws {
        let journal = try open(maps: maps)
        let secret = Array("the user's own words".utf8)
        var last: Journal.Position?
        // Over the end of the ring.
        for i in 0..<100 {
            last = journal.append(secret + Self.payload(i, 3000))
            #expect(last != nil)
            if i % 5 == 4, let last { journal.settle(last) }
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(bytes.range(of: Data(secret)) == nil)
        #expect(bytes[Journal.headerSize...].allSatisfy { $0 == 0 })
        #expect(bytes.count == Journal.headerSize + 64 << 10)
    }

    @Test("A file of others is left alone, and one that was never begun is replaced")
    func foreign() throws {
        for (text, words) in [("#!/bin/sh\nexit 0\n", "no journal"), ("outrigger/ring02" + String(repeating: "x", count: 9000), "another version")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: SpoolError.self) { try open() }
            #expect(error?.message.contains(words) ?? false)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text.utf8))
        }
        try Data(count: 70_000).write(to: URL(fileURLWithPath: path))
        #expect(try open().append([1]) != nil)
        try FileManager.default.removeItem(atPath: path)
        #expect(symlink("/dev/null", path) == 0)
        #expect(throws: SpoolError.self) { try open() }
    }

    @Test("Where there is no room for all of it, there is no journal, and no file is left")
    func noRoom() async throws {
        await #expect(processExitsWith: .success) { [path = path as String] in
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            limit.rlim_cur = 60 << 10
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let error = #expect(throws: SpoolError.self) { try Journal(path, capacity: 64 << 10) }
            #expect(error?.code == EFBIG)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("After any of forty kills, all that an append returned for is there", arguments: [true, false])
    func killed(maps: Bool) async throws {
        var random = SplitMix(state: 17)
        var first = 0
        for round in 0..<20 {
            let (count, log) = (Int.random(in: 1...3000, using: &random), folder + "/log-\(round)")
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, log = log as String, first = first as Int, count = count as Int, maps = maps as Bool] in
                try JournalChild.work(path, log, first: first, maps: maps, untilKilledAfter: count)
            }
            let done = try JournalChild.appendedAndSettled(log)
            #expect(done.appended >= first + count)
            let journal = try open(capacity: 256 << 10, maps: maps)
            let found = journal.takeRecovered().map { JournalChild.number(of: $0.payload) }
            let lowest = found.first ?? done.appended + 1
            // The settling that was under way, and the last append, are done or not.
            #expect(lowest <= done.settled + JournalChild.batch + 1 && lowest > done.settled - 1, "round \(round)")
            #expect(found == Array(lowest..<(lowest + found.count)))
            #expect([done.appended, done.appended + 1].contains(lowest + found.count - 1), "round \(round)")
            first = lowest + found.count
        }
    }
}

/// A process that appends numbers and settles them in batches, and notes how far it came where a kill does not take it away.
enum JournalChild {
    static let batch = 10

    private static func payload(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) } + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number * 37 % 2000)
    }

    /// - Returns: -1 for a payload that nobody wrote.
    static func number(of payload: [UInt8]) -> Int {
        guard payload.count >= 8 else { return -1 }
        let number = payload.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
        return payload == Self.payload(number) ? number : -1
    }

    static func work(_ path: String, _ log: String, first: Int, maps: Bool, untilKilledAfter count: Int) throws {
        let journal = try Journal(path, capacity: 256 << 10, maps: maps)
        let file = open(log, O_RDWR | O_CREAT, 0o600)
        func note(_ number: Int, at offset: off_t) { _ = withUnsafeBytes(of: number) { pwrite(file, $0.baseAddress, $0.count, offset) } }
        var positions = journal.takeRecovered().map(\.position)
        note(first - 1, at: 0)
        note(first - 1 - positions.count, at: 8)
        var number = first
        while true {
            if let position = journal.append(payload(number)) { positions.append(position) } else { _exit(3) }
            note(number, at: 0)
            if number == first + count {
                Thread.detachNewThread {
                    usleep(UInt32(count % 500))
                    kill(getpid(), SIGKILL)
                }
            }
            if positions.count >= 3 * batch {
                journal.settle(positions[batch - 1])
                positions.removeFirst(batch)
                note(number - positions.count, at: 8)
            }
            number += 1
        }
    }

    /// The last number of which each is known.
    static func appendedAndSettled(_ log: String) throws -> (appended: Int, settled: Int) {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: log)))
        return bytes.withUnsafeBytes { ($0.loadUnaligned(as: Int.self), $0.loadUnaligned(fromByteOffset: 8, as: Int.self)) }
    }
}
