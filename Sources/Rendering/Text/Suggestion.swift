// "Did you mean ...?"

enum Suggestion {
    /// The known word that is nearest to a mistyped one; `nil` when none is near.
    static func nearest(to word: String, in known: [String]) -> String? {
        guard word.count <= 40 else { return nil }
        let typed = Array(word.lowercased())
        let allowed = max(1, typed.count / 3)
        return
            known
            .map { (word: $0, distance: distance(typed, Array($0.lowercased()))) }
            .filter { $0.distance <= allowed }
            .min { $0.distance < $1.distance }?.word
    }

    /// The least number of insertions, deletions and replacements between two words.
    private static func distance(_ first: [Character], _ second: [Character]) -> Int {
        var row = Array(0...second.count)
        for (i, a) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in second.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[second.count]
    }
}
