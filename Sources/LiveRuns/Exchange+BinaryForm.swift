internal import AgentRuns
internal import RunSpans

/// An exchange as bytes, for the time between its answer and its spans. Who reads them is of the same version, or finds that
/// it cannot.
extension Exchange {
    /// Changes whenever anything below does.
    private static let version: UInt8 = 2

    /// All of it, the ids of its spans among it.
    public var binaryForm: [UInt8] { BinaryWriter.bytes(expecting: expectedSize) { write(to: &$0) } }

    private func write(to writer: inout BinaryWriter) {
        writer.put(Self.version)
        writer.put(requestID)
        writer.put(role.rawValue)
        writer.put(mode.rawValue)
        decision.write(to: &writer)
        trace.write(to: &writer)
        request.write(to: &writer)
        writer.put(response != nil)
        response?.write(to: &writer)
        client.write(to: &writer)
        writer.put(upstream != nil)
        upstream?.write(to: &writer)
        writer.put(upstreamBase)
        times.write(to: &writer)
        writer.put(failure?.type)
        writer.put(failure?.message)
        writer.put(UInt32(clamping: observedCalls.count))
        for call in observedCalls { call.write(to: &writer) }
        writer.put(divergence != nil)
        divergence?.write(to: &writer)
        writer.put(served != nil)
        served?.write(to: &writer)
        writer.put(pairedWith != nil)
        pairedWith?.write(to: &writer)
    }

    /// More than it takes, as a rule: what has no room is written a second time. A byte that is put behind it has room, too.
    private var expectedSize: Int {
        var size = 1024 + request.target.utf8.count + (request.userAgent?.utf8.count ?? 0) + (decision.stickyKey?.utf8.count ?? 0)
        for piece in request.body { size += piece.count + 4 }
        for piece in response?.body ?? [] { size += piece.count + 4 }
        for piece in pairedWith?.body ?? [] { size += piece.count + 4 }
        for call in observedCalls { size += call.size }
        for call in pairedWith?.observedCalls ?? [] { size += call.size }
        return size
    }

    /// - Returns: nil for bytes that are no ``binaryForm`` of this version.
    public init?(binaryForm bytes: ArraySlice<UInt8>) {
        do throws(BinaryReader.Mismatch) { try self.init(bytes) } catch { return nil }
    }

    private init(_ bytes: ArraySlice<UInt8>) throws(BinaryReader.Mismatch) {
        var reader = BinaryReader(bytes)
        guard try reader.byte() == Self.version else { throw BinaryReader.Mismatch() }
        let requestID = try reader.string()
        let role: RunRole = try reader.word()
        let mode: RunMode = try reader.word()
        let decision = try Decision(&reader)
        let trace = try TraceContext(&reader)
        let request = try Message(&reader)
        let response = try reader.bool() ? try Response(&reader) : nil
        let client = try Endpoint(&reader)
        let upstream = try reader.bool() ? try Endpoint(&reader) : nil
        let upstreamBase = try reader.optionalString()
        self.init(
            requestID: requestID, role: role, mode: mode, decision: decision, trace: trace, request: request, client: client,
            times: try Times(&reader))
        self.response = response
        self.upstream = upstream
        self.upstreamBase = upstreamBase
        let failureType = try reader.optionalString()
        let failureMessage = try reader.optionalString()
        if let failureType { failure = Failure(type: failureType, message: failureMessage ?? "") }
        for _ in 0..<(try reader.uint32()) { observedCalls.append(try ObservedToolCall(&reader)) }
        if try reader.bool() { divergence = try ToolDivergence(&reader) }
        if try reader.bool() { served = try SpanLink(&reader) }
        if try reader.bool() { pairedWith = try ServedAnswer(&reader) }
        guard reader.isAtEnd else { throw BinaryReader.Mismatch() }
    }
}

extension Exchange.Decision {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(flagKey)
        writer.put(reason.rawValue)
        writer.put(bucket?.bitPattern)
        writer.put(stickyKey)
        writer.put(rolloutID)
        writer.put(revision)
        writer.put(stage)
        writer.put(weight.bitPattern)
        writer.put(fallback)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init()
        flagKey = try reader.string()
        reason = try reader.word()
        bucket = try reader.optionalUInt64().map { Double(bitPattern: $0) }
        stickyKey = try reader.optionalString()
        rolloutID = try reader.string()
        revision = try reader.int()
        stage = try reader.optionalString()
        weight = Double(bitPattern: try reader.uint64())
        fallback = try reader.optionalString()
    }
}

