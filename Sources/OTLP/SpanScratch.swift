internal import AgentRuns
internal import COTLP
internal import CProtobufC
internal import RunSpans

/// The C messages of one span, filled and packed again and again: parts of an OTLP span that have nothing but the fields
/// that we set, since protobuf-c looks at all that there are.
///
/// It owns all memory that the messages point to, but for attribute values, which are lent for one call.
final class SpanScratch {
    private let span = UnsafeMutablePointer<Otlp__SpanCore>.allocate(capacity: 1)
    private let status = UnsafeMutablePointer<Otlp__Status>.allocate(capacity: 1)
    private let scopedSpan = UnsafeMutablePointer<Otlp__ScopedSpan>.allocate(capacity: 1)
    /// Attributes, links and trace state, packed.
    private let packedParts = UnsafeMutablePointer<ProtobufCMessageUnknownField>.allocate(capacity: 3)
    private var traceState: [UInt8] = []
    /// Trace id, span id, parent id.
    private let ids = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8)
    private var statusMessage: [UInt8] = []

    private let value = UnsafeMutablePointer<Otlp__AnyValue>.allocate(capacity: 1)
    private let pair = UnsafeMutablePointer<Otlp__KeyValue>.allocate(capacity: 1)
    private let attribute = UnsafeMutablePointer<Otlp__SpanAttribute>.allocate(capacity: 1)

    private let number = UnsafeMutablePointer<Otlp__NumberValue>.allocate(capacity: 1)
    private let packedNumber = UnsafeMutablePointer<UInt8>.allocate(capacity: attributeOverhead)

    private let text = UnsafeMutablePointer<Otlp__TextValue>.allocate(capacity: 1)
    private let textPair = UnsafeMutablePointer<Otlp__TextAttribute>.allocate(capacity: 1)
    private let textAttribute = UnsafeMutablePointer<Otlp__SpanTextAttribute>.allocate(capacity: 1)

    /// More than the tags, lengths and fixed fields of a span take together.
    private static let spanOverhead = 256
    /// More than the tags and lengths of an attribute and a number take together.
    private static let attributeOverhead = 64

    init() {
        otlp__span_core__init(span)
        otlp__status__init(status)
        otlp__scoped_span__init(scopedSpan)
        scopedSpan.pointee.span = span

        otlp__any_value__init(value)
        otlp__key_value__init(pair)
        pair.pointee.value = value
        otlp__span_attribute__init(attribute)
        attribute.pointee.attribute = pair

        otlp__number_value__init(number)

        otlp__text_value__init(text)
        text.pointee.value_case = OTLP__TEXT_VALUE__VALUE_STRING_VALUE
        otlp__text_attribute__init(textPair)
        textPair.pointee.value = text
        otlp__span_text_attribute__init(textAttribute)
        textAttribute.pointee.attribute = textPair

        let bytes = ids.assumingMemoryBound(to: UInt8.self)
        span.pointee.trace_id = ProtobufCBinaryData(len: 16, data: bytes)
        span.pointee.span_id = ProtobufCBinaryData(len: 8, data: bytes + 16)
        span.pointee.kind = OTLP__SPAN_KIND__SPAN_KIND_INTERNAL
        status.pointee.code = OTLP__STATUS_CODE__STATUS_CODE_ERROR
        packedParts.initialize(
            repeating: ProtobufCMessageUnknownField(tag: 0, wire_type: PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, len: 0, data: nil),
            count: 3)
        span.pointee.base.unknown_fields = packedParts
    }

    deinit {
        span.deallocate()
        status.deallocate()
        scopedSpan.deallocate()
        packedParts.deallocate()
        ids.deallocate()
        value.deallocate()
        pair.deallocate()
        attribute.deallocate()
        number.deallocate()
        packedNumber.deallocate()
        text.deallocate()
        textPair.deallocate()
        textAttribute.deallocate()
    }

    // MARK: the span

    func begin(_ head: SpanHead) {
        ids.storeBytes(of: head.traceID.high.bigEndian, toByteOffset: 0, as: UInt64.self)
        ids.storeBytes(of: head.traceID.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        ids.storeBytes(of: head.spanID.value.bigEndian, toByteOffset: 16, as: UInt64.self)
        if let parent = head.parent {
            ids.storeBytes(of: parent.value.bigEndian, toByteOffset: 24, as: UInt64.self)
        }
        span.pointee.parent_span_id = ProtobufCBinaryData(
            len: head.parent == nil ? 0 : 8, data: ids.assumingMemoryBound(to: UInt8.self) + 24)
        span.pointee.name = ProtobufCBinaryData(head.name.utf8)
        span.pointee.kind = Otlp__SpanKind(UInt32(head.kind.rawValue))
        // Most spans of recordings have none, so it is no field of the message but joined to it as attributes are.
        pack(traceState: head.traceState)
        span.pointee.start_time_unix_nano = head.start
        span.pointee.end_time_unix_nano = head.end
        span.pointee.flags = head.flags
        span.pointee.status = nil
    }

    func fail(_ message: UnsafeBufferPointer<UInt8>) {
        statusMessage.removeAll(keepingCapacity: true)
        statusMessage.append(contentsOf: message)
        span.pointee.status = status
    }

    /// Appends the span with the tag and length that it has within ScopeSpans.
    func packSpan(
        _ attributes: UnsafeBufferPointer<UInt8>, links: UnsafeBufferPointer<UInt8>, dropped: Int, into output: inout [UInt8]
    ) {
        let bound = attributes.count + links.count + statusMessage.count + Self.spanOverhead
        span.pointee.dropped_attributes_count = UInt32(clamping: dropped)
        span.pointee.base.n_unknown_fields = 0
        join(attributes, tag: 9)
        join(links, tag: 13)
        if traceState.isEmpty {
            packJoined(bound, into: &output)
        } else {
            traceState.withUnsafeBufferPointer { traceState in
                join(traceState, tag: 3)
                packJoined(bound + traceState.count, into: &output)
            }
        }
    }

    /// Packs the trace state as a field, in the memory of the one before; the tag in front of it is left to
    /// ``join(_:tag:)``.
    private func pack(traceState text: String?) {
        traceState.removeAll(keepingCapacity: true)
        guard let text, !text.isEmpty else { return }
        traceState.append(0)
        var count = text.utf8.count
        while count > 0x7F {
            traceState.append(UInt8(truncatingIfNeeded: count) | 0x80)
            count >>= 7
        }
        traceState.append(UInt8(count))
        traceState.append(contentsOf: text.utf8)
    }

    /// Puts packed fields of one number into the span.
    private func join(_ packed: UnsafeBufferPointer<UInt8>, tag: UInt32) {
        guard let start = packed.baseAddress, !packed.isEmpty else { return }
        let part = packedParts + Int(span.pointee.base.n_unknown_fields)
        // An unknown field brings its own tag, so the first of them goes without it.
        part.pointee.tag = tag
        part.pointee.len = packed.count - 1
        part.pointee.data = UnsafeMutablePointer(mutating: start + 1)
        span.pointee.base.n_unknown_fields += 1
    }

    private func packJoined(_ bound: Int, into output: inout [UInt8]) {
        guard span.pointee.status != nil else { return output.append(atMost: bound, packScoped) }
        statusMessage.withUnsafeMutableBufferPointer { message in
            status.pointee.message = ProtobufCBinaryData(len: message.count, data: message.baseAddress)
            output.append(atMost: bound, packScoped)
        }
        statusMessage.removeAll(keepingCapacity: true)
    }

    /// Packs the span in its place within ScopeSpans.
    private func packScoped(_ start: UnsafeMutablePointer<UInt8>) -> Int {
        NestedMessage.pack(start, { otlp__span_core__pack(span, $0) }, orWhole: { otlp__scoped_span__pack(scopedSpan, $0) })
    }

    /// Appends a link with the tag and length that it has within Span.
    func packLink(_ link: SpanLink, into output: PackedBytes) {
        var ids = [link.traceID.high.bigEndian, link.traceID.low.bigEndian, link.spanID.value.bigEndian]
        var type = Array(link.type.utf8)
        ids.withUnsafeMutableBytes { ids in
            type.withUnsafeMutableBufferPointer { type in
                let bytes = ids.assumingMemoryBound(to: UInt8.self).baseAddress
                value.pointee.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE
                value.pointee.string_value = ProtobufCBinaryData(len: type.count, data: type.baseAddress)
                pair.pointee.key = ProtobufCBinaryData(SpanLink.typeKey)
                var message = Otlp__SpanLink()
                otlp__span_link__init(&message)
                message.trace_id = ProtobufCBinaryData(len: 16, data: bytes)
                message.span_id = ProtobufCBinaryData(len: 8, data: bytes.map { $0 + 16 })
                message.flags = link.flags
                var pairs: UnsafeMutablePointer<Otlp__KeyValue>? = pair
                withUnsafeMutablePointer(to: &pairs) { pairs in
                    message.attributes = pairs
                    message.n_attributes = 1
                    withUnsafeMutablePointer(to: &message) { message in
                        var list: UnsafeMutablePointer<Otlp__SpanLink>? = message
                        withUnsafeMutablePointer(to: &list) { list in
                            var links = Otlp__SpanLinks()
                            otlp__span_links__init(&links)
                            links.links = list
                            links.n_links = 1
                            output.append(atMost: otlp__span_links__get_packed_size(&links)) { otlp__span_links__pack(&links, $0) }
                        }
                    }
                }
            }
        }
    }

    // MARK: one attribute

    func setInteger(_ integer: Int64) {
        number.pointee.value_case = OTLP__NUMBER_VALUE__VALUE_INT_VALUE
        number.pointee.int_value = integer
    }

    func setDouble(_ double: Double) {
        number.pointee.value_case = OTLP__NUMBER_VALUE__VALUE_DOUBLE_VALUE
        number.pointee.double_value = double
    }

    func setBool(_ bool: Bool) {
        number.pointee.value_case = OTLP__NUMBER_VALUE__VALUE_BOOL_VALUE
        number.pointee.bool_value = bool ? 1 : 0
    }

    /// Packs the number or truth that was set last as an AnyValue.
    ///
    /// - Returns: valid until the next one is packed.
    func packNumber() -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: packedNumber, count: otlp__number_value__pack(number, packedNumber))
    }

    /// Appends an attribute with the number or truth that was set last, with the tag and length that it has within Span.
    func packAttribute(_ key: AttributeKey, into output: PackedBytes) {
        switch number.pointee.value_case {
        case OTLP__NUMBER_VALUE__VALUE_BOOL_VALUE:
            value.pointee.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE
            value.pointee.bool_value = number.pointee.bool_value
        case OTLP__NUMBER_VALUE__VALUE_DOUBLE_VALUE:
            value.pointee.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE
            value.pointee.double_value = number.pointee.double_value
        default:
            value.pointee.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE
            value.pointee.int_value = number.pointee.int_value
        }
        pair.pointee.key = ProtobufCBinaryData(key.name)
        output.append(atMost: key.name.utf8CodeUnitCount + Self.attributeOverhead) {
            otlp__span_attribute__pack(attribute, $0)
        }
    }

    /// Appends a text attribute with the tag and length that it has within Span.
    func packAttribute(_ key: AttributeKey, text bytes: UnsafeBufferPointer<UInt8>, into output: PackedBytes) {
        textPair.pointee.key = ProtobufCBinaryData(key.name)
        text.pointee.string_value = ProtobufCBinaryData(
            len: bytes.count, data: UnsafeMutablePointer(mutating: bytes.baseAddress))
        output.append(atMost: bytes.count + key.name.utf8CodeUnitCount + Self.attributeOverhead) {
            otlp__span_text_attribute__pack(textAttribute, $0)
        }
    }
}

extension ProtobufCBinaryData {
    /// Static text is never written to: the C declaration just lacks a `const`.
    init(_ text: StaticString) {
        self.init(len: text.utf8CodeUnitCount, data: UnsafeMutablePointer(mutating: text.utf8Start))
    }
}

extension [UInt8] {
    /// Appends what `body` writes, which is at most `bound` bytes; it returns how many they are.
    mutating func append(atMost bound: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        append(addingCapacity: bound) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { buffer, count in
                guard let base = buffer.baseAddress else { return }
                count += body(base + count)
            }
        }
    }
}
