import AgentRuns
import CFuzzer
import Glibc
import TraceReading

/// Feeds the reader whatever libFuzzer makes up. It must reject or read every line, without a crash, and a run must only
/// point at text that it has.
@main
struct RunDecoderFuzzer {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
            RunDecoderFuzzer.read(UnsafeRawBufferPointer(start: bytes, count: count))
            return 0
        })
    }

    private static func read(_ line: UnsafeRawBufferPointer) {
        var decoder = RunDecoder()
        var run = AgentRun()
        // Twice with the same decoder: what the first line leaves behind must not show in the second.
        for _ in 0..<2 {
            do throws(RejectedLine) {
                _ = try decoder.decode(line, into: &run)
                check(run)
            } catch {
                precondition(error.column >= 0 && error.column <= line.count + 1, "column outside the line")
            }
        }
    }

    private static func check(_ run: AgentRun) {
        let fixed = [run.recordedID, run.outcome, run.expectedOutcome, run.agent, run.version, run.conversationID, run.model]
        let contents = [run.request, run.response] + run.toolCalls.flatMap { [$0.arguments, $0.result?.content, $0.result?.error] }
        let texts = fixed + contents.map { $0?.text } + run.toolCalls.flatMap { [$0.name, $0.id] } + (run.allowedTools ?? [])
        for case let text? in texts {
            precondition(text.range.upperBound <= run.storage.count, "text outside the storage")
            precondition(String(validating: run.storage[text.range], as: UTF8.self) != nil, "text that is not UTF-8")
        }
    }
}
