internal import HTTPTypes
internal import Hummingbird
internal import JSONText

/// An answer that says what is wrong, as a problem document.
///
/// Source: RFC 9457.
struct Problem: Error {
    var status: HTTPResponse.Status
    /// A stable word.
    var code: String
    var detail: String
    var more: [(String, JSONValue)] = []

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, more: [(String, JSONValue)] = []) {
        self.status = status
        self.code = code
        self.detail = detail
        self.more = more
    }

    var response: Response {
        let json = JSONValue.object(
            [("title", .text(status.reasonPhrase)), ("status", .integer(status.code)), ("code", .text(code)), ("detail", .text(detail))] + more)
        return .json(json, status: status, type: "application/problem+json")
    }
}

extension Response {
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, type: String = "application/json") -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: value.text + "\n")))
    }

    static func text(_ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8") -> Response {
        Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
