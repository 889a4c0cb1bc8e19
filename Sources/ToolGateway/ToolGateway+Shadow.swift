internal import AgentRuns
internal import JSONDocuments
internal import LiveRuns
internal import Synchronization

extension ToolGateway {
    /// Answers a call of a shadow with what the baseline's tools answered, and calls nothing.
    func answerShadow(
        _ run: ToolRun, _ entry: ToolCallEntry, _ arguments: JSONDocument, _ ticket: CallTicket, _ settings: ToolGatewaySettings
    ) async throws(ToolRefusal) -> ToolReply {
        let key = ToolCallKey(name: entry.tool, arguments: arguments)
        var wait: ShadowWait?
        var isLast = false
        while true {
            if ticket.isCancelled { throw Self.rolledBack }
            // Nobody hears the answer, and what the baseline would have done is not known: no divergence.
            if Task.isCancelled { throw ToolRefusal(.noBaselineAnswer, "the caller gave the call up before the baseline had made it") }
            switch run.lookUp(key, settings.shadow, isLast: isLast) {
            case .answer(let answer, let isSame):
                if !isSame { diverged(run, entry, .otherArguments) }
                let content = answer.content.canonicalBytes
                let place = run.observe(entry, key.arguments, .replayed)
                run.complete(place, verdict: .replayed, success: answer.success, content: content, at: Self.now)
                count(entry.tool, run, .replayed, settings)
                journal.note(entry, ToolCallEnding(verdict: .replayed, outcome: answer.success ? "success" : "error", result: content, ended: Self.now))
                return answer.failure.map { .failed($0) } ?? .answered(answer, .replayed)
            case .waits:
                if wait == nil, let served = run.served {
                    wait = ShadowWait(for: served, ticket, until: .now + settings.shadow.wait)
                } else {
                    isLast = await wait?.next() != true
                }
            case .nothing(let isKnown):
                diverged(run, entry, isKnown ? .otherArguments : .extraTool)
                throw ToolRefusal(
                    .noBaselineAnswer,
                    isKnown
                        ? "this run is a shadow, and the baseline has no such call with these arguments"
                        : "this run is a shadow, and the baseline did not call this tool")
            }
        }
    }

    private func diverged(_ run: ToolRun, _ entry: ToolCallEntry, _ kind: ToolDivergence.Kind) {
        let isFirst = run.diverged(ToolDivergence(index: entry.index, tool: entry.tool, kind: kind))
        if isFirst { state.withLock { $0.counts.divergences[kind.rawValue, default: 0] += 1 } }
    }
}
