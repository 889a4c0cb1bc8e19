/// Hides the asterisks of a text from the parser, so that it takes aliases for plain text.
///
/// Yams replaces aliases while it parses, and compares mapping keys by value with all that is in them: a few hundred
/// bytes of nested aliases would keep it busy for years. Behind the veil every `*` is one character that the text does not
/// hold, so the parser sees no alias, all positions stay, and lifting the veil gives back the very text. What then starts
/// with a veiled asterisk and is written plainly was an alias, since plain text cannot start with one.
struct AliasVeil {
    let mask: Unicode.Scalar
    let text: String

    /// nil if the text holds every character that could serve: nobody writes that without ill intent.
    init?(_ original: String) {
        guard original.utf8.contains(UInt8(ascii: "*")) else {
            (mask, text) = ("\u{E000}", original)
            return
        }
        var taken = Set(original.unicodeScalars.lazy.filter { 0xE000...0xF8FF ~= $0.value }.map(\.value))
        // Escapes in quoted text can name a character too: every four hex digits in a row are taken.
        var run: UInt32 = 0
        var length = 0
        for byte in original.utf8 {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                length = 0
                continue
            }
            run = (run << 4 | UInt32(digit)) & 0xFFFF
            length += 1
            if length >= 4 { taken.insert(run) }
        }
        guard let free = (UInt32(0xE000)...0xF8FF).first(where: { !taken.contains($0) }), let mask = Unicode.Scalar(free) else {
            return nil
        }
        self.mask = mask
        var veiled = String.UnicodeScalarView()
        for scalar in original.unicodeScalars { veiled.append(scalar == "*" ? mask : scalar) }
        text = String(veiled)
    }

    func lifted(_ veiled: String) -> String {
        guard veiled.unicodeScalars.contains(mask) else { return veiled }
        var text = String.UnicodeScalarView()
        for scalar in veiled.unicodeScalars { text.append(scalar == mask ? "*" : scalar) }
        return String(text)
    }

    /// What stood after the asterisk, if the plain text was an alias.
    func alias(_ plain: String) -> String? {
        plain.unicodeScalars.first == mask ? lifted(String(plain.unicodeScalars.dropFirst())) : nil
    }
}
