/// Hands work from threads to threads; who puts more in than is taken out waits.
public final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var elements: [Element] = []
        var isClosed = false
    }

    private let capacity: Int
    private let state = Monitor(State())

    /// - Parameter capacity: how many elements it holds before ``push(_:)`` waits.
    public init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Puts an element in, waiting for room. A closed queue drops it; close only when nobody pushes any more.
    public func push(_ element: Element) {
        state.wait { state in
            if state.isClosed { return () }
            guard state.elements.count < capacity else { return nil }
            state.elements.append(element)
            return ()
        }
    }

    /// Takes the oldest element, waiting for one.
    ///
    /// - Returns: nil when the queue is closed and empty.
    public func pop() -> Element? {
        state.wait { state -> Element?? in
            if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
            return state.isClosed ? .some(nil) : nil
        }
    }

    /// Takes the oldest element if there is one.
    public func popIfAny() -> Element? {
        state.withLock { $0.elements.isEmpty ? nil : $0.elements.removeFirst() }
    }

    /// No more will come: ``pop()`` returns nil once the queue is empty.
    public func close() { state.withLock { $0.isClosed = true } }
}
