/// A piece of the text of one ``AgentRun``: where its UTF-8 bytes stand in the run's own storage.
///
/// A run owns the text of all its fields in one array, so that reading a million runs does not allocate ten million
/// strings. A `Text` means something only together with the run that made it.
public struct Text: Hashable, Sendable {
    /// Offset of the first byte in ``AgentRun/storage``.
    public let start: Int32
    /// Length in bytes.
    public let count: Int32

    @inlinable
    public init(start: Int32, count: Int32) {
        self.start = start
        self.count = count
    }

    /// The bytes' place in ``AgentRun/storage``.
    @inlinable
    public var range: Range<Int> { Int(start)..<Int(start) + Int(count) }

    @inlinable
    public var isEmpty: Bool { count == 0 }
}

/// Something that an agent was given or gave back: a plain string, or any other JSON.
public struct Content: Hashable, Sendable {
    public enum Form: Hashable, Sendable {
        /// The text is the string itself.
        case string
        /// The text is JSON as it was recorded: valid, but with its own white space and number forms.
        case json
    }

    public var form: Form
    public var text: Text

    @inlinable
    public init(form: Form, text: Text) {
        self.form = form
        self.text = text
    }
}
