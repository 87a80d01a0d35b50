// Reads small files that an operator or kubelet put there.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads a whole file of limited size; kubelet's symbolic links are followed.
enum BoundedFile {
    /// Why a file can't be read, in words that follow its path.
    struct Problem: Error { let message: String }

    static func read(_ path: String, limit: Int) throws(Problem) -> [UInt8] {
        let url = URL(filePath: path).resolvingSymlinksInPath()
        let files = FileManager.default
        guard let attributes = try? files.attributesOfItem(atPath: url.path) else {
            throw Problem(message: "does not exist, or Daypass may not see it")
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular else { throw Problem(message: "is no file") }
        guard let size = attributes[.size] as? Int ?? (attributes[.size] as? UInt64).map({ Int($0) }), size <= limit
        else { throw Problem(message: "is larger than \(limit) bytes") }
        guard let data = files.contents(atPath: url.path) else { throw Problem(message: "can't be read") }
        guard data.count <= limit else { throw Problem(message: "is larger than \(limit) bytes") }
        return Array(data)
    }
}
