import Digests
import Glibc

/// What a replay is called unless it is given a name. The name is part of every id.
enum ReplayName {
    /// The arms' versions where none is given.
    static let labels = (baseline: "v1", candidate: "v2")

    /// What tells an arm's recorded runs from those of another.
    struct Arm {
        /// The path of its recording; nil for the traces' own.
        var recording: String?
        var version: String
        /// That of its release file.
        var digest: String?
    }

    /// The name of a replay of recordings: the same arms give the same one, so that who replays them twice exports the same
    /// spans; another recording, version or release gives another, so that no arm's runs take the ids of another's.
    ///
    /// A recording goes by its file's name, so that the same replay in another folder is the same. The traces have no part in
    /// it: theirs is the dataset, which is part of every id too.
    static func ofRecordings(baseline: Arm, candidate: Arm) -> String {
        let parts = [baseline, candidate].flatMap { arm in
            [arm.recording.map(fileName) ?? "", arm.version, arm.digest ?? ""]
        }
        // What says no more of its arms than this has always been called so.
        if parts == ["", labels.baseline, "", "", labels.candidate, ""] { return "recorded" }
        return "recorded-" + SHA256.digest(of: Array(parts.joined(separator: "\0").utf8)).hex.prefix(12)
    }

    private static func fileName(_ path: String) -> String { path.split(separator: "/").last.map { String($0) } ?? path }

    /// A name that no other replay has: the time and chance.
    static func unique() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return "\(now.tv_sec)-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
    }
}
