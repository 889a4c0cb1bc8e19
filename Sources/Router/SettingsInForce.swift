internal import NIOCore

/// The settings as requests use them: one reference for a request instead of a copy with all its texts, and waits as the event
/// loops count them, since a `Duration` is divided by 128 bits each time that it is asked for its seconds.
final class SettingsInForce: Sendable {
    /// One arm's settings, which a request and its record hold together.
    final class Arm: Sendable {
        let settings: ArmSettings

        init(_ settings: ArmSettings) { self.settings = settings }
    }

    /// As in ``ProxyTimeouts``.
    struct Timeouts: Sendable {
        let requestHeader, requestBody, keepAlive, responseHeader, responseBody, write: TimeAmount
        /// From a copy's start to its last byte.
        let shadow: TimeAmount

        fileprivate init(_ settings: ProxySettings) {
            let timeouts = settings.timeouts
            requestHeader = TimeAmount(timeouts.requestHeader)
            requestBody = TimeAmount(timeouts.requestBody)
            keepAlive = TimeAmount(timeouts.keepAlive)
            responseHeader = TimeAmount(timeouts.responseHeader)
            responseBody = TimeAmount(timeouts.responseBody)
            write = TimeAmount(timeouts.write)
            shadow = TimeAmount(settings.shadow.timeout)
        }
    }

    let baseline: Arm
    let candidate: Arm?
    let limits: ProxyLimits
    let timeouts: Timeouts
    let shadow: ShadowSettings
    let tellsRole: Bool

    init(_ settings: ProxySettings) {
        baseline = Arm(settings.baseline)
        candidate = settings.candidate.map { Arm($0) }
        limits = settings.limits
        timeouts = Timeouts(settings)
        shadow = settings.shadow
        tellsRole = settings.tellsRole
    }
}
