import Glibc

/// The same backfill written the plain way in C++ on the same libraries, as a yardstick: its speed says how fast the
/// machine is, so that the ratio to it can be compared from one machine to another.
struct PlainPrototype {
    private let program: String

    private static let source = "Sources/outrigger-bench/Peers/plain_prototype.cpp"
    private static let encoders = ["Sources/COTLP/otlp_common.pb-c.c", "Sources/COTLP/otlp_trace.pb-c.c"]
    private static let libraries = ["simdjson", "protobuf-c", "curl", "nettle", "z"]

    /// Compiles it in `folder` with a compiler of the system.
    ///
    /// - Returns: nil when there is no compiler that can, or the benchmark does not run at the top of the repository.
    init?(in folder: String) {
        program = "\(folder)/plain_prototype"
        let arguments =
            ["-O3", "-ISources/COTLP/include", "-o", program, Self.source, "-x", "c"] + Self.encoders + ["-x", "none"]
            + Self.libraries.map { "-l\($0)" }
        let compilers = ["clang++", "g++", "c++"]
        guard compilers.contains(where: { (try? Measurement.run([$0] + arguments))?.status == 0 }) else { return nil }
    }

    /// - Throws: ``BenchError`` unless it delivers `spans`.
    func backfill(_ file: String, spans: Int, gzip: Bool, to bench: Bench) throws -> Measurement {
        let output = "\(bench.folder)/prototype.json"
        defer { unlink(output) }
        // Lines without a time of their own start on 2026-01-01.
        let result = try Measurement.run(
            [program, file, bench.endpoint + "/v1/traces", gzip ? "gzip" : "none", "1767225600000000000"], output: output)
        guard result.status == 0, Bench.number("spans", in: output) == Double(spans) else {
            throw BenchError("the C++ prototype failed")
        }
        return result
    }

    func remove() { unlink(program) }
}
