internal import COTLP
internal import CProtobufC

/// What a receiver answered to an export request.
public struct ExportResponse: Hashable, Sendable {
    /// Spans that the receiver did not take.
    public var rejectedSpans: Int
    /// Its words; with no rejected spans, a warning.
    public var message: String

    public init(rejectedSpans: Int, message: String) {
        self.rejectedSpans = rejectedSpans
        self.message = message
    }

    /// Decodes an ExportTraceServiceResponse. An empty body means that everything was taken.
    ///
    /// protobuf-c puts no bound on nesting, but this message has one level and skips what it does not know.
    ///
    /// - Returns: nil for bytes that are no such message.
    public init?(protobuf body: UnsafeRawBufferPointer) {
        self.init(rejectedSpans: 0, message: "")
        guard !body.isEmpty else { return }
        let bytes = body.assumingMemoryBound(to: UInt8.self).baseAddress
        guard let response = otlp__export_trace_service_response__unpack(nil, body.count, bytes) else { return nil }
        defer { otlp__export_trace_service_response__free_unpacked(response, nil) }
        // A receiver's answer has no other fields: unknown ones mean that these bytes are something else.
        guard response.pointee.base.n_unknown_fields == 0 else { return nil }
        if let partial = response.pointee.partial_success {
            rejectedSpans = Int(clamping: partial.pointee.rejected_spans)
            message = String(partial.pointee.error_message)
        }
    }

    /// The message of a google.rpc.Status, which is the body of an error answer; nil if the bytes are none.
    public static func errorMessage(protobuf body: UnsafeRawBufferPointer) -> String? {
        let bytes = body.assumingMemoryBound(to: UInt8.self).baseAddress
        guard !body.isEmpty, let status = otlp__rpcstatus__unpack(nil, body.count, bytes) else { return nil }
        defer { otlp__rpcstatus__free_unpacked(status, nil) }
        let message = String(status.pointee.message)
        return message.isEmpty ? nil : message
    }
}

extension String {
    fileprivate init(_ data: ProtobufCBinaryData) {
        self.init(decoding: UnsafeBufferPointer(start: data.data, count: data.len), as: UTF8.self)
    }
}
