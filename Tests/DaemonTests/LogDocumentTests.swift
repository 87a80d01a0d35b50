// The list of events in docs/logs.md against the codes that there are.

import Foundation
import LogEvents
import Logging
import Testing

@Suite struct LogDocumentTests {
    /// The rows of the tables of events: code, star and level.
    private func rows() throws -> [(code: String, isAudit: Bool, level: String)] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/logs.md"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 6, cells[1].hasPrefix("`"), let code = cells[1].split(separator: "`").first else {
                return nil
            }
            return (String(code), cells[1].hasSuffix("*"), cells[2])
        }
    }

    @Test func everyCodeIsDescribed() throws {
        let rows = try rows()
        #expect(Set(rows.map(\.code)) == Set(EventCode.allCases.map(\.rawValue)))
        #expect(rows.count == EventCode.allCases.count, "a code has two rows")
        for row in rows {
            let code = try #require(EventCode(rawValue: row.code))
            #expect(row.isAudit == code.isAudit, "\(code)")
            #expect(row.level == ([.note, .storeNote].contains(code) ? "any" : code.level.rawValue), "\(code)")
        }
    }

    @Test func codesHaveOneForm() {
        for code in EventCode.allCases {
            #expect(code.rawValue.wholeMatch(of: /[A-Z][A-Za-z]+/) != nil)
        }
    }
}
