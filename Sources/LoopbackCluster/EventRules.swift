// What kube-apiserver demands of events. Pure.

import TokenStore

/// The rules of `events.k8s.io/v1` (`ValidateEventCreate` and `ValidateEventUpdate` in
/// `pkg/apis/core/validation/events.go`).
enum EventRules {
    /// What is wrong with an event that is to be made.
    static func problems(_ event: JSONTree, namespace: String) -> [String] {
        var problems: [String] = []
        func check(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
        check(event["metadata"]?["namespace"]?.string.map { $0 == namespace } ?? true, "metadata.namespace: differs")
        let name = event["metadata"]?["name"]?.string ?? ""
        check(isSubdomain(name) || event["metadata"]?["generateName"]?.string != nil, "metadata.name: Required value")
        check(isMicroTime(event["eventTime"]), "eventTime: Required value")
        check(["Normal", "Warning"].contains(event["type"]?.string), "type: has invalid value")
        let controller = event["reportingController"]?.string ?? ""
        check(isName(controller), "reportingController: Required value")
        for field in ["reportingInstance", "action", "reason"] {
            let text = event[field]?.string ?? ""
            check(!text.isEmpty, "\(field): Required value")
            check(text.utf8.count <= 128, "\(field): can have at most 128 characters")
        }
        check((event["note"]?.string ?? "").utf8.count <= 1024, "note: can have at most 1024 characters")
        check(event["regarding"]?["namespace"]?.string == namespace, "regarding.namespace: does not match")
        for field in ["deprecatedCount", "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"] {
            check(event[field] == nil, "\(field): needs to be unset")
        }
        return problems + seriesProblems(event)
    }

    /// What is wrong with the change of an event.
    static func problems(changing old: JSONTree, to new: JSONTree, namespace: String) -> [String] {
        var problems = problems(new, namespace: namespace)
        for field in [
            "regarding", "reason", "note", "type", "eventTime", "action", "related", "reportingController",
            "reportingInstance",
        ] where old[field] != new[field] {
            problems.append("\(field): field is immutable")
        }
        return problems
    }

    private static func seriesProblems(_ event: JSONTree) -> [String] {
        guard let series = event["series"], series != .null else { return [] }
        var problems: [String] = []
        if (series["count"]?.int ?? 0) < 2 { problems.append("series.count: should be at least 2") }
        if !isMicroTime(series["lastObservedTime"]) { problems.append("series.lastObservedTime: Required value") }
        return problems
    }

    /// `2006-01-02T15:04:05.000000Z07:00`: six digits, no more and no fewer (`MicroTime` of apimachinery).
    private static func isMicroTime(_ value: JSONTree?) -> Bool {
        guard let text = value?.string, UTCInstant(rfc3339: text) != nil else { return false }
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2 else { return false }
        return parts[1].prefix { $0.isASCII && $0.isNumber }.count == 6
    }

    private static func isName(_ text: String) -> Bool {
        let isInside = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "/"):
                true
            default: false
            }
        }
        return !text.isEmpty && text.utf8.count <= 317 && isInside
    }

    static func isSubdomain(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, first != "-", label.last != "-" else { return false }
            return label.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        }
    }
}
