// Log lines as JSON and as text, whatever is in them.

import Foundation
import Glibc
import LogEvents
import Logging
import Support
import Testing
import TokenStore
import TokenStoreTesting

@testable import Daemon

/// A pipe whose reading end a test holds.
struct LogPipe {
    let reader: Int32
    let writer: Int32

    init() {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        (reader, writer) = (ends[0], ends[1])
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    /// What can be read now.
    func read() -> String {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(reader, &bytes, bytes.count)
            guard count > 0 else { break }
            all += bytes.prefix(count)
        }
        return String(decoding: all, as: UTF8.self)
    }

    func objects() throws -> [[String: Any]] {
        try read().split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    func close() {
        Glibc.close(reader)
        Glibc.close(writer)
    }

    /// A logger of level info that writes here.
    func logger(
        _ form: LogForm = .json,
        level: Logger.Level = .info,
        patience: Duration = .milliseconds(20),
        provider: Logger.MetadataProvider? = nil
    ) -> Logger {
        let output = LogOutput(descriptor: writer, patience: patience)
        var logger = Logger(label: "x") { _ in
            LineLogHandler(form, to: output, clock: ManualClock(), provider: provider)
        }
        logger.logLevel = level
        return logger
    }
}

func withLogPipe<Result>(_ body: (LogPipe) throws -> Result) rethrows -> Result {
    let pipe = LogPipe()
    defer { pipe.close() }
    return try body(pipe)
}

@Suite struct LogLineTests {
    @Test func aLineIsOneJSONObjectWhoseFieldsAreInOrder() throws {
        try withLogPipe { pipe in
            var logger = pipe.logger(provider: .init { ["trace_id": "abc"] })
            logger[metadataKey: "b"] = "two"
            logger.log(.mountRefused, "say \"no\"\n\u{1}\u{E9}", metadata: ["z": "on\te", "b": "own"])
            logger.debug("below the level")
            logger.log(.leaseExpired, "below the level")
            let text = pipe.read()
            #expect(
                text
                    == #"{"time":"2026-01-01T00:00:00.000Z","level":"warning","event":"MountRefused","#
                    + #""message":"say \"no\"\n\u0001"# + "\u{E9}"
                    + #"","audit":true,"b":"own","trace_id":"abc","z":"on\te"}"# + "\n"
            )
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            #expect(object?["message"] as? String == "say \"no\"\n\u{1}\u{E9}")
            #expect(object?["audit"] as? Bool == true)
        }
    }

