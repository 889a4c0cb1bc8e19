import Testing
import Threads

@Suite struct BoundedQueueTests {
    @Test func elementsComeOutInTheOrderInWhichTheyWentIn() {
        let queue = BoundedQueue<Int>(capacity: 10)
        for i in 0..<10 { queue.push(i) }
        #expect((0..<10).map { _ in queue.pop() } == Array(0..<10))
    }

    @Test func anEmptyQueueGivesNothingToThoseWhoDoNotWait() {
        let queue = BoundedQueue<Int>(capacity: 2)
        #expect(queue.popIfAny() == nil)
        queue.push(7)
        #expect(queue.popIfAny() == 7)
        #expect(queue.popIfAny() == nil)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2, 5])
    func aFullQueueHoldsTheProducerUntilThereIsRoom(capacity: Int) throws {
        let queue = BoundedQueue<Int>(capacity: capacity)
        let pushed = Monitor(0)
        try concurrently([
            {
                for i in 0..<20 {
                    queue.push(i)
                    pushed.withLock { $0 += 1 }
                }
            },
            {
                for taken in 0..<20 {
                    // As many as fit beside those that were taken go in; the next one never does.
                    let full = min(20, taken + capacity)
                    pushed.wait { $0 >= full ? () : nil }
                    if taken % 7 == 0 {
                        let more = pushed.wait(atMost: .milliseconds(20)) { $0 > full ? $0 : nil }
                        #expect(more == nil)
                    }
                    #expect(queue.pop() == taken)
                }
            },
        ])
    }

    @Test func aClosedQueueGivesWhatItHasAndThenNil() {
        let queue = BoundedQueue<Int>(capacity: 4)
        queue.push(1)
        queue.push(2)
        queue.close()
        queue.push(3)
        #expect(queue.pop() == 1)
        #expect(queue.pop() == 2)
        #expect(queue.pop() == nil)
        #expect(queue.pop() == nil)
    }

    @Test(.timeLimit(.minutes(10)))
    func closingReleasesThoseWhoWaitForElements() throws {
        let queue = BoundedQueue<Int>(capacity: 4)
        let consumer: @Sendable () -> Void = { #expect(queue.pop() == nil) }
        try concurrently([consumer, consumer, consumer, { queue.close() }])
    }

    @Test(.timeLimit(.minutes(10)))
    func closingReleasesThoseWhoWaitForRoom() throws {
        let queue = BoundedQueue<Int>(capacity: 1)
        queue.push(1)
        try concurrently([{ queue.push(2) }, { queue.push(3) }, { queue.close() }])
        #expect(queue.pop() == 1)
        #expect(queue.pop() == nil, "what had no room is dropped")
    }

    struct Crowd: Sendable, CustomTestStringConvertible {
        var producers: Int
        var consumers: Int
        var capacity: Int
        var testDescription: String { "\(producers) producers, \(consumers) consumers, room for \(capacity)" }
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            Crowd(producers: 1, consumers: 1, capacity: 1), Crowd(producers: 4, consumers: 1, capacity: 3),
            Crowd(producers: 1, consumers: 4, capacity: 3), Crowd(producers: 5, consumers: 3, capacity: 8),
        ])
    func nothingIsLostOrDoubledInACrowd(_ crowd: Crowd) throws {
        let each = 4000
        let queue = BoundedQueue<Int>(capacity: crowd.capacity)
        let unfinished = Monitor(crowd.producers)
        let taken = Monitor<[[Int]]>([])
        let producers = (0..<crowd.producers).map { producer in
            { @Sendable in
                for i in 0..<each { queue.push(producer * each + i) }
                let isLast = unfinished.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast { queue.close() }
            }
        }
        let consumer: @Sendable () -> Void = {
            var mine: [Int] = []
            while let element = queue.pop() { mine.append(element) }
            taken.withLock { $0.append(mine) }
        }
        try concurrently(producers + Array(repeating: consumer, count: crowd.consumers))

        let all = taken.withLock { $0 }
        #expect(all.joined().sorted() == Array(0..<crowd.producers * each))
        for mine in all {
            for producer in 0..<crowd.producers {
                let fromOne = mine.filter { $0 / each == producer }
                #expect(fromOne == fromOne.sorted(), "one producer's elements stay in order")
            }
        }
    }
}
