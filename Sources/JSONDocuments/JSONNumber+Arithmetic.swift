extension JSONNumber: Comparable {
    public static func < (a: JSONNumber, b: JSONNumber) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? isSmaller(b, a) : isSmaller(a, b)
    }

    /// Compares without the signs.
    private static func isSmaller(_ a: JSONNumber, _ b: JSONNumber) -> Bool {
        if a.isZero || b.isZero { return a.isZero && !b.isZero }
        let left = a.digitBytes
        let right = b.digitBytes
        let leftPoint = left.count + a.exponent
        let rightPoint = right.count + b.exponent
        // With no zeros at the ends, digits after the same point compare like words.
        return leftPoint == rightPoint ? left.lexicographicallyPrecedes(right) : leftPoint < rightPoint
    }

    /// Whether the number can be divided by others: at most 18 significant digits and not zero.
    var isDivisor: Bool {
        if case .few(let value) = digits { value != 0 } else { false }
    }

    /// Whether it is the divisor times an integer, worked out on the exact decimals.
    ///
    /// - Parameter divisor: one that ``isDivisor``; for any other the answer is false.
    func isMultiple(of divisor: JSONNumber) -> Bool {
        guard case .few(let modulus) = divisor.digits, modulus != 0 else { return false }
        if isZero { return true }
        let shift = exponent - divisor.exponent
        // The digits do not end in a zero, so no ten divides them.
        guard shift >= 0 else { return false }
        let remainder = digitBytes.reduce(0) { (UInt128($0) * 10 + UInt128($1 - UInt8(ascii: "0"))) % UInt128(modulus) }
        return remainder * Self.power(of: 10, shift, modulo: UInt128(modulus)) % UInt128(modulus) == 0
    }

    /// By squaring: the exponent may be near ``maximumExponent``. Factors are below 10^18, so their product fits.
    private static func power(of base: UInt128, _ exponent: Int, modulo modulus: UInt128) -> UInt128 {
        var result = 1 % modulus
        var factor = base % modulus
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = result * factor % modulus }
            factor = factor * factor % modulus
            rest >>= 1
        }
        return result
    }
}
