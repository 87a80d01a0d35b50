// What came of the reloads so far. Pure.

/// The books on reloads: which contents are in force, which were refused, and what is told of it.
struct ReloadBook: Sendable {
    /// The contents of all files of a configuration, as digests.
    struct Contents: Sendable, Hashable {
        /// The digest of the configuration; `nil` when its file can't be read.
        var configuration: String?
        /// What the files that it names hold, by their paths.
        var files: [String: SmallFile.Digest]
    }

    /// What to do about contents that were read.
    enum Step: Sendable, Hashable {
        /// They are in force.
        case nothing
        /// They are in force; what was refused meanwhile is gone.
        case recovered
        /// Try to put them in force.
        case attempt
    }

    private(set) var status: ReloadStatus
    private(set) var inForce: Contents
    /// What was refused last, while it is still what the files hold.
    private var refusedContents: Contents?

    init(_ contents: Contents, _ status: ReloadStatus) {
        inForce = contents
        self.status = status
    }

    /// The files hold these contents. Refused ones are tried again each time: what was missing may be there by now.
    func step(_ contents: Contents) -> Step {
        guard contents == inForce else { return .attempt }
        return refusedContents == nil ? .nothing : .recovered
    }

    /// The contents in force are what the files hold.
    mutating func found(isAsked: Bool) {
        refusedContents = nil
        status.isCurrent = status.heldBack.isEmpty
        if isAsked, status.isCurrent { status.unchanged += 1 }
    }

    /// Contents are in force.
    mutating func applied(
        _ contents: Contents,
        digest: String,
        heldBack: [String: String],
        pendingRestart: [String],
        at time: String,
        epochSeconds: Int64
    ) {
        inForce = contents
        refusedContents = nil
        status.applied += 1
        status.digest = digest
        status.appliedAt = time
        status.appliedAtEpochSeconds = epochSeconds
        status.heldBack = heldBack
        status.isCurrent = heldBack.isEmpty
        status.pendingRestart = pendingRestart
        if !heldBack.isEmpty {
            status.lastRefusal = ReloadStatus.Refused(message: Self.text(heldBack), at: time)
        }
    }

    /// Contents differ from those in force in nothing that was made anew: stores read these files when they need them, or
    /// can't be made with them and work on with what they have.
    mutating func kept(_ contents: Contents, _ heldBack: [String: String], at time: String) {
        inForce = contents
        refusedContents = nil
        status.isCurrent = heldBack.isEmpty
        guard heldBack != status.heldBack else { return }
        status.heldBack = heldBack
        guard !heldBack.isEmpty else { return }
        status.refused += 1
        status.lastRefusal = ReloadStatus.Refused(message: Self.text(heldBack), at: time)
    }

    /// Contents can't be used.
    ///
    /// - Returns: Whether that is news: other contents, or for another reason.
    mutating func refused(_ contents: Contents, _ message: String, at time: String) -> Bool {
        let isNews = contents != refusedContents || status.lastRefusal?.message != message
        refusedContents = contents
        status.isCurrent = false
        guard isNews else { return false }
        status.refused += 1
        status.lastRefusal = ReloadStatus.Refused(message: message, at: time)
        return true
    }

    private static func text(_ heldBack: [String: String]) -> String {
        heldBack.sorted { $0.key < $1.key }.map { "store \($0.key): \($0.value)" }.joined(separator: "; ")
    }
}
