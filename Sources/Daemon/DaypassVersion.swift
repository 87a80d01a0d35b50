// The version of this build.

/// The version of Daypass.
package enum DaypassVersion {
    /// As semantic versioning writes it.
    package static let current = "0.1.0"
}
