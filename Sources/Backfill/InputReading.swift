internal import Threads
internal import TraceReading

/// Reads the inputs, one after the other, and hands their lines to the workers.
struct InputReading: ~Copyable {
    private let plan: BackfillPlan
    private let queue: BoundedQueue<ReadBlock>
    private let stop: StopFlag
    private let rejects: RejectLog
    private let onNotice: @Sendable (String) -> Void
    private let isClosed: @Sendable () -> Bool
    private let progress: Monitor<ReadProgress>

    private var sequence = 0
    private var slots = 0
    /// Inputs that could not be read to their ends.
    private(set) var problems: [String] = []
    /// Whether the last input was read to its end.
    private(set) var isAtEnd = false

    init(
        _ plan: BackfillPlan, queue: BoundedQueue<ReadBlock>, stop: StopFlag, rejects: RejectLog,
        progress: Monitor<ReadProgress>, isClosed: @escaping @Sendable () -> Bool,
        onNotice: @escaping @Sendable (String) -> Void
    ) {
        self.plan = plan
        self.queue = queue
        self.stop = stop
        self.rejects = rejects
        self.progress = progress
        self.isClosed = isClosed
        self.onNotice = onNotice
    }

    mutating func readAll() {
        for path in plan.inputs {
            isAtEnd = false
            do throws(InputError) {
                if plan.follows { try follow(path) } else { try read(path) }
            } catch {
                problems.append(error.description)
                onNotice(error.description)
            }
            if isOver { return }
        }
    }

    private var isOver: Bool { stop.isSet || isClosed() }

    // MARK: a file as it is

    private mutating func read(_ path: String) throws(InputError) {
        let file = try InputFile(path: path)
        let status = try file.status()
        var slot = newSlot(path, status.identity)
        slot.isRegular = status.isRegular
        var reader = makeReader(file)
        do throws(InputError) {
            while !isOver {
                guard status.isRegular || file.waitForInput(milliseconds: 200) else { continue }
                var block = LineBlock()
                let found = try reader.next(into: &block)
                push(block, slot, reader)
                guard case .atEnd = found else { continue }
                finishPartialLine(&reader, slot)
                isAtEnd = true
                break
            }
        } catch {
            // A damaged end does not make the lines before it worse.
            finishPartialLine(&reader, slot)
            throw error
        }
        progress.withLock { $0.finish(fileSize: status.size) }
        if isAtEnd, status.isRegular, try file.status().size < file.bytesRead || file.bytesRead < status.size {
            throw InputError(
                path: path, problem: "the file became shorter while it was read",
                remedy: "what was read before was used; backfill it again with --state to complete it")
        }
    }

    private mutating func finishPartialLine(_ reader: inout LineReader, _ slot: InputSlot) {
        var block = LineBlock()
        if reader.finish(into: &block) { push(block, slot, reader) }
    }

    // MARK: a file that grows

    private static let pollInterval = Duration.milliseconds(200)

    /// Reads on as lines are appended, until asked to stop. A file that loses its name is read until it has been quiet
    /// for a while, since its writer may not have noticed yet; then comes whatever took the name. A file that became
    /// shorter is read from its start.
    private mutating func follow(_ path: String) throws(InputError) {
        var file = try InputFile(path: path)
        var isReplacement = false
        while true {
            let next = try follow(file, isReplacement: isReplacement)
            guard let next else { return }
            file = next
            isReplacement = true
        }
    }

    /// - Returns: the file that took the name, or nil when asked to stop.
    private mutating func follow(_ file: InputFile, isReplacement: Bool) throws(InputError) -> InputFile? {
        let status = try file.status()
        guard status.isRegular else { throw InputError(path: file.path, problem: "only a regular file can be followed") }
        var slot = newSlot(file.path, status.identity)
        slot.isReplacement = isReplacement
        var reader = makeReader(file)
        var quietPolls = 0
        while !isOver {
            var block = LineBlock()
            let found = try reader.next(into: &block)
            push(block, slot, reader)
            if reader.isCompressed {
                throw InputError(path: file.path, problem: "a compressed file cannot be followed")
            }
            guard case .atEnd = found else {
                quietPolls = 0
                continue
            }
            if try file.status().size < file.bytesRead {
                onNotice("\(file.path) was truncated; reading it from its start")
                finishPartialLine(&reader, slot)
                try reader.restart()
                slot = newSlot(file.path, slot.identity)
                slot.isReplacement = true
                continue
            }
            if let other = InputFile.status(of: file.path), other.identity != slot.identity, slot.identity != nil {
                quietPolls += 1
                if quietPolls > 3 {
                    finishPartialLine(&reader, slot)
                    onNotice("\(file.path) was replaced; going on with the new file")
                    return try InputFile(path: file.path)
                }
            }
            stop.sleep(Self.pollInterval)
        }
        return nil
    }

    // MARK: blocks

    private mutating func newSlot(_ path: String, _ identity: InputFile.Identity?) -> InputSlot {
        defer { slots += 1 }
        return InputSlot(number: slots, path: path, identity: identity)
    }

    private func makeReader(_ file: InputFile) -> LineReader {
        LineReader(
            file, blockSize: plan.blockSize, maximumLine: plan.maximumLine, oversizeSink: { [rejects] in rejects.copyPiece($0) })
    }

    private mutating func push(_ block: LineBlock, _ slot: InputSlot, _ reader: borrowing LineReader) {
        let read = reader.file.bytesRead
        let text = reader.bytesRead
        progress.withLock { $0.update(fileBytes: read, textBytes: text) }
        guard block.lineCount > 0 else { return }
        queue.push(ReadBlock(sequence: sequence, input: slot, lines: block))
        sequence += 1
    }
}

/// How far the reader is.
struct ReadProgress: Sendable {
    private var finishedFileBytes = 0
    private var finishedTextBytes = 0
    private var fileBytes = 0
    private var textBytes = 0

    /// Bytes of the files as they are on disk.
    var totalFileBytes: Int { finishedFileBytes + fileBytes }
    /// Bytes of text, after decompression.
    var totalTextBytes: Int { finishedTextBytes + textBytes }

    mutating func update(fileBytes: Int, textBytes: Int) {
        self.fileBytes = fileBytes
        self.textBytes = textBytes
    }

    mutating func finish(fileSize: Int) {
        finishedFileBytes += max(fileSize, fileBytes)
        finishedTextBytes += textBytes
        fileBytes = 0
        textBytes = 0
    }
}
