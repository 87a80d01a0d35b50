// Reading what API servers send: JSON, lines, statuses.

import KubernetesAPI
import Leases
import Testing

@testable import BuildEnds

@Suite struct WireTests {
    private let name = PodName(namespace: "binder", name: "build-1")

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static let pod = """
        {"metadata":{"name":"build-1","namespace":"binder","uid":"u1","resourceVersion":"7"},\
        "spec":{"nodeName":"node-1","future":{"x":[1,2]}},"status":{"phase":"Running"}}
        """

    @Test func aPageIsRead() throws {
        let text = """
            {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"abc",\
            "remainingItemCount":3},"items":[\(Self.pod)]}
            """
        let page = try #require(PodJSON.page(bytes(text)))
        #expect(page.version == "12" && page.next == "abc")
        #expect(page.pods == [PodFacts(uid: "u1", name: name, nodeName: "node-1", version: "7")])
    }

    /// A list that can't be read whole must not look like one without Pods.
    @Test(arguments: [
        "", "{}", "[]", "<html></html>", #"{"kind":"PodList","items":[]}"#,
        #"{"kind":"PodList","metadata":{},"items":[]}"#,
        #"{"kind":"Status","metadata":{"resourceVersion":"1"},"code":200}"#,
        #"{"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[]}"#,
        #"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"x"}}]}"#,
        #"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{}]}"#,
        #"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":["#,
    ])
    func whatIsNoListIsNone(_ text: String) { #expect(PodJSON.page(bytes(text)) == nil) }

    @Test(arguments: [
        (nil as String?, nil as PodEnd?), ("Pending", nil), ("Running", nil), ("Unknown", nil), ("succeeded", nil),
        ("Succeeded", .succeeded), ("Failed", .failed),
    ])
    func phases(_ phase: String?, _ end: PodEnd?) {
        let status = phase.map { #"{"phase":"\#($0)"}"# } ?? "{}"
        let text = """
            {"kind":"Pod","metadata":{"name":"a","namespace":"b","uid":"c","resourceVersion":"1",\
            "deletionTimestamp":"2026-01-01T00:00:00Z"},"status":\(status)}
            """
        let pod = PodJSON.pod(bytes(text))
        #expect(pod != nil && pod?.end == end)
    }

    @Test func eventsAreRead() {
        let facts = PodFacts(uid: "u1", name: name, nodeName: "node-1", version: "7")
        for (type, event) in [
            ("ADDED", PodEvent.state(facts)), ("MODIFIED", .state(facts)), ("DELETED", .deleted(facts)),
            ("SOMETHING", .other),
        ] {
            #expect(PodJSON.event(bytes(#"{"type":"\#(type)","object":\#(Self.pod)}"#)) == event)
        }
        let bookmark = #"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"9"},"spec":{}}}"#
        #expect(PodJSON.event(bytes(bookmark)) == .bookmark(version: "9"))
        let error = #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"x"}}"#
        #expect(PodJSON.event(bytes(error)) == .failure(code: 410, reason: "Expired"))
    }

    @Test(arguments: [
        "x", "{}", #"{"type":"ADDED"}"#, #"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"#,
        #"{"type":"DELETED","object":{"metadata":{}}}"#, #"{"type":"BOOKMARK","object":{"metadata":{}}}"#,
        #"{"type":"ADDED","object":{"metadata":{"name":"a","#,
    ])
    func whatIsNoEventIsNone(_ line: String) { #expect(PodJSON.event(bytes(line)) == nil) }

    /// Only the API server's own word counts, and only for the Pod that was asked for.
    @Test func notFoundIsTheServersOwnWord() {
        func status(_ details: String, code: Int = 404, reason: String = "NotFound") -> [UInt8] {
            bytes(#"{"kind":"Status","code":\#(code),"reason":"\#(reason)","details":\#(details)}"#)
        }
        #expect(PodJSON.saysNotFound(status(#"{"name":"build-1","kind":"pods"}"#), name))
        #expect(!PodJSON.saysNotFound(status(#"{"name":"build-2","kind":"pods"}"#), name))
        #expect(!PodJSON.saysNotFound(status(#"{"name":"build-1","kind":"nodes"}"#), name))
        #expect(!PodJSON.saysNotFound(status(#"{"name":"build-1","kind":"pods"}"#, code: 403), name))
        #expect(!PodJSON.saysNotFound(status("{}"), name))
        #expect(!PodJSON.saysNotFound(bytes("404 page not found"), name))
        #expect(!PodJSON.saysNotFound([], name))
    }

    @Test func linesAreWholeHoweverTheyCome() throws {
        let text = "one\ntwo\n\nthree é\nrest"
        for size in 1...12 {
            var splitter = LineSplitter(limit: 100)
            var lines: [String] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                lines += try splitter.take(Array(rest.prefix(size))).map { String(decoding: $0, as: UTF8.self) }
                rest = rest.dropFirst(size)
            }
            #expect(lines == ["one", "two", "three é"])
            #expect(splitter.isInMidLine)
        }
    }

    @Test func aLineHasALimit() throws {
        var splitter = LineSplitter(limit: 4)
        let lines = try splitter.take(bytes("abcd\nefgh\n"))
        #expect(lines.count == 2 && !splitter.isInMidLine)
        #expect(throws: LineSplitter.TooLong.self) { _ = try splitter.take(bytes("abcde\n")) }
        var other = LineSplitter(limit: 4)
        #expect(throws: LineSplitter.TooLong.self) { for _ in 0..<5 { _ = try other.take(bytes("a")) } }
    }

    @Test func statusesSayWhatToDo() {
        func status(_ code: Int, _ retryAfter: String? = nil) -> KubernetesError {
            .status(code, "list pods", needs: "get, list and watch on pods", retryAfter: retryAfter)
        }
        #expect(status(403).description.contains("get, list and watch on pods"))
        #expect(status(401).code == .unauthorized)
        #expect(status(410).code == .expired)
        for (field, pause) in [
            ("7", Duration.seconds(7)), ("0", .zero), ("-3", .zero), ("99999999", .seconds(300)), (nil, .seconds(1)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", .seconds(1)),
        ] {
            #expect(status(429, field).retryAfter == pause)
        }
        #expect(status(503).code == .refused)
        #expect(status(503, "2").retryAfter == .seconds(2))
    }

    @Test func pausesGrowToALimitAndDiffer() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(30))
        let most = (0..<40).map { _ in backoff.next(random: 1) }
        #expect(most.prefix(6).elementsEqual([1, 2, 4, 8, 16, 30].map { .seconds($0) }))
        #expect(most.dropFirst(5).allSatisfy { $0 == .seconds(30) })
        backoff.reset()
        #expect(backoff.next(random: 0) == .milliseconds(500))
        #expect(backoff.next(random: 0, retryAfter: .seconds(90)) == .seconds(90))
    }
}
