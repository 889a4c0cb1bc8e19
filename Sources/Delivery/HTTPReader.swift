/// Gets documents over HTTP, one after the other, on one connection.
public struct HTTPReader: ~Copyable {
    private var curl: CurlHandle

    /// What came back.
    public struct Document: Sendable {
        public var status: Int
        public var contentType: String
        public var body: [UInt8]
    }

    /// - Parameters:
    ///   - configuration: for its headers, certificates and timeout; its endpoint is not used.
    ///   - peer: who is asked.
    /// - Returns: nil when libcurl has no memory.
    public init?(_ configuration: ExportConfiguration, peer: HTTPPeer) {
        guard let curl = CurlHandle(peer) else { return nil }
        self.curl = curl
        self.curl.prepare(configuration, contentType: nil)
    }

    /// - Throws: ``HTTPReadError``.
    public func get(_ url: String) throws(HTTPReadError) -> Document {
        do throws(TransportFailure) {
            let answer = try curl.get(url)
            return Document(status: answer.status, contentType: answer.contentType, body: answer.body)
        } catch {
            throw HTTPReadError(message: "\(url): \(error.message)")
        }
    }
}

/// A document that could not be had.
public struct HTTPReadError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}
