/// Makes addresses of runs in the system that shows traces, from a pattern such as
/// `https://jaeger.example.com/trace/{trace_id}?uiFind={span_id}`.
public struct TraceLink: Hashable, Sendable {
    private enum Part: Hashable, Sendable {
        case text(String)
        case traceID, spanID
    }

    private var parts: [Part] = []

    /// - Returns: nil when the pattern is no `http` or `https` address, or does not say where the trace id goes.
    public init?(pattern: String) {
        guard pattern.hasPrefix("http://") || pattern.hasPrefix("https://") else { return nil }
        // What could end an attribute or a line in a report does not belong in an address.
        guard pattern.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`|".utf8.contains($0) }) else { return nil }
        var rest = pattern[...]
        var text = ""
        while let character = rest.first {
            if rest.hasPrefix("{trace_id}") || rest.hasPrefix("{span_id}") {
                let isTrace = rest.hasPrefix("{trace_id}")
                parts.append(.text(text))
                text = ""
                parts.append(isTrace ? .traceID : .spanID)
                rest = rest.dropFirst(isTrace ? 10 : 9)
            } else if character == "{" || character == "}" {
                return nil
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        parts.append(.text(text))
        guard parts.contains(.traceID) else { return nil }
    }

    /// - Returns: nil when an id is not hexadecimal, as those that were exported are.
    public func url(traceID: String, spanID: String?) -> String? {
        var bytes: [UInt8] = []
        return append(traceID: traceID, spanID: spanID, to: &bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// - Returns: whether there is an address, which stands at the end of the output then.
    func append(traceID: String, spanID: String?, to output: inout [UInt8]) -> Bool {
        guard Self.isHex(traceID), Self.isHex(spanID ?? "") else { return false }
        for part in parts {
            switch part {
            case .text(let text): output.append(contentsOf: text.utf8)
            case .traceID: output.append(contentsOf: traceID.utf8)
            case .spanID: output.append(contentsOf: (spanID ?? "").utf8)
            }
        }
        return true
    }

    private static func isHex(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) }
    }
}
