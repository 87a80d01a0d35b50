// The times and sizes of the Pod watch.

package import KubernetesAPI

/// How the Pod watch goes about it.
package struct PodWatchOptions: Sendable {
    /// The time after which the Pods are listed anew, whatever the watch said; from nine tenths of it at random.
    package var relistEvery: Duration
    /// The longest life of one watch; from nine tenths of it at random.
    package var watchSpan: Duration
    /// A watch that lasted this long was a good one: the pauses after failures begin small again.
    package var calm: Duration
    /// The pauses after failures.
    package var backoff: Backoff
    /// When Pods are asked for by name.
    package var pace: PodBook.Pace
    /// The most Pods in one page of a list; `nil` takes all at once. A list that is larger than we take is asked for in
    /// pages, and they are halved while they are too large.
    package var pageSize: Int?
    /// The first size of pages after a whole list was too large.
    static let firstPageSize = 500

    package init(
        relistEvery: Duration = .seconds(300),
        watchSpan: Duration = .seconds(290),
        calm: Duration = .seconds(10),
        backoff: Backoff = Backoff(),
        pace: PodBook.Pace = PodBook.Pace(),
        pageSize: Int? = nil
    ) {
        self.relistEvery = relistEvery
        self.watchSpan = watchSpan
        self.calm = calm
        self.backoff = backoff
        self.pace = pace
        self.pageSize = pageSize
    }
}
