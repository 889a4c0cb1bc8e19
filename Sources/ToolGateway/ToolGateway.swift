public import AgentRuns
internal import Glibc
internal import JSONDocuments
internal import LiveRuns
internal import Synchronization

/// A call as it came in, unproven.
public struct ToolRequest: Sendable {
    /// What the caller shows for its run.
    public var token: String?
    /// The values of `traceparent` at each place where the caller says one; all must be of the run.
    public var traceParents: [[String]]
    public var tool: String
    /// JSON; nil for none.
    public var arguments: [UInt8]?
    /// Whether there was more than what is taken, so that the arguments are not whole.
    public var isTooLarge = false
    /// Whether they ended too early.
    public var isCutOff = false

    public init(token: String?, traceParents: [[String]] = [], tool: String, arguments: [UInt8]?) {
        self.token = token
        self.traceParents = traceParents.filter { !$0.isEmpty }
        self.tool = tool
        self.arguments = arguments
    }
}

/// Where agents' tool calls pass: allowed, answered for, or refused; recorded in any case.
public final class ToolGateway: Sendable {
    /// What became of calls.
    public struct Counts: Sendable {
        public struct Key: Hashable, Sendable {
            /// One that is configured, else `_other`.
            public var tool: String
            public var role: RunRole
            public var mode: RunMode
            public var verdict: ToolVerdict
        }

        public var calls: [Key: Int] = [:]
        /// Calls that were let through and not answered, by why.
        public var failures: [String: Int] = [:]
        /// Calls whose run is not known.
        public var unknownRuns = 0
        /// Writes that were refused because they could not be recorded.
        public var journalFailures = 0
        /// Shadows' first divergences, by kind.
        public var divergences: [String: Int] = [:]
        public var underWay = 0
    }

    public let runs: ToolRuns
    private let upstreams: any ToolUpstreams
    let journal: any ToolCallJournal
    let state = Mutex((counts: Counts(), buckets: [String: RateBucket]()))

    /// Bytes that are kept of a tool's name; none that is configured has so many.
    private static let maximumName = 200

    public init(_ runs: ToolRuns, upstreams: any ToolUpstreams, journal: any ToolCallJournal = NoJournal()) {
        self.runs = runs
        self.upstreams = upstreams
        self.journal = journal
    }

    public var counts: Counts { state.withLock { $0.counts } }

    // MARK: who calls

    /// The tools that a run may call; nil where the run is not known or over.
    public func tools(of token: String?) -> CallableTools? {
        let settings = runs.settings
        guard let token = token.flatMap({ RunToken(hex: $0) }), let run = runs.run(token), !isOver(run, settings) else { return nil }
        let role = run.identity.role
        return CallableTools(
            names: settings.tools.keys.filter { settings.allows($0, for: role) }.sorted(),
            mayAsk: run.identity.mode != .shadow && !runs.isFenced(run), release: settings.releases[role])
    }

    /// Whether a token is one of a run that is remembered.
    public func knows(_ token: String?) -> Bool { token.flatMap { RunToken(hex: $0) }.flatMap { runs.run($0) } != nil }

    private func isOver(_ run: ToolRun, _ settings: ToolGatewaySettings) -> Bool {
        run.endedAt.map { ContinuousClock.now - $0 >= settings.grace } ?? false
    }

    // MARK: a call

    /// Decides on a call, and makes it if it is allowed.
    public func call(_ request: ToolRequest) async -> ToolReply {
        let settings = runs.settings
        guard let token = request.token.flatMap({ RunToken(hex: $0) }), let run = runs.run(token) else {
            state.withLock { $0.counts.unknownRuns += 1 }
            return .refused(ToolRefusal(nil, "no run has this token; send the X-Outrigger-Run-Token of the request that you answer"))
        }
        let limit = settings.limits.callsPerRun
        let spent = ToolRefusal(.budgetSpent, "the run has made \(limit) calls, as many as it may")
        // Of the calls beyond the limit the first is recorded: a run that does not stop must not fill the disk.
        guard let index = run.countCall(limit: limit) else {
            count(request.tool, run, .budgetSpent, settings)
            return .refused(spent)
        }
        let entry = ToolCallEntry(
            run: run.identity, spanID: SpanID(UInt64.random(in: .min ... .max)), index: index, tool: request.tool.bounded(toBytes: Self.maximumName),
            effect: settings.effect(of: request.tool, for: run.identity.role), arguments: request.arguments ?? [], started: Self.now)
        state.withLock { $0.counts.underWay += 1 }
        defer { state.withLock { $0.counts.underWay -= 1 } }
        do throws(ToolRefusal) {
            if index >= limit { throw spent }
            let (tool, arguments) = try check(request, run, settings)
            let ticket = try enter(run, settings)
            defer { runs.leave(ticket) }
            if run.identity.mode == .shadow { return try await answerShadow(run, entry, arguments, ticket, settings) }
            return try await pass(run, request, entry, tool, arguments, ticket, settings)
        } catch {
            let verdict = error.verdict ?? .notAllowed
            let text = JSONDocument.string(error.message).canonicalBytes
            let place = run.observe(entry, verdict == .tooLarge ? nil : Self.json(request.arguments), verdict)
            run.complete(place, verdict: verdict, success: false, content: text, at: Self.now)
            count(request.tool, run, verdict, settings)
            journal.note(entry, ToolCallEnding(verdict: verdict, outcome: nil, result: nil, ended: Self.now))
            return .refused(error)
        }
    }

