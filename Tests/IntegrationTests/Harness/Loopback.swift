import Foundation
import Testing

/// Plain sockets on 127.0.0.1.
enum Loopback {
    /// A port that nobody listens on at the moment.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (status, port) = withAddress(port: 0) { bind(descriptor, $0, length) + getsockname(descriptor, $0, &length) }
        try #require(status == 0)
        return port
    }

    /// Whether someone listens on the port.
    static func answers(_ port: Int) -> Bool {
        guard let descriptor = connected(to: port) else { return false }
        close(descriptor)
        return true
    }

    /// The body of the answer to an HTTP GET.
    static func get(_ port: Int, _ path: String) throws -> Data {
        let descriptor = try #require(connected(to: port), "nobody listens on \(port)")
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8))
        let answer = try #require(try file.readToEnd())
        let head = try #require(answer.range(of: Data("\r\n\r\n".utf8)))
        return answer[head.upperBound...]
    }

    private static func connected(to port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let status = withAddress(port: port) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }.0
        if status == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    /// - Returns: what `body` returned, and the port in the address afterwards.
    private static func withAddress(port: Int, _ body: (UnsafeMutablePointer<sockaddr>) -> Int32) -> (Int32, Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
        return (status, Int(UInt16(bigEndian: address.sin_port)))
    }
}
