import Foundation
import Testing

@testable import Spool

/// What is lost is counted, and nothing else is.
@Suite("Spool's account", .timeLimit(.minutes(10)))
final class SpoolAccountTests {
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

    private func path(_ file: String) -> String { "\(folder)/\(file)" }

    private func contents(_ file: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(file))) }

    @Test("What was taken when its segment went is not lost while someone may deliver it", arguments: [true, false])
    func taken(delivered: Bool) throws {
        let spool = try open {
            $0.segmentBytes = 1000
            $0.maximumBytes = 4000
        }
        for i in 0..<3 { try spool.append(kind: 1, items: 10, payload(i)) }
        let first = try #require(spool.next())
        var appended = 3
        while files.contains("00000000000000000001.spool") {
            try spool.append(kind: 1, items: 10, payload(appended))
            appended += 1
        }
        let before = spool.counts
        #expect(before.droppedItems > 0)
        #expect(before.droppedItems + before.waitingItems == 10 * appended)
        if delivered { spool.settle(first.position) } else { spool.release(first.position) }
        #expect(spool.counts.waitingItems == before.waitingItems - 10)
        #expect(spool.counts.droppedItems == before.droppedItems + (delivered ? 0 : 10))
        // Only once.
        spool.settle(first.position)
        spool.release(first.position)
        #expect(spool.counts.waitingItems == before.waitingItems - 10)
    }

    @Test("Who settles twice settles once")
    func twice() throws {
        let spool = try open()
        for i in 0..<2 { try spool.append(kind: 1, items: 5, payload(i)) }
        let first = try #require(spool.next())
        spool.settle(first.position)
        spool.settle(first.position)
        #expect(spool.counts.waitingItems == 5)
    }

    @Test("What is released comes again, in order")
    func released() throws {
        let spool = try open { $0.segmentBytes = 300 }
        for i in 0..<10 { try spool.append(kind: 1, items: 1, payload(i)) }
        let taken = try (0..<6).map { _ in try #require(spool.next()) }
        for i in [4, 1, 2] { spool.release(taken[i].position) }
        var again: [[UInt8]] = []
        while let record = spool.next() { again.append(record.payload) }
        #expect(again == [1, 2, 4, 6, 7, 8, 9].map(payload))
    }

    @Test("Kinds do not wait for each other, and each record comes once")
    func kinds() throws {
        let spool = try open { $0.segmentBytes = 300 }
        for i in 0..<30 { try spool.append(kind: UInt8(i % 3), items: 1, payload(i)) }
        #expect(spool.waitingKinds == [0, 1, 2])
        for kind in [2, 0] as [UInt8] {
            for i in stride(from: Int(kind), to: 30, by: 3) {
                let record = try #require(spool.next(of: [kind]))
                #expect(record.kind == kind)
                #expect(record.payload == payload(i))
                spool.settle(record.position)
            }
            #expect(spool.next(of: [kind]) == nil)
        }
        #expect(spool.waitingKinds == [1])
        #expect(spool.counts.waitingItems == 10)
    }

    /// What the disk changed is found when it is read, at the start or later.
    @Test("Damage costs the record that it is in, and is counted", arguments: [0x01, 0x41, 0x80, 0xFF] as [UInt8], [true, false])
    func flipped(mask: UInt8, atStart: Bool) throws {
        var ends: [Int] = []
        do {
            let spool = try open()
            for i in 0..<4 {
                try spool.append(kind: 1, items: 3, payload(i))
                ends.append(spool.counts.bytes)
            }
        }
        let file = files[0]
        let whole = try contents(file)
        let header = SpoolRecord.segmentHeader.count
        for place in header..<whole.count {
            for file in files { try FileManager.default.removeItem(atPath: path(file)) }
            var damaged = whole
            damaged[place] ^= mask
            let url = URL(fileURLWithPath: path(file))
            try (atStart ? damaged : whole).write(to: url)
            let spool = try open()
            // In place: what is open is the same file.
            if !atStart {
                let handle = try FileHandle(forWritingTo: url)
                try handle.write(contentsOf: damaged)
                try handle.close()
            }
            var found: [[UInt8]] = []
            while let record = spool.next() { found.append(record.payload) }
            let hit = try #require(ends.firstIndex { place < $0 })
            let isState = place == (hit == 0 ? header : ends[hit - 1]) + SpoolRecord.stateOffset
            let expected = (0..<4).filter { isState || $0 != hit }.map(payload)
            #expect(found == expected, "byte \(place)")
            let counts = spool.counts
            if isState {
                #expect(counts.damagedBytes == 0)
            } else {
                // An unreadable last record looks like one that was never finished.
                #expect(counts.damagedBytes + counts.tornBytes > 0, "byte \(place)")
            }
            #expect(counts.waitingItems == 3 * expected.count)
            #expect(counts.recoveredItems == counts.waitingItems + counts.damagedItems)
            if !atStart { #expect(counts.damagedItems == 3 * (4 - expected.count), "byte \(place)") }
        }
    }

    @Test("A damaged payload is told with the items that it held")
    func damagedItems() throws {
        do {
            let spool = try open()
            for i in 0..<3 { try spool.append(kind: 1, items: 5, payload(i)) }
        }
        var damaged = try contents(files[0])
        let place = SpoolRecord.segmentHeader.count + 2 * SpoolRecord.headerSize + payload(0).count + 3
        damaged[place] ^= 4
        try damaged.write(to: URL(fileURLWithPath: path(files[0])))
        let spool = try open()
        #expect(spool.counts.damagedItems == 5)
        #expect(spool.counts.damagedBytes == SpoolRecord.headerSize + payload(1).count)
        #expect(spool.counts.recoveredItems == 15)
        #expect(spool.counts.waitingItems == 10)
    }

    @Test("An append that was never finished is no loss")
    func torn() throws {
        do {
            let spool = try open()
            for i in 0..<3 { try spool.append(kind: 1, items: 5, payload(i)) }
        }
        try contents(files[0]).dropLast(2).write(to: URL(fileURLWithPath: path(files[0])))
        let spool = try open()
        #expect(spool.counts.tornBytes == SpoolRecord.headerSize + payload(2).count - 2)
        #expect(spool.counts.damagedBytes == 0)
        #expect(spool.counts.damagedItems == 0)
        #expect(spool.counts.waitingItems == 10)
    }

    @Test("A payload that is full of records is searched in vain")
    func headersInPayload() throws {
        let fake = SpoolRecord.encode(kind: 1, items: 1, payload: payload(0)).dropLast(1)
        let fakes = (0..<200).flatMap { _ in fake }
        do {
            let spool = try open()
            try spool.append(kind: 1, items: 1, fakes)
            try spool.append(kind: 1, items: 1, payload(7))
        }
        var damaged = try contents(files[0])
        damaged[SpoolRecord.segmentHeader.count + SpoolRecord.headerSize] ^= 1
        try damaged.write(to: URL(fileURLWithPath: path(files[0])))
        let spool = try open()
        #expect(spool.next()?.payload == payload(7))
        #expect(spool.next() == nil)
        #expect(spool.counts.damagedItems == 1)
    }

    @Test("A short file that is none of ours is left alone", arguments: ["hello", "outrigger/spooX", "\u{0}x"])
    func shortForeign(_ text: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path("00000000000000000001.spool")))
        #expect { try open() } throws: { "\($0)".contains("move it away") }
        #expect(try contents("00000000000000000001.spool") == Data(text.utf8))
    }

    @Test("A file that was begun and no more holds up nothing", arguments: [0, 7, 16, 100])
    func zeros(count: Int) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(count: count).write(to: URL(fileURLWithPath: path("00000000000000000001.spool")))
        let spool = try open()
        #expect(spool.next() == nil)
        try spool.append(kind: 1, items: 1, payload(1))
        #expect(spool.next()?.payload == payload(1))
    }

    @Test("A name beyond the last one, and what is no file, are refused by name")
    func strangeNames() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let last = "\(UInt64.max).spool"
        try Data(SpoolRecord.segmentHeader).write(to: URL(fileURLWithPath: path(last)))
        #expect { try open() } throws: { "\($0)".contains(last) }
        try FileManager.default.removeItem(atPath: path(last))
        #expect(mkfifo(path("00000000000000000001.spool"), 0o600) == 0)
        #expect { try open() } throws: { "\($0)".contains("00000000000000000001.spool") }
    }

    @Test("The bound holds whatever the sizes of segments and records", arguments: [100, 1000, 8 << 20])
    func bound(segmentBytes: Int) throws {
        let spool = try open {
            $0.segmentBytes = segmentBytes
            $0.maximumBytes = 2000
        }
        var items = 0
        for i in 0..<300 {
            try spool.append(kind: 1, items: 1, payload(i))
            items += 1
            #expect(spool.counts.bytes <= 2000)
            #expect(try files.reduce(0) { try $0 + contents($1).count } == spool.counts.bytes)
        }
        // Too large for all of it: nothing goes for its sake.
        let before = spool.counts
        #expect(throws: SpoolError.self) { try spool.append(kind: 1, items: 1, [UInt8](repeating: 0, count: 2000)) }
        #expect(spool.counts.droppedItems == before.droppedItems)
        #expect(spool.counts.waitingItems == before.waitingItems)
        #expect(before.droppedItems + before.waitingItems == items)
    }

    @Test("Folder and files are the owner's alone")
    func permissions() throws {
        let spool = try open()
        try spool.append(kind: 1, items: 1, payload(1))
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(folder) == 0o700)
        #expect(try mode(path(files[0])) == 0o600)
        #expect(try mode(path("lock")) == 0o600)
    }

    @Test("Every way of syncing keeps what was written", arguments: [Spool.Settings.Sync.always, .onRequest, .never])
    func syncing(_ sync: Spool.Settings.Sync) throws {
        do {
            let spool = try open {
                $0.sync = sync
                $0.segmentBytes = 500
            }
            for i in 0..<20 {
                try spool.append(kind: 1, items: 1, payload(i))
                if i % 7 == 0 { spool.sync() }
            }
            spool.sync()
            #expect(spool.counts.syncProblem == nil)
        }
        #expect(try open().counts.recoveredItems == 20)
    }
}
