// Log lines as JSON, whatever is in them.

import Foundation
import Logging
import Support
import Testing
import TokenStoreTesting

@testable import Daemon

struct LogLineTests {
    @Test func aLineIsOneJSONObjectWhoseKeysAreInOrder() throws {
        let lines = Box<[String]>([])
        var logger = Logger(label: "x") { _ in
            JSONLogHandler(clock: ManualClock()) { line in lines.update { $0.append(line) } }
        }
        logger[metadataKey: "b"] = "two"
        logger.warning("say \"no\"\n\u{1}é", metadata: ["a": "on\te", "b": "own"])
        logger.debug("below the level")
        #expect(
            lines.get() == [
                #"{"time":"2026-01-01T00:00:00Z","level":"warning","message":"say \"no\"\n\u0001é","a":"on\te","b":"own"}"#
                    + "\n"
            ]
        )
        let object = try JSONSerialization.jsonObject(with: Data(lines.get()[0].utf8)) as? [String: String]
        #expect(object?["message"] == "say \"no\"\n\u{1}é")
    }
}
