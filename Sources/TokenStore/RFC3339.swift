// RFC 3339 times, read strictly: a token's expiry is no place for a lenient parser.

/// Reads `2026-01-02T03:04:05.678+02:00`, the profile of ISO 8601 in RFC 3339, section 5.6.
struct RFC3339 {
    private var bytes: ArraySlice<UInt8>

    /// The time that a text stands for, since 1970-01-01T00:00:00Z; `nil` when the text is anything else. A leap second
    /// counts as the second after it.
    static func parse(_ text: String) -> Duration? {
        // Longer than any time with nine digits of a fraction.
        guard text.utf8.count <= 40 else { return nil }
        var parser = Self(bytes: Array(text.utf8)[...])
        return parser.parse()
    }

    private mutating func parse() -> Duration? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), take("T", "t"),
            let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2)
        else { return nil }
        guard year >= 1, (1...12).contains(month), day >= 1, day <= Self.days(year, month), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        guard let nanoseconds = fraction(), let offset = offset(), bytes.isEmpty else { return nil }
        let days = Self.daysSinceEpoch(year, month, day)
        let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
        return .seconds(seconds) + .nanoseconds(nanoseconds)
    }

    private mutating func number(_ digits: Int) -> Int? {
        guard bytes.count >= digits else { return nil }
        var value = 0
        for byte in bytes.prefix(digits) {
            guard let digit = Self.digit(byte) else { return nil }
            value = value * 10 + digit
        }
        bytes = bytes.dropFirst(digits)
        return value
    }

    private mutating func take(_ characters: Character...) -> Bool {
        guard let first = bytes.first, characters.contains(where: { $0.asciiValue == first }) else { return false }
        bytes = bytes.dropFirst()
        return true
    }

    /// Nanoseconds; further digits are cut off.
    private mutating func fraction() -> Int? {
        guard take(".") else { return 0 }
        var value = 0
        var count = 0
        while let byte = bytes.first, let digit = Self.digit(byte) {
            if count < 9 { value = value * 10 + digit }
            count += 1
            bytes = bytes.dropFirst()
        }
        guard count > 0 else { return nil }
        for _ in count..<max(count, 9) { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    private mutating func offset() -> Int? {
        if take("Z", "z") { return 0 }
        let sign = bytes.first == UInt8(ascii: "-") ? -1 : 1
        guard take("+", "-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else {
            return nil
        }
        return sign * (hours * 3600 + minutes * 60)
    }

    private static func digit(_ byte: UInt8) -> Int? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
    }

    private static func days(_ year: Int, _ month: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: isLeap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is their last.
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let monthsSinceMarch = (month + 9) % 12
        let leapDays = year / 4 - year / 100 + year / 400
        let daysBeforeMonth = (153 * monthsSinceMarch + 2) / 5
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        return 365 * year + leapDays + daysBeforeMonth + day - 1 - 719_468
    }
}
