/// Spans around a run, such as that of the HTTP request that caused it: ``begin(_:)``, attributes, ``end(failure:)``, with
/// nothing else written in between.
extension RunSpanMapper {
    public mutating func begin(_ head: SpanHead) { output.begin(head) }

    /// - Parameter failure: why the span's status is ERROR; nil where it is not.
    public mutating func end(failure: RunPlacement.Failure?) {
        if let failure { output.fail(failure) }
        output.end()
    }

    public mutating func attribute(_ key: AttributeKey, _ text: String) { output.attribute(key, text) }
    public mutating func attribute(_ key: AttributeKey, _ text: Substring) { output.attribute(key, text) }
    public mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) { output.attribute(key, text: text) }
    public mutating func attribute(_ key: AttributeKey, integer: Int64) { output.attribute(key, integer: integer) }
    public mutating func attribute(_ key: AttributeKey, double: Double) { output.attribute(key, double: double) }
    public mutating func attribute(_ key: AttributeKey, bool: Bool) { output.attribute(key, bool: bool) }
}
