import Foundation
import Synchronization
import Testing

/// Plain sockets on 127.0.0.1.
enum Loopback {
    /// Below the ports that the kernel gives to whoever asks for any (32768 and up), so that no connection takes one between
    /// this and its use; where in there this process begins is by its id, away from a run of the tests before it or beside it.
    private static let ports = 20_000..<32_000
    private static let next = Mutex(ports.lowerBound + Int(getpid()) * 97 % ports.count)

    /// A port that nobody listens on at the moment, and that nobody in this process was given before.
    static func freePort() throws -> Int {
        for _ in ports {
            let port = next.withLock { next in
                defer { next = next + 1 < ports.upperBound ? next + 1 : ports.lowerBound }
                return next
            }
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            if withAddress(port: port, { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }) == 0 { return port }
        }
        throw CocoaError(.featureUnsupported, userInfo: [NSLocalizedDescriptionKey: "no port of \(ports) is free"])
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
        let status = withAddress(port: port) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        if status == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    private static func withAddress(port: Int, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
}
