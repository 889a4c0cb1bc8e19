import Glibc
import Synchronization

/// A TCP connection, read and written byte by byte: what a test says is what goes over the wire.
final class RawConnection: @unchecked Sendable {
    private let descriptor: Int32
    private var buffered: [UInt8] = []

    init(descriptor: Int32) {
        self.descriptor = descriptor
        // A test that waits for what never comes fails instead of hanging.
        var time = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    convenience init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw SocketError("connect: \(String(cString: strerror(errno)))")
        }
        self.init(descriptor: descriptor)
    }

    deinit { Glibc.close(descriptor) }

    /// - Returns: false when the other side is gone.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// What comes next, at most so much; empty at the end, nil for nothing within the time.
    private func receive(_ limit: Int = 65_536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &bytes, limit, 0)
        if count < 0 { return errno == EAGAIN || errno == EWOULDBLOCK ? nil : [] }
        return Array(bytes[..<count])
    }

    /// Reads up to and with `end`.
    func read(through end: String) throws -> String {
        let wanted = Array(end.utf8)
        while true {
            if let range = buffered.firstRange(of: wanted) {
                let taken = buffered[..<range.upperBound]
                defer { buffered.removeSubrange(..<range.upperBound) }
                return String(decoding: taken, as: UTF8.self)
            }
            guard let more = receive() else { throw SocketError("nothing more came; so far: \(String(decoding: buffered, as: UTF8.self))") }
            guard !more.isEmpty else { throw SocketError("it ended; so far: \(String(decoding: buffered, as: UTF8.self))") }
            buffered += more
        }
    }

    func read(count: Int) throws -> [UInt8] {
        while buffered.count < count {
            guard let more = receive(), !more.isEmpty else { throw SocketError("only \(buffered.count) of \(count) bytes came") }
            buffered += more
        }
        defer { buffered.removeFirst(count) }
        return Array(buffered[..<count])
    }

    /// All that comes until the other side closes.
    func readToEnd() throws -> String {
        while true {
            guard let more = receive() else { throw SocketError("it stays open; so far: \(String(decoding: buffered, as: UTF8.self))") }
            if more.isEmpty { break }
            buffered += more
        }
        defer { buffered = [] }
        return String(decoding: buffered, as: UTF8.self)
    }

    /// Waits until the other side is gone.
    func waitForEnd() throws { _ = try readToEnd() }

    /// A head, and the body that it announces.
    func readMessage() throws -> RawMessage {
        let head = try read(through: "\r\n\r\n")
        var message = RawMessage(head)
        if let length = message["content-length"].flatMap({ Int($0) }) {
            message.body = String(decoding: try read(count: length), as: UTF8.self)
        } else if message["transfer-encoding"] == "chunked" {
            while true {
                let size = Int(try read(through: "\r\n").dropLast(1), radix: 16) ?? 0
                if size == 0 { break }
                message.chunks.append(String(decoding: try read(count: size), as: UTF8.self))
                _ = try read(count: 2)
            }
            message.body = message.chunks.joined()
            while case let line = try read(through: "\r\n"), line != "\r\n" { message.trailers.append(String(line.dropLast(1))) }
        }
        return message
    }

    func closeNow() { shutdown(descriptor, Int32(SHUT_RDWR)) }
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends it with a reset instead of in good order.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        // Disconnecting the socket sends the reset now, and leaves the descriptor to its owner.
        var address = sockaddr()
        address.sa_family = sa_family_t(AF_UNSPEC)
        connect(descriptor, &address, socklen_t(MemoryLayout<sockaddr>.size))
    }
}

/// A request or an answer as it came.
struct RawMessage {
    var startLine: String
    var headers: [(name: String, value: String)]
    var body = ""
    var chunks: [String] = []
    var trailers: [String] = []

    init(_ head: String) {
        let lines = head.split(separator: "\r\n").map(String.init)
        startLine = lines.first ?? ""
        headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
    }

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    var status: Int { Int(startLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
}

/// A TCP server whose every connection is handled by the test's own words, each on a thread of its own.
final class RawServer: @unchecked Sendable {
    let port: Int
    private let descriptor: Int32
    private let connections: Connections

    private final class Connections: Sendable {
        let all = Mutex<[RawConnection]>([])
    }

    init(_ handle: @escaping @Sendable (RawConnection) throws -> Void) throws {
        let connections = Connections()
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.connections = connections
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 512) == 0 && getsockname(descriptor, address, &size) == 0
            }
        }
        guard bound else { throw SocketError("bind: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
        startThread {
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { return }
                let connection = RawConnection(descriptor: client)
                connections.all.withLock { $0.append(connection) }
                startThread {
                    do { try handle(connection) } catch {}
                    connection.closeNow()
                }
            }
        }
    }

    /// How many connections came so far.
    var connectionCount: Int { connections.all.withLock { $0.count } }

    func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    deinit {
        stop()
        Glibc.close(descriptor)
    }
}

/// A port on which nobody listens, and that nobody else is given while this lives.
final class DeadPort {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Bound and not listening: connections are refused.
        let bound = withUnsafeMutablePointer(to: &address) { [descriptor] in
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
            }
        }
        guard bound else { throw SocketError("bind: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { Glibc.close(descriptor) }
}

struct SocketError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

private func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}

func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box { let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body } }
    var thread = pthread_t()
    pthread_create(&thread, nil, { Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body(); return nil }, Unmanaged.passRetained(Box(body)).toOpaque())
    pthread_detach(thread)
}

/// Polls until it is true.
///
/// - Returns: false if it did not become true in time.
func eventually(within seconds: Int = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return false
}
