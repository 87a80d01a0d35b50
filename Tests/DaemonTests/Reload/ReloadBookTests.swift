// The books on reloads.

import Testing

@testable import Daemon

struct ReloadBookTests {
    private static func contents(_ configuration: String?, _ file: UInt8 = 0) -> ReloadBook.Contents {
        ReloadBook.Contents(configuration: configuration, files: ["/key": .content([file])])
    }

    private static let good = contents("good")

    private static func book() -> ReloadBook {
        ReloadBook(good, ReloadStatus(digest: "good", appliedAt: "then", appliedAtEpochSeconds: 1))
    }

    private static func apply(
        _ contents: ReloadBook.Contents,
        to book: inout ReloadBook,
        heldBack: [String: String] = [:]
    ) {
        book.applied(
            contents,
            digest: contents.configuration ?? "",
            heldBack: heldBack,
            pendingRestart: [],
            at: "now",
            epochSeconds: 2
        )
    }

    @Test func whatIsInForceIsNotTriedAgain() {
        var book = Self.book()
        #expect(book.step(Self.good) == .nothing)
        #expect(book.step(Self.contents("good", 1)) == .attempt)
        #expect(book.step(Self.contents("other")) == .attempt)
        Self.apply(Self.contents("other"), to: &book)
        #expect(book.step(Self.contents("other")) == .nothing && book.step(Self.good) == .attempt)
        #expect(book.status.digest == "other" && book.status.applied == 1 && book.status.isCurrent)
        #expect(book.status.appliedAt == "now" && book.status.appliedAtEpochSeconds == 2)
    }

    /// One refusal of each content for each reason: it is looked every half minute.
    @Test func theSameRefusalIsNewsOnce() {
        var book = Self.book()
        let bad = Self.contents("bad")
        let isNews = [
            book.refused(bad, "line 1", at: "1"), book.refused(bad, "line 1", at: "2"),
            book.refused(bad, "no keys", at: "3"), book.refused(Self.contents("worse"), "no keys", at: "4"),
            book.refused(Self.contents("worse"), "no keys", at: "5"), book.refused(bad, "line 1", at: "6"),
        ]
        #expect(isNews == [true, false, true, true, false, true])
        #expect(book.status.refused == 4 && !book.status.isCurrent && book.status.digest == "good")
        #expect(book.status.lastRefusal == ReloadStatus.Refused(message: "line 1", at: "6"))
    }

    @Test func aFileThatIsPutBackIsCurrentAgain() {
        var book = Self.book()
        _ = book.refused(Self.contents("bad"), "line 1", at: "1")
        #expect(book.step(Self.good) == .recovered)
        book.found(isAsked: false)
        #expect(book.status.isCurrent && book.status.unchanged == 0 && book.step(Self.good) == .nothing)
        #expect(book.status.lastRefusal?.message == "line 1")
        // The same mistake again is another one.
        let isNews = book.refused(Self.contents("bad"), "line 1", at: "2")
        #expect(isNews && book.status.refused == 2)
    }

    @Test func onlyWhatWasAskedForCountsAsUnchanged() {
        var book = Self.book()
        book.found(isAsked: false)
        book.found(isAsked: true)
        #expect(book.status.count(.unchanged) == 1 && book.status.count(.applied) == 0)
    }

    @Test func aStoreThatIsHeldBackIsNotCurrent() {
        var book = Self.book()
        let torn = Self.contents("good", 9)
        book.kept(torn, ["github": "no key in it"], at: "1")
        book.kept(torn, ["github": "no key in it"], at: "2")
        #expect(book.step(torn) == .nothing && !book.status.isCurrent && book.status.count(.refused) == 1)
        #expect(book.status.lastRefusal == ReloadStatus.Refused(message: "store github: no key in it", at: "1"))
        book.found(isAsked: true)
        #expect(!book.status.isCurrent && book.status.unchanged == 0)
        Self.apply(Self.contents("good", 2), to: &book)
        #expect(book.status.isCurrent && book.status.heldBack.isEmpty)
        Self.apply(Self.contents("next", 9), to: &book, heldBack: ["github": "no key in it"])
        #expect(!book.status.isCurrent && book.status.applied == 2)
    }
}
