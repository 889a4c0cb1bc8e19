import Glibc

/// An agent over HTTP that answers every run after the same time, in a process of its own so that its work is nobody
/// else's. One thread: it must cost little beside what is measured, which shares the machine with it.
struct StubAgent: ~Copyable {
    private let listener: CInt
    /// The listener and every connection.
    private var watched: [pollfd] = []
    private let delay: Duration
    private let answer: [UInt8]
    /// The start of a request that has not all come, by connection.
    private var requests: [CInt: [UInt8]] = [:]
    /// Answers that are due, the oldest first: all wait for the same time, so their order is that of the requests. A
    /// connection that went away meanwhile has its number here still, so the connection's serial number goes with it.
    private var due: [(connection: CInt, serial: Int, time: ContinuousClock.Instant)] = []
    private var nextDue = 0
    private var serials: [CInt: Int] = [:]
    private var lastSerial = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// Serves until it is killed. Writes its port to `portFile` once it listens on 127.0.0.1.
    static func serve(portFile: String, delay: Duration, streams: Bool = false) throws {
        // The benchmark is killed now and then; its agent must not outlive it by much.
        alarm(3600)
        var agent = try StubAgent(portFile: portFile, delay: delay, streams: streams)
        while true { agent.turn() }
    }

    private init(portFile: String, delay: Duration, streams: Bool) throws {
        self.delay = delay
        let body = #"{"response":"done","outcome":"success","cost_tokens":12,"tool_calls":[]}"#
        // A stream's first event, after which nothing comes and nothing ends.
        let event = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ndata: hello\n\n\r\n"
        answer = streams ? Array(event.utf8) : Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = listener
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) + listen(socket, 1024) + getsockname(socket, $0, &length)
            }
        }
        guard status == 0, let file = fopen(portFile, "w") else { throw BenchError("the agent cannot listen") }
        fputs("\(UInt16(bigEndian: address.sin_port))\n", file)
        fclose(file)
        watch(listener)
    }

    private mutating func watch(_ descriptor: CInt) {
        watched.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }

    /// Waits for requests until the next answer is due, and takes what has come.
    private mutating func turn() {
        var wait: CInt = -1
        if nextDue < due.count {
            let left = (due[nextDue].time - .now) / .milliseconds(1)
            wait = CInt(max(0, left.rounded(.up)))
        }
        _ = poll(&watched, nfds_t(watched.count), wait)
        for ready in watched.filter({ $0.revents != 0 }) {
            if ready.fd == listener { accept() } else { read(ready.fd) }
        }
        answerAll(until: .now)
    }

    private mutating func accept() {
        let connection = Glibc.accept(listener, nil, nil)
        guard connection >= 0 else { return }
        var on: CInt = 1
        setsockopt(connection, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        lastSerial += 1
        serials[connection] = lastSerial
        requests[connection] = []
        watch(connection)
    }

    private mutating func read(_ connection: CInt) {
        let count = Glibc.read(connection, &buffer, buffer.count)
        guard count > 0, let serial = serials[connection] else {
            serials[connection] = nil
            requests[connection] = nil
            watched.removeAll { $0.fd == connection }
            close(connection)
            return
        }
        requests[connection]?.append(contentsOf: buffer[..<count])
        while let length = Self.requestLength(requests[connection] ?? []) {
            requests[connection]?.removeFirst(length)
            due.append((connection, serial, .now + delay))
        }
    }

    private mutating func answerAll(until now: ContinuousClock.Instant) {
        while nextDue < due.count, due[nextDue].time <= now {
            let (connection, serial, _) = due[nextDue]
            nextDue += 1
            guard serials[connection] == serial else { continue }
            _ = answer.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        }
        if nextDue > 4096 {
            due.removeFirst(nextDue)
            nextDue = 0
        }
    }

    /// Bytes of the request that stands there; nil while it has not all come.
    private static func requestLength(_ bytes: [UInt8]) -> Int? {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: headEnd) }) else { return nil }
        var length = end + headEnd.count
        for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
            let text = String(decoding: line, as: UTF8.self).lowercased()
            guard text.hasPrefix("content-length:") else { continue }
            length += Int(text.dropFirst(15).filter { $0.isNumber }) ?? 0
        }
        return length <= bytes.count ? length : nil
    }
}

private let headEnd = Array("\r\n\r\n".utf8)
