internal import FileLocks
internal import Glibc
internal import Synchronization

/// A queue on disk: what is put in is there after the process was killed, in order, until it is settled.
///
/// Records stand in segment files of one folder (``SpoolRecord`` says how). A record that is settled is marked in place, so
/// that it is not read again; a segment whose records are all settled is removed. When the folder holds more than it may,
/// the oldest segment goes, and what was lost with it is counted. One process at a time may use a folder.
///
/// A record can come twice: when the process ends between what was done with it and ``settle(_:)``, and, after a loss of
/// power, when its mark had not reached the disk.
///
/// Of the items, those appended and recovered are the sum of those settled, dropped, damaged and waiting.
public final class Spool: Sendable {
    public struct Settings: Hashable, Sendable {
        public var folder: String
        /// Bytes of all segments together.
        public var maximumBytes = 1 << 30
        /// Bytes after which a new segment begins; half of ``maximumBytes`` at most, since whole segments are dropped.
        public var segmentBytes = 8 << 20
        /// How often what was written is made to survive a loss of power. A process that is killed loses nothing either way.
        /// It is about what is in the spool: what is only in a ``Journal`` yet, a loss of power may take with any of these.
        public var sync = Sync.never

        public enum Sync: Hashable, Sendable {
            /// Before ``Spool/append(kind:items:_:_:)`` returns.
            case always
            /// Whenever ``Spool/sync()`` is called.
            case onRequest
            case never
        }

        public init(folder: String) { self.folder = folder }
    }

    /// Where a record is.
    public struct Position: Hashable, Sendable {
        var segment: UInt64
        var index: Int
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
        /// How long the oldest waiting record is there, in seconds; counted from when its file was last written, if it was put in
        /// before the start. 0 when nothing waits.
        public var oldestAge = 0
        /// Items that went with a segment for which there was no room.
        public var droppedItems = 0
        /// Items of records that were damaged on disk, as far as their headers can be read.
        public var damagedItems = 0
        /// Bytes that were damaged on disk.
        public var damagedBytes = 0
        /// Bytes that an unfinished append left at the end of a file. They are no loss: it had not returned.
        public var tornBytes = 0
        /// Items that were found at the start, damaged ones included.
        public var recoveredItems = 0
        /// Why what was written could not be made to survive a loss of power; nil when it could.
        public var syncProblem: String?
    }

    struct State {
        /// The oldest first; the last one is written to.
        var segments: [Segment] = []
        var nextNumber: UInt64 = 1
        /// Where the next record of these kinds is looked for; nil stands for all.
        var cursors: [Set<UInt8>?: Position] = [:]
        /// Items of records that were taken from segments that had to go since.
        var orphans: [Position: Int] = [:]
        var counts = Counts()
        /// Whether a file was made that the folder on disk may not have.
        var isFolderDirty = false
    }

    private let settings: Settings
    private let state: Mutex<State>
    private let lock: FileLock

    /// Opens the folder, which is made if it is not there, and finds what waits in it.
    ///
    /// - Throws: ``SpoolError``: the folder cannot be used, is in use, or holds files that are not ours.
    public init(_ settings: Settings) throws(SpoolError) {
        var settings = settings
        settings.segmentBytes = min(settings.segmentBytes, settings.maximumBytes / 2)
        self.settings = settings
        lock = try Self.lock(settings.folder)
        state = Mutex(try Self.recover(settings.folder))
    }

    public var counts: Counts {
        state.withLock { state in
            var counts = state.counts
            counts.segments = state.segments.count
            let oldest = state.segments.first { $0.waitingRecords > 0 }?.entries.first { $0.isWaiting }
            counts.oldestAge = oldest.map { max(0, time(nil) - Int($0.since)) } ?? 0
            return counts
        }
    }

    /// The kinds of the records that are not settled.
    public var waitingKinds: Set<UInt8> {
        state.withLock { state in
            state.segments.reduce(into: []) { kinds, segment in
                for entry in segment.entries where entry.isWaiting { kinds.insert(entry.kind) }
            }
        }
    }

