// What a format sees of the request, and the checks that several formats share.

import MountRequests
import Refusals
import TokenStore

/// One file of the request with its tokens looked up.
struct FormatInput {
    /// The file.
    let ask: FileAsk
    /// Its tokens, in the order of the ask; at least one, no name twice.
    let tokens: [PlannedToken]
    /// All files of the request.
    let files: [FileAsk]

    /// The one token of a format that holds one.
    func onlyToken() throws(Refusal) -> PlannedToken {
        guard tokens.count == 1 else {
            let rule = "the format \(ask.format) holds one token, and it names \(tokens.count)"
            throw ask.invalid(rule, fix: "ask for one file for each token")
        }
        return tokens[0]
    }

    /// The git server that a token opens.
    func gitServer(of token: PlannedToken) throws(Refusal) -> GitServer {
        if let git = token.service.git { return git }
        let rule = "the token \(Refusal.quoted(token.name)) opens no git server, which \(ask.format) is for"
        throw ask.invalid(
            rule,
            fix: "use docker-config for a registry's token, netrc, env or json for another host's, or a token of a "
                + "store with a git server"
        )
    }

    /// The registry that a token opens.
    func registryHost(of token: PlannedToken) throws(Refusal) -> String {
        if let host = token.service.registryHost { return host }
        let rule = "the token \(Refusal.quoted(token.name)) opens no registry, which \(ask.format) is for"
        throw ask.invalid(
            rule,
            fix: "use gitconfig for a git server's token, netrc, env or json for another host's, or a token of a store "
                + "with a registry"
        )
    }

    /// The host that a token opens, whichever kind it is.
    func host(of token: PlannedToken) throws(Refusal) -> String {
        if let host = token.host { return host }
        let rule = "the token \(Refusal.quoted(token.name)) belongs to no host"
        throw ask.invalid(rule, fix: "use the format token")
    }

    /// Refuses two tokens with one key (a host, a variable's name): which of them would be used is luck.
    func refuseDuplicates(_ keys: [String], of what: String, fix: String) throws(Refusal) {
        for (index, key) in keys.enumerated() {
            guard let first = keys[..<index].firstIndex(of: key) else { continue }
            let names = "\(Refusal.quoted(tokens[first].name)) and \(Refusal.quoted(tokens[index].name))"
            throw ask.invalid("the tokens \(names) share the \(what) \(Refusal.quoted(key))", fix: fix)
        }
    }
}
