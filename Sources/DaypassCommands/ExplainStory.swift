// What `daypass explain` finds out, whole, as one JSON document.

import MountRequests
import Policy
import Refusals
import Rendering
import TokenStore

/// The decisions about a request, or why it can't be read, and what is wrong with its files.
struct ExplainStory: Encodable {
    /// The decisions; `nil` when the request can't be read.
    private(set) var explanation: Explanation?
    /// Why the request can't be read.
    private(set) var refused: Explanation.Refused?
    /// The files that can't be made. They are looked at when every token is granted.
    private(set) var files: [Explanation.Refused] = []
    private let subject: Subject

    /// Whether a Mount would get all its tokens and files.
    var isGranted: Bool { refused == nil && files.isEmpty && explanation?.isGranted == true }

    /// What stands against it beside the tokens' own refusals.
    var problems: [Explanation.Refused] { (refused.map { [$0] } ?? []) + files }

    init(_ policy: NodePolicy, subject: Subject, parameters: [String: String]) {
        self.subject = subject
        do throws(Refusal) {
            let ask = try MountRequestParser.volumeAsk(parameters)
            let explanation = policy.explain(ask.tokens, for: subject)
            self.explanation = explanation
            guard explanation.isGranted else { return }
            var planned: [PlannedToken] = []
            for token in ask.tokens {
                let granted = try policy.authorize(token, for: subject)
                planned.append(PlannedToken(name: token.name, service: granted.service, scope: granted.scope))
            }
            files = FilePlan.problems(ask.files, tokens: planned).map { Explanation.Refused($0) }
        } catch { refused = Explanation.Refused(error) }
    }

    private enum Key: CodingKey { case granted, subject, tokens, refused, files }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(isGranted, forKey: .granted)
        try container.encode(subject, forKey: .subject)
        try container.encode(explanation?.tokens ?? [], forKey: .tokens)
        try container.encodeIfPresent(refused, forKey: .refused)
        try container.encode(files, forKey: .files)
    }
}
