internal import Glibc
internal import Synchronization

/// A queue on disk: what is put in is there after the process was killed, in order, until it is settled.
///
/// Records stand in segment files of one folder (``SpoolRecord`` says how). A record that is settled is marked in place, so
/// that it is not read again; a segment whose records are all settled is removed. When the folder holds more than it may,
/// the oldest segment goes, and what was lost with it is counted. One process at a time may use a folder.
public final class Spool: Sendable {
    public struct Settings: Hashable, Sendable {
        public var folder: String
        /// Bytes of all segments together.
        public var maximumBytes = 1 << 30
        /// Bytes after which a new segment begins.
        public var segmentBytes = 8 << 20
        /// How often what was written is made to survive a loss of power. A process that is killed loses nothing either way.
        public var sync = Sync.never

        public enum Sync: Hashable, Sendable {
            /// Before ``Spool/append(kind:items:_:)`` returns.
            case always
            /// Whenever ``Spool/sync()`` is called.
            case onRequest
            case never
        }

        public init(folder: String) { self.folder = folder }
    }

    /// Where a record is.
    public struct Position: Hashable, Sendable {
        fileprivate var segment: UInt64
        fileprivate var offset: Int
        fileprivate var items: Int
    }

    public struct Record: Sendable {
        public var position: Position
        public var kind: UInt8
        public var items: Int
        public var payload: [UInt8]
    }

    /// What the spool holds and what it lost.
    public struct Counts: Hashable, Sendable {
        /// Items of records that are not settled.
        public var waitingItems = 0
        public var bytes = 0
        public var segments = 0
        /// Items that went with a segment for which there was no room.
        public var droppedItems = 0
        /// Bytes that were found torn or damaged.
        public var damagedBytes = 0
        /// Items that were found waiting at the start.
        public var recoveredItems = 0
    }

    private struct State {
        /// The oldest first; the last one is written to.
        var segments: [Segment] = []
        var nextNumber: UInt64 = 1
        /// Where the next record is read.
        var readSegment: UInt64 = 0
        var readOffset = 0
        var counts = Counts()
    }

    private let settings: Settings
    private let state: Mutex<State>
    private let lock: Int32

    /// Opens the folder, which is made if it is not there, and finds what waits in it.
    ///
    /// - Throws: ``SpoolError``: the folder cannot be used, is in use, or holds files that are not ours.
    public init(_ settings: Settings) throws(SpoolError) {
        self.settings = settings
        let folder = settings.folder
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw SpoolError.system("cannot make the folder \(folder)") }
        let lock = open("\(folder)/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw SpoolError.system("cannot use the folder \(folder)") }
        self.lock = lock
        // A process that was just killed, or is just starting a child, can hold it a moment longer.
        var tries = 0
        while flock(lock, LOCK_EX | LOCK_NB) != 0 {
            tries += 1
            if tries < 40 {
                usleep(25_000)
                continue
            }
            close(lock)
            throw SpoolError(message: "the spool \(folder) is in use by another process; give each one of its own")
        }
        do throws(SpoolError) {
            state = Mutex(try Self.recover(folder))
        } catch {
            close(lock)
            throw error
        }
    }

    deinit { close(lock) }

