internal import COTLP
internal import CProtobufC

/// The messages around the spans of a request: resource and scope are built once, and each request is packed by
/// protobuf-c with its spans, packed already, in their place.
///
/// The memory is written in `init` only, so it can be shared between threads.
final class RequestEnvelope: @unchecked Sendable {
    private let resource = UnsafeMutablePointer<Otlp__Resource>.allocate(capacity: 1)
    private let scope = UnsafeMutablePointer<Otlp__InstrumentationScope>.allocate(capacity: 1)
    private let attributes: UnsafeMutableBufferPointer<UnsafeMutablePointer<Otlp__KeyValue>?>
    private var texts: [UnsafeMutableBufferPointer<UInt8>] = []
    /// More than everything but the spans takes.
    private let overhead: Int

    init(_ origin: Origin) {
        otlp__resource__init(resource)
        otlp__instrumentation_scope__init(scope)
        attributes = .allocate(capacity: origin.resource.count)
        for i in origin.resource.indices {
            let value = UnsafeMutablePointer<Otlp__AnyValue>.allocate(capacity: 1)
            otlp__any_value__init(value)
            let pair = UnsafeMutablePointer<Otlp__KeyValue>.allocate(capacity: 1)
            otlp__key_value__init(pair)
            pair.pointee.value = value
            attributes.initializeElement(at: i, to: pair)
        }
        resource.pointee.attributes = attributes.baseAddress
        resource.pointee.n_attributes = attributes.count
        overhead = 256 + origin.scopeName.utf8.count + origin.scopeVersion.utf8.count
            + origin.resource.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 64 }
        // All stored properties are there; now the texts can be kept.
        scope.pointee.name = keep(origin.scopeName)
        scope.pointee.version = keep(origin.scopeVersion)
        for (i, attribute) in origin.resource.enumerated() {
            guard let pair = attributes[i] else { continue }
            pair.pointee.key = keep(attribute.key)
            pair.pointee.value.pointee.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE
            pair.pointee.value.pointee.string_value = keep(attribute.value)
        }
    }

    deinit {
        for case let pair? in attributes {
            pair.pointee.value.deallocate()
            pair.deallocate()
        }
        attributes.deallocate()
        for text in texts { text.deallocate() }
        resource.deallocate()
        scope.deallocate()
    }

    private func keep(_ text: String) -> ProtobufCBinaryData {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = copy.initialize(from: text.utf8)
        texts.append(copy)
        return ProtobufCBinaryData(len: copy.count, data: copy.baseAddress)
    }

    /// Appends an ExportTraceServiceRequest with these spans, each of which has its tag and length already.
    func pack(_ spans: ArraySlice<UInt8>, into output: inout [UInt8]) {
        spans.withUnsafeBufferPointer { spans in
            guard let start = spans.baseAddress, !spans.isEmpty else { return }
            // An unknown field brings its own tag, so the first span goes without it.
            var packed = ProtobufCMessageUnknownField(
                tag: 2, wire_type: PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, len: spans.count - 1,
                data: UnsafeMutablePointer(mutating: start + 1))
            var scopeSpans = Otlp__ScopeSpans()
            otlp__scope_spans__init(&scopeSpans)
            scopeSpans.scope = scope
            var resourceSpans = Otlp__ResourceSpans()
            otlp__resource_spans__init(&resourceSpans)
            resourceSpans.resource = resource
            var request = Otlp__ExportTraceServiceRequest()
            otlp__export_trace_service_request__init(&request)
            let bound = spans.count + overhead

            withUnsafeMutablePointer(to: &packed) { packed in
                scopeSpans.base.n_unknown_fields = 1
                scopeSpans.base.unknown_fields = packed
                withUnsafeMutablePointer(to: &scopeSpans) { scopeSpans in
                    var scopeList: UnsafeMutablePointer<Otlp__ScopeSpans>? = scopeSpans
                    withUnsafeMutablePointer(to: &scopeList) { scopeList in
                        resourceSpans.n_scope_spans = 1
                        resourceSpans.scope_spans = scopeList
                        withUnsafeMutablePointer(to: &resourceSpans) { resourceSpans in
                            var resourceList: UnsafeMutablePointer<Otlp__ResourceSpans>? = resourceSpans
                            withUnsafeMutablePointer(to: &resourceList) { resourceList in
                                request.n_resource_spans = 1
                                request.resource_spans = resourceList
                                output.append(atMost: bound) { Self.pack(&request, into: $0, bound) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Packs through protobuf-c's buffer interface: it asks for sizes first, where packing straight into memory would
    /// move all spans again at each level to make room for the length in front of them.
    private static func pack(
        _ request: inout Otlp__ExportTraceServiceRequest, into memory: UnsafeMutablePointer<UInt8>, _ bound: Int
    ) -> Int {
        var buffer = ProtobufCBufferSimple()
        buffer.base.append = protobuf_c_buffer_simple_append
        buffer.alloced = bound
        buffer.data = memory
        return withUnsafeMutablePointer(to: &buffer) { buffer in
            UnsafeMutableRawPointer(buffer).withMemoryRebound(to: ProtobufCBuffer.self, capacity: 1) {
                otlp__export_trace_service_request__pack_to_buffer(&request, $0)
            }
        }
    }
}
