// What the book of Pods concludes from what it is told.

import Leases
import Testing

@testable import BuildEnds

@Suite struct PodBookTests {
    private let name = PodName(namespace: "binder", name: "build")

    private func pod(_ uid: String, _ version: String, _ end: PodEnd? = nil, node: String = "node-1") -> PodFacts {
        PodFacts(uid: uid, name: name, nodeName: node, version: version, end: end)
    }

    private func volume(_ uid: String, _ volume: String = "credentials") -> TrackedVolume {
        TrackedVolume(podUID: uid, namespace: name.namespace, podName: name.name, volume: volume, targetPath: "")
    }

    /// A book that tracks Pod `a` and has seen it run at version 10.
    private func book() -> PodBook {
        var book = PodBook(nodeName: "node-1")
        #expect(book.track([volume("a")], at: .seconds(100)).isEmpty)
        #expect(book.take(.state(pod("a", "10"))).isEmpty)
        return book
    }

    private let question = PodBook.Question(uid: "a", name: PodName(namespace: "binder", name: "build"))

    @Test(arguments: [PodEnd.succeeded, .failed]) func aPhaseThatIsForEverEndsAPod(_ how: PodEnd) {
        var book = book()
        #expect(book.take(.state(pod("a", "11", how))) == [.pod(uid: "a", how: how)])
        #expect(book.take(.state(pod("a", "11", how))).isEmpty, "once is enough")
        #expect(book.take(.deleted(pod("a", "12", how))).isEmpty)
    }

    @Test func aDeletedPodHasEnded() {
        var book = book()
        #expect(book.take(.deleted(pod("a", "11"))) == [.pod(uid: "a", how: .deleted)])
    }

    @Test func aPodThatIsNeverSeenIsDeletedByItsEventAlone() {
        var book = PodBook(nodeName: "node-1")
        _ = book.track([volume("a")], at: .zero)
        #expect(book.take(.deleted(pod("a", "11"))) == [.pod(uid: "a", how: .deleted)])
    }

    @Test func aLaterPodOfTheSameNameEndsTheFormer() {
        var book = book()
        #expect(book.take(.state(pod("b", "11"))) == [.pod(uid: "a", how: .replaced)])
    }

    /// An event of the Pod that had the name before comes late: the one that runs must not seem replaced.
    @Test func anEarlierPodOfTheSameNameEndsNothing() {
        var book = book()
        #expect(book.take(.state(pod("z", "9"))).isEmpty)
        #expect(book.take(.state(pod("a", "12"))).isEmpty)
        #expect(book.take(.state(pod("a", "13", .failed))) == [.pod(uid: "a", how: .failed)])
    }

    /// Resource versions that are no numbers can't be compared, so the server is asked.
    @Test func versionsThatCannotBeComparedMakeAQuestion() {
        var book = PodBook(nodeName: "node-1")
        _ = book.track([volume("a")], at: .zero)
        _ = book.take(.state(pod("a", "x10")))
        #expect(book.nextQuestion == nil)
        #expect(book.take(.state(pod("b", "x11"))).isEmpty)
        #expect(book.questions(at: .zero) == [question])
        #expect(book.take(.found(pod("b", "x11")), to: question, at: .zero) == [.pod(uid: "a", how: .replaced)])
    }

    @Test func nothingRaisesAnEndedPod() {
        var book = book()
        _ = book.take(.deleted(pod("a", "11")))
        #expect(book.take(.state(pod("a", "10"))).isEmpty)
        #expect(book.take(page: [pod("a", "10")]).isEmpty)
        #expect(book.counts.running == 0)
        // Whoever begins to hold leases for it hears of the end at once.
        #expect(book.track([volume("a"), volume("a", "other")], at: .zero) == [.pod(uid: "a", how: .deleted)])
        _ = book.track([], at: .zero)
        #expect(book.track([volume("a")], at: .zero) == [.pod(uid: "a", how: .deleted)])
    }

    @Test func missingInAListMakesAQuestionAndNotAnEnd() {
        var book = book()
        book.beginList()
        #expect(book.take(page: []).isEmpty)
        #expect(book.endList(at: .seconds(200)).isEmpty)
        #expect(book.questions(at: .seconds(200)) == [question])
        #expect(book.take(.found(pod("a", "10")), to: question, at: .seconds(200)).isEmpty, "the list was wrong")
        #expect(book.questions(at: .seconds(200)).isEmpty)
        #expect(book.questions(at: .seconds(300)) == [question])
        #expect(book.take(.notFound, to: question, at: .seconds(300)) == [.pod(uid: "a", how: .deleted)])
        #expect(book.nextQuestion == nil)
    }

    @Test func anIncompleteListSaysNothingOfWhoIsMissing() {
        var book = book()
        book.beginList()
        _ = book.take(page: [])
        // The second page failed, and the list begins anew.
        book.beginList()
        _ = book.take(page: [pod("a", "10")])
        #expect(book.endList(at: .seconds(200)).isEmpty)
        #expect(book.nextQuestion == nil)
        #expect(book.endList(at: .seconds(200)).isEmpty, "no list is under way")
    }

