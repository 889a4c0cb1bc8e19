internal import AgentRuns
public import Delivery
internal import JSONText

/// A system that shows traces, and how to ask it for one.
public struct TraceBackEnd: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case jaeger, tempo, phoenix
    }

    public var kind: Kind
    /// Without a slash at its end.
    public var baseURL: String
    /// Phoenix keeps spans by project.
    public var project: String

    /// Reads `jaeger=URL`, `tempo=URL` or `phoenix=URL`.
    ///
    /// - Returns: nil for anything else.
    public init?(_ text: String, project: String) {
        let halves = text.split(separator: "=", maxSplits: 1)
        guard halves.count == 2, let kind = Kind(rawValue: String(halves[0])),
            halves[1].hasPrefix("http://") || halves[1].hasPrefix("https://")
        else { return nil }
        self.kind = kind
        self.project = project
        var url = String(halves[1])
        while url.hasSuffix("/") { url.removeLast() }
        baseURL = url
    }

    /// What it is called, and where it is asked: not at the port that takes spans, but for Phoenix.
    public var peer: HTTPPeer {
        switch kind {
        case .jaeger: HTTPPeer(name: "Jaeger", port: "its query API's port (usually 16686)")
        case .tempo: HTTPPeer(name: "Tempo", port: "its HTTP API's port (usually 3200)")
        case .phoenix: HTTPPeer(name: "Phoenix", port: "its port (usually 6006)")
        }
    }

    /// Whether the URL is one of the same scheme, host and port.
    public func isSameServer(as url: String) -> Bool {
        // Without empty parts, scheme and authority are the first two.
        baseURL.split(separator: "/").prefix(2) == url.split(separator: "/").prefix(2)
    }

    /// Traces that can be asked for at once.
    var tracesPerRequest: Int { kind == .phoenix ? 20 : 1 }

    func url(for traces: [TraceID], cursor: String?) -> String {
        switch kind {
        case .jaeger: "\(baseURL)/api/traces/\(traces.first?.hex ?? "")"
        case .tempo: "\(baseURL)/api/traces/\(traces.first?.hex ?? "")"
        case .phoenix:
            "\(baseURL)/v1/projects/\(percentEncoded(project))/spans?limit=1000"
                + traces.map { "&trace_id=\($0.hex)" }.joined() + (cursor.map { "&cursor=\(percentEncoded($0))" } ?? "")
        }
    }

    /// Takes the span ids out of an answer.
    ///
    /// - Returns: the ids by trace, and where the answer goes on; nil when it is not what this system answers.
    func spanIDs(in answer: [UInt8], asked: TraceID) -> (ids: [TraceID: Set<SpanID>], cursor: String?)? {
        answer.withUnsafeBytes { text in
            var tape = JSONTape(maximumDepth: 256)
            do throws(JSONError) { try tape.parse(text) } catch { return nil }
            var found: [TraceID: Set<SpanID>] = [:]
            switch kind {
            case .jaeger:
                guard let data = tape.value(of: "data", in: 0, of: text) else { return nil }
                collect(tape, data, text, key: "spanID") { found[asked, default: []].insert($0) }
            case .tempo:
                collect(tape, 0, text, key: "spanId") { found[asked, default: []].insert($0) }
            case .phoenix:
                guard let data = tape.value(of: "data", in: 0, of: text), tape[data].kind == .array else { return nil }
                var span = data + 1
                while span < tape[data].next {
                    if let context = tape.value(of: "context", in: span, of: text),
                        let trace = tape.value(of: "trace_id", in: context, of: text),
                        let id = tape.value(of: "span_id", in: context, of: text),
                        let traceID = TraceID(hex: text[tape[trace].range]), let spanID = spanID(text[tape[id].range])
                    {
                        found[traceID, default: []].insert(spanID)
                    }
                    span = tape[span].next
                }
            }
            let cursor = tape.value(of: "next_cursor", in: 0, of: text).flatMap {
                tape[$0].kind == .string ? String(decoding: text[tape[$0].range], as: UTF8.self) : nil
            }
            return (found, cursor)
        }
    }

    /// Every value of `key` in the value at `index` and all in it, but for references to other spans, which have the same
    /// key. The tape's depth bounds the recursion.
    private func collect(
        _ tape: borrowing JSONTape, _ index: Int, _ text: UnsafeRawBufferPointer, key: String, _ body: (SpanID) -> Void
    ) {
        let container = tape[index]
        var i = index + 1
        while i < container.next {
            var value = i
            if container.kind == .object {
                value = i + 1
                let name = text[tape[i].range]
                if name.elementsEqual("references".utf8) || name.elementsEqual("links".utf8) {
                    i = tape[value].next
                    continue
                }
                if name.elementsEqual(key.utf8), tape[value].kind == .string, let id = spanID(text[tape[value].range]) { body(id) }
            }
            switch tape[value].kind {
            case .object, .array: collect(tape, value, text, key: key, body)
            default: break
            }
            i = tape[value].next
        }
    }

    /// Hex, or base64 as Tempo writes it.
    private func spanID(_ text: Slice<UnsafeRawBufferPointer>) -> SpanID? {
        var value: UInt64 = 0
        if text.count == 16, text.allSatisfy({ hexValue($0) != nil }) {
            for byte in text { value = value << 4 | UInt64(hexValue(byte) ?? 0) }
            return SpanID(value)
        }
        // Eight bytes are eleven digits and one sign of padding; JSON may have escaped a slash.
        let digits = text.filter { $0 != UInt8(ascii: "\\") }
        guard digits.count == 12, digits.last == UInt8(ascii: "=") else { return nil }
        for (i, digit) in digits.dropLast().enumerated() {
            guard let bits = base64Value(digit) else { return nil }
            // The last digit has four bits of the id, and two that are zero.
            value = i < 10 ? value << 6 | bits : value << 4 | bits >> 2
        }
        return SpanID(value)
    }
}

private func base64Value(_ digit: UInt8) -> UInt64? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
}

private func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let character = Character(Unicode.Scalar(byte))
        if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
            result.append(character)
        } else {
            result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
    return result
}
