/// Passes spans on to another writer within ``AttributeLimits``, and counts what that cost.
///
/// The mapping writes through it, so that no writer needs to know of limits.
struct LimitedSpanWriter<Writer: SpanWriter>: ~Copyable {
    var writer: Writer
    var losses = LimitLosses()
    private let limits: AttributeLimits
    private var written = 0
    private var dropped = 0

    init(_ writer: Writer, limits: AttributeLimits) {
        self.writer = writer
        self.limits = limits
    }

    /// Attributes that are the same on many spans, in the writer's form and as they are.
    ///
    /// A class, since nearly every span uses one: as a struct, each of its arrays would be retained anew every time.
    final class Shared {
        fileprivate let prepared: Writer.Prepared
        fileprivate let attributes: [Attribute]
        /// How many of them were cut, which each span that has them counts.
        fileprivate let truncated: Int

        fileprivate init(prepared: Writer.Prepared, attributes: [Attribute], truncated: Int) {
            self.prepared = prepared
            self.attributes = attributes
            self.truncated = truncated
        }
    }

    mutating func share(_ attributes: [Attribute]) -> Shared {
        var attributes = attributes
        var truncated = 0
        if let limit = limits.valueLength {
            for i in attributes.indices {
                guard case .text(let text) = attributes[i].value, text.unicodeScalars.count > limit else { continue }
                attributes[i].value = .text(String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))))
                truncated += 1
            }
        }
        return Shared(prepared: writer.prepare(attributes), attributes: attributes, truncated: truncated)
    }

    mutating func begin(_ head: SpanHead) {
        written = 0
        dropped = 0
        writer.begin(head)
    }

    mutating func write(_ shared: Shared) {
        if written + shared.attributes.count <= limits.count {
            written += shared.attributes.count
            losses.truncatedValues += shared.truncated
            writer.write(shared.prepared)
        } else {
            for attribute in shared.attributes { write(attribute) }
        }
    }

    mutating func write(_ attribute: Attribute) {
        switch attribute.value {
        case .text(let text): self.attribute(attribute.key, text)
        case .integer(let value): self.attribute(attribute.key, integer: value)
        case .double(let value): self.attribute(attribute.key, double: value)
        case .bool(let value): self.attribute(attribute.key, bool: value)
        }
    }

    mutating func attribute(_ key: AttributeKey, _ text: String) {
        let utf8 = text.utf8
        attribute(key, text: utf8.span)
    }

    mutating func attribute(_ key: AttributeKey, _ text: Substring) {
        let utf8 = text.utf8
        attribute(key, text: utf8.span)
    }

    mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) {
        guard admit() else { return }
        if let limit = limits.valueLength, text.count > limit, let end = text.end(ofScalars: limit) {
            losses.truncatedValues += 1
            writer.attribute(key, text: text.extracting(0..<end))
        } else {
            writer.attribute(key, text: text)
        }
    }

    mutating func attribute(_ key: AttributeKey, integer: Int64) {
        if admit() { writer.attribute(key, integer: integer) }
    }

    mutating func attribute(_ key: AttributeKey, double: Double) {
        if admit() { writer.attribute(key, double: double) }
    }

    mutating func attribute(_ key: AttributeKey, bool: Bool) {
        if admit() { writer.attribute(key, bool: bool) }
    }

    mutating func fail(message: Span<UInt8>) { writer.fail(message: message) }

    mutating func fail(_ failure: RunPlacement.Failure) {
        attribute(.errorType, failure.type)
        let message = failure.message.utf8
        fail(message: message.span)
    }

    mutating func link(_ link: SpanLink) { writer.link(link) }

    mutating func end() {
        losses.droppedAttributes += dropped
        writer.end(droppedAttributes: dropped)
    }

    private mutating func admit() -> Bool {
        guard written < limits.count else {
            dropped += 1
            return false
        }
        written += 1
        return true
    }
}

extension Span<UInt8> {
    /// Where the first `limit` Unicode scalars end; nil if there are no more than that.
    fileprivate func end(ofScalars limit: Int) -> Int? {
        var scalars = 0
        for i in 0..<count where self[i] & 0xC0 != 0x80 {
            if scalars == limit { return i }
            scalars += 1
        }
        return nil
    }
}
