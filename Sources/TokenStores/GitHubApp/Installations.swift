// Which installation serves which owner: found once, kept until GitHub says otherwise.

import TokenStore

/// What is known about the App's installations. A value; ``GitHubAppStore`` keeps it behind a lock.
struct Installations {
    /// Why an owner or a repository has no installation to mint from.
    enum Absence: Sendable { case notInstalled, suspended }

    /// What is known about a repository's installation.
    enum Finding: Sendable, Equatable {
        case known(Int64)
        case absent(Absence)
        case unknown
    }

    /// How long a negative answer is kept: operators install the App and try again at once.
    static let absenceLife: Duration = .seconds(20)
    /// The most entries of each kind. Policy bounds the owners; this bounds what a mistake in it can cost.
    static let mostEntries = 1024

    private var ids: [String: Int64] = [:]
    private var absences: [String: (why: Absence, until: UTCInstant)] = [:]

    /// What is known. Presence is known by owner; absence only by repository, because an installation may be limited to
    /// some of its owner's repositories.
    mutating func finding(owner: String, repository: String, now: UTCInstant) -> Finding {
        if let id = ids[owner.lowercased()] { return .known(id) }
        guard let absence = absences[repository.lowercased()] else { return .unknown }
        if now < absence.until, absence.until <= now + Self.absenceLife { return .absent(absence.why) }
        absences[repository.lowercased()] = nil
        return .unknown
    }

    mutating func found(_ id: Int64, owner: String, repository: String) {
        if ids.count >= Self.mostEntries { ids.removeAll() }
        ids[owner.lowercased()] = id
        absences[repository.lowercased()] = nil
    }

    mutating func absent(_ why: Absence, repository: String, now: UTCInstant) {
        if absences.count >= Self.mostEntries { absences.removeAll() }
        absences[repository.lowercased()] = (why, now + Self.absenceLife)
    }

    /// Forgets an installation, if it is still the one that is known.
    mutating func forget(_ id: Int64, owner: String) {
        if ids[owner.lowercased()] == id { ids[owner.lowercased()] = nil }
    }
}
