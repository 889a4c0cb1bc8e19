import OTelSettings
import Testing

/// Settings from variables that are given as a dictionary.
func settings(_ variables: [String: String]) throws -> OTelSettings { try OTelSettings(variables) }

/// Settings that must have been read without a complaint.
func cleanSettings(
    _ variables: [String: String], sourceLocation: SourceLocation = #_sourceLocation
) throws -> OTelSettings {
    let settings = try OTelSettings(variables)
    #expect(settings.warnings == [], sourceLocation: sourceLocation)
    return settings
}

/// The complaint about one variable, and that there is no other.
func onlyWarning(
    _ settings: OTelSettings, about name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
    #expect(settings.warnings.count == 1, "\(settings.warnings)", sourceLocation: sourceLocation)
    let warning = try #require(settings.warnings.first, sourceLocation: sourceLocation)
    #expect(warning.hasPrefix("\(name): "), "\(warning)", sourceLocation: sourceLocation)
    return warning
}
