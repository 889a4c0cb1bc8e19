internal import AgentRuns
internal import NIOSSL

/// How the arms behind `https://` are spoken to.
struct UpstreamTLS: Sendable {
    private var baseline: NIOSSLContext?
    private var candidate: NIOSSLContext?

    /// - Throws: ``UpstreamTLSError`` for authorities that cannot be read.
    init(_ settings: ProxySettings) throws {
        baseline = try Self.context(settings.baseline)
        candidate = try settings.candidate.flatMap { try Self.context($0) }
    }

    func context(of role: RunRole) -> NIOSSLContext? { role == .baseline ? baseline : candidate }

    private static func context(_ arm: ArmSettings) throws -> NIOSSLContext? {
        guard arm.upstream.scheme == .https else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let path = arm.certificateAuthorities {
            // Read here, so that a file that is missing or empty is told now and not by the first request.
            guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
                throw UpstreamTLSError(description: "\(path) holds no certificates that can be read; ca_file must be a PEM file")
            }
            configuration.trustRoots = .certificates(certificates)
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

extension ProxySettings {
    /// Reads the authorities that the arms are trusted by, as a start does, and keeps nothing of it.
    ///
    /// - Throws: ``UpstreamTLSError``, or what the TLS library says against them.
    public func checkAuthorities() throws { _ = try UpstreamTLS(self) }
}

/// Why an arm cannot be spoken to over TLS.
public struct UpstreamTLSError: Error, Sendable, CustomStringConvertible {
    public var description: String
}
