import ArgumentParser
import Glibc
import TraceReading

/// A length of time on the command line: `500ms`, `10s`, `5m`, `1h`, `3d`; a bare number is milliseconds, as in `OTEL_*`.
struct DurationArgument: ExpressibleByArgument {
    var duration: Duration

    /// Times from here on are refused.
    static let maximumHours = 277_777

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("", 1)]
        for (suffix, milliseconds) in units where argument.hasSuffix(suffix) {
            guard let value = Double(argument.dropLast(suffix.count)), value >= 0,
                value * milliseconds < Double(Self.maximumHours) * 3_600_000
            else { continue }
            duration = .microseconds(Int64(value * milliseconds * 1000))
            return
        }
        return nil
    }

    var defaultValueDescription: String { Readable.duration(nanoseconds: nanoseconds) }

    /// Nanoseconds.
    var nanoseconds: UInt64 {
        UInt64(duration.components.seconds) * 1_000_000_000 + UInt64(duration.components.attoseconds / 1_000_000_000)
    }
}

/// A point in time on the command line: RFC 3339, or Unix seconds, milliseconds or (from 17 digits on) nanoseconds.
struct TimeArgument: ExpressibleByArgument {
    /// Unix nanoseconds.
    var nanoseconds: UInt64

    init?(argument: String) {
        if argument.count >= 17, let value = UInt64(argument), value <= Timestamp.maximum {
            nanoseconds = value
            return
        }
        let utf8 = Array(argument.utf8)
        guard let time = Timestamp.rfc3339(utf8) ?? Timestamp.unix(utf8) else { return nil }
        nanoseconds = time
    }
}

/// A point in time on the command line: as ``TimeArgument``, or how long ago (`90s`, `30m`, `2h`, `3d`).
struct PastTimeArgument: ExpressibleByArgument {
    /// Unix nanoseconds.
    var nanoseconds: UInt64

    init?(argument: String) {
        if let time = TimeArgument(argument: argument) {
            nanoseconds = time.nanoseconds
        } else if argument.last?.isLetter == true, let ago = DurationArgument(argument: argument) {
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let time = UInt64(max(0, now.tv_sec)) * 1_000_000_000 + UInt64(now.tv_nsec)
            nanoseconds = time - min(time, ago.nanoseconds)
        } else {
            return nil
        }
    }
}

/// A size on the command line: a number of bytes, or with `k`, `M`, `G` (powers of 1024).
struct SizeArgument: ExpressibleByArgument {
    var bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [Character: Int] = ["k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = argument.last.flatMap { units[$0] }
        guard let value = Int(unit == nil ? argument[...] : argument.dropLast()), value > 0, value < 1 << 31 else { return nil }
        bytes = value * (unit ?? 1)
    }

    var defaultValueDescription: String { "\(bytes >> 20)M" }
}

/// `name=value` on the command line.
struct PairArgument: ExpressibleByArgument {
    var key: String
    var value: String

    init?(argument: String) {
        let halves = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty else { return nil }
        key = String(halves[0])
        value = String(halves[1])
    }
}

/// The files that a pattern means, in order of their names; what has no `*`, `?` or `[`, or is a file's name as it
/// stands, means itself.
func expandPattern(_ pattern: String) -> [String] {
    guard pattern.contains(where: { "*?[".contains($0) }), access(pattern, F_OK) != 0 else { return [pattern] }
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { i in found.gl_pathv[i].map { String(cString: $0) } }
}