    @Test(arguments: Logger.Level.allCases)
    func theAuditTrailHasNoLevel(level: Logger.Level) throws {
        for form in [LogForm.json, .text(isColoured: false), .text(isColoured: true)] {
            withLogPipe { pipe in
                let logger = pipe.logger(form, level: level)
                for code in EventCode.allCases { logger.log(code, "x") }
                let expected = EventCode.allCases.filter { $0.isAudit || $0.level >= level }.map(\.rawValue)
                let lines = pipe.read().split(separator: "\n")
                #expect(lines.count == expected.count)
                for (line, code) in zip(lines, expected) { #expect(line.contains(code), "\(line)") }
                let marked = lines.filter { $0.contains("audit") }.count
                #expect(marked == EventCode.allCases.filter(\.isAudit).count)
            }
        }
        #expect(EventCode.allCases.filter(\.isAudit).count >= 6)
    }

    @Test func linesWithoutACodeGetOne() throws {
        try withLogPipe { pipe in
            var logger = pipe.logger()
            logger.info("x")
            logger.info("x", metadata: ["event": "ByHand", "audit": "true", "time": "y"])
            logger.info("x", metadata: ["event": "no code\n"])
            logger.info("x", metadata: ["event": "TokenMinted"])
            logger[metadataKey: "store"] = "github"
            logger.info("x")
            logger.log(.storeUnusable, "x")
            let objects = try pipe.objects()
            let codes = objects.map { $0["event"] as? String }
            #expect(codes == ["Note", "ByHand", "Note", "TokenMinted", "StoreNote", "StoreUnusable"])
            // Nobody marks a line as one of the audit trail by its text.
            #expect(objects.allSatisfy { $0["audit"] == nil })
            #expect(objects[1]["audit_"] as? String == "true" && objects[1]["time_"] as? String == "y")
        }
    }

    @Test(arguments: [
        "", " ", "a=b", "\"", "\\", "\n{\"level\":\"info\"}", "\r\u{1B}[2J", "\u{9B}31m", "\u{202E}evil", "\u{2028}",
        "\u{FEFF}", "\u{0}", "\u{7F}", "\u{1F600}\u{E0001}", "caf\u{E9}", String(repeating: "\u{1}", count: 5000),
    ])
    func hostileValuesStayInTheirLine(value: String) throws {
        try withLogPipe { pipe in
            pipe.logger().log(.refreshFailed, "\(value)", metadata: ["k": "\(value)", "\(value)": "v"])
            let text = pipe.read()
            #expect(text.utf8.filter { $0 == 0x0A }.count == 1)
            #expect(
                !text.unicodeScalars.dropLast().contains {
                    $0.value < 0x20 || $0.properties.generalCategory == .control
                }
            )
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let read = try #require(object["k"] as? String)
            #expect(value.utf8.count > 4000 ? read.hasSuffix("...") : read == value)
        }
        withLogPipe { pipe in
            pipe.logger(.text(isColoured: false)).log(.refreshFailed, "\(value)", metadata: ["k": "\(value)"])
            let text = pipe.read()
            #expect(text.utf8.filter { $0 == 0x0A }.count == 1)
            #expect(!text.unicodeScalars.dropLast().contains { $0.properties.generalCategory == .control })
            #expect(!text.contains("\u{202E}") && !text.contains("\u{2028}"))
        }
    }

    @Test func aLineIsBounded() throws {
        try withLogPipe { pipe in
            let large = String(repeating: "\"\u{E9}", count: 100_000)
            var metadata: Logger.Metadata = ["scope": "\(large)", "\(large)": "x"]
            for index in 0..<40 { metadata["m\(index)"] = "\(large)" }
            pipe.logger().log(.tokenMinted, "\(large)", metadata: metadata)
            let text = pipe.read()
            #expect(text.utf8.count < 16 << 10)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect((object["cut"] as? String)?.hasPrefix("message ") == true)
            #expect(object["event"] as? String == "TokenMinted" && object["audit"] as? Bool == true)
        }
    }

    @Test func textIsReadable() {
        withLogPipe { pipe in
            let logger = pipe.logger(.text(isColoured: false))
            logger.log(
                .tokenMinted,
                "token minted",
                metadata: ["pod": "build-1", "scope": "our-org/app contents:read"]
            )
            logger.log(.serving, "serving", metadata: ["empty": "", "tab": "a\tb"])
            #expect(
                pipe.read() == """
                    2026-01-01T00:00:00.000Z info     TokenMinted token minted audit=true pod=build-1 \
                    scope="our-org/app contents:read"
                    2026-01-01T00:00:00.000Z info     Serving serving empty="" tab="a\\tb"

                    """
            )
            pipe.logger(.text(isColoured: true)).log(.storeUnusable, "x")
            #expect(pipe.read().contains("\u{1B}[31merror"))
        }
    }

    @Test func coloursAreForTerminalsWhoseUserWantsThem() {
        func isColoured(_ isTerminal: Bool, _ environment: [String: String]) -> Bool {
            LogForm.text(isTerminal: isTerminal, environment: environment) == .text(isColoured: true)
        }
        #expect(isColoured(true, [:]) && isColoured(true, ["NO_COLOR": "", "TERM": "xterm"]))
        #expect(!isColoured(false, ["TERM": "xterm"]))
        #expect(!isColoured(true, ["NO_COLOR": "1"]) && !isColoured(true, ["NO_COLOR": "0"]))
        #expect(!isColoured(true, ["TERM": "dumb"]))
    }
}
