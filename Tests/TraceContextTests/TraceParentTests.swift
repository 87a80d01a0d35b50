// What a caller may send as its place in a trace, and what it may not.

import Support
import Testing
import TraceContext

@Suite struct TraceParentTests {
    static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    static let span = "00f067aa0ba902b7"

    @Test(arguments: [
        ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", false),
        // Level 2: the second bit says that the id is random; bits that mean nothing yet are ignored.
        ("00-\(trace)-\(span)-03", true), ("00-\(trace)-\(span)-02", false), ("00-\(trace)-\(span)-ff", true),
        // Later versions are read as far as they are known.
        ("01-\(trace)-\(span)-01", true), ("cc-\(trace)-\(span)-00-what-comes-then", false),
        ("fe-\(trace)-\(span)-01-", true),
    ])
    func isRead(header: String, isSampled: Bool) throws {
        let parent = try #require(TraceParent(traceparent: header.utf8))
        #expect(parent.traceID.description == Self.trace)
        #expect(parent.isSampled == isSampled)
        #expect(parent.traceparent == "00-\(Self.trace)-\(Self.span)-\(isSampled ? "01" : "00")")
    }

    @Test(arguments: [
        "", "00", "00-", "-", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1",
        "00-\(trace)-\(span)-001", "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-01 ",
        " 00-\(trace)-\(span)-01", "ff-\(trace)-\(span)-01", "01-\(trace)-\(span)-01more", "01-\(trace)-\(span)-01.x",
        "0-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01", "00-\(trace)-\(span)-0x",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(span)-01", "00-\(trace)-00F067AA0BA902B7-01", "00-\(trace)-\(span)-0A",
        "00-\(trace)0-\(span)-01", "00-\(trace.dropLast())-\(span)-01", "00-\(trace)-\(span)0-01",
        "00-\(trace)-\(span.dropLast())-01", "00_\(trace)_\(span)_01", "00-\(trace.dropLast())\u{E9}-\(span)-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-\(span)-01", "00-4bf92f3577b34da6-a3ce929d0e0e4736-\(span)-01",
    ])
    func isNone(header: String) {
        #expect(TraceParent(traceparent: header.utf8) == nil)
    }

    @Test(arguments: [
        ("", ""), ("a=1", "a=1"), (" a=1 ,\tb=2 ", "a=1,b=2"), ("a=1,,b=2,", "a=1,b=2"), ("a=x y", "a=x y"),
        ("fw529a3039@dt=FfFf", "fw529a3039@dt=FfFf"), ("0a_-*/@b=!~", "0a_-*/@b=!~"),
    ])
    func stateIsRead(text: String, state: String) {
        #expect(TraceState.checked(text) == state)
    }

    @Test(arguments: [
        "a", "=1", "a=", "A=1", "a=1,a=2", "a=1;b=2=3", "a=\u{E9}", "a=\u{1}", "a b=1", "_a=1", "a=b=c",
        String(repeating: "a", count: 257) + "=1", "a=" + String(repeating: "b", count: 257),
        (0..<33).map { "k\($0)=1" }.joined(separator: ","), String(repeating: " ", count: 513),
    ])
    func stateIsNone(text: String) {
        #expect(TraceState.checked(text) == nil)
    }

    @Test func newIDsAreNotTheSame() {
        let ids = Set((0..<100).map { _ in TraceID.random().description })
        #expect(ids.count == 100 && ids.allSatisfy { $0.count == 32 })
        #expect(TraceID(high: 0, low: 0) == nil)
    }
}
