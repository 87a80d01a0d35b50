// The "did you mean" of messages.

/// The candidate that `text` is most likely a misspelling of; `nil` when none is close. The first in ascending order
/// wins a tie, so that a message is the same each time.
func nearest(_ text: String, in candidates: some Sequence<String>) -> String? {
    guard text.utf8.count <= 64 else { return nil }
    let wanted = Array(text.lowercased().utf8)
    let limit = max(1, wanted.count / 3)
    return candidates.sorted()
        .map { (name: $0, distance: editDistance(wanted, Array($0.lowercased().utf8))) }
        .filter { $0.distance <= limit }
        .min { $0.distance < $1.distance }?.name
}

/// How many bytes must be put in, left out, changed or swapped with their neighbour to make `right` of `left`
/// (optimal string alignment).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var row = [i + 1]
        for (j, b) in right.enumerated() {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a == b ? 0 : 1))
            if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, before[j - 1] + 1) }
            row.append(cost)
        }
        (before, last) = (last, row)
    }
    return last[right.count]
}
