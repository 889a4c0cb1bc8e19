internal import JSONText
internal import TraceReading

/// Reads the lines of a ``StateFile``.
struct StateReader: ~Copyable {
    let path: String
    private(set) var header: StateFile.Header?
    private(set) var files: [String: StateFile.FileState] = [:]
    /// Which path each number means now.
    private var numbers: [Int: String] = [:]
    /// Numbers of files that lost their names: an acknowledgement may come in after that, and means nothing any more.
    private var retired: Set<Int> = []
    private var tape = JSONTape(maximumDepth: 8)

    init(path: String) { self.path = path }

    mutating func read(_ line: ArraySlice<UInt8>, number: Int) throws(BackfillError) {
        let isGood = line.withUnsafeBytes { text in
            do throws(JSONError) { try tape.parse(text) } catch { return false }
            return number == 1 ? readHeader(text) : readLine(text)
        }
        guard isGood else { throw damage(line: number) }
    }

    /// How every state file begins.
    static let headerStart = Array(#"{"outrigger_backfill_state":1,"#.utf8)

    func damage(line number: Int) -> BackfillError {
        .configuration(
            "\(path):\(number): this is no state of an outrigger backfill; name another file with --state, or remove it")
    }

    func mismatch(with wanted: StateFile.Header) -> BackfillError {
        guard let header else { return .configuration("\(path): no state of an outrigger backfill") }
        var differences: [String] = []
        if header.target != wanted.target { differences.append("it was sent to \(header.target), not \(wanted.target)") }
        if header.dataset != wanted.dataset {
            differences.append("its dataset is \(header.dataset), not \(wanted.dataset)")
        }
        if header.role != wanted.role { differences.append("its role is \(header.role), not \(wanted.role)") }
        if header.rehash != wanted.rehash { differences.append("it was \(header.rehash ? "" : "not ")made with --rehash") }
        return .configuration(
            "the state file \(path) belongs to another backfill: \(differences.joined(separator: "; ")). "
                + "Use a state file for each")
    }

    private mutating func readHeader(_ text: UnsafeRawBufferPointer) -> Bool {
        guard integer("outrigger_backfill_state", text) == 1, let target = string("target", text),
            let dataset = string("dataset", text), let role = string("role", text),
            let rehash = tape.value(of: "rehash", in: 0, of: text)
        else { return false }
        header = .init(target: target, dataset: dataset, role: role, rehash: tape[rehash].kind == .true)
        return true
    }

    private mutating func readLine(_ text: UnsafeRawBufferPointer) -> Bool {
        if let acks = tape.value(of: "ack", in: 0, of: text) { return readAcknowledgement(acks, text) }
        if let path = string("replaced", text) {
            files[path] = nil
            for (number, known) in numbers where known == path {
                numbers[number] = nil
                retired.insert(number)
            }
            return true
        }
        guard let number = integer("file", text), let path = string("path", text) else { return false }
        numbers[number] = path
        retired.remove(number)
        var file = files[path] ?? .init(path: path)
        if let time = string("start_time", text).flatMap({ UInt64($0) }) { file.startTime = time }
        if let device = string("device", text).flatMap({ UInt64($0) }),
            let inode = string("inode", text).flatMap({ UInt64($0) })
        {
            file.identity = .init(device: device, inode: inode)
        }
        files[path] = file
        return true
    }

    private mutating func readAcknowledgement(_ acks: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        guard tape[acks].kind == .array else { return false }
        var index = acks + 1
        while index < tape[acks].next {
            var values: [Int] = []
            var item = index + 1
            while item < tape[index].next {
                guard let value = Int(String(decoding: text[tape[item].range], as: UTF8.self)) else { return false }
                values.append(value)
                item = tape[item].next
            }
            guard values.count == 6, values.allSatisfy({ $0 >= 0 }) else { return false }
            if let path = numbers[values[0]] {
                files[path]?.delivered.append(
                    SpanStretch(
                        file: values[0], firstIndex: values[1], firstSpan: values[2], lastIndex: values[3],
                        endSpan: values[4], checksum: UInt64(values[5])))
            } else if !retired.contains(values[0]) {
                return false
            }
            index = tape[index].next
        }
        return true
    }

    private func integer(_ key: String, _ text: UnsafeRawBufferPointer) -> Int? {
        tape.value(of: key, in: 0, of: text).flatMap { Int(String(decoding: text[tape[$0].range], as: UTF8.self)) }
    }

    private func string(_ key: String, _ text: UnsafeRawBufferPointer) -> String? {
        guard let index = tape.value(of: key, in: 0, of: text), tape[index].kind == .string else { return nil }
        var bytes: [UInt8] = []
        JSONString.decode(.init(rebasing: text[tape[index].range]), into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
