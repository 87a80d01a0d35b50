// The pure parts of the accept loop and of the log.

import Testing

@testable import UnaryRPC

@Suite("Waiting room and log")
struct WaitingRoomTests {
    private let start = ContinuousClock.now

    @Test("guests leave when they speak, when their time is over, and when it is too full")
    func leaving() {
        var room = WaitingRoom(patience: .seconds(10), room: 3)
        #expect(room.nextDeadline == nil)
        #expect(room.enter(5, at: start) == nil)
        #expect(room.enter(6, at: start + .seconds(1)) == nil)
        #expect(room.enter(7, at: start + .seconds(2)) == nil)
        #expect(room.nextDeadline == start + .seconds(10))
        #expect(room.enter(8, at: start + .seconds(3)) == 5)
        room.leave([7, 9])
        #expect(room.descriptors == [6, 8])
        #expect(room.expire(at: start + .seconds(10)) == [])
        #expect(room.expire(at: start + .seconds(11)) == [6])
        #expect(room.nextDeadline == start + .seconds(13))
        #expect(room.dropOldest() == 8)
        #expect(room.dropOldest() == nil)
    }

    @Test("there is always room for one")
    func smallest() {
        var room = WaitingRoom(patience: .seconds(1), room: 0)
        #expect(room.enter(3, at: start) == nil)
        #expect(room.enter(4, at: start) == 3)
    }

    @Test("one line in an interval, with the count of the others")
    func throttle() {
        var throttle = LogThrottle(interval: .seconds(10))
        #expect(throttle.admit(at: start) == 0)
        #expect(throttle.admit(at: start + .seconds(1)) == nil)
        #expect(throttle.admit(at: start + .seconds(9)) == nil)
        #expect(throttle.admit(at: start + .seconds(10)) == 2)
        #expect(throttle.admit(at: start + .seconds(30)) == 0)
    }

    @Test(
        "what is shown of the core's messages",
        arguments: [
            ("plain", "plain"), ("a {b", "a "), ("Error parsing x: key=k value=secret", "Error parsing x: key=k "),
            ("value=secret", ""), ("{", ""), ("a\u{1B}[31m\r\nb\u{7F}\u{85}é\u{2028}\t", "a [31m  b     "),
            (String(repeating: "x", count: 300), String(repeating: "x", count: 200)),
        ]
    )
    func coreMessages(message: String, shown: String) { #expect(CoreLog.shown(message) == shown) }

    @Test("the core's log shows no bytes of a call, one line, and not too often")
    func coreLog() {
        let lines = LogRecorder.Lines()
        let log = CoreLog()
        log.report("before anybody listens", file: "a.cc", line: 1)
        log.use(LogRecorder.logger(lines))
        log.report(
            "validate_metadata: UNKNOWN:Illegal header value {raw_bytes:\"73 65 63 'sec'\"}",
            file: "./src/core/surface/b.cc",
            line: 46
        )
        log.report("again", file: "a.cc", line: 1)
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.contains("warning gRPC: validate_metadata: UNKNOWN:Illegal header value ") == true)
        #expect(lines.all.first?.contains("b.cc:46") == true)
        #expect(lines.all.first?.contains("sec") == false)
    }
}
