import AdminClient
import JSONDocuments
import Rollout
import TraceReading

/// Answers of the admin API, for people.
enum RolloutText {
    static func state(_ answer: AdminClient.Answer) throws -> String { try text(of: answer, before: nil) }

    /// What a change made of the rollout, and what it was before.
    static func change(from before: AdminClient.Answer, to after: AdminClient.Answer) throws -> String {
        try text(of: after, before: RolloutState(json: before.document.withoutUnsaved))
    }

    private static func text(of answer: AdminClient.Answer, before: RolloutState?) throws -> String {
        let state = try RolloutState(json: answer.document.withoutUnsaved)
        var text = "\(state.id.escapedForTerminal): \(before.map { $0.summary + " → " } ?? "")\(state.summary)\n"
        if let schedule = state.schedule {
            for (i, step) in schedule.steps.enumerated() {
                let mark = i == schedule.position ? (schedule.isPaused ? "‖" : "▸") : " "
                // Nothing comes after the last step, whatever its time.
                let time = i + 1 < schedule.steps.count ? step.seconds : nil
                text += "  \(mark) \(step.percentage)%" + (time.map { " for \(Readable.duration(.seconds($0)))" } ?? stays) + "\n"
            }
        }
        if case .string(let reason)? = answer.document["unsaved"] { text += "not saved: \(reason.escapedForTerminal)\n" }
        return text
    }

    private static let stays = ", and stays there until promote, rollback or set"

    static func history(_ answer: AdminClient.Answer) throws -> String {
        guard case .array(let changes)? = answer.document["changes"] else { return "" }
        return try changes.map { json in
            let change = try RolloutChange(json: json)
            return "\(String(change.state.revision).paddedLeft(5))  \(Timestamp.text(UInt64(change.at) * 1_000_000))  "
                + "\(change.command.escapedForTerminal.padded(9)) \(change.state.summary.padded(36)) "
                + "\(change.by.escapedForTerminal): \(change.why.escapedForTerminal)\n"
        }.joined()
    }
}

extension JSONDocument {
    /// The rollout alone: whether it is saved is no part of it.
    fileprivate var withoutUnsaved: JSONDocument {
        if case .object(let object) = self { .object(object.removing("unsaved")) } else { self }
    }
}
