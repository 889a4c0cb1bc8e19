public import RunSpans

/// A span writer that makes batches of encoded spans.
///
/// It may keep memory from span to span, which a plain copy of it shares: such copies belong to one thread, and write one
/// span after the other. Another thread has a ``copy()``.
public protocol SpanEncoder: SpanWriter, SendableMetatype {
    /// What was encoded and not yet taken.
    var batch: SpanBatch { get set }
    /// How its batches become messages that stand for themselves.
    var form: MessageForm { get }
    /// The same encoder, with an empty batch, for another thread.
    func copy() -> Self
}

/// Who speaks: the resource and the scope of all spans.
public struct Origin: Sendable {
    /// Resource attributes, in order, without repeated keys.
    public var resource: [(key: String, value: String)]
    public var scopeName: String
    public var scopeVersion: String

    public init(resource: [(key: String, value: String)], scopeName: String, scopeVersion: String) {
        self.resource = resource
        self.scopeName = scopeName
        self.scopeVersion = scopeVersion
    }
}

/// Wraps encoded spans into a message that stands for itself, such as an export request. Shared by all threads.
public struct MessageForm: Sendable {
    private let wrapSpans: @Sendable (ArraySlice<UInt8>, inout [UInt8]) -> Void
    /// The message's media type over HTTP; nil where it is not meant for it.
    public let contentType: String?

    /// - Parameter wrapSpans: appends the message with these spans to its second argument.
    public init(contentType: String?, _ wrapSpans: @escaping @Sendable (ArraySlice<UInt8>, inout [UInt8]) -> Void) {
        self.contentType = contentType
        self.wrapSpans = wrapSpans
    }

    /// Appends the message with these spans.
    public func wrap(_ spans: ArraySlice<UInt8>, into output: inout [UInt8]) { wrapSpans(spans, &output) }
}
