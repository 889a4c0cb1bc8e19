import Testing
import Threads

@testable import Delivery

@Suite struct SettlementRelayTests {
    /// A sender calls it for every request of its life, and has one stack for them all.
    @Test func noCallGoesDeeperThanTheFirst() {
        let relay = SettlementRelay()
        let depths = Monitor<Set<UInt>>([])
        relay.connect { _, _, _ in
            var local = 0
            let address = withUnsafeMutablePointer(to: &local) { UInt(bitPattern: $0) }
            depths.withLock { _ = $0.insert(address) }
        }
        for _ in 0..<1000 { relay.settled(SpooledExporter.Job(1, []), 0..<1, .accepted(1)) }
        #expect(depths.withLock { $0.count } == 1)
    }

    @Test func whoIsNotConnectedHearsNothing() {
        let relay = SettlementRelay()
        relay.settled(SpooledExporter.Job(1, []), 0..<1, .accepted(1))
        let heard = Monitor<[Range<Int>]>([])
        relay.connect { _, range, _ in heard.withLock { $0.append(range) } }
        relay.settled(SpooledExporter.Job(1, []), 2..<5, .accepted(3))
        #expect(heard.withLock { $0 } == [2..<5])
    }
}
