import OTLP
import Testing

/// Bodies made by hand from the fact sheet's field numbers.
@Suite("Answers to exports")
struct ExportResponseTests {
    private func response(_ bytes: [UInt8]) -> ExportResponse? { bytes.withUnsafeBytes { ExportResponse(protobuf: $0) } }
    private func errorMessage(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBytes { ExportResponse.errorMessage(protobuf: $0) } }

    @Test(
        "An answer says how many spans were refused, and why",
        arguments: [
            ("", 0, ""), ("0a00", 0, ""), ("0a020805", 5, ""), ("0a0408051200", 5, ""), ("0a0608051202c3a9", 5, "é"), ("0a0412026e6f", 0, "no"),
            // A count that no receiver means, but that must not trap.
            ("0a0b08ffffffffffffffffff01", -1, ""),
        ])
    func answer(hex: String, rejected: Int, message: String) {
        #expect(response([UInt8](hex: hex)) == ExportResponse(rejectedSpans: rejected, message: message))
    }

    @Test(
        "Bytes that are no such answer are none",
        arguments: [
            Array("<html>".utf8), Array("{\"partialSuccess\":{}}".utf8), Array("OK".utf8), [0x0A], [0x0A, 0x05, 0x08], [0x12, 0x02, 0x61, 0x62], [0xFF],
            [0x08, 0x05],
        ] as [[UInt8]])
    func garbage(bytes: [UInt8]) {
        #expect(response(bytes) == nil)
    }

    @Test(
        "The message of an error is its google.rpc.Status's",
        arguments: [("08031203626164", "bad"), ("1203626164", "bad"), ("12036261641a020a00", "bad"), ("0803", nil), ("", nil), ("0a", nil), ("1205626164", nil)]
            as [(String, String?)])
    func errorMessage(hex: String, message: String?) {
        #expect(errorMessage([UInt8](hex: hex)) == message)
    }

    @Test("Words that are not UTF-8 are repaired, not refused")
    func invalidUTF8() {
        #expect(errorMessage([0x12, 0x02, 0x61, 0xFF]) == "a\u{FFFD}")
        #expect(response([0x0A, 0x04, 0x12, 0x02, 0x61, 0xFF])?.message == "a\u{FFFD}")
    }
}
