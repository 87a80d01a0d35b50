// The layout of a volume, and what a second write touches.

import Foundation
import Testing
import VolumeWriter

@Suite struct VolumeWriterTests {
    private static let first = "..2026_11_23_12_00_00.1"
    private static let second = "..2026_11_23_12_00_00.2"

    @Test func layout() throws {
        let volume = try ScratchVolume()
        #expect(try volume.write([".gitconfig": "a", "sub/x": "b", "sub/deep/y": "c"]) == .written)
        #expect(try volume.names() == [Self.first, "..data", ".gitconfig", "sub"])
        #expect(try volume.link("..data") == Self.first)
        #expect(try volume.link(".gitconfig") == "..data/.gitconfig")
        #expect(try volume.link("sub") == "..data/sub")
        #expect(volume.text(".gitconfig") == "a" && volume.text("sub/x") == "b" && volume.text("sub/deep/y") == "c")
    }

    @Test func modesWhateverTheUmask() throws {
        let volume = try ScratchVolume()
        let files = [("a", 0o444), ("b/c", 0o555), ("d", 0o400), ("e", 0o777), ("f", 0)]
        _ = try volume.writer().write(files.map { VolumeFile(path: $0.0, mode: $0.1, contents: [1]) })
        for (path, mode) in files {
            #expect(try volume.attributes("..data/\(path)")[.posixPermissions] as? Int == mode)
        }
        for folder in ["", Self.first, "..data/b"] {
            #expect(try volume.attributes(folder)[.posixPermissions] as? Int == 0o755)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func ownership() throws {
        let volume = try ScratchVolume()
        let files = [VolumeFile(path: "sub/x", mode: 0o400, contents: [1])]
        _ = try volume.writer(owner: VolumeOwner(uid: 65_532, gid: 65_533)).write(files)
        for path in ["..data/sub/x", "..data/sub", Self.first] {
            #expect(try volume.attributes(path)[.ownerAccountID] as? Int == 65_532)
            #expect(try volume.attributes(path)[.groupOwnerAccountID] as? Int == 65_533)
        }
        #expect(try volume.attributes("..data/sub/x")[.posixPermissions] as? Int == 0o400)
    }

    @Test(.enabled(if: geteuid() != 0, "root may give files away"))
    func ownerThatCannotBeSet() throws {
        let volume = try ScratchVolume()
        let writer = volume.writer(owner: VolumeOwner(uid: 0))
        #expect(throws: VolumeWriterError.self) { try writer.write([VolumeFile(path: "x", mode: 0o400, contents: [])]) }
        #expect(try volume.names().isEmpty)
    }

    @Test func identicalContentTouchesNothing() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1", "sub/x": "2"])
        let before = try volume.state()
        #expect(try volume.write(["a": "1", "sub/x": "2"]) == .unchanged)
        #expect(try volume.write(["a": "1", "sub/x": "2"], mode: 0o400) == .unchanged, "as in the driver")
        #expect(try volume.write([:]) == .unchanged, "as in the driver")
        #expect(try volume.state() == before)
    }

