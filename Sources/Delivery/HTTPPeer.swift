/// Who is at the other end, in the words in which a failure is told.
public struct HTTPPeer: Hashable, Sendable {
    /// Such as `the collector`.
    public var name: String
    /// The port that it is to be asked at, such as `its OTLP/HTTP port (usually 4318)`.
    public var port: String

    public init(name: String, port: String) {
        self.name = name
        self.port = port
    }

    /// What takes spans.
    static let collector = HTTPPeer(name: "the collector", port: "its OTLP/HTTP port (usually 4318)")

    /// What to ask oneself where nobody answers, or somebody else.
    public var question: String { "is \(name) running, and is this \(port)?" }
}
