internal import AsyncHTTPClient
internal import Glibc
internal import NIOSSL

/// Whom TLS connections to agents trust: the system's authorities, or those of the PEM file that `SSL_CERT_FILE` names,
/// which is what OpenSSL, curl and most languages' clients take too.
enum TrustedAuthorities {
    static let variable = "SSL_CERT_FILE"

    /// - Throws: ``AgentSpecification/UsageError`` when the variable names a file that holds no certificate.
    static func configuration() throws(AgentSpecification.UsageError) -> TLSConfiguration? {
        guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(value))
            return configuration
        } catch {
            throw AgentSpecification.UsageError(
                "\(variable) names \(Excerpt.text(value)), which cannot be read as certificates in PEM; mend it, or unset it")
        }
    }

    /// What went wrong in a TLS handshake, with the remedy; nil for other errors.
    static func words(_ error: any Error) -> String? {
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            return "TLS: the agent's certificate is for another host; use the name that it is for in the URL"
        }
        guard let error = error as? NIOSSLError else { return nil }
        switch error {
        case .handshakeFailed(let cause):
            let text = String(describing: cause)
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                return "TLS: the agent's certificate is not trusted; name a PEM file with its authority in \(variable)"
            }
            if text.contains("WRONG_VERSION_NUMBER") { return "TLS: the agent does not speak TLS; is its URL http://?" }
            return "TLS: the handshake failed: \(Excerpt.escaped(String(text.prefix(200))))"
        case .unableToValidateCertificate:
            return "TLS: the agent's certificate cannot be validated; name a PEM file with its authority in \(variable)"
        default: return nil
        }
    }
}
