// Every built-in store is held to the contract: none can be added without the suite, which tries every fault and watches
// errors, log lines, descriptions, URLs and arguments for secrets.

import Foundation
import Testing
import TokenStore
import TokenStores

@Suite struct AllStoresTests {
    /// The suite is a call with the store's type as its first argument; this finds them in the sources of these tests.
    @Test func everyStoreRunsTheCompatibilitySuite() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var held: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" && file.lastPathComponent != Self.own {
            let text = try String(contentsOf: file, encoding: .utf8)
            for call in text.components(separatedBy: "TokenStoreCompatibilitySuite(").dropFirst() {
                let argument = call.drop { $0.isWhitespace }.prefix { $0.isLetter || $0.isNumber || $0 == "." }
                if argument.hasSuffix(".self") { held.insert(String(argument.dropLast(5))) }
            }
        }
        let missing = BuiltinStores.all.map { String(describing: $0) }.filter { !held.contains($0) }
        #expect(missing == [], "these stores do not run the compatibility suite")
    }

    @Test func kindsAreUnique() {
        let kinds = BuiltinStores.all.map { $0.kind }
        #expect(Set(kinds).count == kinds.count)
        #expect(kinds.count >= 16)
    }

    private static let own = "AllStoresTests.swift"
}
