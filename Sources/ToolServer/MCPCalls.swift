internal import JSONDocuments
internal import Synchronization
internal import ToolGateway

/// Calls that came over MCP and are under way, by whose they are: their callers can cancel them.
///
/// Source: Model Context Protocol 2025-06-18, "Cancellation".
final class MCPCalls: Sendable {
    /// A run's agents may use an id more than once at a time; then all that have it are meant.
    fileprivate struct Key: Hashable {
        var token: String
        var id: JSONDocument
    }

    struct Place {
        fileprivate let key: Key?
        fileprivate let number: UInt64
    }

    private let state = Mutex((calls: [Key: [UInt64: Task<ToolReply, Never>]](), next: UInt64(0)))

    func begin(_ token: String?, _ id: JSONDocument, _ call: Task<ToolReply, Never>) -> Place {
        let key = token.map { Key(token: $0, id: id) }
        return state.withLock { state in
            state.next += 1
            if let key { state.calls[key, default: [:]][state.next] = call }
            return Place(key: key, number: state.next)
        }
    }

    func end(_ place: Place) {
        guard let key = place.key else { return }
        state.withLock { state in
            state.calls[key]?[place.number] = nil
            if state.calls[key]?.isEmpty == true { state.calls[key] = nil }
        }
    }

    /// What is over, or of another run, is left alone.
    func cancel(_ token: String?, _ id: JSONDocument) {
        guard let token else { return }
        let calls = state.withLock { $0.calls[Key(token: token, id: id)] }
        for call in (calls ?? [:]).values { call.cancel() }
    }
}
