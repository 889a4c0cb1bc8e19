/// Where something stands in a file: both count from 1, the column in characters (Unicode scalars).
public struct YAMLPosition: Hashable, Comparable, Sendable {
    public var line: Int
    public var column: Int

    /// For what is wrong with a file that could not be read.
    static let unread = YAMLPosition(line: 0, column: 0)

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: YAMLPosition, right: YAMLPosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong in a file: where, in which field, what was found, and what to do about it.
public struct YAMLProblem: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var position: YAMLPosition
    /// The field, such as `checks[2].contains`; empty for the document as a whole.
    public var path: String
    public var problem: String
    public var remedy: String?

    public init(file: String, position: YAMLPosition, path: String = "", problem: String, remedy: String? = nil) {
        self.file = file
        self.position = position
        self.path = path
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String {
        "\(file)\(position == .unread ? "" : ":\(position.line):\(position.column)"): \(path.isEmpty ? "" : "\(path): ")\(problem)"
            + (remedy.map { " (\($0))" } ?? "")
    }
}

/// A file that cannot be used: all that was found wrong in it, in the order of the file, up to ``maximumShown`` problems.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    public static let maximumShown = 20

    public let problems: [YAMLProblem]
    /// How many more there were.
    public let omitted: Int

    public init(_ found: [YAMLProblem]) {
        // Stable: problems of one place stay in the order in which they were found.
        let sorted = found.enumerated().sorted {
            ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
        }
        problems = sorted.prefix(Self.maximumShown).map(\.element)
        omitted = sorted.count - problems.count
    }

    public var description: String {
        let lines = problems.map(\.description) + (omitted > 0 ? ["… and \(omitted) more"] : [])
        return lines.joined(separator: "\n")
    }
}

/// Collects what is wrong while a document is read, so that the user sees it all at once.
final class YAMLProblems {
    let file: String
    private(set) var found: [YAMLProblem] = []

    init(file: String) { self.file = file }

    func report(_ position: YAMLPosition, _ path: String, _ problem: String, remedy: String?) {
        found.append(YAMLProblem(file: file, position: position, path: path, problem: problem, remedy: remedy))
    }
}

/// Text from a file as a message may repeat it: on one line, without control characters, not too long.
func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(60) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return "\"\(shown)\(text.unicodeScalars.count > 60 ? "…" : "")\""
}
