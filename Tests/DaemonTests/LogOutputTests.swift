// Log lines whose reader is slow, stuck or gone.

import Foundation
import Glibc
import LogEvents
import Logging
import Support
import Testing

@testable import Daemon

@Suite struct LogOutputTests {
    /// F_SETPIPE_SZ of fcntl(2), which Glibc leaves out.
    private let setPipeSize: Int32 = 1031

    @Test func whatAFullPipeLosesIsCountedAndTold() throws {
        try withLogPipe { pipe in
            _ = fcntl(pipe.writer, setPipeSize, 16_384)
            let logger = pipe.logger()
            let value = String(repeating: "x", count: 1500)
            for _ in 0..<40 {
                logger.log(.tokenMinted, "token minted", metadata: ["v": "\(value)"])
                logger.log(.serving, "serving", metadata: ["v": "\(value)"])
            }
            // It did not block; what had room is there, whole.
            let first = try pipe.objects()
            #expect(first.count > 2 && first.count < 40)
            logger.log(.ended, "ended")
            let second = try pipe.objects()
            let lost = try #require(second.first)
            #expect(second.count == 2 && second.last?["event"] as? String == "Ended")
            #expect(lost["event"] as? String == "LogLinesLost" && lost["audit"] as? Bool == true)
            #expect(lost["lines"] as? String == "\(80 - first.count)")
            let audit = first.filter { $0["event"] as? String == "TokenMinted" }.count
            #expect(lost["audit_lines"] as? String == "\(40 - audit)")
            logger.log(.ended, "ended")
            #expect(try pipe.objects().count == 1)
        }
    }

    @Test func aSlowReaderMakesFewLinesWait() {
        withLogPipe { pipe in
            _ = fcntl(pipe.writer, setPipeSize, 8192)
            let output = LogOutput(descriptor: pipe.writer, patience: .milliseconds(20), in: .seconds(3600))
            let line = [UInt8](repeating: 0x61, count: 3000)
            // Two lines go through, the next one finds no room, and then the reader takes what is there.
            for _ in 0..<30 {
                for _ in 0..<3 { output.write(line, isAudit: false) { _ in [0x0A] } }
                _ = pipe.read()
            }
            #expect(output.waits == 1)
            #expect(output.lost.lines == 30)
        }
    }

    @Test func aLineThatWasTornIsEnded() {
        withLogPipe { pipe in
            _ = fcntl(pipe.writer, setPipeSize, 8192)
            let logger = pipe.logger()
            let value = String(repeating: "x", count: 4000)
            // 12,000 bytes: a part has room.
            logger.log(.serving, "torn", metadata: ["a": "\(value)", "b": "\(value)", "c": "\(value)"])
            #expect(!pipe.read().contains("\n"))
            logger.log(.ended, "ended")
            let text = pipe.read()
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 4 && lines[0] == "" && lines[3] == "", "\(text)")
            #expect(lines[1].contains("LogLinesLost") && lines[2].contains("\"Ended\""))
        }
    }

    @Test func aReaderThatIsGoneKillsNobody() {
        let pipe = LogPipe()
        let output = LogOutput(descriptor: pipe.writer)
        Glibc.close(pipe.reader)
        for _ in 0..<3 { output.write(Array("x\n".utf8), isAudit: true) { _ in [] } }
        #expect(output.lost.lines == 3 && output.lost.auditLines == 3)
        #expect(output.lost.failure == "Broken pipe")
        Glibc.close(pipe.writer)
        output.write(Array("x\n".utf8), isAudit: false) { _ in [] }
        #expect(output.lost.lines == 4 && output.lost.failure == "Bad file descriptor")
    }

    @Test func aFullDiskIsAFailedWrite() throws {
        let descriptor = open("/dev/full", O_WRONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let output = LogOutput(descriptor: descriptor)
        output.write(Array("x\n".utf8), isAudit: true) { _ in [] }
        #expect(output.lost.auditLines == 1 && output.lost.failure == "No space left on device")
    }

    @Test func aSocketWithoutRoomBlocksNobody() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let output = LogOutput(descriptor: ends[0], patience: .milliseconds(1))
        let line = [UInt8](repeating: 0x61, count: 4000)
        for _ in 0..<1000 { output.write(line, isAudit: true) { _ in line } }
        #expect(output.lost.lines > 0)
    }
}
