internal import FileLocks
internal import Glibc

extension Spool {
    /// Makes the folder, and makes sure that no other process uses it.
    static func lock(_ folder: String) throws(SpoolError) -> FileLock {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw SpoolError.system("cannot make the folder \(folder)") }
        do throws(FileLock.Failure) { return try FileLock("\(folder)/lock") } catch {
            if case .unopenable(let reason) = error {
                throw SpoolError(message: "cannot use the folder \(folder): \(String(cString: strerror(reason)))", code: reason)
            }
            throw SpoolError(message: "the spool \(folder) is in use by another process; give each one of its own")
        }
    }

    static func recover(_ folder: String) throws(SpoolError) -> sending State {
        var state = State()
        var findings = RecoveryFindings()
        for number in try segmentNumbers(folder) {
            guard number < .max else { throw SpoolError(message: "\(folder)/\(Segment.name(number)) has the last name there is; move it away") }
            state.nextNumber = number + 1
            guard let segment = try Segment.recover(number, in: folder, &findings) else { continue }
            state.counts.waitingItems += segment.waitingItems
            state.counts.bytes += segment.size
            state.segments.append(segment)
        }
        state.counts.recoveredItems = state.counts.waitingItems + findings.damagedItems
        state.counts.damagedItems = findings.damagedItems
        state.counts.damagedBytes = findings.damagedBytes
        state.counts.tornBytes = findings.tornBytes
        return state
    }

    private static func segmentNumbers(_ folder: String) throws(SpoolError) -> [UInt64] {
        guard let directory = opendir(folder) else { throw SpoolError.system("cannot read the folder \(folder)") }
        defer { closedir(directory) }
        var numbers: [UInt64] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".spool"), let number = UInt64(name.dropLast(6)), Segment.name(number) == name else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// Makes the names of new files survive a loss of power.
    static func syncFolder(_ folder: String) throws(SpoolError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError.system("cannot open the folder \(folder)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SpoolError.system("cannot write the folder \(folder) through to the disk") }
    }
}
