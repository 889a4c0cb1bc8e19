internal import AgentRuns
internal import Replay

/// Tells which calls an answer lists beyond those that were seen.
extension AgentRun {
    /// Those of the listed calls that are not among the run's own, as multisets by name and arguments as canonical JSON.
    ///
    /// A listed call without arguments says nothing of them: it stands for any call of its name that is left over.
    ///
    /// - Parameter listed: calls whose text the run holds.
    func unseen(_ listed: [ToolCall]) -> [ToolCall] {
        var left: [CallKey: Int] = [:]
        var leftOfName: [[UInt8]: Int] = [:]
        for call in toolCalls {
            left[CallKey(self, call), default: 0] += 1
            leftOfName[CallKey(self, call).name, default: 0] += 1
        }
        var isSeen = Array(repeating: false, count: listed.count)
        for (i, call) in listed.enumerated() where call.arguments != nil {
            let key = CallKey(self, call)
            guard let count = left[key], count > 0 else { continue }
            left[key] = count - 1
            leftOfName[key.name, default: 0] -= 1
            isSeen[i] = true
        }
        for (i, call) in listed.enumerated() where call.arguments == nil {
            let name = CallKey(self, call).name
            guard let count = leftOfName[name], count > 0 else { continue }
            leftOfName[name] = count - 1
            isSeen[i] = true
        }
        return listed.indices.filter { !isSeen[$0] }.map { listed[$0] }
    }
}

/// What makes two calls the same.
private struct CallKey: Hashable {
    /// As UTF-8; empty where there is none.
    var name: [UInt8]
    var arguments: [UInt8]

    init(_ run: AgentRun, _ call: ToolCall) {
        name = call.name.map { Array(run.storage[$0.range]) } ?? []
        arguments = run.canonicalArguments(of: call)
    }
}
