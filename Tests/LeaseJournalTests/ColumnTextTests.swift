// Tests of the text forms in the columns.

import Testing

@testable import LeaseJournal

@Suite struct ColumnTextTests {
    @Test(arguments: [
        (Duration.zero, "0"), (.seconds(1), "1"), (.seconds(-1), "-1"), (.milliseconds(1500), "1.5"),
        (.milliseconds(-1), "-0.001"), (Duration(attoseconds: 1), "0.000000000000000001"),
        (Duration(attoseconds: -1), "-0.000000000000000001"), (.seconds(1_767_225_600), "1767225600"),
    ])
    func durationsAreDecimalSeconds(duration: Duration, text: String) {
        #expect(duration.secondsText == text)
        #expect(Duration(secondsText: text) == duration)
    }

    @Test func randomDurationsComeBack() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<2000 {
            let duration = SampleLeases.duration(&random)
            #expect(Duration(secondsText: duration.secondsText) == duration)
        }
    }

    @Test(arguments: [
        "", "-", ".", "1.", ".5", "1.5.2", "+1", " 1", "1 ", "1e3", "0x1", "--1", "1.0000000000000000001", "nan",
        "\u{0661}", "999999999999999999999999999999999999999999",
    ])
    func anythingElseIsNoDuration(text: String) {
        #expect(Duration(secondsText: text) == nil)
    }

    @Test(arguments: [("", ""), ("plain ä", "plain ä"), ("a\0b", "a\\0b"), ("a\\0b", "a\\\\0b"), ("\\", "\\\\")])
    func textsAreEscaped(text: String, escaped: String) {
        #expect(EscapedText.escape(text) == escaped)
        #expect(EscapedText.unescape(escaped) == text)
    }

    @Test(arguments: ["\\", "\\n", "a\\", "\\\\\\"])
    func malformedEscapesAreRefused(text: String) {
        #expect(EscapedText.unescape(text) == nil)
    }

    @Test func theKindOfAFileSystemIsReadFromTheMountTable() {
        let table = """
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
            30 22 0:26 / /run rw,nosuid shared:5 master:2 - tmpfs tmpfs rw,size=100k
            31 22 0:27 / /broken rw -
            """
        #expect(FileSystemKind.find(device: 26, table: table) == "tmpfs")
        #expect(FileSystemKind.find(device: 254 << 8, table: table) == "ext4")
        #expect(FileSystemKind.find(device: 27, table: table) == nil)
        #expect(FileSystemKind.find(device: 28, table: table) == nil)
    }
}
