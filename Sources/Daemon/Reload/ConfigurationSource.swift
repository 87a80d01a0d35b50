// The file that a daemon's configuration comes from.

import Glibc
import Policy
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the configuration is read anew.
package struct ConfigurationSource: Sendable {
    /// The whole path of the file.
    package let path: String
    private let name: String
    private let kinds: [any TokenStore.Type]

    /// `nil` for what can't be read twice: standard input and other pipes.
    ///
    /// - Parameters:
    ///   - name: the path as it was given; messages show it.
    ///   - kinds: the kinds of store there are.
    package init?(_ name: String, kinds: [any TokenStore.Type]) {
        var status = stat()
        guard name != "-", stat(name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        self.name = name
        path = name.hasPrefix("/") ? name : FileManager.default.currentDirectoryPath + "/" + name
        self.kinds = kinds
    }

    /// The file's text.
    func text() throws(SmallFile.Failure) -> String {
        guard let text = String(validating: try SmallFile.bytes(of: path), as: UTF8.self) else {
            throw SmallFile.Failure(message: "is no UTF-8 text")
        }
        return text
    }

    /// What a text of the file says.
    func configuration(_ text: String) throws(ConfigurationProblems) -> NodeConfiguration {
        try NodeConfiguration.load(yaml: text, file: name, kinds: kinds)
    }
}
