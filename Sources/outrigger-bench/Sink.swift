import Glibc

/// An HTTP server that reads bodies and throws them away, in a process of its own so that its work is nobody else's.
enum Sink {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"

    /// Serves until it is killed. Writes its port to `portFile` once it listens on 127.0.0.1.
    static func serve(portFile: String) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) + listen(listener, 64) + getsockname(listener, $0, &length)
            }
        }
        guard status == 0, let file = fopen(portFile, "w") else { throw BenchError("cannot listen") }
        fputs("\(UInt16(bigEndian: address.sin_port))\n", file)
        fclose(file)
        // The benchmark is killed now and then; its sink must not outlive it by much.
        alarm(3600)
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { continue }
            var thread = pthread_t()
            pthread_create(&thread, nil, { context in
                Sink.read(CInt(Int(bitPattern: context)))
                return nil
            }, UnsafeMutableRawPointer(bitPattern: Int(connection)))
            pthread_detach(thread)
        }
    }

    private static func read(_ connection: CInt) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var head: [UInt8] = []
        var left = 0
        while true {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(connection, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                if left > 0 {
                    let taken = min(left, rest.count)
                    left -= taken
                    rest = rest.dropFirst(taken)
                } else {
                    head.append(rest.removeFirst())
                    guard head.suffix(4).elementsEqual([13, 10, 13, 10]) else { continue }
                    left = contentLength(head)
                    head.removeAll(keepingCapacity: true)
                }
                if left == 0, head.isEmpty { _ = Array(answer.utf8).withUnsafeBytes { write(connection, $0.baseAddress, $0.count) } }
            }
        }
        close(connection)
    }

    private static func contentLength(_ head: [UInt8]) -> Int {
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            return Int(line.dropFirst(15).trimmed) ?? 0
        }
        return 0
    }
}

extension Substring {
    fileprivate var trimmed: Substring { drop { $0 == " " } }
}
