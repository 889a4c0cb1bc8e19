internal import Glibc

/// The standard normal distribution: mean 0, standard deviation 1.
public enum NormalDistribution {
    /// P(Z ≤ z). Relative error below 1e-12 also far in the lower tail, down to the smallest `Double`; nil for NaN.
    public static func cumulative(_ z: Double) -> Double? {
        z.isNaN ? nil : lowerTail(z)
    }

    /// The z below which a share `probability` of the distribution lies; nil outside the open interval (0, 1).
    ///
    /// Near 1 the argument itself is coarse: take `-quantile(1 - p)` where 1 − p is known better than p.
    /// Source: Wichura 1988, algorithm AS 241, PPND16; relative error about 1e-16.
    public static func quantile(_ probability: Double) -> Double? {
        guard probability > 0, probability < 1 else { return nil }
        let centred = probability - 0.5
        if abs(centred) <= 0.425 {
            let r = 0.180625 - centred * centred
            return centred * polynomial(centralNumerator, r) / polynomial(centralDenominator, r)
        }
        let distance = (-log(centred < 0 ? probability : 1 - probability)).squareRoot()
        let magnitude =
            distance <= 5
            ? polynomial(middleNumerator, distance - 1.6) / polynomial(middleDenominator, distance - 1.6)
            : polynomial(tailNumerator, distance - 5) / polynomial(tailDenominator, distance - 5)
        return centred < 0 ? -magnitude : magnitude
    }

    /// P(Z ≤ z) of a number that is known not to be NaN.
    static func lowerTail(_ z: Double) -> Double {
        // The complementary error function keeps the digits of small tails, which 1 - erf would lose.
        0.5 * erfc(-z * 0.5.squareRoot())
    }

    /// How many standard errors a two-sided interval reaches to either side, for a confidence in (0, 1).
    static func twoSidedReach(confidence: Double) -> Double? {
        guard confidence > 0, confidence < 1 else { return nil }
        // At a confidence of 1e-17 the tail rounds to one half, whose quantile is 0: an interval of no width.
        return quantile((1 - confidence) / 2).map { -$0 }
    }

    private static func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
        coefficients.reversed().reduce(0) { $0 * x + $1 }
    }

    private static let centralNumerator = [
        3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
        4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3,
    ]
    private static let centralDenominator = [
        1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
        2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3,
    ]
    private static let middleNumerator = [
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
        1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ]
    private static let middleDenominator = [
        1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ]
    private static let tailNumerator = [
        6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ]
    private static let tailDenominator = [
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ]
}
