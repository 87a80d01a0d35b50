// Runs and outputs print no argument, no variable's value and no output: each may hold a token.

extension ProgramCall: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `/path/to/program, arguments: 2, environment: HOME, input: 12 bytes`.
    public var description: String {
        let names = environment.keys.sorted().joined(separator: ", ")
        return "\(path), arguments: \(arguments.count), environment: \(names.isEmpty ? "none" : names), input: "
            + "\(input.count) bytes"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

extension ProgramOutput: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `status 0, output: 512 bytes, errors: 0 bytes`.
    public var description: String {
        let ending = status.map { "status \($0)" } ?? "ended by a signal"
        return "\(ending), output: \(output.count) bytes, errors: \(errors.count) bytes"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
