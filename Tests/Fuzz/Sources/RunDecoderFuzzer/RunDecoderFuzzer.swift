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
            let input = UnsafeRawBufferPointer(start: bytes, count: count)
            RunDecoderFuzzer.read(input)
            RunDecoderFuzzer.readBeside(input)
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

    /// Of two lines the second is read as by itself, whatever it has in common with the first.
    private static func readBeside(_ lines: UnsafeRawBufferPointer) {
        guard let lineBreak = lines.firstIndex(of: 0x0A) else { return }
        let first = UnsafeRawBufferPointer(rebasing: lines[..<lineBreak])
        let second = UnsafeRawBufferPointer(rebasing: lines[(lineBreak + 1)...])
        var decoder = RunDecoder(outlines: true)
        var (known, alone, beside) = (AgentRun(), AgentRun(), AgentRun())
        guard (try? decoder.decode(first, into: &known)) != nil, let outline = decoder.outline else { return }
        let isRead = (try? decoder.decode(second, like: known, outline, into: &beside)) != nil
        precondition(((try? decoder.decode(second, into: &alone)) != nil) == isRead, "read, or not, by what came before")
        if isRead { precondition("\(alone)" == "\(beside)", "read otherwise than by itself") }
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
