import Foundation
import Testing

/// An authority, a server's certificate for 127.0.0.1 and a client's, as PEM files.
struct Certificates {
    let folder: URL

    init() throws {
        folder = try Scratch.folder()
        try openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
            "-keyout", path("ca.key"), "-out", path("ca.pem"))
        for name in ["server", "client"] {
            try openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"),
                "-out", path("\(name).csr"))
            let extensions = folder.appendingPathComponent("\(name).ext")
            try Data("subjectAltName=IP:127.0.0.1\n".utf8).write(to: extensions)
            try openssl("x509", "-req", "-in", path("\(name).csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", extensions.path, "-out", path("\(name).pem"))
        }
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func openssl(_ arguments: String...) throws {
        let result = try Command(URL(fileURLWithPath: "/usr/bin/env"), ["openssl"] + arguments).wait()
        try #require(result.status == 0, "\(result.errors)")
    }
}
