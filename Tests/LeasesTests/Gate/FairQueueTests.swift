// The order in which namespaces take turns.

import Testing

@testable import Leases

struct FairQueueTests {
    private func queue(_ elements: String...) -> FairQueue<String> {
        var queue = FairQueue<String>()
        for element in elements { queue.append(element, for: String(element.prefix(1))) }
        return queue
    }

    private func drained(_ queue: FairQueue<String>) -> [String] {
        var queue = queue
        var all: [String] = []
        while let element = queue.popFirst() { all.append(element) }
        #expect(queue.isEmpty && queue.popFirst() == nil)
        return all
    }

    @Test func namespacesTakeTurnsAndKeepTheirOwnOrder() {
        #expect(drained(queue("a1", "a2", "a3", "b1", "c1", "c2")) == ["a1", "b1", "c1", "a2", "c2", "a3"])
        #expect(drained(queue()) == [])
        #expect(drained(queue("a1", "a2", "a3")) == ["a1", "a2", "a3"])
    }

    @Test func aHundredsOfOneNamespaceDoNotHoldUpAnother() {
        var queue = FairQueue<String>()
        for number in 0..<500 { queue.append("a\(number)", for: "a") }
        #expect(queue.countAhead(ofNewIn: "b") == 1)
        queue.append("b0", for: "b")
        #expect(queue.popFirst() == "a0")
        #expect(queue.popFirst() == "b0")
        #expect(queue.count == 499)
    }

    @Test func whoComesBackGoesToTheEndOfTheRound() {
        var queue = queue("a1", "b1", "b2")
        #expect(queue.popFirst() == "a1")
        queue.append("a2", for: "a")
        #expect(drained(queue) == ["b1", "a2", "b2"])
    }

    @Test func removes() {
        var queue = queue("a1", "a2", "b1", "c1", "c2")
        #expect(queue.remove { $0.hasSuffix("1") }.sorted() == ["a1", "b1", "c1"])
        #expect(queue.count == 2)
        #expect(queue.elements.sorted() == ["a2", "c2"])
        #expect(queue.remove { $0 == "b1" } == [])
        queue.append("b2", for: "b")
        #expect(drained(queue) == ["a2", "c2", "b2"])
    }

    @Test(arguments: 0..<30 as Range<UInt64>) func countsWhoIsAhead(seed: UInt64) {
        var random = GateRandom(seed: seed)
        var queue = FairQueue<Int>()
        for number in 0..<random.number(0...40) {
            queue.append(number, for: "n\(random.number(0...5))")
            if random.chance(30) { _ = queue.popFirst() }
        }
        for namespace in ["n0", "n3", "other"] {
            let ahead = queue.countAhead(ofNewIn: namespace)
            var copy = queue
            copy.append(-1, for: namespace)
            var order: [Int] = []
            while let next = copy.popFirst() { order.append(next) }
            #expect(order.firstIndex(of: -1) == ahead)
            #expect(order.count == queue.count + 1)
        }
    }

    /// Between two turns of a namespace that waits all the time, each other one has at most one.
    @Test(arguments: 0..<30 as Range<UInt64>) func nobodyIsPassedTwice(seed: UInt64) {
        var random = GateRandom(seed: seed)
        var queue = FairQueue<(namespace: Int, number: Int)>()
        var waiting = [Int: [Int]]()
        var passes: [Int: [Int: Int]] = [:]
        for number in 0..<400 {
            if random.chance(55) {
                let namespace = random.number(0...6)
                queue.append((namespace, number), for: "\(namespace)")
                if waiting[namespace, default: []].isEmpty { passes[namespace] = [:] }
                waiting[namespace, default: []].append(number)
            } else if let next = queue.popFirst() {
                #expect(waiting[next.namespace]?.removeFirst() == next.number)
                passes[next.namespace] = [:]
                for (other, list) in waiting where other != next.namespace && !list.isEmpty {
                    passes[other, default: [:]][next.namespace, default: 0] += 1
                    #expect(passes[other]?[next.namespace] == 1)
                }
            }
            #expect(queue.count == waiting.values.reduce(0) { $0 + $1.count })
        }
    }
}
