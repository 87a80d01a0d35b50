// Keys and tokens for the tests of leases.

import TokenStore

@testable import Leases

func leaseKey(
    pod: String = "pod",
    volume: String = "creds",
    token: String = "source",
    store: String = "github",
    repository: String = "o/r"
) -> LeaseKey {
    let scope = TokenScope(repositories: [repository], permissions: ["contents": .read])
    return LeaseKey(podUID: pod, volume: volume, token: token, store: store, scope: scope)
}

func leaseToken(_ text: String, expiresAt: UTCInstant?, canRevoke: Bool = true) -> IssuedToken {
    IssuedToken(
        username: "u",
        secret: Secret(utf8: text),
        expiresAt: expiresAt,
        grantedScope: TokenScope(),
        handle: canRevoke ? RevocationHandle(identifier: "id-\(text)", secret: Secret(utf8: text)) : nil
    )
}
