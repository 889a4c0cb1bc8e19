import Glibc
import Testing
import Threads

/// A small HTTP/1.1 server on a free port of 127.0.0.1, with a thread for each connection.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        /// Counted from 0 in order of arrival.
        var number: Int
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]

        var spans: [String] { NamedSpans.names(in: body) }
    }

    enum Reply: Sendable {
        case status(Int, headers: [String] = [], body: [UInt8] = [])
        /// Closes the connection instead.
        case close
        /// Announces more than it sends, then closes the connection.
        case closeMidBody
        /// Sends these bytes, which need not be HTTP, and closes the connection.
        case raw([UInt8])

        static let accepted = Reply.status(200)
    }

    private let descriptor: CInt
    let port: Int
    private let log: Monitor<[Request]>

    /// - Parameters:
    ///   - port: 0 for a free one.
    ///   - reply: called for each request in turn, never twice at once.
    init(port: Int = 0, _ reply: @escaping @Sendable (Request) -> Reply) throws {
        let (listener, port) = try listeningSocket(port)
        descriptor = listener
        self.port = port
        let log = Monitor<[Request]>([])
        self.log = log
        let thread = try WorkerThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                do {
                    let thread = try WorkerThread { serve(connection, log, reply) }
                    thread.detach()
                } catch {
                    Issue.record(error)
                    close(connection)
                }
            }
            close(listener)
        }
        thread.detach()
    }

    /// Wakes the thread that accepts, which closes the socket. Connections end when the client closes them.
    deinit { shutdown(descriptor, CInt(SHUT_RDWR)) }

    var endpoint: String { "http://127.0.0.1:\(port)/v1/traces" }
    var requests: [Request] { log.withLock { $0 } }
}

/// A port on which nobody listens. It was free a moment ago, and the system hands ports out in turn.
func unusedPort() throws -> Int {
    let (listener, port) = try listeningSocket()
    close(listener)
    return port
}

private func listeningSocket(_ port: Int = 0) throws -> (descriptor: CInt, port: Int) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    var reuse: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_port = in_port_t(port).bigEndian
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    try #require(status, "no port: \(String(cString: strerror(errno)))")
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

private func serve(
    _ connection: CInt, _ log: Monitor<[LoopbackServer.Request]>,
    _ reply: @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply
) {
    defer { close(connection) }
    var input: [UInt8] = []
    while let (path, headers, body) = nextRequest(from: connection, &input) {
        let answer = log.withLock { log in
            log.append(.init(number: log.count, path: path, headers: headers, body: body))
            return reply(log[log.count - 1])
        }
        switch answer {
        case .status(let status, let headers, let body):
            let lines = ["HTTP/1.1 \(status) Test", "Content-Length: \(body.count)"] + headers + ["", ""]
            send(Array(lines.joined(separator: "\r\n").utf8) + body, to: connection)
        case .close: return
        case .closeMidBody:
            return send(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of".utf8), to: connection)
        case .raw(let bytes): return send(bytes, to: connection)
        }
    }
}

/// - Returns: nil when the client closed the connection.
private func nextRequest(from connection: CInt, _ input: inout [UInt8]) -> (path: String, headers: [String: String], body: [UInt8])? {
    let blankLine = Array("\r\n\r\n".utf8)
    while true {
        if let end = input.indices.first(where: { input[$0...].starts(with: blankLine) }) {
            var headers: [String: String] = [:]
            let lines = String(decoding: input[..<end], as: UTF8.self).split(separator: "\r\n")
            let words = lines.first?.split(separator: " ") ?? []
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].drop { $0 == " " }.description
            }
            let start = end + blankLine.count
            let length = headers["content-length"].flatMap { Int($0) } ?? 0
            while input.count < start + length { guard receive(from: connection, &input) else { return nil } }
            defer { input.removeSubrange(..<(start + length)) }
            return (words.count > 1 ? String(words[1]) : "", headers, Array(input[start..<start + length]))
        }
        guard receive(from: connection, &input) else { return nil }
    }
}

private func receive(from connection: CInt, _ input: inout [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(connection, &buffer, buffer.count, 0)
    guard count > 0 else { return false }
    input += buffer[..<count]
    return true
}

private func send(_ bytes: [UInt8], to connection: CInt) {
    // No SIGPIPE: a client may have gone. Answers here are smaller than a socket's buffer, so one call takes them whole.
    _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
}
