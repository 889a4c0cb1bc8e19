/// The code points that one place of a pattern accepts.
struct ScalarSet: Sendable {
    var items: [Item]
    var isNegated = false

    enum Item: Sendable {
        case range(ClosedRange<UInt32>)
        case digit(isNegated: Bool)
        case word(isNegated: Bool)
        case space(isNegated: Bool)
        case category([Unicode.GeneralCategory], isNegated: Bool)
        case property(Property, isNegated: Bool)
    }

    enum Property: String, Sendable {
        case any = "Any"
        case ascii = "ASCII"
        case alphabetic = "Alphabetic"
        case uppercase = "Uppercase"
        case lowercase = "Lowercase"
        case whiteSpace = "White_Space"
    }

    /// What `.` accepts: all but the line terminators of ECMAScript.
    static let anyButLineEnds = ScalarSet(
        items: [.range(0x0A...0x0A), .range(0x0D...0x0D), .range(0x2028...0x2029)], isNegated: true)

    static func scalar(_ scalar: Unicode.Scalar) -> ScalarSet { ScalarSet(items: [.range(scalar.value...scalar.value)]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool { items.contains { $0.contains(scalar) } != isNegated }
}

extension ScalarSet.Item {
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .range(let range): range.contains(scalar.value)
        case .digit(let isNegated): (scalar >= "0" && scalar <= "9") != isNegated
        case .word(let isNegated): Self.isWord(scalar) != isNegated
        case .space(let isNegated): Self.isSpace(scalar) != isNegated
        case .category(let categories, let isNegated):
            categories.contains(scalar.properties.generalCategory) != isNegated
        case .property(let property, let isNegated): property.holds(for: scalar) != isNegated
        }
    }

    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    /// ECMAScript's white space and line terminators.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x20, 0xA0, 0x2028, 0x2029, 0xFEFF: true
        default: scalar.properties.generalCategory == .spaceSeparator
        }
    }

    /// What stands between the braces of `\p{…}`: a general category, with or without `gc=`, or one of the properties
    /// that ``ScalarSet/Property`` lists. Nil for anything else, scripts among it.
    static func named(_ name: String, isNegated: Bool) -> ScalarSet.Item? {
        if let property = ScalarSet.Property(rawValue: name) { return .property(property, isNegated: isNegated) }
        var name = name
        for prefix in ["General_Category=", "gc="] where name.hasPrefix(prefix) {
            name = String(name.dropFirst(prefix.count))
        }
        let short = longNames[name] ?? name
        let categories = generalCategories.filter { $0.name == short || (short.utf8.count == 1 && $0.name.hasPrefix(short)) }
        return categories.isEmpty ? nil : .category(categories.map(\.category), isNegated: isNegated)
    }

    private static let longNames = [
        "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
        "Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Number": "N", "Decimal_Number": "Nd",
        "digit": "Nd", "Punctuation": "P", "punct": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs",
        "Other": "C", "Control": "Cc", "Format": "Cf",
    ]

    private static let generalCategories: [(name: String, category: Unicode.GeneralCategory)] = [
        ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
        ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
        ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
        ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
        ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
        ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
        ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
        ("Cn", .unassigned),
    ]
}

extension ScalarSet.Property {
    func holds(for scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .any: true
        case .ascii: scalar.isASCII
        case .alphabetic: scalar.properties.isAlphabetic
        case .uppercase: scalar.properties.isUppercase
        case .lowercase: scalar.properties.isLowercase
        case .whiteSpace: scalar.properties.isWhitespace
        }
    }
}
