// swift-tools-version: 6.1
import PackageDescription

// Swift 6 language mode comes with the tools version; these say the rest of how every target is built.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // The mapping is generic over its writer and stands in another module: without this it runs unspecialised.
    // Exclusive access is checked at run time in debug builds, and so in all tests; in release builds that check would
    // take a thirtieth of the time.
    .unsafeFlags(
        ["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let package = Package(
    name: "outrigger",
    products: [
        .executable(name: "outrigger", targets: ["outrigger"]),
        .executable(name: "outrigger-bench", targets: ["outrigger-bench"]),
        .library(name: "TraceReading", targets: ["TraceReading", "AgentRuns"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
    ],
    targets: [
        // C libraries of Debian, behind module maps, and the two C targets of our own.
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCompression", providers: [.apt(["libisal-dev", "libzstd-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .target(name: "COTLP", dependencies: ["CProtobufC"]),
        .target(
            name: "CSimdJSON",
            cxxSettings: [.define("SIMDJSON_THREADS_ENABLED", to: "1")],
            linkerSettings: [.linkedLibrary("simdjson")]),

        // From the inside out: each names all that it may import.
        .target(name: "AgentRuns"),
        .target(name: "Threads"),
        .target(name: "FileLocks"),
        .target(name: "HostNames"),
        .target(
            name: "HTTPAnswers",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .target(name: "Digests", dependencies: ["CNettle"]),
        .target(name: "JSONText", dependencies: ["CSimdJSON"]),
        .target(name: "TraceReading", dependencies: ["AgentRuns", "JSONText", "CCompression"]),
        .target(name: "Secrets"),
        .target(name: "RunSpans", dependencies: ["AgentRuns", "JSONText", "Digests", "Secrets"]),
        .target(name: "OTLP", dependencies: ["AgentRuns", "JSONText", "RunSpans", "COTLP", "CProtobufC"]),
        // The type of a file system, which Swift's Glibc leaves out.
        .systemLibrary(name: "CStatFS"),
        .systemLibrary(name: "CPrefetch"),
        .target(name: "Spool", dependencies: ["CCompression", "CStatFS", "FileLocks"]),
        .target(name: "Delivery", dependencies: ["JSONText", "Threads", "RunSpans", "OTLP", "Spool", "CCurl", "CCompression"]),
        .target(name: "Statistics"),
        .target(name: "StrictYAML", dependencies: ["JSONText", .product(name: "Yams", package: "Yams")]),
        .target(name: "Releases", dependencies: ["JSONText", "StrictYAML", "Digests", "Secrets"]),
        .target(name: "JSONDocuments", dependencies: ["JSONText"]),
        .target(
            name: "DatabaseFiles",
            dependencies: [
                "FileLocks", .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .target(
            name: "Ledger",
            dependencies: [
                "AgentRuns", "DatabaseFiles", "Digests", "FileLocks", "JSONText", "Threads",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(
            name: "RunStore",
            dependencies: ["AgentRuns", "DatabaseFiles", "Digests", "FileLocks", .product(name: "GRDB", package: "GRDB.swift")]),
        .target(name: "Replay", dependencies: ["AgentRuns", "JSONDocuments", "JSONText", "TraceReading", "Digests", "RunSpans"]),
        .target(name: "Correlation", dependencies: ["AgentRuns", "JSONDocuments", "Replay", "RunStore"]),
        .systemLibrary(name: "CSpawn"),
        .target(
            name: "ReplayAgents",
            dependencies: [
                "AgentRuns", "CSpawn", "HTTPAnswers", "JSONDocuments", "JSONText", "Replay",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(name: "ReplaySpans", dependencies: ["AgentRuns", "RunSpans", "OTLP", "Delivery", "Threads", "Replay"]),
        .target(name: "Reports", dependencies: ["AgentRuns", "JSONText", "Replay"]),
        .target(name: "Gate", dependencies: ["AgentRuns", "JSONDocuments", "Replay", "Statistics", "StrictYAML", "CPrefetch"]),
        .target(
            name: "Backfill",
            dependencies: [
                "AgentRuns", "JSONText", "Threads", "Digests", "TraceReading", "RunSpans", "OTLP", "Delivery", "CCompression",
            ]),
        .target(name: "OTelSettings", dependencies: ["RunSpans", "OTLP", "Delivery"]),
        .target(name: "Rollout", dependencies: ["AgentRuns", "Digests", "JSONDocuments", "JSONText"]),
        .target(name: "RolloutControl", dependencies: ["FileLocks", "JSONDocuments", "JSONText", "Rollout", "Threads"]),
        .target(name: "LiveRuns", dependencies: ["AgentRuns", "CCompression", "Digests", "JSONText", "RunSpans"]),
        .target(name: "LiveSpans", dependencies: ["AgentRuns", "LiveRuns", "OTLP", "Replay", "RunSpans", "Spool", "Threads"]),
        .target(name: "ToolGateway", dependencies: ["AgentRuns", "JSONDocuments", "LiveRuns", "Replay", "Threads"]),
        .target(
            name: "Router",
            dependencies: [
                "AgentRuns", "JSONDocuments", "RunSpans", "Rollout", "RolloutControl", "LiveRuns", "ToolGateway",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(
            name: "ToolServer",
            dependencies: [
                "AgentRuns", "HTTPAnswers", "JSONDocuments", "ToolGateway",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "AdminAPI",
            dependencies: [
                "AgentRuns", "HostNames", "JSONDocuments", "JSONText", "Rollout", "RolloutControl", "Threads",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .target(
            name: "AdminClient",
            dependencies: [
                "HTTPAnswers", "JSONDocuments", "JSONText",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "Demo",
            dependencies: [
                "JSONText",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .target(
            name: "SidecarConfiguration",
            dependencies: [
                "AgentRuns", "HostNames", "JSONDocuments", "Replay", "Rollout", "Router", "RunSpans", "Spool", "StrictYAML", "ToolGateway",
            ]),
        .executableTarget(
            name: "outrigger",
            dependencies: [
                "AgentRuns", "Threads", "TraceReading", "RunSpans", "OTLP", "Delivery", "Backfill", "OTelSettings", "JSONText",
                "StrictYAML", "Releases", "Replay", "ReplayAgents", "ReplaySpans", "Gate", "Reports",
                "AdminAPI", "LiveRuns", "LiveSpans", "Rollout", "RolloutControl", "Router", "SidecarConfiguration", "Spool",
                "AdminClient", "Correlation", "Demo", "Digests", "JSONDocuments", "Ledger", "RunStore", "ToolGateway", "ToolServer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "outrigger-bench",
            dependencies: ["AgentRuns", "Ledger", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            exclude: ["Peers"]),

        .testTarget(name: "AgentRunsTests", dependencies: ["AgentRuns"]),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"]),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText"]),
        .testTarget(name: "TraceReadingTests", dependencies: ["AgentRuns", "TraceReading"]),
        .testTarget(name: "RunSpansTests", dependencies: ["AgentRuns", "Digests", "RunSpans"]),
        .testTarget(name: "OTLPTests", dependencies: ["AgentRuns", "RunSpans", "OTLP"]),
        .testTarget(name: "SpoolTests", dependencies: ["Spool"]),
        .testTarget(name: "DeliveryTests", dependencies: ["OTLP", "Spool", "Threads", "Delivery"]),
        .testTarget(name: "OTelSettingsTests", dependencies: ["RunSpans", "Delivery", "OTelSettings"]),
        .testTarget(name: "StrictYAMLTests", dependencies: ["JSONText", "StrictYAML"]),
        .testTarget(name: "ReleasesTests", dependencies: ["JSONText", "StrictYAML", "Releases"]),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics"]),
        .testTarget(
            name: "LedgerTests",
            dependencies: ["AgentRuns", "Digests", "Ledger", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(
            name: "RunStoreTests", dependencies: ["AgentRuns", "RunStore", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(name: "CorrelationTests", dependencies: ["AgentRuns", "Correlation", "RunStore"]),
        .testTarget(name: "JSONDocumentsTests", dependencies: ["JSONDocuments"]),
        .testTarget(name: "ReplayTests", dependencies: ["AgentRuns", "JSONDocuments", "RunSpans", "TraceReading", "Replay"]),
        .testTarget(
            name: "ReplayAgentsTests",
            dependencies: [
                "AgentRuns", "JSONDocuments", "JSONText", "Replay", "ReplayAgents", "TraceReading",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .testTarget(name: "ReportsTests", dependencies: ["AgentRuns", "JSONText", "Replay", "Reports", "RunSpans"]),
        .testTarget(
            name: "GateTests", dependencies: ["AgentRuns", "JSONDocuments", "Replay", "Gate", "StrictYAML", "TraceReading"]),
        .testTarget(name: "LiveRunsTests", dependencies: ["AgentRuns", "CCompression", "LiveRuns", "RunSpans"]),
        .testTarget(
            name: "LiveSpansTests", dependencies: ["AgentRuns", "LiveRuns", "LiveSpans", "OTLP", "RunSpans", "Spool", "Threads"]),
        .testTarget(
            name: "ToolGatewayTests", dependencies: ["AgentRuns", "JSONDocuments", "LiveRuns", "Replay", "ToolGateway"]),
        .testTarget(name: "ToolServerTests", dependencies: ["JSONDocuments", "ToolServer"]),
        .testTarget(name: "AdminAPITests", dependencies: ["AdminAPI", "AgentRuns", "Rollout", "RolloutControl"]),
        .testTarget(name: "RolloutTests", dependencies: ["AgentRuns", "JSONDocuments", "JSONText", "Rollout", "RolloutControl"]),
        .testTarget(name: "RouterTests", dependencies: ["AgentRuns", "LiveRuns", "Rollout", "RolloutControl", "Router", "RunSpans"]),
        .testTarget(name: "BackfillTests", dependencies: ["AgentRuns", "RunSpans", "TraceReading", "Backfill"]),
        // Whole processes: the command as a user starts it, against collectors that run.
        .testTarget(name: "IntegrationTests", dependencies: ["JSONText", "outrigger"]),
    ],
    cxxLanguageStandard: .cxx17
)

for target in package.targets where ![.system, .plugin].contains(target.type) {
    target.swiftSettings = swiftSettings
}