    /// Puts a record at the end.
    ///
    /// - Parameters:
    ///   - items: how many things the payload holds, for the account of what is lost.
    ///   - rest: of the payload, where it is in two parts; they come back as one.
    /// - Throws: ``SpoolError``; nothing was put in then.
    public func append(kind: UInt8, items: Int, _ payload: [UInt8], _ rest: [UInt8] = []) throws(SpoolError) {
        let count = payload.count + rest.count
        let size = SpoolRecord.segmentHeader.count + SpoolRecord.headerSize + count
        guard count <= SpoolRecord.maximumPayload, size <= settings.maximumBytes else {
            throw SpoolError(message: "a record of \(count) bytes is too large for the spool \(settings.folder)")
        }
        let record = SpoolRecord.encode(kind: kind, items: items, payload: payload, rest)
        let result = state.withLock { state -> Result<Void, SpoolError> in
            do throws(SpoolError) {
                let segment = try segment(for: record.count, in: &state)
                try segment.append(record, kind: kind, items: UInt32(clamping: items), syncs: settings.sync == .always)
                state.counts.bytes += record.count
                state.counts.waitingItems += Int(UInt32(clamping: items))
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// The segment to write to, once there is room in it and in the folder.
    private func segment(for bytes: Int, in state: inout State) throws(SpoolError) -> Segment {
        var last = state.segments.last
        if last.map({ $0.size + bytes > settings.segmentBytes }) ?? true {
            let segment = try Segment.create(state.nextNumber, in: settings.folder)
            state.nextNumber += 1
            state.counts.bytes += segment.size
            state.segments.append(segment)
            state.isFolderDirty = true
            // A segment that was settled while it was still written to has waited for this.
            if let last, last.waitingRecords == 0 { Self.remove(last, from: &state) }
            last = segment
        }
        if settings.sync == .always, state.isFolderDirty {
            try Self.syncFolder(settings.folder)
            state.isFolderDirty = false
        }
        while state.counts.bytes + bytes > settings.maximumBytes, state.segments.count > 1 {
            Self.drop(state.segments[0], from: &state)
        }
        guard let last else { throw SpoolError(message: "the spool \(settings.folder) has no segment") }
        return last
    }

    private static func drop(_ segment: Segment, from state: inout State) {
        for (index, entry) in segment.entries.enumerated() {
            switch entry.state {
            case .waits:
                state.counts.droppedItems += Int(entry.items)
                state.counts.waitingItems -= Int(entry.items)
            // Who has it may yet deliver it.
            case .taken: state.orphans[Position(segment: segment.number, index: index)] = Int(entry.items)
            case .done, .lost: break
            }
        }
        remove(segment, from: &state)
    }

    private static func remove(_ segment: Segment, from state: inout State) {
        segment.remove()
        state.counts.bytes -= segment.size
        state.segments.removeAll { $0 === segment }
    }

    /// Takes the oldest record that is not taken.
    ///
    /// - Parameter kinds: those that are wanted; nil for all. Each such set is looked for with a position of its own, so that
    ///   records of one kind do not wait behind those of another.
    public func next(of kinds: Set<UInt8>? = nil) -> Record? {
        state.withLock { state in
            var cursor = state.cursors[kinds] ?? Position(segment: 0, index: 0)
            defer { state.cursors[kinds] = cursor }
            while let i = state.segments.firstIndex(where: { $0.number >= cursor.segment }) {
                let segment = state.segments[i]
                if segment.number != cursor.segment { cursor = Position(segment: segment.number, index: 0) }
                while cursor.index < segment.entries.count {
                    let position = cursor
                    let entry = segment.entries[position.index]
                    cursor.index += 1
                    guard entry.state == .waits, kinds?.contains(entry.kind) ?? true else { continue }
                    guard let payload = segment.payload(at: position.index) else {
                        Self.lose(position.index, of: segment, in: &state)
                        continue
                    }
                    segment.set(.taken, at: position.index)
                    return Record(position: position, kind: entry.kind, items: Int(entry.items), payload: payload)
                }
                guard i + 1 < state.segments.count else { return nil }
                cursor = Position(segment: state.segments[i + 1].number, index: 0)
                // All that waited in it may have been lost just now.
                if segment.waitingRecords == 0 { Self.remove(segment, from: &state) }
            }
            return nil
        }
    }

    /// The disk changed what was whole.
    private static func lose(_ index: Int, of segment: Segment, in state: inout State) {
        let entry = segment.entries[index]
        segment.set(.lost, at: index)
        state.counts.waitingItems -= Int(entry.items)
        state.counts.damagedItems += Int(entry.items)
        state.counts.damagedBytes += SpoolRecord.headerSize + Int(entry.payloadSize)
    }

    /// The record needs not be kept any longer.
    public func settle(_ position: Position) {
        state.withLock { state in
            // The segment may be gone, for want of room.
            if let items = state.orphans.removeValue(forKey: position) {
                state.counts.waitingItems -= items
                return
            }
            guard let segment = state.segments.first(where: { $0.number == position.segment }),
                segment.entries[position.index].isWaiting
            else { return }
            state.counts.waitingItems -= Int(segment.entries[position.index].items)
            segment.set(.done, at: position.index)
            if segment.waitingRecords == 0, segment !== state.segments.last { Self.remove(segment, from: &state) }
        }
    }

    /// The record is to be taken once more, by this process or the next. If its segment had to go since, it is lost now.
    ///
    /// - Parameter remaining: how many of its items that is about, for the account; nil for all.
    public func release(_ position: Position, remaining: Int? = nil) {
        state.withLock { state in
            if let items = state.orphans.removeValue(forKey: position) {
                state.counts.waitingItems -= items
                state.counts.droppedItems += min(items, remaining ?? items)
                return
            }
            guard let segment = state.segments.first(where: { $0.number == position.segment }),
                segment.entries[position.index].state == .taken
            else { return }
            segment.set(.waits, at: position.index)
            for (kinds, cursor) in state.cursors
            where (position.segment, position.index) < (cursor.segment, cursor.index) { state.cursors[kinds] = position }
        }
    }

    /// Makes what was written survive a loss of power, if the settings ask for it. Others need not wait meanwhile.
    public func sync() {
        guard settings.sync == .onRequest else { return }
        let (files, withFolder) = state.withLock { state in
            let dirty = state.segments.filter(\.isDirty)
            for segment in dirty { segment.isDirty = false }
            defer { state.isFolderDirty = false }
            return (dirty.map { $0.duplicate() }, state.isFolderDirty)
        }
        var problem: SpoolError?
        for file in files {
            if file < 0 || fdatasync(file) != 0 { problem = SpoolError.system("cannot write the spool \(settings.folder) through to the disk") }
            if file >= 0 { close(file) }
        }
        if withFolder {
            do throws(SpoolError) { try Self.syncFolder(settings.folder) } catch { problem = error }
        }
        state.withLock { state in
            state.counts.syncProblem = problem?.message
            guard problem != nil else { return }
            // Which of them it was does not matter: all are tried again.
            for segment in state.segments { segment.isDirty = true }
            state.isFolderDirty = true
        }
    }
}
