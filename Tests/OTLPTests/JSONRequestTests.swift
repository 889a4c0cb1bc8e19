import AgentRuns
import Foundation
@testable import OTLP
@testable import RunSpans
import Testing

/// Read back by Foundation's parser, which knows nothing of our writer.
@Suite("OTLP JSON requests")
struct JSONRequestTests {
    private func parsed(_ bytes: [UInt8]) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
    }

    private func spans(_ request: NSDictionary) throws -> [NSDictionary] {
        func list(_ key: String, of object: NSDictionary) throws -> [NSDictionary] { try #require(object[key] as? [NSDictionary]) }
        return try list("resourceSpans", of: request).flatMap { try list("scopeSpans", of: $0) }.flatMap { try list("spans", of: $0) }
    }

    @Test("Ids are hex, 64-bit integers strings, enums numbers, keys in camel case")
    func full() throws {
        var encoder = JSONSpanEncoder(.full)
        encoder.writeSample()
        func attribute(_ key: String, _ type: String, _ value: Any) -> [String: Any] { ["key": key, "value": [type: value]] }
        let expected: NSDictionary = [
            "resourceSpans": [
                [
                    "resource": [
                        "attributes": [
                            attribute("service.name", "stringValue", "agent \"é\""),
                            attribute("telemetry.sdk.language", "stringValue", "swift"),
                        ]
                    ],
                    "scopeSpans": [
                        [
                            "scope": ["name": "outrigger", "version": "0.1"],
                            "spans": [
                                [
                                    "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
                                    "parentSpanId": "08b7ad6b71692033", "flags": 257, "name": "tool.call", "kind": 1,
                                    "startTimeUnixNano": "1", "endTimeUnixNano": "2",
                                    "attributes": [
                                        attribute("prepared.text", "stringValue", "p"), attribute("prepared.integer", "intValue", "7"),
                                        attribute("text", "stringValue", "é\0\""), attribute("empty", "stringValue", ""),
                                        attribute("integer", "intValue", "-1"), attribute("large", "intValue", "9223372036854775807"),
                                        attribute("double", "doubleValue", 0.5), attribute("zero", "doubleValue", 0.0),
                                        attribute("true", "boolValue", true), attribute("false", "boolValue", false),
                                    ],
                                    "droppedAttributesCount": 3, "status": ["message": "it broke", "code": 2],
                                ]
                            ],
                        ]
                    ],
                ]
            ]
        ]
        #expect(try parsed(encoder.request()) == expected)
    }

    @Test("A root has no parent; a span without losses, errors or attributes has no fields for them")
    func bare() throws {
        var encoder = JSONSpanEncoder(.golden)
        encoder.begin(.sample(parent: nil))
        encoder.end(droppedAttributes: 0)
        let span = try #require(try spans(parsed(encoder.request())).first)
        #expect(
            Set(span.allKeys.compactMap { $0 as? String })
                == ["traceId", "spanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes"])
        #expect(span["attributes"] as? [NSDictionary] == [])
    }

    @Test("An error without words has a code only, and the next span has none")
    func status() throws {
        var encoder = JSONSpanEncoder(.golden)
        encoder.begin(.sample())
        encoder.fail("")
        encoder.end(droppedAttributes: 0)
        encoder.begin(.sample())
        encoder.end(droppedAttributes: 0)
        let both = try spans(parsed(encoder.request()))
        #expect(both.map { $0["status"] as? NSDictionary } == [["code": 2], nil])
    }

    @Test("Any part of a batch is valid JSON with only those spans")
    func part() throws {
        let encoder = JSONSpanEncoder.encoded(callsOf: [2, 0, 3], JSONSpanEncoder(.full))
        let all = try spans(parsed(encoder.request()))
        #expect(all.count == 19)
        for range in [0..<1, 0..<19, 7..<9, 18..<19, 5..<5] {
            #expect(try spans(parsed(encoder.request(range))) == Array(all[range]))
        }
        #expect(encoder.form.contentType == "application/json")
    }

    @Test("Protobuf and JSON have the same spans, in the same order")
    func sameSpans() throws {
        let json = JSONSpanEncoder.encoded(callsOf: [3, 0], JSONSpanEncoder(.full))
        let protobuf = ProtobufSpanEncoder.encoded(callsOf: [3, 0], ProtobufSpanEncoder(.full))
        let ids = try spans(parsed(json.request())).compactMap { $0["spanId"] as? String }
        #expect(ids.count == 12)
        #expect(protobuf.batch.count == 12)
        for (k, id) in ids.enumerated() {
            #expect(protobuf.batch[k..<k + 1].firstRange(of: [UInt8](hex: id)) != nil)
        }
    }
}
