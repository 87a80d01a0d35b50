// Tests that what is written is what is read.

import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct RoundTripTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyFieldComesBack(seed: UInt64) async throws {
        let scratch = try JournalScratch()
        var random = SeededRandom(seed: seed)
        let records = (0..<15).map { _ in SampleLeases.random(&random) }
        try await scratch.withJournal { journal in
            try await journal.apply(records.map { .put($0) })
            let loaded = try await journal.load()
            #expect(loaded == JournalContents(records: records))
        }
        let reopened = try await scratch.reopened()
        #expect(reopened == JournalContents(records: records))
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func changesMeanWhatTheyMeanInMemory(seed: UInt64) async throws {
        let scratch = try JournalScratch()
        let memory = MemoryJournal()
        var random = SeededRandom(seed: 1000 + seed)
        let pool = (0..<6).map { _ in SampleLeases.random(&random) }
        let journal = try await scratch.open()
        for _ in 0..<30 {
            var changes: [JournalChange] = []
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                guard var record = pool.randomElement(using: &random) else { continue }
                record.life = SampleLeases.duration(&random)
                changes.append(Bool.random(using: &random) ? .put(record) : .remove(record.id))
            }
            if Int.random(in: 0...9, using: &random) == 0 {
                let all = pool.shuffled(using: &random).prefix(3)
                try await journal.replaceAll(Array(all))
                try await memory.replaceAll(Array(all))
            } else {
                try await journal.apply(changes)
                try await memory.apply(changes)
            }
            let loaded = try await journal.load()
            #expect(loaded.records == memory.records)
        }
        await journal.close()
        let reopened = try await scratch.reopened()
        #expect(reopened.records == memory.records)
    }

    @Test func aNewJournalIsEmptyAndOfThisBoot() async throws {
        let contents = try await JournalScratch().reopened()
        #expect(contents == JournalContents())
    }

    @Test func anotherBootIsKnownUntilAllIsWrittenAnew() async throws {
        let scratch = try JournalScratch()
        let records = [SampleLeases.live(1), SampleLeases.live(2)]
        try await scratch.withJournal { try await $0.apply(records.map { .put($0) }) }

        let journal = try await scratch.open(bootID: "boot-2")
        let first = try await journal.load()
        #expect(!first.isSameBoot && first.records == records)
        // A crash between two writes leaves rows of both boots: their steady times do not count.
        try await journal.apply([.put(records[0])])
        let mixed = try await journal.load()
        #expect(!mixed.isSameBoot)
        try await journal.apply([.put(records[1])])
        let whole = try await journal.load()
        #expect(whole.isSameBoot)
        await journal.close()
    }

    @Test func theBootIDIsTheKernels() {
        #expect(SQLiteJournal.currentBootID.count == 36)
        #expect(SQLiteJournal.currentBootID == SQLiteJournal.currentBootID)
    }

    @Test func aCancelledCallerStillGetsItWritten() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await journal.apply([.put(SampleLeases.live(1))])
        }
        task.cancel()
        try await task.value
        let loaded = try await journal.load()
        #expect(loaded.records.map(\.id) == [LeaseID(1)])
        await journal.close()
    }

    @Test func callsOfManyTasksAreAllWritten() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...50 as ClosedRange<UInt64> {
                group.addTask { try await journal.apply([.put(SampleLeases.live(number))]) }
            }
            try await group.waitForAll()
        }
        let loaded = try await journal.load()
        #expect(Set(loaded.records.map(\.id.value)) == Set(1...50))
        await journal.close()
    }
}
