// One registry's entry of `auths`, by the way in which the registry wants the token.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The fields of an entry (<https://github.com/docker/cli/blob/master/cli/config/types/authconfig.go>).
enum RegistryEntry {
    /// docker's sign for an identity token in place of a user name
    /// (<https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>).
    static let identityUsername = "<token>"

    /// `auth` alone for a password; `identitytoken` or `registrytoken` for the other two.
    ///
    /// An identity token comes with an `auth` of docker's sign and an empty password, as docker writes it: what is built
    /// on containers/image skips an entry without a readable `auth`
    /// (<https://github.com/containers/image/blob/main/pkg/docker/config/config.go>), and docker's CLI refuses one
    /// without a user name.
    static func fields(_ credential: Credential, of token: PlannedToken) -> [String: String] {
        let isIdentity = credential.username == identityUsername
        switch isIdentity ? .identityToken : token.service.registryCredential {
        case .basic: return ["auth": basic(credential.username, credential.password)]
        case .identityToken: return ["auth": basic(identityUsername, ""), "identitytoken": credential.password]
        case .registryToken: return ["registrytoken": credential.password]
        }
    }

    private static func basic(_ username: String, _ password: String) -> String {
        Data("\(username):\(password)".utf8).base64EncodedString()
    }
}
