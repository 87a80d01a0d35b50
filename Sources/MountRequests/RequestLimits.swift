// How much one Mount call may hold.

/// The bounds of one Mount call. They are far above what builds need and keep a node's memory and time safe.
package enum RequestLimits {
    /// The most bytes of `attributes`, and of `secrets`; looked at before anything is parsed.
    package static let jsonBytes = 256 << 10
    /// The most keys in `attributes`, and in `secrets`.
    package static let keys = 256
    /// The most bytes of one of the parameters `tokens` and `files`.
    package static let parameterBytes = 64 << 10
    /// The most keys of one mapping in a parameter.
    package static let mappingKeys = 128
    /// The most values in one parameter: mappings, lists and scalars.
    package static let values = 20_000
    /// The most problems of a parameter, and of one of its entries, that are looked for.
    package static let problems = 10
    /// The most bytes of `target_path`: what Linux takes.
    package static let pathBytes = 4096
    /// The most bytes of one service account token.
    package static let tokenBytes = 16 << 10
    /// The most audiences for which tokens may come.
    package static let audiences = 64
    /// The most entries of `tokens`.
    package static let tokens = 16
    /// The most entries of `files`.
    package static let files = 32
    /// The most bytes of `merge` of all files together.
    package static let mergeBytes = 64 << 10
    /// The most bytes of `template`, of one file and of all files together.
    package static let templateBytes = 32 << 10
    /// The most repositories of one token.
    package static let repositories = 100
    /// The most permissions of one token.
    package static let permissions = 64
    /// The most bytes of a repository, as of any URL here.
    package static let repositoryBytes = 2048
    /// The most bytes of a word: the name of a store, a permission, a format or a scope.
    package static let wordBytes = 128
}
