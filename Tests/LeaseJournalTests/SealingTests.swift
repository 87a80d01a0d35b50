// Tests that tokens are nowhere in the clear, and that their blobs open only where they belong.

import Crypto
import Foundation
import Leases
import Support
import Testing
import TokenStore

@testable import LeaseJournal

@Suite struct SealingTests {
    @Test func noFileHoldsAnythingOfATokenInTheClear() async throws {
        let scratch = try JournalScratch()
        let seen = Box<[String]>([])
        let look: @Sendable (String) -> Void = { place in
            let bytes = scratch.allBytes
            for mark in SampleLeases.marks {
                for form in [mark, Data(mark.utf8).base64EncodedString()] where bytes.contains(form) {
                    seen.update { $0.append("\(form) \(place)") }
                }
            }
        }
        try await scratch.withJournal(hook: { look("at \($0)") }) { journal in
            try await journal.apply((1...20).map { .put(SampleLeases.live($0)) })
            look("after apply")
            try await journal.apply([.remove(LeaseID(3)), .put(SampleLeases.live(4, state: .revoking))])
            try await journal.replaceAll((1...20).map { SampleLeases.live($0) })
            look("after replaceAll")
        }
        _ = try await scratch.withJournal(hook: { look("at \($0)") }) { try await $0.load() }
        look("at the end")
        #expect(seen.get() == [])
        // The search works: what is no secret is found.
        #expect(scratch.allBytes.contains("our-org/repo-7"))
        #expect(!scratch.log.text.contains("MARK"))
    }

    @Test func aBlobInAnotherRowDoesNotOpen() async throws {
        let key = SealingKey.random()
        let ring = KeyRing(sealing: [key], version: .random(bytes: 32))
        let token = try #require(SampleLeases.live(1).token)
        let sealed = try SealedToken(token, of: LeaseID(1), key: key)
        #expect(try sealed.opened(for: LeaseID(1), with: ring) == token)
        #expect(throws: RowProblem.self) { try sealed.opened(for: LeaseID(2), with: ring) }
    }

    @Test func oneBitThatIsWrongDoesNotOpen() throws {
        let key = SealingKey.random()
        let ring = KeyRing(sealing: [key], version: .random(bytes: 32))
        let sealed = try SealedToken(#require(SampleLeases.live(1).token), of: LeaseID(1), key: key)
        for index in sealed.bytes.indices {
            var bytes = sealed.bytes
            bytes[index] ^= 1
            let damaged = SealedToken(bytes: bytes, keyID: key.id)
            #expect(throws: RowProblem.self) { try damaged.opened(for: LeaseID(1), with: ring) }
        }
        #expect(throws: RowProblem.self) {
            try SealedToken(bytes: sealed.bytes.prefix(5), keyID: key.id).opened(for: LeaseID(1), with: ring)
        }
        #expect(throws: RowProblem.self) {
            try SealedToken(bytes: sealed.bytes, keyID: "0000000000000000").opened(for: LeaseID(1), with: ring)
        }
    }

    @Test func equalTokensHaveUnequalBlobs() throws {
        let key = SealingKey.random()
        let token = try #require(SampleLeases.live(1).token)
        let blobs = try (0..<50).map { _ in try SealedToken(token, of: LeaseID(1), key: key).bytes }
        #expect(Set(blobs).count == 50)
    }

    @Test func eachOpeningChangesTheSealingKeyAndKeepsTheVersionKey() async throws {
        let scratch = try JournalScratch()
        let records = (1...5).map { SampleLeases.live($0) }
        let first = try await scratch.withJournal { journal in
            try await journal.apply(records.map { .put($0) })
            return journal.versionKey
        }
        let before = try scratch.ring()
        let versions = try await scratch.withJournal { journal in
            let loaded = try await journal.load()
            #expect(loaded == JournalContents(records: records))
            return journal.versionKey
        }
        let after = try scratch.ring()
        #expect(versions == first && after.version == before.version)
        #expect(first.bitCount == 256)
        #expect(before.sealing.count == 1 && after.sealing.count == 1)
        #expect(before.sealing[0].id != after.sealing[0].id && before.sealing[0].key != after.sealing[0].key)
    }

    @Test func removedTokensLeaveNoBytes() async throws {
        let scratch = try JournalScratch()
        let blob = try await scratch.withJournal { journal in
            try await journal.apply([.put(SampleLeases.live(1)), .put(SampleLeases.live(2))])
            await journal.close()
            return try #require(try scratch.ask("SELECT sealed FROM lease WHERE id = '0000000000000001'") as Data?)
        }
        #expect(scratch.allBytes.range(of: blob) != nil)
        // The resealing at the opening overwrites it already; removing the row removes the new one.
        try await scratch.withJournal { _ in }
        #expect(scratch.allBytes.range(of: blob) == nil)
        let next = try #require(try scratch.ask("SELECT sealed FROM lease WHERE id = '0000000000000001'") as Data?)
        #expect(next != blob && scratch.allBytes.range(of: next) != nil)
        try await scratch.withJournal { try await $0.apply([.remove(LeaseID(1))]) }
        #expect(scratch.allBytes.range(of: next) == nil)
    }

    @Test func theKeyFileSaysWhenItIsDamaged() throws {
        let scratch = try JournalScratch()
        let path = scratch.parent + "/keys"
        #expect(try KeyFile.read(path) == .nothing)
        let ring = KeyRing.random().withNewKey()
        try KeyFile.write(ring, to: path)
        #expect(try KeyFile.read(path) == .ring(ring))
        #expect(try scratch.mode(path) == 0o600)
        let whole = scratch.contents(path)
        for index in whole.indices where index % 7 == 0 {
            var bytes = whole
            bytes[index] = bytes[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            try scratch.write(bytes, to: path)
            // Two bits of a key's last base64 digit mean nothing: then it is the same key still.
            switch try KeyFile.read(path) {
            case .damaged: break
            case .ring(let read): #expect(read == ring, "byte \(index) is changed and nobody sees it")
            case .nothing: Issue.record("the file is there")
            }
        }
        for bytes in [Data(), whole.prefix(20), whole + whole, Data(count: 40_000)] {
            try scratch.write(bytes, to: path)
            guard case .damaged = try KeyFile.read(path) else {
                Issue.record("\(bytes.count) bytes are read as keys")
                continue
            }
        }
    }
}

extension JournalScratch {
    /// The keys in the key file.
    func ring() throws -> KeyRing {
        guard case .ring(let ring) = try KeyFile.read(paths.keys) else { throw SceneryFailure("no ring") }
        return ring
    }
}

extension Data {
    func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
