// Tests of the files' sizes, and the measurements of the journal.

import Foundation
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct SizeTests {
    @Test func theLogStaysSmallUnderManyWrites() async throws {
        let scratch = try JournalScratch()
        let journal = try await scratch.open()
        var largest = 0
        for number in 1...1500 as ClosedRange<UInt64> {
            try await journal.apply([.put(SampleLeases.live(number % 10 + 1))])
            largest = max(largest, Files.size(scratch.paths.log))
        }
        #expect(largest > WriteAheadLog.limit / 2)
        #expect(largest <= WriteAheadLog.limit + (64 << 10))
        #expect(Files.size(scratch.paths.database) < 64 << 10)
        await journal.close()
    }

    @Test func anOpeningGivesBackWhatIsEmpty() async throws {
        let scratch = try JournalScratch()
        try await scratch.withJournal { journal in
            try await journal.apply((1...2000).map { .put(SampleLeases.live($0)) })
        }
        let large = Files.size(scratch.paths.database)
        try await scratch.withJournal { journal in
            try await journal.apply((2...2000).map { .remove(LeaseID($0)) })
        }
        #expect(Files.size(scratch.paths.database) == large)
        let contents = try await scratch.reopened()
        #expect(contents.records == [SampleLeases.live(1)])
        #expect(Files.size(scratch.paths.database) < large / 10)
    }

    /// Prints what the journal costs; no assertion hangs on time. Run with `DAYPASS_MEASURE=1`.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["DAYPASS_MEASURE"] != nil),
        arguments: ["/dev/shm", "/var/tmp"]
    )
    func measurements(place: String) async throws {
        let scratch = try JournalScratch(in: place)
        var options = scratch.options
        options.medium = .disk
        let clock = ContinuousClock()
        let journal = try await scratch.open(options)
        try await journal.apply((1...1000).map { .put(SampleLeases.live($0)) })
        var puts: [Duration] = []
        for number in 1...1000 as ClosedRange<UInt64> {
            puts.append(try await clock.measure { try await journal.apply([.put(SampleLeases.live(number))]) })
        }
        puts.sort()
        let load = try await clock.measure { _ = try await journal.load() }
        let all = (1...1000).map { SampleLeases.live($0) }
        let replace = try await clock.measure { try await journal.replaceAll(all) }
        await journal.close()
        let reopening = clock.now
        let again = try await scratch.open(options)
        let opened = clock.now - reopening
        let size = Files.size(scratch.paths.database)
        await again.close()
        print(
            "journal on \(place): put median \(puts[500]), p99 \(puts[990]), max \(puts[999]); load of 1000 \(load); "
                + "replaceAll of 1000 \(replace); open with resealing of 1000 \(opened); file \(size) bytes"
        )
    }
}