    private static func recover(_ folder: String) throws(SpoolError) -> sending State {
        guard let directory = opendir(folder) else { throw SpoolError.system("cannot read the folder \(folder)") }
        defer { closedir(directory) }
        var numbers: [UInt64] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".spool"), name.utf8.count == 26, let number = UInt64(name.dropLast(6)) else { continue }
            numbers.append(number)
        }
        var state = State()
        for number in numbers.sorted() {
            state.nextNumber = number + 1
            guard let segment = try Segment.recover(number, in: folder, damage: &state.counts.damagedBytes) else { continue }
            state.counts.waitingItems += segment.waitingItems
            state.counts.bytes += segment.size
            state.segments.append(segment)
        }
        state.counts.recoveredItems = state.counts.waitingItems
        state.counts.segments = state.segments.count
        state.readSegment = state.segments.first?.number ?? state.nextNumber
        state.readOffset = SpoolRecord.segmentHeader.count
        return state
    }

    public var counts: Counts { state.withLock { $0.counts } }

    /// Puts a record at the end.
    ///
    /// - Parameter items: how many things the payload holds, for the account of what is lost.
    /// - Throws: ``SpoolError``; nothing was put in then.
    public func append(kind: UInt8, items: Int, _ payload: [UInt8]) throws(SpoolError) {
        guard payload.count <= SpoolRecord.maximumPayload else { throw SpoolError(message: "a record of \(payload.count) bytes is too large") }
        let record = SpoolRecord.encode(kind: kind, items: items, payload: payload)
        let result = state.withLock { state -> Result<Void, SpoolError> in
            do throws(SpoolError) {
                try append(record, items: items, to: &state)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func append(_ record: [UInt8], items: Int, to state: inout State) throws(SpoolError) {
        if state.segments.last.map({ $0.size + record.count > settings.segmentBytes }) ?? true {
            let segment = try Segment.create(state.nextNumber, in: settings.folder)
            state.nextNumber += 1
            state.counts.bytes += segment.size
            let last = state.segments.last
            state.segments.append(segment)
            // A segment that was settled while it was still written to has waited for this.
            if let last, last.waitingRecords == 0 { remove(last, from: &state) }
        }
        while state.counts.bytes + record.count > settings.maximumBytes, state.segments.count > 1 {
            let oldest = state.segments[0]
            state.counts.droppedItems += oldest.waitingItems
            state.counts.waitingItems -= oldest.waitingItems
            remove(oldest, from: &state)
        }
        guard let segment = state.segments.last else { return }
        try segment.append(record)
        if settings.sync == .always { segment.sync() }
        segment.waitingItems += items
        segment.waitingRecords += 1
        state.counts.bytes += record.count
        state.counts.waitingItems += items
        state.counts.segments = state.segments.count
    }

    private func remove(_ segment: Segment, from state: inout State) {
        segment.remove()
        state.counts.bytes -= segment.size
        state.segments.removeAll { $0 === segment }
        state.counts.segments = state.segments.count
        if state.readSegment == segment.number {
            state.readSegment = state.segments.first { $0.number > segment.number }?.number ?? state.nextNumber
            state.readOffset = SpoolRecord.segmentHeader.count
        }
    }

    /// Takes the next record that was not taken since the start.
    public func next() -> Record? {
        state.withLock { state in
            while let i = state.segments.firstIndex(where: { $0.number >= state.readSegment }) {
                let segment = state.segments[i]
                if segment.number != state.readSegment {
                    state.readSegment = segment.number
                    state.readOffset = SpoolRecord.segmentHeader.count
                }
                guard case .record(let header, let payload)? = segment.record(at: state.readOffset) else {
                    if state.readOffset < segment.size { skipDamage(of: segment, in: &state) }
                    guard i + 1 < state.segments.count else { return nil }
                    state.readSegment = state.segments[i + 1].number
                    state.readOffset = SpoolRecord.segmentHeader.count
                    continue
                }
                let position = Position(segment: segment.number, offset: state.readOffset, items: header.items)
                state.readOffset += SpoolRecord.headerSize + header.payloadSize
                if header.isDone { continue }
                return Record(position: position, kind: header.kind, items: header.items, payload: payload)
            }
            return nil
        }
    }

    /// The disk changed what was whole: what is left of the segment cannot be told apart.
    private func skipDamage(of segment: Segment, in state: inout State) {
        state.counts.damagedBytes += segment.size - state.readOffset
        state.readOffset = segment.size
    }

    /// The record needs not be kept any longer.
    public func settle(_ position: Position) {
        state.withLock { state in
            // The segment may be gone, dropped for want of room; what was in it is counted then.
            guard let segment = state.segments.first(where: { $0.number == position.segment }) else { return }
            segment.markDone(at: position.offset)
            segment.waitingItems -= position.items
            segment.waitingRecords -= 1
            state.counts.waitingItems -= position.items
            if segment.waitingRecords == 0, segment !== state.segments.last { remove(segment, from: &state) }
        }
    }

    /// Makes what was written survive a loss of power.
    public func sync() {
        state.withLock { $0.segments.last?.sync() }
    }
}

/// Why a spool cannot be used.
public struct SpoolError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }

    static func system(_ problem: String) -> SpoolError { SpoolError(message: "\(problem): \(String(cString: strerror(errno)))") }
}
