// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the fuzzer's link flags and sanitizers stay out of the product's manifest.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "outrigger", path: "../..")],
    targets: [
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "RunDecoderFuzzer",
            dependencies: ["CFuzzer", .product(name: "TraceReading", package: "outrigger")])
    ]
)
