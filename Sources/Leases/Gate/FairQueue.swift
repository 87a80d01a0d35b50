// A queue in which no namespace can hold up another. Pure.

/// Takes from one namespace after the other, and inside of one in the order of arrival. Who joins waits for at most one
/// of each other namespace before each that is ahead in its own.
struct FairQueue<Element: Sendable>: Sendable {
    /// The elements of each namespace that has some.
    private var lanes: [String: [Element]] = [:]
    /// The namespaces that have some, the next one first.
    private var order: [String] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// All elements, in no particular order.
    var elements: some Sequence<Element> { lanes.values.lazy.joined() }

    mutating func append(_ element: Element, for namespace: String) {
        if lanes[namespace] == nil { order.append(namespace) }
        lanes[namespace, default: []].append(element)
        count += 1
    }

    /// Takes the element whose turn it is.
    mutating func popFirst() -> Element? {
        guard let namespace = order.first, var lane = lanes[namespace] else { return nil }
        let element = lane.removeFirst()
        order.removeFirst()
        if !lane.isEmpty { order.append(namespace) }
        lanes[namespace] = lane.isEmpty ? nil : lane
        count -= 1
        return element
    }

    /// Takes out whatever meets a condition.
    mutating func remove(where condition: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for (namespace, lane) in lanes where lane.contains(where: condition) {
            removed += lane.filter(condition)
            let rest = lane.filter { !condition($0) }
            lanes[namespace] = rest.isEmpty ? nil : rest
        }
        order.removeAll { lanes[$0] == nil }
        count -= removed.count
        return removed
    }

    /// How many would be taken before one that joined now, if nobody else joined.
    func countAhead(ofNewIn namespace: String) -> Int {
        let own = lanes[namespace]?.count ?? 0
        let place = order.firstIndex(of: namespace) ?? order.count
        return order.enumerated().reduce(own) { sum, other in
            guard other.element != namespace else { return sum }
            return sum + min(lanes[other.element]?.count ?? 0, own + (other.offset < place ? 1 : 0))
        }
    }
}
