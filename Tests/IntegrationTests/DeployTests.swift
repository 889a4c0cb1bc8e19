import Foundation
import Testing

/// The examples in Fixtures/deploy, checked as far as that goes without a cluster.
@Suite struct DeployTests {
    private static let folder = Project.root.appendingPathComponent("Fixtures/deploy")

    @Test("the Kubernetes objects fit their schemas, and every configuration in the examples is sound")
    func configurations() throws {
        let output = try Scratch.folder()
        let result = try Project.support("check_deploy", [Self.folder.path, output.path]).wait()
        #expect(result.status == 0, "\(result.errors)")
        // What stands on volumes there stands in a folder of the test's here.
        let state = try Scratch.folder().path
        let token = try Scratch.file(["a-token"], name: "token")
        for name in ["kubernetes.yaml", "compose.yaml"] {
            let text = try String(contentsOf: output.appendingPathComponent(name), encoding: .utf8)
                .replacingOccurrences(of: "/var/lib/outrigger", with: state)
                .replacingOccurrences(of: "/run/secrets/outrigger/token", with: token)
            let check = try Outrigger.run(
                ["serve", "--check", "--config", try Scratch.file([text], name: name)], environment: ["OUTRIGGER_ADMIN_TOKEN": "a-token"])
            #expect(check.status == 0, "\(name): \(check.errors)")
        }
    }

    @Test("systemd takes the unit", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")))
    func unit() throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent("outrigger.service"), encoding: .utf8)
            .replacingOccurrences(of: "/usr/local/bin/outrigger", with: Outrigger.executable.path)
        let unit = try Scratch.file([text], name: "outrigger.service")
        let result = try Command(URL(fileURLWithPath: "/usr/bin/systemd-analyze"), ["verify", "--man=no", unit]).wait()
        // It looks at the units that ours stands on, too, and has something to say of the machine's own.
        let ours = result.errors.split(separator: "\n").filter { $0.contains("outrigger.service") }
        #expect(ours.isEmpty, "\(ours)")
    }

    @Test("whoever has only the binary is told to install what the image installs")
    func libraries() throws {
        let image = try String(contentsOf: Self.folder.appendingPathComponent("Dockerfile"), encoding: .utf8)
        let stage = try #require(image.range(of: "FROM debian:"))
        let line = try #require(image[stage.upperBound...].split(separator: "\n").first { $0.hasPrefix("    ca-certificates ") })
        let packages = line.replacingOccurrences(of: "\\", with: "").trimmingCharacters(in: .whitespaces)
        let readme = try String(contentsOf: Project.root.appendingPathComponent("README.md"), encoding: .utf8)
        #expect(readme.contains(packages + "\n"), "\(packages)")
    }

    @Test("what the examples run is what the command offers")
    func action() throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent("github-action.yml"), encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.contains("outrigger gate") })
        let flags = line.split(separator: " ").filter { $0.hasPrefix("--") }.map(String.init)
        let help = try Outrigger.run(["gate", "--help"]).output
        for flag in Set(flags) { #expect(help.contains(flag), "\(flag)") }
    }
}
