// Two forms of text that Go programs take and print: durations, and versions in an image's tag.

/// Go's durations.
enum GoDuration {
    private static let units: [(name: String, seconds: Double)] = [
        ("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("h", 3600), ("m", 60), ("s", 1),
    ]

    /// The seconds of `2m`, `1h30m`, `1.5s`, `0` (<https://pkg.go.dev/time#ParseDuration>); `nil` when it is none.
    static func seconds(_ text: String) -> Double? {
        guard text != "0" else { return 0 }
        var rest = text[...]
        var sum = 0.0
        guard !rest.isEmpty, text.utf8.count <= 64 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            guard let number = Double(digits), let unit = units.first(where: { rest.hasPrefix($0.name) }) else {
                return nil
            }
            sum += number * unit.seconds
            rest = rest.dropFirst(unit.name.count)
        }
        return sum
    }
}

/// A version of three numbers.
struct DriverVersion: Comparable, CustomStringConvertible, Sendable {
    var major: Int
    var minor: Int
    var patch: Int

    init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads `v1.6.1`, `1.6.1`, `v1.4.1-1`; `nil` when it is no such version.
    init?(_ text: some StringProtocol) {
        let bare = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let numbers = bare.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }.split(separator: ".")
        guard numbers.count >= 3, let major = Int(numbers[0]), let minor = Int(numbers[1]), let patch = Int(numbers[2])
        else { return nil }
        self.init(major, minor, patch)
    }

    /// The version in the tag of an image's name; `nil` when the image has a digest only, or another tag.
    init?(image: String) {
        let name = image.prefix { $0 != "@" }
        let last = name.split(separator: "/").last ?? ""
        guard let colon = last.lastIndex(of: ":") else { return nil }
        self.init(last[last.index(after: colon)...])
    }

    var description: String { "v\(major).\(minor).\(patch)" }

    static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
