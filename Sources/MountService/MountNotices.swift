// Who is told what became of Mounts, beside the log.

package import Refusals
package import TokenStore

/// Hears of Mounts that were not answered from the cache. Nothing of it may wait: it is called on the path of a Mount.
package protocol MountNotices: Sendable {
    /// A Mount was answered with files. The subject is proved.
    func answered(_ subject: Subject, volume: String)

    /// A refresh failed, and the old token was handed out again.
    ///
    /// - Parameter failure: why, in one line for a tenant's eyes.
    func servedStale(_ subject: Subject, store: String, failure: String)

    /// A Mount was refused.
    ///
    /// - Parameters:
    ///   - claimed: who the call says it is for.
    ///   - isProved: whether that was proved. The text of a refusal before that is of anybody's making.
    func refused(_ refusal: Refusal, _ claimed: Subject, isProved: Bool)
}
