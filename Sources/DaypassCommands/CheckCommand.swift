// `daypass check`: everything that is wrong with configuration and SecretProviderClass files, offline.

import ArgumentParser
import Daemon
import Policy

/// `daypass check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a node's configuration and SecretProviderClass files, offline.",
        discussion: """
            Prints every problem, each with its place and how to mend it. Exit code 0: no errors (there may be \
            warnings). 1: errors.

            Examples:
              daypass check --config node.yaml
              daypass check class.yaml
              daypass check --config node.yaml --skip-keys classes/*.yaml
            """
    )

    @Option(help: ArgumentHelp("The node's configuration.", valueName: "file"))
    var config: String?

    @Argument(
        help: ArgumentHelp("Files that hold SecretProviderClass objects; - is standard input.", valueName: "class-file")
    )
    var classes: [String] = []

    @Flag(help: "Do not look at the files that the configuration names: keys, key set, authorities.")
    var skipKeys = false

    @Flag(help: "Print JSON: a list of problems.")
    var json = false

    func validate() throws {
        guard config != nil || !classes.isEmpty else {
            throw ValidationError("Name a configuration with --config, a SecretProviderClass file, or both.")
        }
    }

    func run() throws {
        var problems: [ConfigurationProblem] = []
        var node: NodeConfiguration?
        if let config {
            let text = try ConfigurationFile.text(config)
            do throws(ConfigurationProblems) {
                let read = try NodeConfiguration.load(yaml: text, file: config, kinds: StoreKinds.all)
                problems += read.warnings
                if !skipKeys { problems += KeyCheck.problems(of: read) }
                node = read
            } catch { problems += error.problems }
        }
        var notes: [String] = []
        for file in classes {
            let check = ClassCheck(try ConfigurationFile.text(file), file: file, node: node)
            problems += check.problems
            notes += check.notes
        }
        let isGood = !problems.contains { $0.severity == .error }
        if json {
            print(try JSONOutput.text(problems))
        } else {
            for problem in problems { print(problem) }
            for note in notes { print(note) }
            if problems.isEmpty { print("no problems") }
        }
        guard isGood else { throw Exit.negative }
    }
}
