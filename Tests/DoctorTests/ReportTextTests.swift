// The report: problems first, reasons once, colours only where they are wanted.

import Foundation
import Testing

@testable import Doctor

struct ReportTextTests {
    private let findings = [
        Finding(check: "a", group: .driver, severity: .ok, place: "x", message: "fine", fix: ""),
        Finding(check: "bb", group: .driver, severity: .skipped, place: "", message: "no right", fix: "get it"),
        Finding(check: "ccc", group: .pods, severity: .skipped, place: "", message: "no right", fix: "get it"),
        Finding(check: "d", group: .pods, severity: .warning, place: "pod a/b", message: "late", fix: "hurry"),
        Finding(check: "e", group: .pods, severity: .error, place: "pod a/c", message: "wrong", fix: "right"),
    ]

    @Test("the text is what it was")
    func text() {
        let expected = """
            Pods
              error    e    pod a/c: wrong
                            fix: right
              warning  d    pod a/b: late
                            fix: hurry

            not looked at
              skipped  no right
                       fix: get it
                       bb, ccc

            well
              ok       a    x: fine

            1 error, 1 warning, 1 well, 2 not looked at

            """
        #expect(ReportText(isColored: false).text(findings) == expected)
    }

    @Test("colours change nothing but colours")
    func colours() {
        let colored = ReportText(isColored: true).text(findings)
        #expect(colored.contains("\u{1B}[31merror  \u{1B}[0m"))
        let bare = colored.replacing(/\x1B\[[0-9]+m/, with: "")
        #expect(bare == ReportText(isColored: false).text(findings))
    }
}
