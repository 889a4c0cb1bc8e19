internal import CCurl
internal import Threads

/// One libcurl handle and the connection that it keeps alive. Used by one thread at a time; freed when it goes.
struct CurlHandle: ~Copyable {
    private let handle: OpaquePointer
    private let peer: HTTPPeer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let sink = AnswerSink()
    /// Lent to libcurl while the handle lives.
    private var stop: StopFlag?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// Must run once before threads use libcurl; a global is initialised exactly once.
    private static let isReady: Bool = ccurl_global_init() == CURLE_OK

    /// - Parameter peer: who is asked, for the words of what goes wrong.
    init?(_ peer: HTTPPeer = .collector) {
        guard Self.isReady, let handle = curl_easy_init() else { return nil }
        self.handle = OpaquePointer(handle)
        self.peer = peer
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(curl)
        curl_slist_free_all(headers)
        errorText.deallocate()
    }

    private var curl: UnsafeMutableRawPointer { UnsafeMutableRawPointer(handle) }

    /// Sets what is the same for all requests.
    ///
    /// - Parameter stop: cuts requests off once it is set.
    mutating func prepare(_ configuration: ExportConfiguration, contentType: String?, stop: StopFlag? = nil) {
        set(CURLOPT_URL, configuration.endpoint)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_USERAGENT, configuration.userAgent)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, configuration.timeout.map { max(1, $0.wholeMilliseconds) } ?? 0)
        // libcurl's own upload buffer is 64 KiB; a batch is several times that.
        set(CURLOPT_UPLOAD_BUFFERSIZE, 512 << 10)
        if let file = configuration.certificate { set(CURLOPT_CAINFO, file) }
        if let file = configuration.clientCertificate { set(CURLOPT_SSLCERT, file) }
        if let file = configuration.clientKey { set(CURLOPT_SSLKEY, file) }
        ccurl_setopt_pointer(curl, CURLOPT_ERRORBUFFER, errorText)

        if let contentType { add(header: "Content-Type: \(contentType)") }
        if contentType != nil, configuration.compression == .gzip { add(header: "Content-Encoding: gzip") }
        // Without this, libcurl asks the server's leave for bodies over 1 MiB and waits a second for it.
        add(header: "Expect:")
        for (name, value) in configuration.headers { add(header: "\(name): \(value)") }
        ccurl_setopt_list(curl, CURLOPT_HTTPHEADER, headers)

        if let stop {
            self.stop = stop
            set(CURLOPT_NOPROGRESS, 0)
            ccurl_setopt_pointer(curl, CURLOPT_XFERINFODATA, Unmanaged.passUnretained(stop).toOpaque())
            // Called at least once a second, also while nothing moves.
            ccurl_setopt_progress(curl) { context, _, _, _, _ in
                guard let context else { return 0 }
                return Unmanaged<StopFlag>.fromOpaque(context).takeUnretainedValue().isSet ? 1 : 0
            }
        }

        let context = Unmanaged.passUnretained(sink).toOpaque()
        ccurl_setopt_pointer(curl, CURLOPT_WRITEDATA, context)
        ccurl_setopt_callback(curl, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let sink = Unmanaged<AnswerSink>.fromOpaque(context).takeUnretainedValue()
            return sink.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
        ccurl_setopt_pointer(curl, CURLOPT_HEADERDATA, context)
        ccurl_setopt_callback(curl, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let sink = Unmanaged<AnswerSink>.fromOpaque(context).takeUnretainedValue()
            sink.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }
    }

    /// Posts the body and waits for the answer.
    func post(_ body: [UInt8]) throws(TransportFailure) -> HTTPAnswer {
        try body.withUnsafeBufferPointer { bytes throws(TransportFailure) in
            // The bytes are not copied: they are lent until `perform` returns.
            ccurl_setopt_pointer(curl, CURLOPT_POSTFIELDS, bytes.baseAddress)
            ccurl_setopt_offset(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
            set(CURLOPT_POST, 1)
            return try perform()
        }
    }

    /// Gets `url` and waits for the answer.
    func get(_ url: String) throws(TransportFailure) -> HTTPAnswer {
        set(CURLOPT_URL, url)
        set(CURLOPT_HTTPGET, 1)
        return try perform()
    }

    private func perform() throws(TransportFailure) -> HTTPAnswer {
        sink.answer = HTTPAnswer(status: 0)
        sink.isOverLimit = false
        errorText[0] = 0
        let code = curl_easy_perform(curl)
        guard code == CURLE_OK else { throw failure(code) }
        var status = 0
        ccurl_getinfo_long(curl, CURLINFO_RESPONSE_CODE, &status)
        sink.answer.status = status
        return sink.answer
    }

    private func failure(_ code: CURLcode) -> TransportFailure {
        if sink.isOverLimit {
            return TransportFailure(
                kind: .tooLargeAnswer, message: "the answer is larger than \(ExportConfiguration.maximumResponse >> 20) MiB")
        }
        if code == CURLE_ABORTED_BY_CALLBACK { return TransportFailure(kind: .cutOff, message: "cut off, since a stop was asked for") }
        let text = String(cString: errorText)
        let message = text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
        let remedy: String? = switch code {
        case CURLE_COULDNT_CONNECT: peer.question
        case CURLE_COULDNT_RESOLVE_HOST: "check the host's name"
        case CURLE_OPERATION_TIMEDOUT: "\(peer.name) is slow or does not speak HTTP here; --timeout sets how long to wait"
        case CURLE_PEER_FAILED_VERIFICATION: "--certificate names the authority to trust"
        case CURLE_SSL_CACERT_BADFILE: "check the file that --certificate names"
        case CURLE_SSL_CERTPROBLEM: "check --client-certificate and --client-key"
        case CURLE_SSL_CONNECT_ERROR: "does \(peer.name) speak TLS on this port? otherwise use http://"
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            "\(peer.name) closed the connection; its log may say why"
        case CURLE_URL_MALFORMAT: "the endpoint must be an http:// or https:// URL"
        // What libcurl says of an answer that is not HTTP/1 at all; other schemes were refused before.
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL: "this is no http:// or https:// URL, or its port does not speak HTTP/1.1 (4317 is gRPC)"
        default: nil
        }
        let permanent = [
            CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_URL_MALFORMAT,
            CURLE_UNSUPPORTED_PROTOCOL, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_CIPHER, CURLE_WEIRD_SERVER_REPLY,
        ]
        return TransportFailure(
            kind: permanent.contains(code) ? .permanent : .transient,
            message: remedy.map { "\(message); \($0)" } ?? message)
    }

    private mutating func add(header: String) { headers = curl_slist_append(headers, header) }

    // These options cannot fail but for want of memory, after which the transfer fails and says so.
    private func set(_ option: CURLoption, _ value: Int) { ccurl_setopt_long(curl, option, value) }
    private func set(_ option: CURLoption, _ value: String) { ccurl_setopt_string(curl, option, value) }
}

/// Collects an answer while libcurl reads it. The handle that owns it outlives every call.
private final class AnswerSink {
    var answer = HTTPAnswer(status: 0)
    var isOverLimit = false

    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard answer.body.count + bytes.count <= ExportConfiguration.maximumResponse else {
            isOverLimit = true
            return false
        }
        answer.body.append(contentsOf: bytes)
        return true
    }

    func take(header: UnsafeRawBufferPointer) {
        guard let colon = header.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(decoding: header[..<colon], as: UTF8.self).lowercased()
        var value = header[(colon + 1)...]
        while let last = value.last, last <= 0x20 { value.removeLast() }
        while let first = value.first, first <= 0x20 { value.removeFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch name {
        case "content-type": answer.contentType = text.lowercased()
        case "retry-after": answer.retryAfter = text
        case "location": answer.location = text
        default: break
        }
    }
}

extension Duration {
    /// Rounded down.
    var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
