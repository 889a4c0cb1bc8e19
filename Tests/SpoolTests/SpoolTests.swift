import Foundation
import Testing

@testable import Spool

/// A queue on disk: order, settlement, bounds, and what is found after the worst.
@Suite("Spool", .timeLimit(.minutes(10)))
final class SpoolTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("spool-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func open(_ change: (inout Spool.Settings) -> Void = { _ in }) throws -> Spool {
        var settings = Spool.Settings(folder: folder)
        change(&settings)
        return try Spool(settings)
    }

    private func payload(_ i: Int) -> [UInt8] { Array("payload \(i) \(String(repeating: "x", count: i * 7 % 200))".utf8) }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".spool") }.sorted()
    }

    @Test("Records come back in order, with their kind, and once")
    func order() throws {
        let spool = try open()
        for i in 0..<100 { try spool.append(kind: UInt8(i % 3), items: i + 1, payload(i)) }
        for i in 0..<100 {
            let record = try #require(spool.next())
            #expect(record.payload == payload(i))
            #expect(record.kind == UInt8(i % 3))
            #expect(record.items == i + 1)
            spool.settle(record.position)
        }
        #expect(spool.next() == nil)
        #expect(spool.counts.waitingItems == 0)
    }

    @Test("A payload in two parts comes back as one, after a restart too", arguments: [(0, 0), (0, 9), (9, 0), (5, 4000)])
    func parts(first: Int, second: Int) throws {
        let one = [UInt8](repeating: 1, count: first)
        let two = [UInt8](repeating: 2, count: second)
        do {
            let spool = try open()
            try spool.append(kind: 1, items: 2, one, two)
            try spool.append(kind: 1, items: 3, one + two)
            let record = try #require(spool.next())
            #expect(record.payload == one + two)
            #expect(spool.counts.bytes == SpoolRecord.segmentHeader.count + 2 * (SpoolRecord.headerSize + first + second))
        }
        let spool = try open()
        for items in [2, 3] {
            let record = try #require(spool.next())
            #expect(record.payload == one + two)
            #expect(record.items == items)
        }
        #expect(spool.counts.damagedBytes == 0)
    }

    @Test("What was not settled is there again after a restart, and only that")
    func restart() throws {
        var spool: Spool? = try open { $0.segmentBytes = 1000 }
        for i in 0..<100 { try spool?.append(kind: 1, items: 1, payload(i)) }
        for i in 0..<100 {
            let record = try #require(spool?.next())
            if i % 3 != 0 { spool?.settle(record.position) }
        }
        spool = nil
        let again = try open { $0.segmentBytes = 1000 }
        #expect(again.counts.recoveredItems == 34)
        for i in stride(from: 0, to: 100, by: 3) {
            let record = try #require(again.next())
            #expect(record.payload == payload(i))
            again.settle(record.position)
        }
        #expect(again.next() == nil)
        #expect(again.counts.waitingItems == 0)
        // All but the segment that is written to are gone.
        #expect(files.count <= 1)
    }

    @Test("The age is that of the oldest record that waits, and not of the file in which it stands")
    func oldestAge() throws {
        try open().append(kind: 0, items: 1, payload(0))
        let file = try #require(files.first)
        let hourAgo = [timeval(tv_sec: time(nil) - 3600, tv_usec: 0), timeval(tv_sec: time(nil) - 3600, tv_usec: 0)]
        #expect(utimes("\(folder)/\(file)", hourAgo) == 0)
        let spool = try open()
        #expect(spool.counts.oldestAge >= 3600)
        try spool.append(kind: 0, items: 1, payload(1))
        #expect(spool.counts.oldestAge >= 3600)
        spool.settle(try #require(spool.next()).position)
        #expect(files == [file] && spool.counts.waitingItems == 1)
        #expect(spool.counts.oldestAge < 3000)
        spool.settle(try #require(spool.next()).position)
        #expect(spool.counts.oldestAge == 0)
    }

    @Test("When there is no room the oldest goes, and is counted")
    func bound() throws {
        let spool = try open {
            $0.segmentBytes = 1000
            $0.maximumBytes = 5000
        }
        for i in 0..<200 { try spool.append(kind: 1, items: 2, payload(i)) }
        #expect(spool.counts.bytes <= 5000)
        var seen = 0
        var last = -1
        while let record = spool.next() {
            let number = try #require(Int(String(decoding: record.payload, as: UTF8.self).split(separator: " ")[1]))
            #expect(number > last)
            last = number
            seen += 2
        }
        #expect(last == 199)
        #expect(spool.counts.waitingItems == seen)
        #expect(spool.counts.droppedItems == 400 - seen)
    }

    @Test("A second process is refused")
    func lock() throws {
        let spool = try open()
        #expect { try open() } throws: { "\($0)".contains("in use by another process") }
        #expect(spool.next() == nil)
    }

    @Test("A file that is none of ours, or of another version, is refused and left alone", arguments: ["outrigger/spool2", "something else entirely"])
    func foreign(_ text: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/00000000000000000001.spool"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect { try open() } throws: { "\($0)".contains("move it away") }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(text.utf8))
    }

    /// A process that is killed leaves any beginning of what it wrote.
    @Test("A file cut anywhere gives the whole records before the cut")
    func cut() throws {
        var ends: [Int] = []
        do {
            let spool = try open()
            for i in 0..<4 {
                try spool.append(kind: 1, items: 1, payload(i))
                ends.append(spool.counts.bytes)
            }
        }
        let path = "\(folder)/\(files[0])"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for length in 0...whole.count {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            let spool = try open()
            let expected = ends.filter { $0 <= length }.count
            var found: [[UInt8]] = []
            while let record = spool.next() { found.append(record.payload) }
            #expect(found == (0..<expected).map(payload), "cut at \(length)")
            // It goes on from there.
            try spool.append(kind: 1, items: 1, payload(77))
            #expect(spool.next()?.payload == payload(77))
            for file in files { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
        }
    }

    @Test("A byte changed anywhere never gives a wrong record")
    func flipped() throws {
        do {
            let spool = try open()
            for i in 0..<4 { try spool.append(kind: 1, items: 1, payload(i)) }
        }
        let path = "\(folder)/\(files[0])"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for place in whole.indices {
            var damaged = whole
            damaged[place] ^= 0x41
            for file in files { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
            try damaged.write(to: URL(fileURLWithPath: path))
            guard let spool = try? open() else { continue }
            var expected = (0..<4).map(payload)[...]
            while let record = spool.next() {
                // A state byte is no part of the checksum: one that says neither is damage, and none can make up a record.
                while let first = expected.first, first != record.payload { expected = expected.dropFirst() }
                #expect(expected.first == record.payload, "byte \(place)")
                expected = expected.dropFirst()
            }
        }
    }

    /// A model in memory says what must be there.
    @Test("Appending, settling and restarting at random", arguments: 0..<8)
    func model(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed) &* 7919 &+ 1)
        var spool: Spool? = try open { $0.segmentBytes = 2000 }
        var model: [Int] = []
        var taken: [(number: Int, position: Spool.Position)] = []
        var number = 0
        for _ in 0..<2000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                try spool?.append(kind: 1, items: 1, payload(number))
                model.append(number)
                number += 1
            case 4..<7:
                if let record = spool?.next() {
                    let i = try #require(Int(String(decoding: record.payload, as: UTF8.self).split(separator: " ")[1]))
                    taken.append((i, record.position))
                } else {
                    #expect(Set(taken.map(\.number)) == Set(model))
                }
            case 7..<9:
                guard let i = taken.indices.randomElement(using: &random) else { continue }
                let (settled, position) = taken.remove(at: i)
                spool?.settle(position)
                model.removeAll { $0 == settled }
            default:
                spool = nil
                spool = try open { $0.segmentBytes = 2000 }
                taken = []
                #expect(spool?.counts.recoveredItems == model.count)
            }
            #expect(spool?.counts.waitingItems == model.count)
        }
    }

    @Test("A full disk refuses a record, tears nothing, and is forgotten when there is room")
    func fullDisk() throws {
        // A file system of its own, which needs root; where that cannot be had, the limit on file sizes is tested below.
        let mount = folder + "-disk"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: mount) }
        guard run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k", "none", mount) else { return }
        defer { _ = run("/usr/bin/umount", "-l", mount) }
        var settings = Spool.Settings(folder: mount + "/spool")
        settings.segmentBytes = 20_000
        let spool = try Spool(settings)
        var written = 0
        while (try? spool.append(kind: 1, items: 1, [UInt8](repeating: UInt8(written % 256), count: 3000))) != nil { written += 1 }
        #expect((10...22).contains(written))
        #expect(throws: SpoolError.self) { try spool.append(kind: 1, items: 1, [UInt8](repeating: 0, count: 3000)) }
        #expect(spool.counts.waitingItems == written)
        for i in 0..<written {
            let record = try #require(spool.next())
            #expect(record.payload == [UInt8](repeating: UInt8(i % 256), count: 3000))
            spool.settle(record.position)
        }
        try spool.append(kind: 1, items: 1, Array("room again".utf8))
        #expect(spool.next()?.payload == Array("room again".utf8))
    }

    private func run(_ program: String, _ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
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
