// Every metric that there is. docs/metrics.md lists the same, and a test compares the two.

/// The metrics of a node, in the order of a scrape.
///
/// Labels have few values, and none of them comes from a tenant: `store` is a name of the configuration (or of a lease
/// in the journal), `reason` a code of ``Reason``, the others are words of the code.
package enum NodeMetric {
    // The daemon.
    static let buildInfo = MetricFamily("daypass_build_info", .gauge, ["version"], "Always 1; the version that runs.")
    static let configurationInfo = MetricFamily(
        "daypass_configuration_info",
        .gauge,
        ["digest"],
        "Always 1; the digest of the configuration in force."
    )
    static let configurationReloads = MetricFamily(
        "daypass_configuration_reloads_total",
        .counter,
        ["outcome"],
        "Looks at the configuration, by outcome."
    )
    static let lastReloadSuccessful = MetricFamily(
        "daypass_configuration_last_reload_successful",
        .gauge,
        "Whether the configuration that lies there now is in force (1), or was refused and an older one is (0)."
    )
    static let lastApplied = MetricFamily(
        "daypass_configuration_last_applied_timestamp_seconds",
        .gauge,
        "When the configuration in force was applied, as a Unix time."
    )
    static let checkReady = MetricFamily(
        "daypass_check_ready",
        .gauge,
        ["check"],
        "Whether a check of the daemon's readiness passes."
    )
    static let keysReady = MetricFamily(
        "daypass_identity_keys_ready",
        .gauge,
        "Whether the cluster's signing keys are known; 1 too where none are needed."
    )
    static let journalWritable = MetricFamily(
        "daypass_journal_writable",
        .gauge,
        "Whether the journal holds what the memory holds; no token is minted else."
    )
    static let buildEndWatching = MetricFamily(
        "daypass_build_end_watching",
        .gauge,
        ["detector"],
        "Whether a detector of the end of builds sees what happens now."
    )
    static let refusedConnections = MetricFamily(
        "daypass_refused_connections_total",
        .counter,
        "Connections of other users to the provider's socket that were closed unread."
    )
    static let logLinesLost = MetricFamily(
        "daypass_log_lines_lost_total",
        .counter,
        ["audit"],
        "Log lines that were not written because their reader was too slow or gone, by whether they are audit lines."
    )

    // Mounts.
    static let mounts = MetricFamily(
        "daypass_mounts_total",
        .counter,
        ["outcome", "reason"],
        "Mount calls by outcome; the reason is the code of a refusal."
    )
    static let mountDuration = MetricFamily(
        "daypass_mount_duration_seconds",
        .histogram,
        ["outcome"],
        "How long Mount calls took, by outcome."
    )
    static let mountsInFlight = MetricFamily(
        "daypass_mounts_in_flight",
        .gauge,
        "Calls that were received and are not answered yet."
    )

    // Tokens.
    static let mints = MetricFamily(
        "daypass_mints_total",
        .counter,
        ["store", "outcome"],
        "Mints by outcome; lost are those of which nobody knows whether they made a token."
    )
    static let mintDuration = MetricFamily(
        "daypass_mint_duration_seconds",
        .histogram,
        ["store"],
        "How long sources took to answer mints, whatever they answered."
    )
    static let refreshes = MetricFamily(
        "daypass_refreshes_total",
        .counter,
        ["store", "outcome"],
        "Mints that were to take the place of a token that still lived, by outcome."
    )
    static let staleAnswers = MetricFamily(
        "daypass_stale_answers_total",
        .counter,
        ["store"],
        "Answers with a token that was due for a refresh, because the refresh failed or was late."
    )
    static let revocations = MetricFamily(
        "daypass_revocations_total",
        .counter,
        ["store", "outcome"],
        "Revocations by outcome; left to expire are tokens that their source can't revoke."
    )

    // Leases.
    static let leases = MetricFamily("daypass_leases", .gauge, ["store", "state"], "Leases by their state.")
    static let debt = MetricFamily(
        "daypass_revocation_debt",
        .gauge,
        ["store"],
        "Tokens that have to be revoked and still may work."
    )
    static let givenUp = MetricFamily(
        "daypass_revocations_given_up",
        .gauge,
        ["store"],
        "Those of the debt that are not tried any more."
    )
    static let oldestUnrevoked = MetricFamily(
        "daypass_oldest_unrevoked_seconds",
        .gauge,
        "How long the oldest part of the debt has waited; 0 without debt."
    )
    static let tokenExpiry = MetricFamily(
        "daypass_token_expiry_seconds",
        .gauge,
        ["store"],
        "The least time that a live token has left; not there without a live token whose end is known."
    )
    static let tokensExpiring = MetricFamily(
        "daypass_tokens_expiring",
        .gauge,
        ["store"],
        "Tokens that builds hold, whose refresh is long due or whose end is near, and that were not refreshed."
    )

    // Sources.
    static let sourceRateLimit = MetricFamily(
        "daypass_source_rate_limit_remaining",
        .gauge,
        ["store"],
        "How many calls the source said are left in this window; not there when it says nothing."
    )
    static let sourcePaused = MetricFamily(
        "daypass_source_paused",
        .gauge,
        ["store"],
        "Whether calls are held back because the source asked for it."
    )
    static let sourceBreaker = MetricFamily(
        "daypass_source_breaker_open",
        .gauge,
        ["store"],
        "Whether calls are held back because the last ones failed; 1 too while one is made to see whether it is back."
    )
    static let sourceWaiting = MetricFamily(
        "daypass_source_waiting",
        .gauge,
        ["store"],
        "Mints that wait for their turn at the source."
    )

    // Pods.
    static let unansweredPods = MetricFamily(
        "daypass_unanswered_pods",
        .gauge,
        "Pods of this node that run with our volume and never got an answer."
    )
    static let podEvents = MetricFamily(
        "daypass_pod_events_total",
        .counter,
        ["reason", "outcome"],
        "Kubernetes events about Pods, by what became of them."
    )

    // The process.
    static let residentMemory = MetricFamily(
        "process_resident_memory_bytes",
        .gauge,
        "Resident memory size in bytes."
    )
    static let memoryLimit = MetricFamily(
        "daypass_memory_limit_bytes",
        .gauge,
        "The memory limit of the container; not there without one."
    )
    static let cpuSeconds = MetricFamily(
        "process_cpu_seconds_total",
        .counter,
        "Total user and system CPU time spent in seconds."
    )
    static let openFiles = MetricFamily("process_open_fds", .gauge, "Number of open file descriptors.")
    static let maxFiles = MetricFamily("process_max_fds", .gauge, "Maximum number of open file descriptors.")
    static let startTime = MetricFamily(
        "process_start_time_seconds",
        .gauge,
        "Start time of the process since unix epoch in seconds."
    )

    /// All of them.
    package static let all: [MetricFamily] = [
        buildInfo, configurationInfo, configurationReloads, lastReloadSuccessful, lastApplied, checkReady, keysReady,
        journalWritable, buildEndWatching, refusedConnections, logLinesLost, mounts, mountDuration, mountsInFlight,
        mints,
        mintDuration, refreshes, staleAnswers, revocations, leases, debt, givenUp, oldestUnrevoked, tokenExpiry,
        tokensExpiring,
        sourceRateLimit, sourcePaused, sourceBreaker, sourceWaiting, unansweredPods, podEvents, residentMemory,
        memoryLimit, cpuSeconds, openFiles, maxFiles, startTime,
    ]
}
