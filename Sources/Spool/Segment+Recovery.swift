internal import Glibc

/// What the files of an earlier process had in them that is no record.
struct RecoveryFindings {
    /// Bytes at the end of a file that an append left unfinished: nobody was told that they were kept.
    var tornBytes = 0
    /// Bytes that were a record once.
    var damagedBytes = 0
    /// Items of damaged records whose headers can be read.
    var damagedItems = 0
}

extension Segment {
    /// Opens a file that was left, and finds its whole records: all that are before a damage, and all that are after it.
    ///
    /// - Returns: nil for a file in which nothing waits, which is removed.
    /// - Throws: ``SpoolError``: the file cannot be read, or is none of ours; it is left as it is.
    static func recover(_ number: UInt64, in folder: String, _ findings: inout RecoveryFindings) throws(SpoolError) -> Segment? {
        let path = "\(folder)/\(name(number))"
        // Not to be held up by what is no file at all.
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw SpoolError.system("cannot open \(path)") }
        var info = stat()
        let status = fstat(descriptor, &info)
        let segment = Segment(number: number, path: path, descriptor: descriptor, size: 0)
        guard status == 0 else { throw SpoolError.system("cannot read \(path)") }
        guard info.st_mode & S_IFMT == S_IFREG else { throw foreign(path) }
        guard let bytes = segment.bytes(at: 0, count: Int(info.st_size)) else { throw SpoolError.system("cannot read \(path)") }
        try check(bytes.prefix(SpoolRecord.segmentHeader.count), path)

        let end = bytes.withUnsafeBytes { segment.find(in: $0, since: UInt32(clamping: info.st_mtim.tv_sec), &findings) }
        guard segment.waitingRecords > 0 else {
            segment.remove()
            return nil
        }
        segment.end(at: end, cutting: end < bytes.count)
        return segment
    }

    /// A process can end, or the power fail, before the first bytes are there or are more than zeros.
    private static func check(_ start: ArraySlice<UInt8>, _ path: String) throws(SpoolError) {
        let expected = SpoolRecord.segmentHeader
        if expected.starts(with: start) || start.allSatisfy({ $0 == 0 }) { return }
        let name = expected.dropLast()
        if start.starts(with: name) {
            throw SpoolError(message: "\(path) is of another version of outrigger; move it away, or name another folder")
        }
        throw foreign(path)
    }

    private static func foreign(_ path: String) -> SpoolError {
        SpoolError(message: "\(path) is no segment of a spool; move it away, or name another folder")
    }

    /// - Returns: where the last whole record ends.
    private func find(in bytes: UnsafeRawBufferPointer, since: UInt32, _ findings: inout RecoveryFindings) -> Int {
        var offset = SpoolRecord.segmentHeader.count
        var end = min(offset, bytes.count)
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if let header = SpoolRecord.whole(rest) {
                add(
                    Entry(
                        offset: offset, payloadSize: UInt32(header.payloadSize), items: UInt32(clamping: header.items),
                        since: since, kind: header.kind, state: header.isDone ? .done : .waits))
                offset += header.size
                end = offset
                continue
            }
            let next = SpoolRecord.offsetOfNextWhole(in: bytes, from: offset + 1)
            note(rest, upTo: next.map { $0 - offset }, &findings)
            guard let next else { break }
            offset = next
        }
        return end
    }

    /// Takes account of what is no record: damage, if another record follows or all of its bytes are there.
    private func note(_ rest: UnsafeRawBufferPointer, upTo next: Int?, _ findings: inout RecoveryFindings) {
        let header = SpoolRecord.header(rest)
        guard next != nil || header.map({ $0.size == rest.count }) == true else {
            findings.tornBytes += rest.count
            return
        }
        findings.damagedBytes += next ?? rest.count
        // A length that leads to where the next record begins was not damaged; the items beside it are believed too, unless
        // they cannot be: each takes bytes. A record that was done is no loss.
        if let header, !header.isDone, header.size == next ?? rest.count { findings.damagedItems += min(header.items, header.payloadSize) }
    }
}
