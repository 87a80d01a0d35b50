// The places at which tests kill the daemon.

/// A place between two steps that must not be torn apart. In debug builds the environment variable
/// `DAYPASS_CRASH_AT=<name>` or `<name>:<n>` kills the process with SIGKILL when it comes there for the nth time;
/// in release builds nothing listens.
package enum CrashPoint: String, Sendable, Hashable, CaseIterable {
    /// A mint was decided; nothing is written.
    case beforeIntent
    /// The intent is in the journal; the store was not called.
    case afterIntent
    /// The store answered; nothing of it is written.
    case afterMint
    /// Inside the transaction that writes the lease, before its commit.
    case insideTransaction
    /// The lease is in the journal; nobody was answered.
    case afterLease
    /// The answer is about to leave.
    case beforeAnswer
    /// The end of a build is known; nothing is written.
    case beforeRevoking
    /// It is in the journal that tokens have to be revoked; no store was called.
    case afterRevoking
    /// The source revoked a token; its record is still there.
    case afterRevocation
    /// The journal was read at the start; nothing was done yet.
    case afterLoad
    /// Inside a migration of the journal's schema, before its commit.
    case insideMigration
    /// The new sealing key is in the key file; the rows are sealed with the old one.
    case afterNewKey
    /// The rows are sealed with the new key; the old one is still in the key file.
    case afterResealing
    /// In the middle of the journal's compaction.
    case duringCompaction
    /// The damaged file has its new name; the new one is not there yet.
    case afterSettingAside
}

/// What happens at a crash point: nothing, unless a test says so.
package typealias CrashHook = @Sendable (CrashPoint) -> Void
