import Delivery
import OTelSettings
import SidecarConfiguration
import Spool

/// Where a sidecar's spans and events go, by its configuration and the `OTEL_*` variables. Nothing is opened to find it out.
struct TelemetryDestination {
    struct Export {
        var configuration: ExportConfiguration
        var logsEndpoint: String
    }

    let settings: OTelSettings
    /// nil where nothing is exported.
    let export: Export?
    /// For people.
    let summary: String

    /// - Throws: a variable that cannot be used, or an endpoint that is no URL.
    init(_ wanted: SidecarConfiguration.Telemetry) throws {
        let environment = ExportSetup.environment()
        var settings = try OTelSettings(environment)
        ExportSetup.completeResource(&settings, serviceName: wanted.serviceName)
        self.settings = settings
        guard wanted.isEnabled, !settings.isDisabled, settings.exporter != .none else {
            export = nil
            summary = "off"
            return
        }
        let endpoint = wanted.endpoint.map { OTelSettings.tracesURL(base: $0) } ?? settings.endpoint
        let configuration = try Self.configuration(endpoint, settings)
        export = Export(
            configuration: configuration, logsEndpoint: try ReplayExport.logsEndpoint(wanted.endpoint, environment, endpoint))
        summary = configuration.displayName + (wanted.spool.map { ", spool \($0.folder)" } ?? ", in memory only (no telemetry.spool)")
    }

    private static func configuration(_ endpoint: String, _ settings: OTelSettings) throws -> ExportConfiguration {
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw UsageError("the collector's endpoint \(endpoint) is no URL; it must begin with http:// or https://")
        }
        var configuration = ExportConfiguration(
            endpoint: endpoint, userAgent: "outrigger/\(Outrigger.version) OTel-OTLP-Exporter-Swift/\(Outrigger.version)")
        configuration.headers = settings.headers
        configuration.compression = settings.compression
        configuration.timeout = settings.timeout
        configuration.certificate = settings.certificate
        configuration.clientCertificate = settings.clientCertificate
        configuration.clientKey = settings.clientKey
        return configuration
    }
}
