// What a call may hold.

import TokenStore

enum CallChecks {
    /// Refuses what the system would cut short or read otherwise than it is written.
    static func check(_ call: ProgramCall) throws(ProgramError) {
        guard !call.arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw ProgramError(.notRunnable, "\(call.path): an argument holds a NUL")
        }
        for (name, value) in call.environment {
            guard isName(name) else {
                throw ProgramError(.notRunnable, "\(call.path): a variable's name is not of letters, digits and _")
            }
            guard !value.utf8.contains(0) else {
                throw ProgramError(.notRunnable, "\(call.path): the variable \(name) holds a NUL")
            }
        }
        guard call.input.count <= SubprocessRunner.largestInput else {
            throw ProgramError(
                .notRunnable,
                "\(call.path): its input has \(call.input.count) bytes, and \(SubprocessRunner.largestInput) are allowed"
            )
        }
    }

    /// Names as POSIX has them (<https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/V1_chap08.html>).
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
