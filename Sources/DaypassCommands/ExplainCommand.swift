// `daypass explain`: would this Pod get this token, by which grant, in which scope, or why not.

import ArgumentParser
import MountRequests
import Policy
import Refusals

/// `daypass explain`.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell whether a Pod would get its tokens, by which grant and in which scope, or why not.",
        discussion: """
            Uses no network and mints nothing. Exit code 0: every token is granted and every file can be made. 1: not.

            Example:
              daypass explain --config node.yaml --class class.yaml -n binder --service-account builder \\
                -a repository=https://github.com/our-org/app
            """
    )

    @Option(help: ArgumentHelp("The node's configuration.", valueName: "file"))
    var config: String

    @OptionGroup var tenant: ClassOptions
    @OptionGroup var pod: PodOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let configuration = try ConfigurationFile.load(config)
        let provided = try tenant.load()
        if let home = provided.namespace, home != pod.namespace {
            Output.error(
                "warning: \(provided.name) is of namespace \(home), and only Pods there can use it; -n names "
                    + Refusal.quoted(pod.namespace)
            )
        }
        let story = ExplainStory(
            configuration.policy,
            subject: pod.subject,
            parameters: provided.parameters.merging(tenant.volumeAttributes) { _, pod in pod }
        )
        if json {
            print(try JSONOutput.text(story))
        } else {
            if let explanation = story.explanation { print(explanation.text) }
            for refused in story.problems { Output.error(refused.line) }
        }
        guard story.isGranted else { throw Exit.negative }
    }
}
