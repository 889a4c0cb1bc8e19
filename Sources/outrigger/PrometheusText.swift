/// Numbers in Prometheus' text format.
///
/// Names follow the OpenTelemetry semantic conventions where there are any, in the form that Prometheus gives them: dots as
/// underscores, the unit and `_total` at the end.
/// Source: Prometheus, "Exposition formats" (text format 0.0.4).
struct PrometheusText {
    private(set) var text = ""

    mutating func begin(_ name: String, _ type: String, _ help: String) { text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: some CustomStringConvertible) {
        text += name
        if !labels.isEmpty { text += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}" }
        text += " \(value)\n"
    }

    mutating func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
        begin(name, type, help)
        sample(name, [], value)
    }

    mutating func counts(_ name: String, _ help: String, _ label: String, _ counts: [String: Int]) {
        begin(name, "counter", help)
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) { sample(name, [(label, key)], count) }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }
}
