// The open files of the running test process.

import Foundation

package enum OpenFiles {
    /// The highest descriptor that is open. A process of an exit test inherits what its parent left open, and that is
    /// more and more in a long run (FlyingFox keeps an eventfd of each server), so limits are set above it.
    package static var highest: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap(Int.init).max() ?? 0
    }
}