    @Test func changedContent() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1", "b": "2"])
        #expect(try volume.write(["a": "1", "b": "3"]) == .written)
        #expect(try volume.names() == [Self.second, "..data", "a", "b"])
        #expect(try volume.link("..data") == Self.second)
        #expect(volume.text("b") == "3")
    }

    @Test func changedPaths() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1", "sub/x": "2", "sub/y": "3"])
        #expect(try volume.write(["new": "1", "sub/x": "2"]) == .written)
        #expect(try volume.names() == [Self.second, "..data", "new", "sub"])
        #expect(try volume.names("sub") == ["x"])
        #expect(try volume.write(["sub": "a file now"]) == .written)
        #expect(volume.text("sub") == "a file now")
        #expect(try volume.write(["sub/again": "a folder"]) == .written)
        #expect(volume.text("sub/again") == "a folder")
    }

    @Test func anOpenFileStaysWhole() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "old"])
        let open = try #require(FileHandle(forReadingAtPath: "\(volume.path)/a"))
        try volume.write(["a": "new"])
        #expect(try open.readToEnd() == Data("old".utf8))
        #expect(volume.text("a") == "new")
    }

    @Test func largeFile() throws {
        let volume = try ScratchVolume()
        let contents = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try volume.writer().write([VolumeFile(path: "a", mode: 0o444, contents: contents)])
        #expect(FileManager.default.contents(atPath: "\(volume.path)/a").map(Array.init) == contents)
    }

    @Test(arguments: [
        ("", "the path is empty"), ("/x", "the path is absolute"), ("../x", "the path has a .. element"),
        ("..data", "the path begins with .."), ("a//b", "the path is not in its shortest form"),
        ("./a", "the path is not in its shortest form"), (".", "the path is not in its shortest form"),
        ("a/", "the path is not in its shortest form"), ("a\0b", "the path holds NUL"),
        ("a/../\u{301}b", "the path has a .. element"), ("/\u{301}b", "the path is absolute"),
        ("..\u{301}c", "the path begins with .."), ("a//\u{301}b", "the path is not in its shortest form"),
        (String(repeating: "e", count: 256), "an element is longer than 255 bytes"),
        (String(repeating: "ab/", count: 1400) + "c", "the path is longer than 4096 bytes"),
    ])
    func badPath(path: String, problem: String) throws {
        let volume = try ScratchVolume()
        let error = #expect(throws: VolumeWriterError.self) { try volume.write(["ok": "1", path: "2"]) }
        #expect(error?.problem == problem)
        #expect(!FileManager.default.fileExists(atPath: volume.path), "nothing was made")
    }

    @Test func clashesAndModes() throws {
        let volume = try ScratchVolume()
        let clash = #expect(throws: VolumeWriterError.self) { try volume.write(["a": "", "a/b/c": ""]) }
        #expect(clash?.description == "cannot write \"a/b/c\": \"a\" is a file already")
        let marked = #expect(throws: VolumeWriterError.self) { try volume.write(["a": "", "a/\u{301}c": ""]) }
        #expect(marked?.problem == "\"a\" is a file already")
        let file = VolumeFile(path: "a", mode: 0o444, contents: [])
        #expect(throws: VolumeWriterError("write", "a", "it is there twice")) {
            try volume.writer().write([file, file])
        }
        #expect(throws: VolumeWriterError("write", "a", "the mode 1023 is not between 0 and 0777")) {
            try volume.writer().write([VolumeFile(path: "a", mode: 0o1777, contents: [])])
        }
    }

    /// Two spellings of one letter are two names for the kernel, and a combining mark ends no element.
    @Test func namesAreBytes() throws {
        let volume = try ScratchVolume()
        let files = ["\u{e9}", "e\u{301}", "sub/\u{301}x"].map {
            VolumeFile(path: $0, mode: 0o444, contents: Array($0.utf8))
        }
        #expect(try volume.writer().write(files) == .written)
        #expect(try volume.writer().write(files) == .unchanged)
        for file in files {
            #expect(FileManager.default.contents(atPath: "\(volume.path)/\(file.path)") == Data(file.contents))
        }
        #expect(try volume.link("sub") == "..data/sub")
        #expect(try volume.writer().write([files[0]]) == .written)
        #expect(try volume.names().map { Array($0.utf8) }.contains(Array("e\u{301}".utf8)) == false)
    }

    @Test func neverPrintsItsContents() {
        let file = VolumeFile(path: "token", mode: 0o444, contents: Array("ghs_Token123".utf8))
        var dumped = ""
        dump(file, to: &dumped)
        for text in ["\(file)", String(reflecting: file), dumped] {
            #expect(!text.contains("ghs_") && !text.contains("103") && text.contains("token"))
        }
    }
}
