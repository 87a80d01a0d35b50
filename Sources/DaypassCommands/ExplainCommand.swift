// `daypass explain`: would this Pod get this token, by which grant, in which scope, or why not.

import ArgumentParser
import MountRequests
import MountService
import Policy
import Refusals
import TokenStore

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
        let parameters = try tenant.load().parameters.merging(tenant.volumeAttributes) { _, pod in pod }
        let ask: VolumeAsk
        do throws(Refusal) { ask = try MountRequestParser.volumeAsk(parameters) } catch { throw refused(error) }
        let explanation = configuration.policy.explain(ask.tokens, for: pod.subject)
        print(json ? try JSONOutput.text(explanation) : explanation.text)
        guard explanation.isGranted else { throw Exit.negative }
        do throws(Refusal) {
            try MountPlan(ask, volume: "volume", subject: pod.subject, policy: configuration.policy).checkFiles()
        } catch { throw refused(error) }
    }

    private func refused(_ refusal: Refusal) -> ExitCode {
        Output.error("\(refusal)")
        return Exit.negative
    }
}
