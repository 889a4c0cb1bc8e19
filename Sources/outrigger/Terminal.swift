import Glibc

/// What the command says to people: standard error, and what standard output is.
enum Terminal {
    static var hasProgressLine: Bool { isatty(STDERR_FILENO) == 1 }
    static var hasColors: Bool { isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil }

    /// Width of the terminal on standard error, in columns.
    static var width: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// An error in words, which may be several lines, without anything that a terminal would obey.
    static func lines(_ error: some Error) -> String {
        String(describing: error).split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).escapedForTerminal }.joined(separator: "\n")
    }

    /// Writes all of the text; a terminal that went away is nobody to tell it to.
    static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

extension String {
    /// For a terminal or a log: control characters as `\u{..}`, so that no input can write escape sequences; `##[`, which is a
    /// command to GitHub's runner anywhere in a line, as `## [`.
    var escapedForTerminal: String {
        let isUnfit = unicodeScalars.contains { $0.properties.generalCategory == .control || $0.properties.generalCategory == .format }
        guard isUnfit || hasRunnerCommand else { return self }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format: result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                if scalar == "[", result.utf8.suffix(2).elementsEqual("##".utf8) { result += " " }
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private var hasRunnerCommand: Bool {
        var marks = 0
        return utf8.contains { byte in
            if byte == UInt8(ascii: "["), marks >= 2 { return true }
            marks = byte == UInt8(ascii: "#") ? marks + 1 : 0
            return false
        }
    }

    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func paddedLeft(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

/// Numbers as people read them.
enum Readable {
    /// `1234567` as `1,234,567`.
    static func count(_ value: Int) -> String {
        // The smallest number there is has no positive counterpart.
        let digits = String(value.magnitude)
        var result = ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return value < 0 ? "-" + result : result
    }

    /// `1 request`, `2 requests`.
    static func count(_ value: Int, _ noun: String) -> String { "\(count(value)) \(noun)\(value == 1 ? "" : "s")" }

    static func bytes(_ value: Int) -> String {
        var rest = Double(value)
        for unit in ["B", "kB", "MB", "GB"] {
            if rest < 1000 { return unit == "B" ? "\(value) B" : "\(oneDecimal(rest)) \(unit)" }
            rest /= 1000
        }
        return "\(oneDecimal(rest)) TB"
    }

    static func duration(nanoseconds: UInt64) -> String {
        switch nanoseconds {
        case ..<1_000: "\(nanoseconds) ns"
        case ..<1_000_000: "\(nanoseconds / 1000) µs"
        case ..<1_000_000_000: "\(nanoseconds / 1_000_000) ms"
        default: "\(nanoseconds / 1_000_000_000).\(String(nanoseconds / 1_000_000 % 1000).leadingZeros(3)) s"
        }
    }

    static func duration(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if seconds >= 3600 { return "\(seconds / 3600) h \(seconds / 60 % 60) min" }
        if seconds >= 60 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds).\(String(attoseconds / 10_000_000_000_000_000).leadingZeros(2)) s"
    }

    static func oneDecimal(_ value: Double) -> String { fixed(value, 1) }

    static func twoDecimals(_ value: Double) -> String { fixed(value, 2) }

    /// The value with this many digits after the point; `-` for what is no number.
    private static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "-" }
        let scale = digits == 1 ? 10.0 : 100.0
        guard abs(value) * scale < 1e15 else { return "\(value)" }
        let scaled = Int((value * scale).rounded())
        let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt(scale))
        return "\(scaled < 0 ? "-" : "")\(whole).\(String(rest).leadingZeros(digits))"
    }
}

extension String {
    fileprivate func leadingZeros(_ width: Int) -> String { String(repeating: "0", count: max(0, width - count)) + self }
}
