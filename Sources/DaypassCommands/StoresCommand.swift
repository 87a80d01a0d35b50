// `daypass stores`: the kinds of token store of this binary, and what each can do.

import ArgumentParser
import TokenStore

/// `daypass stores`.
struct StoresCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stores",
        abstract: "List the kinds of token store, and what each can do.",
        discussion: """
            A kind is what `kind:` of a store says in the node's configuration. Exit code 0: printed.

            Examples:
              daypass stores
              daypass stores vault
            """
    )

    @Argument(help: ArgumentHelp("Only this kind.", valueName: "kind"))
    var kind: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let all = StoreKinds.all.map(StoreDescription.init)
        let chosen = kind.map { kind in all.filter { $0.kind == kind } } ?? all
        guard !chosen.isEmpty else {
            Output.error("there is no such kind; the kinds are: \(all.map(\.kind).sorted().joined(separator: ", "))")
            throw Exit.negative
        }
        print(json ? try JSONOutput.text(chosen) : chosen.map(\.text).joined(separator: "\n\n"))
    }
}

/// What a kind says of itself, in words.
struct StoreDescription: Encodable {
    let kind: String
    let credential: String
    let reach: String
    let life: String
    let revocation: String
    let findsTokens: Bool
    let sharesTokens: Bool

    init(_ type: any TokenStore.Type) {
        let capabilities = type.capabilities
        kind = type.kind
        credential = StoreCapabilities.Credential.allCases.filter(capabilities.credentials.contains)
            .map { $0 == .podToken ? "the Pod's own token" : "a credential of the node's" }
            .joined(separator: " or ")
        reach =
            switch capabilities.reach {
            case .exact: "the scope that was asked for, no more"
            case .wider(let what): what
            }
        life =
            switch capabilities.life {
            case .chosen(let limits): "chosen: \(Self.words(limits.lowerBound)) to \(Self.words(limits.upperBound))"
            case .fixed(let what): what
            case .untilRevoked: "until it is revoked"
            }
        revocation =
            switch capabilities.revocation {
            case .supported(let when): when
            case .unsupported: "none"
            }
        findsTokens = capabilities.findsTokens
        sharesTokens = capabilities.sharesTokens
    }

    var text: String {
        var lines = [
            kind, "  asks with      \(credential)", "  a token reaches \(reach)", "  life           \(life)",
            "  revocation     \(revocation)",
        ]
        if findsTokens { lines.append("  lost tokens    are found by their name and revoked") }
        if sharesTokens { lines.append("  caution        two builds can get one and the same token") }
        return lines.joined(separator: "\n")
    }

    /// `15 minutes`, `1 hour`, `365 days`.
    static func words(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (size, name) in [(86_400, "day"), (3600, "hour"), (60, "minute")] where seconds % Int64(size) == 0 {
            let count = seconds / Int64(size)
            if count > 0 { return count == 1 ? "1 \(name)" : "\(count) \(name)s" }
        }
        return "\(seconds) seconds"
    }
}
