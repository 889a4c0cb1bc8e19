import AgentRuns
import Replay
import RunSpans
import RunStore
import Synchronization

/// Puts what a run tells into the form of the run store: digests, and contents only where they are asked for.
final class RunKeeping: Sendable {
    let store: RunStoreWriter
    /// nil where nothing is kept of contents.
    private let redactor: Mutex<TextRedactor>?

    init(_ store: RunStoreWriter, redaction: Redaction, keepsContent: Bool) {
        self.store = store
        redactor = keepsContent ? Mutex(TextRedactor(redaction)) : nil
    }

    /// Fills in outcome, tokens, response and tool calls.
    func fill(_ stored: inout StoredRun, from run: borrowing AgentRun) {
        stored.outcome = run.outcome.map { run.string($0) }
        stored.costTokens = run.costTokens?.double
        stored.inputTokens = run.inputTokens
        stored.outputTokens = run.outputTokens
        if let response = run.response {
            stored.responseDigest = store.digest(of: run.canonicalBytes(of: response))
            stored.response = kept(run.string(response.text))
        }
        stored.omittedCalls = max(0, run.toolCalls.count - StoredRun.maximumCalls)
        for call in run.toolCalls.prefix(StoredRun.maximumCalls) {
            let arguments = run.canonicalArguments(of: call)
            var made = StoredRun.Call(tool: call.name.map { run.string($0) } ?? "", argumentsDigest: store.digest(of: arguments))
            made.arguments = kept(String(decoding: arguments, as: UTF8.self))
            made.verdict = call.verdict?.word
            made.success = call.result?.success
            made.duration = call.result?.duration?.millisecondsAsNanoseconds
            stored.calls.append(made)
        }
    }

    private func kept(_ text: String) -> String? { redactor?.withLock { $0.redacted(text) } }
}