    @Test func anIncompleteListSaysWhatItHolds() {
        var book = book()
        book.beginList()
        #expect(book.take(page: [pod("a", "11", .succeeded)]) == [.pod(uid: "a", how: .succeeded)])
    }

    @Test func aPodThatWasNeverSeenIsAskedFor() {
        var book = PodBook(nodeName: "node-1", pace: PodBook.Pace(first: .seconds(5), again: .seconds(60)))
        _ = book.track([volume("a")], at: .seconds(100))
        #expect(book.questions(at: .seconds(104)).isEmpty)
        #expect(book.nextQuestion == .seconds(105))
        #expect(book.questions(at: .seconds(105)) == [question])
        #expect(book.take(nil, to: question, at: .seconds(105)).isEmpty, "no answer says nothing")
        #expect(book.questions(at: .seconds(164)).isEmpty)
        #expect(book.questions(at: .seconds(165)) == [question])
        // A server that shows no Pod of this node may be another cluster's.
        book.beginList()
        #expect(book.endList(at: .seconds(160)).isEmpty)
        #expect(book.take(.notFound, to: question, at: .seconds(165)).isEmpty)
        book.beginList()
        #expect(book.take(page: [pod("other", "20")]).isEmpty)
        #expect(book.endList(at: .seconds(170)).isEmpty)
        #expect(book.take(.notFound, to: question, at: .seconds(225)) == [.pod(uid: "a", how: .deleted)])
    }

    /// After a restart the leases of Pods that ended meanwhile wait for the first list, and no longer.
    @Test func aPodThatTheFirstListDoesNotHoldIsAskedForAtOnce() {
        var book = PodBook(nodeName: "node-1")
        _ = book.track([volume("a")], at: .zero)
        book.beginList()
        #expect(book.endList(at: .seconds(1)).isEmpty)
        #expect(book.questions(at: .seconds(1)) == [question])
    }

    @Test func aPodThatMountsDuringAListIsNotAskedForAtOnce() {
        var book = PodBook(nodeName: "node-1")
        book.beginList()
        _ = book.track([volume("a")], at: .zero)
        _ = book.endList(at: .seconds(1))
        #expect(book.questions(at: .seconds(1)).isEmpty)
    }

    @Test func theAnswerNamesTheEnd() {
        for (answer, how) in [
            (PodAnswer.notFound, PodEnd.deleted), (.found(pod("b", "3")), .replaced),
            (.found(pod("a", "12", .failed)), .failed), (.found(pod("a", "12", .succeeded)), .succeeded),
        ] {
            var book = PodBook(nodeName: "node-1")
            _ = book.track([volume("a")], at: .zero)
            #expect(book.take(answer, to: question, at: .zero) == [.pod(uid: "a", how: how)])
        }
    }

    /// A wrong node name: lists and events never tell of the Pod, the questions do.
    @Test func aPodOfAnotherNodeIsAskedForAgainAndAgain() {
        var book = PodBook(nodeName: "node-2", pace: PodBook.Pace(first: .seconds(5), again: .seconds(60)))
        _ = book.track([volume("a")], at: .zero)
        #expect(book.take(.found(pod("a", "10")), to: question, at: .seconds(5)).isEmpty)
        #expect(book.questions(at: .seconds(65)) == [question])
        book.beginList()
        #expect(book.endList(at: .seconds(30)).isEmpty)
        #expect(book.take(.notFound, to: question, at: .seconds(65)) == [.pod(uid: "a", how: .deleted)])
    }

    @Test func endsOfPodsWithoutLeasesAreNotReported() {
        var book = PodBook(nodeName: "node-1")
        #expect(book.take(.state(pod("a", "10"))).isEmpty)
        #expect(book.take(.deleted(pod("a", "11"))).isEmpty)
        #expect(book.counts == (0, 1))
    }

    @Test func aCompleteListRepeatsTheEndsOfPodsThatStillHaveLeases() {
        var book = book()
        _ = book.take(.deleted(pod("a", "11")))
        book.beginList()
        #expect(book.endList(at: .seconds(300)) == [.pod(uid: "a", how: .deleted)])
    }

    @Test func otherNodesAndAgedEndsTakeNoRoom() {
        var book = PodBook(nodeName: "node-1")
        for number in 0..<3000 {
            let name = PodName(namespace: "binder", name: "build-\(number)")
            let facts = PodFacts(uid: "u\(number)", name: name, nodeName: "node-2", version: "\(number)")
            _ = book.take(.state(facts))
            _ = book.take(.deleted(facts))
        }
        #expect(book.counts.running == 0 && book.counts.ended == EndedPods.limit)
    }

    @Test func runningPodsAreBounded() {
        var book = PodBook(nodeName: "node-1")
        for number in 0...PodBook.mostRunning + 5 {
            let name = PodName(namespace: "binder", name: "build-\(number)")
            let facts = PodFacts(uid: "u\(number)", name: name, nodeName: "node-1", version: "\(number)")
            _ = book.take(.state(facts))
        }
        #expect(book.counts.running == PodBook.mostRunning)
    }
}
