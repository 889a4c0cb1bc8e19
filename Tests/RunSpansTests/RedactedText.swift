@testable import RunSpans

/// What is left of a text, and of JSON, after a redaction.
extension Redaction {
    func text(_ text: String) -> String {
        var redactor = Redactor(self)
        var output: [UInt8] = []
        redactor.appendText(Array(text.utf8)[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    func json(_ json: String) -> String {
        var redactor = Redactor(self)
        var output: [UInt8] = []
        redactor.appendJSON(Array(json.utf8)[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