extension Exchange.TraceContext {
    fileprivate func write(to writer: inout BinaryWriter) {
        traceID.write(to: &writer)
        writer.put(parentSpanID?.value)
        writer.put(parentIsSampled.map { $0 ? 1 : 0 } ?? 2 as UInt8)
        writer.put(flags)
        writer.put(traceState)
        writer.put(serverSpanID.value)
        writer.put(clientSpanID.value)
        writer.put(runSpanID.value)
        writer.put(isSampled)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        let traceID = try TraceID(&reader)
        let parent = try reader.optionalUInt64().map { SpanID($0) }
        let sampled = try reader.byte()
        guard sampled <= 2 else { throw BinaryReader.Mismatch() }
        self.init(
            traceID: traceID, parentSpanID: parent, parentIsSampled: sampled == 2 ? nil : sampled == 1, flags: try reader.byte(),
            traceState: try reader.optionalString(), serverSpanID: SpanID(try reader.uint64()),
            clientSpanID: SpanID(try reader.uint64()), runSpanID: SpanID(try reader.uint64()), isSampled: try reader.bool())
    }
}

extension Exchange.Message {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(method)
        writer.put(target)
        writer.put(scheme)
        writer.put(authority)
        writer.put(httpVersion)
        writer.put(contentType)
        writer.put(userAgent)
        writer.put(contentEncoding)
        writer.put(body)
        writer.put(bodyBytes)
        writer.put(isTruncated)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(
            method: try reader.string(), target: try reader.string(), scheme: try reader.string(), authority: try reader.string(),
            httpVersion: try reader.string(), contentType: try reader.optionalString(), userAgent: try reader.optionalString(),
            contentEncoding: try reader.optionalString(), body: try reader.pieces(), bodyBytes: try reader.int(),
            isTruncated: try reader.bool())
    }
}

extension Exchange.Response {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(status)
        writer.put(contentType)
        writer.put(contentEncoding)
        writer.put(body)
        writer.put(bodyBytes)
        writer.put(isTruncated)
        writer.put(isComplete)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(
            status: try reader.int(), contentType: try reader.optionalString(), contentEncoding: try reader.optionalString(),
            body: try reader.pieces(), bodyBytes: try reader.int(), isTruncated: try reader.bool(), isComplete: try reader.bool())
    }
}

extension Exchange.Endpoint {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(address)
        writer.put(port)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(address: try reader.string(), port: try reader.int())
    }
}

extension Exchange.Times {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(received)
        writer.put(sent)
        writer.put(firstByte)
        writer.put(ended)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(
            received: try reader.uint64(), sent: try reader.optionalUInt64(), firstByte: try reader.optionalUInt64(),
            ended: try reader.uint64())
    }
}

extension Exchange.ServedAnswer {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(status)
        writer.put(contentType)
        writer.put(contentEncoding)
        writer.put(body)
        writer.put(isTruncated)
        writer.put(latency)
        writer.put(UInt32(clamping: observedCalls.count))
        for call in observedCalls { call.write(to: &writer) }
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(
            status: try reader.int(), contentType: try reader.optionalString(), contentEncoding: try reader.optionalString(),
            body: try reader.pieces(), isTruncated: try reader.bool(), latency: try reader.uint64())
        for _ in 0..<(try reader.uint32()) { observedCalls.append(try ObservedToolCall(&reader)) }
    }
}

extension ObservedToolCall {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(name)
        writer.put(spanID.value)
        writer.put(arguments)
        writer.put(verdict.rawValue)
        writer.put(started)
        writer.put(result != nil)
        guard let result else { return }
        writer.put(result.success)
        writer.put(result.content)
        writer.put(result.ended)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        let name = try reader.string()
        let spanID = SpanID(try reader.uint64())
        let arguments = try reader.optionalBytes()
        guard let verdict = ToolVerdict(rawValue: try reader.byte()) else { throw BinaryReader.Mismatch() }
        self.init(name: name, spanID: spanID, arguments: arguments, verdict: verdict, started: try reader.uint64())
        guard try reader.bool() else { return }
        result = Result(success: try reader.bool(), content: try reader.optionalBytes(), ended: try reader.uint64())
    }
}

extension ToolDivergence {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(index)
        writer.put(tool)
        writer.put(kind.rawValue)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(index: try reader.int(), tool: try reader.string(), kind: try reader.word())
    }
}

extension SpanLink {
    fileprivate func write(to writer: inout BinaryWriter) {
        traceID.write(to: &writer)
        writer.put(spanID.value)
        writer.put(flags)
        writer.put(type)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(
            traceID: try TraceID(&reader), spanID: SpanID(try reader.uint64()), flags: try reader.uint32(), type: try reader.string())
    }
}

extension TraceID {
    fileprivate func write(to writer: inout BinaryWriter) {
        writer.put(high)
        writer.put(low)
    }

    fileprivate init(_ reader: inout BinaryReader) throws(BinaryReader.Mismatch) {
        self.init(high: try reader.uint64(), low: try reader.uint64())
    }
}
