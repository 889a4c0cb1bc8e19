import Testing
import Threads

@Suite(.timeLimit(.minutes(10))) struct StopFlagTests {
    @Test func itIsNotSetToBeginWith() {
        let flag = StopFlag()
        #expect(!flag.isSet)
        #expect(flag.sleep(.milliseconds(1)) == false)
    }

    @Test func itStaysSet() {
        let flag = StopFlag()
        flag.set()
        flag.set()
        #expect(flag.isSet)
        #expect(flag.isSet)
    }

    @Test func nobodySleepsAfterwards() {
        let flag = StopFlag()
        flag.set()
        #expect(flag.sleep(.seconds(3600)))
    }

    @Test func allSleepersAreWoken() throws {
        let flag = StopFlag()
        let asleep = Monitor(0)
        let sleeper: @Sendable () -> Void = {
            asleep.withLock { $0 += 1 }
            #expect(flag.sleep(.seconds(3600)))
        }
        try concurrently([
            sleeper, sleeper, sleeper,
            {
                asleep.wait { $0 == 3 ? () : nil }
                flag.set()
            },
        ])
    }
}
