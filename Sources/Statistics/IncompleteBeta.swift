internal import Glibc

/// The regularised incomplete beta function I_x(a, b) and its inverse, for positive, finite a and b.
///
/// Relative error of the smaller tail below 2e-12 for a + b up to 2 × 10^7, as far as x itself is exact: at such sizes a
/// change of x in its last place alone changes the tail by about 1e-11. Terms of the continued fraction grow with the
/// square root of a + b.
struct IncompleteBeta {
    let a: Double
    let b: Double

    /// I_x(a, b) and 1 − I_x(a, b). Both are given because the smaller would lose its digits in a subtraction.
    func tails(at x: Double) -> (lower: Double, upper: Double) {
        if x <= 0 { return (0, 1) }
        if x >= 1 { return (1, 0) }
        let weight = Self.binomialWeight(a, b, x) / (a + b)
        // The fraction converges fast only on the near side of the mean.
        if x < (a + 1) / (a + b + 2) {
            let lower = min(1, weight * b * Self.continuedFraction(a, b, x))
            return (lower, 1 - lower)
        }
        let upper = min(1, weight * a * Self.continuedFraction(b, a, 1 - x))
        return (1 - upper, upper)
    }

    /// The x at which the lower tail is `target`, in (0, 1).
    func quantile(lowerTail target: Double) -> Double {
        solve(target) { $0.lower } slope: { 1 }
    }

    /// The x at which the upper tail is `target`, in (0, 1).
    func quantile(upperTail target: Double) -> Double {
        solve(target) { $0.upper } slope: { -1 }
    }

    /// Newton steps on the logarithm of the tail, which is concave and so converges from the mean; bisection wherever a
    /// step would leave what is known to enclose the answer.
    private func solve(
        _ target: Double, tail: ((lower: Double, upper: Double)) -> Double, slope: () -> Double
    ) -> Double {
        var low = 0.0
        var high = 1.0
        var x = a / (a + b)
        for _ in 0..<1100 {
            let value = tail(tails(at: x))
            if value == target { break }
            if (value < target) == (slope() > 0) { low = x } else { high = x }
            let density = a * (b / (a + b)) * Self.binomialWeight(a, b, x) / (x * (1 - x))
            var next = x - slope() * log(value / target) * value / density
            if !(next > low && next < high) { next = low + (high - low) / 2 }
            let step = abs(next - x)
            x = next
            if step <= 2 * x.ulp || high - low <= high.ulp { break }
        }
        return x
    }

    /// Γ(a+b+1) / (Γ(a+1) Γ(b+1)) x^a (1−x)^b, as a saddle-point expansion: a difference of logarithms of gamma functions
    /// would lose eight digits at a + b = 10^7. Source: Loader 2000, "Fast and accurate computation of binomial
    /// probabilities".
    private static func binomialWeight(_ a: Double, _ b: Double, _ x: Double) -> Double {
        let n = a + b
        let exponent =
            stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * (1 - x))
        return exp(exponent) * (n / a / b / (2 * .pi)).squareRoot()
    }

    /// log Γ(n+1) − log(√(2πn) (n/e)^n).
    private static func stirlingError(_ n: Double) -> Double {
        if n <= 15 { return log(tgamma(n + 1)) - (n + 0.5) * log(n) + n - 0.5 * log(2 * .pi) }
        let s = 1 / (n * n)
        return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / n
    }

    /// x log(x/m) + m − x, by a series where the three terms would cancel.
    private static func deviance(_ x: Double, _ m: Double) -> Double {
        guard abs(x - m) < 0.1 * (x + m) else { return x * log(x / m) + m - x }
        let v = (x - m) / (x + m)
        var sum = (x - m) * v
        var term = 2 * x * v
        for j in 1..<1000 {
            term *= v * v
            let next = sum + term / Double(2 * j + 1)
            if next == sum { break }
            sum = next
        }
        return sum
    }

    /// 26.5.8 of Abramowitz and Stegun 1964, evaluated by Lentz's method (Lentz 1976, as modified by Thompson and Barnett
    /// 1986).
    private static func continuedFraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        func nonZero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / nonZero(1 - (a + b) * x / (a + 1))
        var fraction = d
        var m = 1.0
        while m < 1_000_000 {
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / nonZero(1 + even * d)
            c = nonZero(1 + even / c)
            fraction *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / nonZero(1 + odd * d)
            c = nonZero(1 + odd / c)
            fraction *= d * c
            if abs(d * c - 1) <= 2 * Double.ulpOfOne { break }
            m += 1
        }
        return fraction
    }
}