    /// What is not JSON is shown as a string.
    private static func json(_ text: [UInt8]?) -> [UInt8]? {
        guard let text, !text.isEmpty else { return nil }
        if (try? JSONDocument(parsing: text)) != nil { return text }
        return JSONDocument.string(String(decoding: text, as: UTF8.self)).canonicalBytes
    }

    private func check(
        _ request: ToolRequest, _ run: ToolRun, _ settings: ToolGatewaySettings
    ) throws(ToolRefusal) -> (ToolSettings, JSONDocument) {
        let identity = run.identity
        for claim in request.traceParents {
            // A header that cannot be read proves nothing, and so is not taken for the run's.
            guard let context = W3CTraceContext(traceParents: claim), context.traceID == identity.traceID else {
                throw ToolRefusal(.traceMismatch, "the call's traceparent is not of the run that the token is of")
            }
        }
        if isOver(run, settings) { throw ToolRefusal(.runOver, "the run is over, and its tools do not answer any more") }
        if runs.isFenced(run) { throw Self.rolledBack }
        if request.isTooLarge, request.tool.isEmpty { throw ToolRefusal(.tooLarge, "the message has more bytes than are taken") }
        guard let tool = settings.tools[request.tool] else { throw ToolRefusal(.unknownTool, "there is no such tool here") }
        if let objection = settings.objection(to: request.tool, for: identity.role) { throw ToolRefusal(.notAllowed, objection) }
        if request.isTooLarge || request.arguments?.count ?? 0 > tool.maximumArguments {
            throw ToolRefusal(.tooLarge, "the arguments have more than the \(tool.maximumArguments) bytes that are allowed")
        }
        if request.isCutOff { throw ToolRefusal(.badArguments, "the arguments did not come whole") }
        guard let arguments = ToolArguments(request.arguments)?.document else {
            throw ToolRefusal(.badArguments, "the arguments are not a JSON object")
        }
        if let violation = tool.arguments?.validate(arguments, limit: 1).first {
            throw ToolRefusal(.badArguments, "the arguments do not fit the tool's schema: \(violation)")
        }
        if let release = settings.releases[identity.role], let violation = release.tools[request.tool]?.arguments?.validate(arguments, limit: 1).first {
            throw ToolRefusal(.badArguments, "the arguments do not fit the tool's schema in the release \(release.version): \(violation)")
        }
        if let rate = tool.runRate, let wait = run.take(request.tool, rate, now: .now) {
            throw ToolRefusal(.rateLimited, "the run calls \(request.tool) more often than its rate allows", retryAfter: wait)
        }
        if let budget = tool.budget, !run.spend(request.tool, budget: budget) {
            throw ToolRefusal(.budgetSpent, "the run has called \(request.tool) \(budget) times, as often as it may")
        }
        // A shadow calls nothing, and must not use up what users' runs need.
        if identity.mode != .shadow, let rate = tool.rate, let wait = take(request.tool, rate) {
            if tool.budget != nil { run.giveBack(request.tool) }
            throw ToolRefusal(.rateLimited, "\(request.tool) is called more often than its rate allows", retryAfter: wait)
        }
        return (tool, arguments)
    }

    static let rolledBack = ToolRefusal(.fenced, "the rollout was rolled back, and this run may not act any more")

    private func take(_ tool: String, _ rate: ToolRate) -> Duration? {
        state.withLock { RateBucket.take(from: &$0.buckets[tool], rate, now: .now) }
    }

    private func enter(_ run: ToolRun, _ settings: ToolGatewaySettings) throws(ToolRefusal) -> CallTicket {
        switch runs.enter(run, limit: settings.limits.callsUnderWay) {
        case .ticket(let ticket): return ticket
        case .fenced: throw Self.rolledBack
        case .full:
            throw ToolRefusal(
                .overloaded, "\(settings.limits.callsUnderWay) calls are under way, as many as may be", retryAfter: .seconds(1))
        }
    }

    // MARK: calling the tool

