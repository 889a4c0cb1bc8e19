import Glibc
import SidecarConfiguration

/// Whether this machine has an address to listen on.
enum ListeningProbe {
    /// Binds the address for a moment, and does not listen there.
    ///
    /// - Returns: what the system says against it; nil for nothing, and for an address that is in use.
    static func problem(_ address: SidecarConfiguration.Address) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var answer: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(address.host, String(address.port), &hints, &answer)
        guard status == 0, let found = answer else { return String(cString: gai_strerror(status)) }
        defer { freeaddrinfo(found) }
        let descriptor = socket(found.pointee.ai_family, found.pointee.ai_socktype, 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        // As a server does: a connection that has just ended keeps nobody from listening.
        var isReused: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) != 0, errno != EADDRINUSE else { return nil }
        return String(cString: strerror(errno))
    }
}
