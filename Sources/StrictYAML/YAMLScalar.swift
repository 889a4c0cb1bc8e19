/// What a scalar means in the core schema of YAML 1.2.2, section 10.3.2.
///
/// `true`, `True` and `TRUE` are booleans; `yes`, `on`, `y` and the like, which YAML 1.1 took for booleans, are text, as
/// are `1:30`, `1_000` and dates. A number is what the schema's patterns match, `0x1F` and `0o17` included.
public enum YAMLScalar: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(YAMLNumber)
    /// `.inf`, `-.inf` or `.nan`.
    case notFinite
    case string(String)

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        case ".nan", ".NaN", ".NAN": self = .notFinite
        default:
            let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
            if [".inf", ".Inf", ".INF"].contains(unsigned) {
                self = .notFinite
            } else {
                self = YAMLNumber(text).map(YAMLScalar.number) ?? .string(text)
            }
        }
    }
}
