// The options that say which Pod asks, and with which SecretProviderClass.

import ArgumentParser
import MountRequests
import TokenStore

/// The Pod.
struct PodOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The Pod's namespace.")
    var namespace: String

    @Option(help: "The service account that the Pod runs as.")
    var serviceAccount = "default"

    @Option(help: "The Pod's name.")
    var pod = "build"

    @Option(help: "The Pod's UID.")
    var podUID = "00000000-0000-4000-8000-000000000000"

    /// The Pod as a subject.
    var subject: Subject {
        Subject(namespace: namespace, serviceAccount: serviceAccount, podName: pod, podUID: podUID)
    }
}

/// The SecretProviderClass and the Pod's volumeAttributes.
struct ClassOptions: ParsableArguments {
    @Option(name: .customLong("class"), help: ArgumentHelp("A SecretProviderClass.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("Its name, where the file holds several.", valueName: "name"))
    var className: String?

    @Option(
        name: [.customLong("attribute"), .customShort("a")],
        help: ArgumentHelp(
            "One of the Pod's volumeAttributes; overrides a parameter. Repeatable.",
            valueName: "key=value"
        )
    )
    var attributes: [VolumeAttribute] = []

    /// The volumeAttributes; the last of a key counts.
    var volumeAttributes: [String: String] {
        Dictionary(attributes.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// The class. Prints what is wrong with the file on standard error.
    func load() throws -> SecretProviderClass {
        let read = SecretProviderClassFile(try ConfigurationFile.text(file), file: file)
        guard read.problems.isEmpty else {
            for problem in read.problems { Output.error("\(problem)") }
            throw Exit.negative
        }
        let named = read.classes.filter { className == nil || $0.name == className }
        guard let first = named.first, named.count == 1 else {
            let names = read.classes.map(\.name).joined(separator: ", ")
            Output.error("\(file): holds \(names.isEmpty ? "no SecretProviderClass" : names); choose with --class-name")
            throw Exit.negative
        }
        return first
    }
}

/// `key=value` on the command line.
struct VolumeAttribute: ExpressibleByArgument, Sendable {
    let key: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        key = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}
