// "Did you mean": the known word that a misspelt one is closest to.

/// The most words that a misspelt one is compared with; the comparison is for people, and a tenant may name many words.
private let mostCandidates = 256

/// The word among `candidates` that is close enough to `word` to be what was meant.
package func closestWord(to word: String, among candidates: some Sequence<String>) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    let bare = normalised(word)
    // A word may be off by about a third of its letters, but by no more than three.
    var best: (word: String, distance: Int)?
    for candidate in Set(candidates.prefix(mostCandidates)).sorted()
    where candidate != word && candidate.utf8.count <= 64 {
        let other = normalised(candidate)
        let distance = editDistance(bare, other)
        guard distance <= min(3, max(1, max(bare.count, other.count) / 3)), distance < max(bare.count, 1) else {
            continue
        }
        if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}

/// `role_arn`, `role-arn` and `rolearn` all stand for `roleARN`.
private func normalised(_ word: String) -> [UInt8] {
    word.lowercased().utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 1...left.count {
        var current = [row]
        current.reserveCapacity(right.count + 1)
        for column in 1...right.count {
            let same = left[row - 1] == right[column - 1]
            var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
            if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                cost = min(cost, beforeLast[column - 2] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
