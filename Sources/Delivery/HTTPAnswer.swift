/// What came back from one HTTP request.
struct HTTPAnswer: Sendable {
    var status: Int
    var contentType = ""
    var location = ""
    var retryAfter: String?
    var body: [UInt8] = []
}

/// No answer, or not a whole one.
struct TransportFailure: Error, Sendable {
    enum Kind: Sendable {
        /// Trying again may help: refused or lost connections, time-outs, names that do not resolve.
        case transient
        /// Trying again cannot help until someone changes something: certificates, malformed URLs.
        case permanent
        /// The request was answered, with more than may be read.
        case tooLargeAnswer
        /// The stop that was asked for cut it off.
        case cutOff
    }

    var kind: Kind
    /// What happened, with the remedy if there is a likely one.
    var message: String
}
