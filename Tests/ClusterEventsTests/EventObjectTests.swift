// The JSON of events, and the texts in it.

import BuildEnds
import LoopbackCluster
import Testing
import TokenStore

@testable import ClusterEvents

@Suite struct EventObjectTests {
    private func write(_ note: String = "no", pod: String = "build-1", count: Int = 1) -> PodEventBook.Write {
        let event = PodWarning(
            podUID: "u1",
            pod: PodName(namespace: "binder", name: pod),
            reason: .tokenRefreshFailed,
            note: note
        )
        let first = UTCInstant(sinceEpoch: .seconds(1_767_323_045) + .microseconds(42))
        return PodEventBook.Write(
            name: EventObject.newName(event),
            event: event,
            isNew: true,
            count: count,
            firstSeen: first,
            lastSeen: first.advanced(by: .seconds(60))
        )
    }

    @Test func anEventIsWhole() throws {
        let object = try #require(JSONTree(try EventObject.new(write(), instance: String(repeating: "n", count: 253))))
        #expect(object["apiVersion"]?.string == "events.k8s.io/v1" && object["kind"]?.string == "Event")
        #expect(object["metadata"]?["namespace"]?.string == "binder")
        #expect(object["metadata"]?["name"]?.string?.hasPrefix("build-1.") == true)
        #expect(object["eventTime"]?.string == "2026-01-02T03:04:05.000042Z")
        #expect(object["reason"]?.string == "TokenRefreshFailed" && object["action"]?.string == "Refresh")
        #expect(object["type"]?.string == "Warning" && object["note"]?.string == "no")
        #expect(object["reportingController"]?.string == "daypass")
        #expect(object["reportingInstance"]?.string?.count == 128)
        let regarding = object["regarding"]
        #expect(regarding?["kind"]?.string == "Pod" && regarding?["apiVersion"]?.string == "v1")
        #expect(regarding?["uid"]?.string == "u1" && regarding?["name"]?.string == "build-1")
        #expect(object["series"] == nil)
    }

    @Test func aSeriesHasItsCountAndItsLastTime() throws {
        let new = try #require(JSONTree(try EventObject.new(write(count: 3), instance: "n")))
        let patch = try #require(JSONTree(try EventObject.series(write(count: 3))))
        #expect(new["series"] == patch["series"])
        #expect(patch["series"]?["count"]?.int == 3)
        #expect(patch["series"]?["lastObservedTime"]?.string == "2026-01-02T03:05:05.000042Z")
    }

    @Test(arguments: [
        ("2026-01-02T03:04:05Z", Duration.zero, "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05Z", .nanoseconds(999_999_999), "2026-01-02T03:04:05.999999Z"),
        ("1970-01-01T00:00:00Z", .milliseconds(7), "1970-01-01T00:00:00.007000Z"),
    ])
    func timesHaveSixDigits(_ base: String, _ more: Duration, _ text: String) throws {
        let instant = try #require(UTCInstant(rfc3339: base)).advanced(by: more)
        #expect(EventObject.time(instant) == text)
    }

    /// The longest names of Pods, and those that are cut at a dot or a dash.
    @Test(arguments: [
        "a", String(repeating: "a", count: 253), String(repeating: "a", count: 235) + "-" + "b.c",
        String(repeating: "a", count: 234) + "-." + "b", "a.b-c",
    ])
    func namesAreOnesThatTheServerTakes(_ pod: String) {
        let name = write(pod: pod).name
        #expect(name.utf8.count <= 253)
        #expect(!name.contains(".-") && !name.contains("-.") && !name.contains(".."))
        #expect(write(pod: pod).name != name)
    }

    @Test(arguments: [
        ("plain", "plain"), ("two\nlines\tand\u{1B}[31m", "two lines and?[31m"), ("b\u{FC}ro \u{202E}x", "b?ro ?x"),
        (String(repeating: "x", count: 1024), String(repeating: "x", count: 1024)),
        (String(repeating: "x", count: 1025), String(repeating: "x", count: 1021) + "..."),
        (String(repeating: "\u{1F511}", count: 400), String(repeating: "?", count: 400)),
    ])
    func notesAreOneLineThatFits(_ text: String, _ note: String) {
        #expect(write(text).event.note == note)
    }
}
