// The files of secrets that the settings of a store name, for checks: a store reads some of them when it mints only.

import StrictYAML

/// A file of a secret, and where the configuration names it.
package struct NamedSecretFile: Sendable, Hashable {
    /// The path of the file.
    package var file: String
    /// The place in the configuration: `stores.github.privateKey.file`.
    package var path: String
    /// The line, from 1.
    package var line: Int
    /// The column in Unicode scalars, from 1.
    package var column: Int

    /// Every `{ file: PATH }` below a value.
    static func all(in value: YAMLValue) -> [Self] {
        if let entries = value.entries {
            if entries.count == 1, let entry = entries.first, entry.key == "file", let file = entry.value.text {
                let place = entry.value
                return [Self(file: file, path: place.path, line: place.line, column: place.column)]
            }
            return entries.flatMap { all(in: $0.value) }
        }
        return (value.elements ?? []).flatMap { all(in: $0) }
    }
}
