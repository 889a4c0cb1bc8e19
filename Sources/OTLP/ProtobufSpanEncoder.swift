internal import COTLP
internal import CProtobufC
public import RunSpans

/// Encodes spans as OTLP protobuf through protobuf-c.
///
/// One span at a time is packed, and each of its attributes when its value is at hand: protobuf-c spends its time on
/// finding its way through a tree of messages, and a tree of one span stays in the nearest cache. What is the same on
/// many spans is packed once and joined to them as it is, by way of a message's unknown fields, which protobuf-c writes
/// out verbatim; what is the same in front of many values (``AttributeHeads``) is packed once for each length of value.
public struct ProtobufSpanEncoder: SpanEncoder {
    public var batch = SpanBatch()

    /// Attributes, packed as they stand within a Span message.
    public struct PackedAttributes: Sendable {
        fileprivate let bytes: [UInt8]
    }

    private let requests: RequestEnvelope
    private let scratch = SpanScratch()
    private let heads = AttributeHeads()
    /// The current span's attributes, packed.
    let attributes = PackedBytes()
    /// The current span's links, packed.
    private let links = PackedBytes()

    public init(_ origin: Origin) { requests = RequestEnvelope(origin) }

    init(_ requests: RequestEnvelope) { self.requests = requests }

    public func copy() -> ProtobufSpanEncoder { ProtobufSpanEncoder(requests) }

    public var form: MessageForm {
        MessageForm(contentType: "application/x-protobuf") { [requests] in requests.pack($0, into: &$1) }
    }

    public func prepare(_ attributes: [Attribute]) -> PackedAttributes {
        // Behind those of the span that may be under way, and away again.
        var encoder = self
        let before = self.attributes.count
        for attribute in attributes { encoder.write(attribute) }
        defer { self.attributes.count = before }
        return PackedAttributes(bytes: Array(UnsafeBufferPointer(rebasing: self.attributes.bytes[before...])))
    }

    /// An attribute by itself, whatever its value is.
    mutating func write(_ attribute: Attribute) {
        switch attribute.value {
        case .text(let text):
            let utf8 = text.utf8
            self.attribute(attribute.key, text: utf8.span)
        case .integer(let value): self.attribute(attribute.key, integer: value)
        case .double(let value): self.attribute(attribute.key, double: value)
        case .bool(let value): self.attribute(attribute.key, bool: value)
        }
    }

    public mutating func begin(_ head: SpanHead) {
        attributes.count = 0
        links.count = 0
        scratch.begin(head)
    }

    public mutating func write(_ prepared: borrowing PackedAttributes) {
        prepared.bytes.withUnsafeBufferPointer { attributes.append($0) }
    }

    public mutating func attribute(_ key: AttributeKey, text: Span<UInt8>) {
        text.withUnsafeBufferPointer { text in
            if heads.append(key, .text, text.count, to: attributes) { return attributes.append(text) }
            let before = attributes.count
            scratch.packAttribute(key, text: text, into: attributes)
            heads.insert(key, .text, text.count, packed: UnsafeBufferPointer(rebasing: attributes.bytes[before...]))
        }
    }

    public mutating func attribute(_ key: AttributeKey, integer: Int64) {
        scratch.setInteger(integer)
        packNumber(key)
    }

    public mutating func attribute(_ key: AttributeKey, double: Double) {
        scratch.setDouble(double)
        packNumber(key)
    }

    public mutating func attribute(_ key: AttributeKey, bool: Bool) {
        scratch.setBool(bool)
        packNumber(key)
    }

    private func packNumber(_ key: AttributeKey) {
        let number = scratch.packNumber()
        if heads.append(key, .number, number.count, to: attributes) { return attributes.append(number) }
        let before = attributes.count
        scratch.packAttribute(key, into: attributes)
        heads.insert(key, .number, number.count, packed: UnsafeBufferPointer(rebasing: attributes.bytes[before...]))
    }

    public mutating func fail(message: Span<UInt8>) {
        message.withUnsafeBufferPointer { scratch.fail($0) }
    }

    public mutating func link(_ link: SpanLink) { scratch.packLink(link, into: links) }

    public mutating func end(droppedAttributes: Int) {
        scratch.packSpan(attributes.bytes, links: links.bytes, dropped: droppedAttributes, into: &batch.bytes)
        batch.ends.append(batch.bytes.count)
    }
}
