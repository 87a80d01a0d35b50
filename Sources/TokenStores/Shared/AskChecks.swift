// Checks of a scope and of settings that many stores share.

import TokenStore

enum AskChecks {
    /// Refuses a scope that names nothing: most sources would read it as everything.
    static func notEmpty(_ scope: TokenScope) throws(TokenStoreError) {
        guard scope.isEmpty else { return }
        throw TokenStoreError(
            .refused,
            "the scope is empty, and many sources would read that as everything",
            fix: "name the repositories and what may be done with them"
        )
    }

    /// The one repository of a source whose tokens reach one.
    static func onlyRepository(_ scope: TokenScope, source: String) throws(TokenStoreError) -> String {
        try notEmpty(scope)
        guard scope.repositories.count == 1 else {
            throw TokenStoreError(
                .refused,
                "a token of \(source) reaches one repository, and the scope names \(scope.repositories.count)",
                fix: "ask for one token for each repository"
            )
        }
        return scope.repositories[0]
    }

    /// The Pod's service account token that the settings need.
    static func subjectToken(_ request: TokenRequest, audience: String) throws(TokenStoreError) -> Secret {
        guard let token = request.subjectToken, !token.isEmpty else {
            throw TokenStoreError(
                .misconfigured,
                "the Pod's service account token for the audience \(audience) did not come",
                fix: "add the audience to tokenRequests of the CSIDriver object secrets-store.csi.k8s.io"
            )
        }
        return token
    }

    /// Reads a base URL of the settings.
    static func url(_ key: String, _ text: String) throws(TokenStoreError) -> ServiceURL {
        do throws(RepositoryReferenceError) { return try ServiceURL(text) } catch {
            throw TokenStoreError(
                .misconfigured,
                "\(key) can't be used: \(error.message)",
                fix: "write it as https://HOST or https://HOST/PATH"
            )
        }
    }

    /// Reads the base URL of a git server from the settings.
    static func git(
        _ key: String,
        _ text: String,
        nameParts: ClosedRange<Int> = 2...2,
        namesIgnoreCase: Bool = false
    ) throws(TokenStoreError) -> GitServer {
        do throws(RepositoryReferenceError) {
            return try GitServer(webURL: text, nameParts: nameParts, namesIgnoreCase: namesIgnoreCase)
        } catch {
            throw TokenStoreError(
                .misconfigured,
                "\(key) can't be used: \(error.message)",
                fix: "write it as https://HOST"
            )
        }
    }

    /// Reads a host of the settings, with its port where it has one.
    static func host(_ key: String, _ text: String) throws(TokenStoreError) -> String {
        let server = text.contains("/") ? nil : try? GitServer(webURL: "https://\(text)")
        guard let server, server.host == text.lowercased() else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) is no host name",
                fix: "write the host alone, with its port where it has one: registry.example.com:5000"
            )
        }
        return server.host
    }
}
