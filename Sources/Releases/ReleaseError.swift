public import StrictYAML

/// A bundle that cannot be loaded: everything that is wrong with it, with file and line.
public struct ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    public let underlying: YAMLError
    public var problems: [YAMLProblem] { underlying.problems }

    init(_ underlying: YAMLError) { self.underlying = underlying }

    public var description: String { underlying.description }
}
