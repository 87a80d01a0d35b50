// A token in a row: one blob that only the key file's key opens, and only in the row of its lease.

import Crypto
import Leases
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A token, sealed with AES-256-GCM under a random nonce. The lease's name is authenticated with it, so that a blob in
/// another row does not open.
struct SealedToken: Sendable, Equatable {
    /// Nonce, ciphertext and tag.
    let bytes: Data
    /// The name of the key.
    let keyID: String

    init(bytes: Data, keyID: String) {
        self.bytes = bytes
        self.keyID = keyID
    }

    init(_ token: IssuedToken, of lease: LeaseID, key: SealingKey) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try self.init(sealing: encoder.encode(Contents(token)), of: lease, key: key)
    }

    private init(sealing contents: Data, of lease: LeaseID, key: SealingKey) throws {
        let box = try AES.GCM.seal(contents, using: key.symmetric, authenticating: Self.context(lease))
        guard let combined = box.combined else { throw RowProblem("it can't be sealed") }
        self.init(bytes: combined, keyID: key.id)
    }

    /// The token.
    ///
    /// - Throws: ``RowProblem`` when the key is not there, or the blob is not what was sealed for this lease.
    func opened(for lease: LeaseID, with ring: KeyRing) throws(RowProblem) -> IssuedToken {
        let plain = try contents(for: lease, with: ring)
        guard let token = (try? JSONDecoder().decode(Contents.self, from: plain))?.token else {
            throw RowProblem("its token is in no known form")
        }
        return token
    }

    /// The same contents under another key.
    func resealed(for lease: LeaseID, from ring: KeyRing, to key: SealingKey) throws -> SealedToken {
        try SealedToken(sealing: contents(for: lease, with: ring), of: lease, key: key)
    }

    private func contents(for lease: LeaseID, with ring: KeyRing) throws(RowProblem) -> Data {
        guard let key = ring.key(keyID) else {
            throw RowProblem("the key that sealed its token is not in the key file")
        }
        guard let box = try? AES.GCM.SealedBox(combined: bytes),
            let plain = try? AES.GCM.open(box, using: key.symmetric, authenticating: Self.context(lease))
        else { throw RowProblem("its token does not open: it is damaged, or of another lease") }
        return plain
    }

    private static func context(_ lease: LeaseID) -> Data { Data("daypass.lease.token.1 \(lease)".utf8) }

    /// What is sealed.
    private struct Contents: Codable {
        struct Handle: Codable {
            let identifier: String
            let secret: Data?
        }
        let username: String
        let secret: Data
        let expiresAt: String?
        let scope: ScopeText
        let handle: Handle?

        init(_ token: IssuedToken) {
            username = token.username
            secret = Data(token.secret.reveal())
            expiresAt = token.expiresAt?.sinceEpoch.secondsText
            scope = ScopeText(token.grantedScope)
            handle = token.handle.map {
                Handle(identifier: $0.identifier, secret: $0.secret.map { Data($0.reveal()) })
            }
        }

        var token: IssuedToken? {
            let expiry = expiresAt.map { Duration(secondsText: $0) }
            if case .some(.none) = expiry { return nil }
            return IssuedToken(
                username: username,
                secret: Secret(Array(secret)),
                expiresAt: (expiry ?? nil).map { UTCInstant(sinceEpoch: $0) },
                grantedScope: scope.scope,
                handle: handle.map {
                    RevocationHandle(identifier: $0.identifier, secret: $0.secret.map { Secret(Array($0)) })
                }
            )
        }
    }
}

extension SealingKey {
    fileprivate var symmetric: SymmetricKey { SymmetricKey(data: key.reveal()) }
}
