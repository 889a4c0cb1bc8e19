internal import Glibc

/// Hands work from threads to threads; who puts more in than is taken out waits.
///
/// `@unchecked Sendable`: the state is only touched with the mutex held. Unlike ``Monitor`` it wakes one thread for one
/// element: waking all that wait costs more than the work that is handed over. It wakes after the mutex is free, or the
/// woken thread would go to sleep again at once.
public final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    private var elements: [Element] = []
    private var isClosed = false
    private let capacity: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let hasElement = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let hasRoom = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// - Parameter capacity: how many elements it holds before ``push(_:)`` waits.
    public init(capacity: Int) {
        self.capacity = max(1, capacity)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(hasElement, nil)
        pthread_cond_init(hasRoom, nil)
    }

    deinit {
        pthread_cond_destroy(hasRoom)
        pthread_cond_destroy(hasElement)
        pthread_mutex_destroy(mutex)
        hasRoom.deallocate()
        hasElement.deallocate()
        mutex.deallocate()
    }

    /// Puts an element in, waiting for room. A closed queue drops it; close only when nobody pushes any more.
    public func push(_ element: Element) {
        pthread_mutex_lock(mutex)
        while elements.count >= capacity, !isClosed { pthread_cond_wait(hasRoom, mutex) }
        if !isClosed { elements.append(element) }
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(hasElement)
    }

    /// Takes the oldest element, waiting for one.
    ///
    /// - Returns: nil when the queue is closed and empty.
    public func pop() -> Element? {
        pthread_mutex_lock(mutex)
        while elements.isEmpty, !isClosed { pthread_cond_wait(hasElement, mutex) }
        return takeFirstAndUnlock()
    }

    /// Takes the oldest element if there is one.
    public func popIfAny() -> Element? {
        pthread_mutex_lock(mutex)
        return takeFirstAndUnlock()
    }

    private func takeFirstAndUnlock() -> Element? {
        let element = elements.isEmpty ? nil : elements.removeFirst()
        pthread_mutex_unlock(mutex)
        if element != nil { pthread_cond_signal(hasRoom) }
        return element
    }

    /// No more will come: ``pop()`` returns nil once the queue is empty.
    public func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(hasElement)
        pthread_cond_broadcast(hasRoom)
        pthread_mutex_unlock(mutex)
    }
}
