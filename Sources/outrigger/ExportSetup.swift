import AgentRuns
import Delivery
import Glibc
import OTLP
import OTelSettings
import RunSpans

/// Flags and variables, made into what every export needs.
enum ExportSetup {
    /// The environment's settings, with the flags over them.
    static func settings(
        _ mapping: MappingOptions, _ export: ExportOptions, _ environment: [String: String]
    ) throws -> OTelSettings {
        var settings = try OTelSettings(environment)
        for pair in mapping.resource { settings.setResource(pair.key, pair.value) }
        completeResource(&settings, serviceName: mapping.serviceName)
        if let format = export.protocol { settings.encoding = .init(rawValue: format.rawValue) ?? settings.encoding }
        return settings
    }

    /// What every resource says, whoever exports.
    ///
    /// Source: OpenTelemetry's semantic conventions, "Resource" (`service.name` and `telemetry.sdk.*` are required).
    static func completeResource(_ settings: inout OTelSettings, serviceName: String?) {
        if let serviceName { settings.setResource("service.name", serviceName) }
        if !settings.resource.contains(where: { $0.key == "service.name" }) {
            settings.resource.insert(("service.name", "unknown_service:outrigger"), at: 0)
        }
        settings.setResource("telemetry.sdk.name", "outrigger")
        settings.setResource("telemetry.sdk.language", "swift")
        settings.setResource("telemetry.sdk.version", Outrigger.version)
    }

    static func origin(_ settings: OTelSettings) -> Origin {
        Origin(resource: settings.resource, scopeName: "outrigger", scopeVersion: Outrigger.version)
    }

    /// - Throws: ``UsageError`` for a redaction pattern that is no regular expression.
    static func redaction(_ flags: MappingOptions) throws -> Redaction {
        var redaction = flags.noBuiltinRedaction ? Redaction(keys: [], usesBuiltInPatterns: false) : Redaction()
        for key in flags.redactKey { redaction.add(key: key) }
        for pattern in flags.redactPattern {
            do { try redaction.add(pattern: pattern) } catch {
                throw UsageError("--redact-pattern \(pattern): \(error)")
            }
        }
        return redaction
    }

    /// - Throws: ``UsageError`` for a redaction pattern that is no regular expression.
    static func mapping(_ flags: MappingOptions, _ settings: OTelSettings, mode: RunMode) throws -> RunMapping {
        RunMapping(
            mode: mode, dataset: flags.dataset, agentName: flags.agentName,
            capture: RunMapping.Capture(rawValue: flags.capture.rawValue) ?? .none, redaction: try redaction(flags),
            limits: settings.limits)
    }

    /// - Throws: ``UsageError`` with the remedy.
    static func configuration(
        _ flags: ExportOptions, _ settings: OTelSettings
    ) throws -> ExportConfiguration {
        var endpoint = settings.endpoint
        if let flag = flags.endpoint {
            let path = flag.prefix { $0 != "?" && $0 != "#" }
            endpoint = path.hasSuffix("/v1/traces") ? flag : OTelSettings.tracesURL(base: flag)
        }
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw UsageError("the endpoint \(endpoint) is no URL; it must begin with http:// or https://")
        }
        var configuration = ExportConfiguration(
            endpoint: endpoint, userAgent: "outrigger/\(Outrigger.version) OTel-OTLP-Exporter-Swift/\(Outrigger.version)")
        configuration.headers = settings.headers
        for text in flags.header {
            // The text may hold a secret, so it is not repeated.
            guard let pair = PairArgument(argument: text) else {
                throw UsageError("--header must be name=value, with an equals sign (the value given is not shown here)")
            }
            configuration.headers.removeAll { $0.name.lowercased() == pair.key.lowercased() }
            configuration.headers.append((pair.key, pair.value))
        }
        for (name, value) in configuration.headers where !isHeader(name, value) {
            throw UsageError("the header \(name.escapedForTerminal) has characters that HTTP does not allow")
        }
        configuration.compression = flags.compression.flatMap { .init(rawValue: $0.rawValue) } ?? settings.compression
        configuration.timeout = flags.timeout.map { $0.duration == .zero ? nil : $0.duration } ?? settings.timeout
        configuration.certificate = flags.certificate ?? settings.certificate
        configuration.clientCertificate = flags.clientCertificate ?? settings.clientCertificate
        configuration.clientKey = flags.clientKey ?? settings.clientKey
        for file in [configuration.certificate, configuration.clientCertificate, configuration.clientKey] {
            if let file, access(file, R_OK) != 0 { throw UsageError("cannot read \(file): \(String(cString: strerror(errno)))") }
        }
        guard (1...256).contains(flags.connections) else { throw UsageError("--connections must be from 1 to 256") }
        configuration.connections = flags.connections
        let batch = flags.batchSpans ?? settings.batchSpans
        guard batch > 0 else { throw UsageError("--batch-spans must be at least 1") }
        configuration.queuedRequests = max(1, settings.queueSpans / batch)
        configuration.maximumRequest = min(flags.batchBytes.bytes, ExportConfiguration.absoluteMaximumRequest)
        configuration.retry.initial = flags.retryInitial.duration
        if let limit = flags.retryMax?.duration ?? settings.exportTimeout { configuration.retry.giveUpAfter = limit }
        return configuration
    }

    private static func isHeader(_ name: String, _ value: String) -> Bool {
        let token = "!#$%&'*+-.^_`|~"
        let isName = !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || token.contains($0)) }
        return isName && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    /// The process's environment variables.
    static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let halves = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if halves.count == 2 { variables[String(halves[0])] = String(halves[1]) }
            entry += 1
        }
        return variables
    }
}

/// A command line that cannot be carried out.
struct UsageError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
