// What a writer finds that another one left: halves of a write, foreign files, hostile links.

import Foundation
import Testing
import VolumeWriter

@Suite struct BrokenVolumeTests {
    private static let first = "..2026_11_23_12_00_00.1"
    private static let second = "..2026_11_23_12_00_00.2"
    private static let dead = "..2025_01_01_00_00_00.99"

    /// The writer died before the rename: a half-written folder and the link to it.
    @Test func diedBeforeTheRename() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1"])
        try FileManager.default.createDirectory(
            atPath: "\(volume.path)/\(Self.dead)/sub",
            withIntermediateDirectories: true
        )
        try Data("half".utf8).write(to: URL(filePath: "\(volume.path)/\(Self.dead)/sub/x"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(volume.path)/..data_tmp",
            withDestinationPath: Self.dead
        )
        #expect(volume.text("a") == "1", "the volume is readable as it is")
        #expect(try volume.write(["a": "2"]) == .written)
        #expect(try volume.names() == [Self.second, "..data", "a"])
        #expect(volume.text("a") == "2")
    }

    @Test func leftoversGoAlsoWhenTheContentIsTheSame() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1"])
        try FileManager.default.createDirectory(
            atPath: "\(volume.path)/\(Self.dead)",
            withIntermediateDirectories: true
        )
        try FileManager.default.createSymbolicLink(atPath: "\(volume.path)/..data_tmp", withDestinationPath: Self.dead)
        #expect(try volume.write(["a": "1"]) == .written)
        #expect(try volume.names() == [Self.first, "..data", "a"])
        #expect(try volume.write(["a": "1"]) == .unchanged)
    }

    /// The writer died after the rename: no links to new files yet, links to old ones still there, the old folder too.
    @Test func diedAfterTheRename() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1", "b": "2"])
        try FileManager.default.createDirectory(
            atPath: "\(volume.path)/\(Self.dead)",
            withIntermediateDirectories: true
        )
        try FileManager.default.removeItem(atPath: "\(volume.path)/b")
        try FileManager.default.createSymbolicLink(atPath: "\(volume.path)/old", withDestinationPath: "..data/old")
        #expect(volume.text("a") == "1", "what has a link is readable")
        #expect(try volume.write(["a": "1", "b": "2"]) == .written)
        #expect(try volume.names() == [Self.first, "..data", "a", "b"])
        #expect(volume.text("b") == "2")
    }

    @Test func dataPointsNowhere() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1"])
        try FileManager.default.removeItem(atPath: "\(volume.path)/\(Self.first)")
        #expect(try volume.write(["a": "1"]) == .written)
        #expect(volume.text("a") == "1")
    }

    @Test func nameIsTaken() throws {
        let volume = try ScratchVolume()
        try FileManager.default.createDirectory(
            atPath: "\(volume.path)/\(Self.first)",
            withIntermediateDirectories: true
        )
        #expect(try volume.write(["a": "1"]) == .written)
        #expect(try volume.names() == [Self.second, "..data", "a"])
        let stuck = VolumeWriter(directory: volume.path, now: { 1_795_435_200 }, random: { 2 })
        let error = #expect(throws: VolumeWriterError.self) {
            try stuck.write([VolumeFile(path: "a", mode: 0o444, contents: [9])])
        }
        #expect(error?.problem == "every name that was tried is taken")
        #expect(volume.text("a") == "1")
    }

    @Test func foreignFilesAreKept() throws {
        let volume = try ScratchVolume()
        try volume.write(["a": "1"])
        try Data("mine".utf8).write(to: URL(filePath: "\(volume.path)/note"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(volume.path)/elsewhere",
            withDestinationPath: "/etc/hostname"
        )
        try volume.write(["a": "2"])
        #expect(try volume.names() == [Self.second, "..data", "a", "elsewhere", "note"])
        let before = try volume.state()
        for name in ["note", "elsewhere"] {
            let error = #expect(throws: VolumeWriterError.self) { try volume.write(["a": "3", name: "x"]) }
            #expect(error?.path == "\(volume.path)/\(name)")
            #expect(
                error?.problem == "something that is not of this volume is there; remove it, or name another directory"
            )
        }
        #expect(try volume.state() == before, "nothing was changed")
    }

    @Test(arguments: ["/etc", "../x", "sub/x", "..", "plain"])
    func hostileDataLink(target: String) throws {
        let volume = try ScratchVolume()
        try FileManager.default.createDirectory(atPath: volume.path, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(volume.path)/..data", withDestinationPath: target)
        let error = #expect(throws: VolumeWriterError.self) { try volume.write(["a": "1"]) }
        #expect(error?.path == "\(volume.path)/..data")
        #expect(try volume.names() == ["..data"])
    }

    @Test func theDirectoryIsAFile() throws {
        let volume = try ScratchVolume()
        try Data().write(to: URL(filePath: volume.path))
        let error = #expect(throws: VolumeWriterError.self) { try volume.write(["a": "1"]) }
        #expect(error?.problem == "Not a directory")
    }

    @Test func theParentIsMissing() throws {
        let volume = try ScratchVolume()
        let writer = VolumeWriter(directory: "\(volume.parent)/no/volume", now: { 0 }, random: { 0 })
        let file = VolumeFile(path: "a", mode: 0o444, contents: [])
        #expect(
            throws: VolumeWriterError("make the folder", "\(volume.parent)/no/volume", "No such file or directory")
        ) {
            try writer.write([file])
        }
    }
}
