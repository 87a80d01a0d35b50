// Which Vault, and who logs in there: settings that every use of Vault shares.

package import TokenStore

/// How a store logs in at Vault.
package struct VaultAuthSettings: Decodable, Sendable {
    /// The kind of auth method.
    package enum Method: String, Decodable, Sendable, CaseIterable { case jwt, kubernetes }

    /// The kind of auth method.
    package var method: Method
    /// Where it is mounted below `auth/`; the method's name unless given.
    package var mount: String?
    /// The role to log in as.
    package var role: String
    /// The audience of the Pod's service account token; `vault` unless given.
    package var audience: String?
    /// A service account token of the node's own, in place of the Pod's. Read for each login.
    package var jwtFile: SecretReference?

    package init(
        method: Method,
        mount: String? = nil,
        role: String,
        audience: String? = nil,
        jwtFile: SecretReference? = nil
    ) {
        self.method = method
        self.mount = mount
        self.role = role
        self.audience = audience
        self.jwtFile = jwtFile
    }

    /// The audience of the Pod's token; `nil` when the node's own token is used.
    var subjectTokenAudience: String? { jwtFile == nil ? audience ?? "vault" : nil }
}

/// A Vault and a way to log in there, checked.
struct VaultServer: Sendable {
    /// Whose token logs in.
    enum Identity: Sendable {
        case pod(audience: String)
        case node(SecretReference)
    }

    let address: ServiceURL
    /// The namespace of all calls, without a slash at its end.
    let namespace: String?
    /// `auth/jwt`.
    let authPath: String
    let role: String
    let identity: Identity
    /// What goes before the keys of the settings in messages: `transit.`.
    let prefix: String

    /// Checks settings.
    init(
        address: String,
        namespace: String?,
        auth: VaultAuthSettings,
        prefix: String = ""
    ) throws(TokenStoreError) {
        self.prefix = prefix
        self.address = try AskChecks.url("\(prefix)address", address)
        if var namespace {
            if namespace.hasSuffix("/") { namespace.removeLast() }
            self.namespace = try VaultPath.check("\(prefix)namespace", namespace)
        } else {
            self.namespace = nil
        }
        let mount = auth.mount ?? auth.method.rawValue
        authPath = "auth/" + (try VaultPath.check("\(prefix)auth.mount", mount))
        guard !auth.role.isEmpty, auth.role.utf8.count <= 512, auth.role.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw TokenStoreError(
                .misconfigured,
                "\(prefix)auth.role is empty or holds characters that no role has",
                fix: "write the name of a role of \(authPath)"
            )
        }
        role = auth.role
        guard auth.audience == nil || auth.jwtFile == nil else {
            throw TokenStoreError(
                .misconfigured,
                "\(prefix)auth has both audience and jwtFile",
                fix: "the audience is for the Pod's token; leave it out where the node's own token is used"
            )
        }
        if let audience = auth.subjectTokenAudience, audience.isEmpty || audience.utf8.count > 256 {
            throw TokenStoreError(.misconfigured, "\(prefix)auth.audience is empty or too long", fix: "leave it out")
        }
        identity = auth.jwtFile.map(Identity.node) ?? .pod(audience: auth.audience ?? "vault")
    }
}