    private func pass(
        _ run: ToolRun, _ request: ToolRequest, _ entry: ToolCallEntry, _ tool: ToolSettings, _ arguments: JSONDocument,
        _ ticket: CallTicket, _ settings: ToolGatewaySettings
    ) async throws(ToolRefusal) -> ToolReply {
        var intent: UInt64?
        if entry.effect == .write {
            do {
                intent = try await journal.begin(entry)
            } catch {
                state.withLock { $0.counts.journalFailures += 1 }
                throw ToolRefusal(.unrecorded, "the call changes something and cannot be recorded now, so it was not made", retryAfter: .seconds(5))
            }
        }
        let canonical = arguments.canonicalBytes
        let place = run.observe(entry, canonical, .allowed)
        let traceParent = Self.traceParent(request, entry)
        let result = await send(request.tool, tool, arguments, run.identity, traceParent, ticket)
        let ended = Self.now
        switch result {
        case .success(let answer):
            let content = answer.content.canonicalBytes
            run.complete(place, verdict: .allowed, success: answer.success, content: content, at: ended)
            run.keep(answer, for: ToolCallKey(name: request.tool, canonical: canonical), begunAs: entry.index)
            count(request.tool, run, .allowed, settings)
            record(intent, entry, ToolCallEnding(verdict: .allowed, outcome: answer.success ? "success" : "error", result: content, ended: ended))
            return .answered(answer, .allowed)
        case .failure(let failure):
            let isFenced = ticket.isCancelled
            let verdict: ToolVerdict = isFenced ? .fenced : .allowed
            let message = isFenced ? Self.cancelled : failure.kind == .cancelled ? Self.abandoned : failure.message
            run.complete(place, verdict: verdict, success: false, content: JSONDocument.string(message).canonicalBytes, at: ended)
            // A caller that gave up says nothing of the tool.
            if !isFenced, failure.kind != .cancelled {
                run.keep(ToolAnswer(failure), for: ToolCallKey(name: request.tool, canonical: canonical), begunAs: entry.index)
            }
            count(request.tool, run, verdict, settings)
            if !isFenced { state.withLock { $0.counts.failures[failure.kind.rawValue, default: 0] += 1 } }
            record(intent, entry, ToolCallEnding(verdict: verdict, outcome: isFenced ? "cancelled" : failure.kind.rawValue, result: nil, ended: ended))
            return isFenced ? .refused(ToolRefusal(.fenced, message)) : .failed(failure)
        }
    }

    private func send(
        _ name: String, _ tool: ToolSettings, _ arguments: JSONDocument, _ run: ToolRunIdentity, _ traceParent: String, _ ticket: CallTicket
    ) async -> Result<ToolAnswer, ToolFailure> {
        // A rollback does not wait for ever for a call whose record takes long: that call finds here that it may not go out.
        if ticket.isCancelled { return .failure(ToolFailure(.cancelled, "the call was cancelled")) }
        let task = Task { [upstreams] () -> Result<ToolAnswer, ToolFailure> in
            do throws(ToolFailure) {
                return .success(try await upstreams.call(name, tool, arguments: arguments, run: run, traceParent: traceParent))
            } catch {
                return .failure(error)
            }
        }
        ticket.onCancel { task.cancel() }
        return await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
    }

    private static let cancelled = "the rollout was rolled back while the call was under way; it was cancelled, and may or may not have taken effect"

    private static let abandoned = "the caller gave the call up while it was under way; it was cancelled, and may or may not have taken effect"

    private func record(_ intent: UInt64?, _ entry: ToolCallEntry, _ ending: ToolCallEnding) {
        if let intent { journal.complete(intent, entry, ending) } else { journal.note(entry, ending) }
    }

    /// The caller's own span as the parent where it says one, else the call's.
    private static func traceParent(_ request: ToolRequest, _ entry: ToolCallEntry) -> String {
        let run = entry.run
        let context = request.traceParents.last.flatMap { W3CTraceContext(traceParents: $0) }
        let flags = context.map(\.flags) ?? run.flags
        let hex = [flags >> 4, flags & 15].map { String(UnicodeScalar(hexDigit($0))) }.joined()
        return "00-\(run.traceID.hex)-\((context?.parentID ?? entry.spanID).hex)-\(hex)"
    }

    // MARK: counting

    func count(_ tool: String, _ run: ToolRun, _ verdict: ToolVerdict, _ settings: ToolGatewaySettings) {
        let name = settings.tools[tool] == nil ? "_other" : tool
        let key = Counts.Key(tool: name, role: run.identity.role, mode: run.identity.mode, verdict: verdict)
        state.withLock { $0.counts.calls[key, default: 0] += 1 }
    }

    /// Unix nanoseconds.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
