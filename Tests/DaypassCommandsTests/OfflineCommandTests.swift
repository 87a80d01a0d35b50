// The commands that need no daemon: check, explain, version, help, and a serve that can't begin.

import Foundation
import LoopbackForge
import Support
import Testing

@Suite struct OfflineCommandTests {
    /// An edit of node.yaml with three mistakes, and what must be said about each.
    private static let threeMistakes = ["node.yaml": ["appID:": "appId:", "grants:": "grantz:", "110s": "3h"]]
    private static let threeProblems = [
        "edited-node.yaml:7:5: error: stores.github: unknown key \"appId\"; did you mean \"appID\"?",
        "unknown key \"grantz\"; did you mean \"grants\"?",
        "server.mountDeadline: it is not from 1s to 110s",
    ]

    private static let check = [
        CommandCase("good files", ["check", "--config", "{dir}/node.yaml", "{dir}/class.yaml"], 0, "no problems"),
        CommandCase("a class alone", ["check", "{dir}/class.yaml"], 0, "no problems"),
        CommandCase(
            "standard input",
            ["check", "-"],
            input: "kind: SecretProviderClass\nspec: {provider: daypas}",
            1,
            "-:1:1: error: this is no Kubernetes object"
        ),
        CommandCase(
            "several problems at once",
            edits: threeMistakes,
            ["check", "--config", "{dir}/edited-node.yaml"],
            1,
            threeProblems[0],
            threeProblems[1],
            threeProblems[2]
        ),
        CommandCase(
            "a level that does not exist",
            edits: ["node.yaml": ["contents: read": "contents: reed"]],
            ["check", "--config", "{dir}/edited-node.yaml"],
            1,
            "did you mean \"read\"?"
        ),
        CommandCase(
            "a class with a mistyped format",
            edits: ["class.yaml": ["format: gitconfig,": "format: gitconfg,"]],
            ["check", "--config", "{dir}/node.yaml", "{dir}/edited-class.yaml"],
            1,
            "edited-class.yaml:",
            "file \".gitconfig\": there is no format \"gitconfg\"; did you mean gitconfig?"
        ),
        CommandCase(
            "a class with an unknown store",
            edits: ["class.yaml": ["store: github": "store: githup"]],
            ["check", "--config", "{dir}/node.yaml", "{dir}/edited-class.yaml"],
            1,
            "token \"source\": there is no store \"githup\"",
            "the stores of {dir}/node.yaml are: github"
        ),
        CommandCase(
            "a class with a mistyped key",
            edits: ["class.yaml": ["tokens: [source] }": "tokenz: [source] }"]],
            ["check", "{dir}/edited-class.yaml"],
            1,
            "unknown key \"tokenz\"; did you mean \"tokens\"?"
        ),
        CommandCase(
            "a key file that is not there",
            edits: ["node.yaml": ["app.pem": "none.pem"]],
            ["check", "--config", "{dir}/edited-node.yaml"],
            1,
            "error: stores.github: {dir}/none.pem can't be read: No such file or directory"
        ),
        CommandCase(
            "a key file that is not looked at",
            edits: ["node.yaml": ["app.pem": "none.pem"]],
            ["check", "--skip-keys", "--config", "{dir}/edited-node.yaml"],
            0,
            "no problems"
        ),
        CommandCase(
            "a key file that others can read",
            edits: ["node.yaml": ["app.pem": "open.pem"]],
            ["check", "--config", "{dir}/edited-node.yaml"],
            0,
            "edited-node.yaml:5:1: warning: stores.github: ",
            "secret file readable by others ({dir}/open.pem); chmod 0400 {dir}/open.pem"
        ),
        CommandCase(
            "a file that is no key",
            edits: ["node.yaml": ["app.pem": "jwks.json"]],
            ["check", "--config", "{dir}/edited-node.yaml"],
            1,
            "error: stores.github: "
        ),
        CommandCase("a good class on standard input", ["check", "-"], input: "{class}", 0, "no problems"),
        CommandCase("no such file", ["check", "--config", "{dir}/none.yaml"], 2, "{dir}/none.yaml: can't be read"),
        CommandCase("nothing to check", ["check"], 64, "Name a configuration with --config"),
        CommandCase("an unknown option", ["check", "--bogus", "x.yaml"], 64, "Unknown option '--bogus'"),
    ]

    @Test func checkFindsEverything() async throws {
        try await withNode(repositories: []) { node in
            try await node.playAll(Self.check)
        }
    }

    @Test func checkPrintsJSON() async throws {
        struct Problem: Decodable {
            let severity, file, path, message, fix: String
            let line: Int
        }
        try await withNode(repositories: []) { node in
            let text = try String(contentsOfFile: node.path("node.yaml"), encoding: .utf8)
            try node.write(text.replacing("appID:", with: "appId:"), to: "bad.yaml")
            let outcome = try await node.daypass(["check", "--json", "--config", node.path("bad.yaml")])
            let problems = try JSONDecoder().decode([Problem].self, from: Data(outcome.output.utf8))
            let found = problems.map { "\($0.severity) \($0.line) \($0.path): \($0.message); \($0.fix)" }
            let expected = "error 7 stores.github: unknown key \"appId\"; did you mean \"appID\"?"
            #expect(outcome.code == 1 && found.contains(expected), "\(outcome.text)")
        }
    }

    /// `explain` for the Pod of a grant, with these attributes.
    private static func explain(_ attributes: String..., namespace: String = "binder") -> [String] {
        ["explain", "--config", "{dir}/node.yaml", "--class", "{dir}/class.yaml", "-n", namespace]
            + ["--service-account", "builder"] + attributes.flatMap { ["-a", $0] }
    }

    private static let own = "repository={web}/our-org/app.git"
    private static let unreadable = "RepositoryInvalid: the repository of token \"source\" can't be read: "

    private static func tokens(_ repository: String, _ permissions: String, store: String = "github") -> String {
        "tokens=[{name: source, store: \(store), repository: \(repository), permissions: {\(permissions)}}]"
    }

    private static let explanations = [
        CommandCase("granted", explain(own), 0, "granted by binder-clone", "our-org/app\n", "contents:read"),
        CommandCase(
            "narrowed",
            explain(tokens("our-org/app", "contents: write")),
            0,
            "narrowed    contents:write became read"
        ),
        CommandCase(
            "another namespace",
            explain(own, namespace: "elsewhere"),
            1,
            "NotGranted: no grant names namespace \"elsewhere\", service account \"builder\""
        ),
        CommandCase(
            "another owner",
            explain("repository={web}/elsewhere/app"),
            1,
            "NotGranted: grant binder-clone does not cover repository \"elsewhere/app\" of token \"source\""
        ),
        CommandCase(
            "another permission",
            explain(tokens("our-org/app", "issues: write")),
            1,
            "NotGranted: grant binder-clone gives nothing of what token \"source\" asks for (\"issues:write\")"
        ),
        CommandCase(
            "a missing attribute",
            explain(),
            1,
            "AttributeMissing: tokens[0].repository, line 1: the attribute \"repository\" is missing"
        ),
        CommandCase(
            "userinfo",
            explain("repository=http://me:hunter2@{host}/our-org/app"),
            1,
            unreadable + "it holds a user name or password before the host; leave them out"
        ),
        CommandCase(
            "another host",
            explain("repository=http://github.example/our-org/app"),
            1,
            unreadable + "its host is github.example, and this store serves {web}"
        ),
        CommandCase(
            "another scheme",
            explain("repository=ssh://{host}/our-org/app"),
            1,
            unreadable + "its scheme is \"ssh\"; write https://"
        ),
        CommandCase(
            "an unknown store",
            explain(tokens("our-org/app", "contents: read", store: "githup")),
            1,
            "StoreUnknown: token \"source\" asks for store \"githup\", and the grants for namespace \"binder\", ",
            "did you mean github?"
        ),
        CommandCase(
            "an unknown format",
            explain(own, "files=[{path: x, format: gitconfg, tokens: [source]}]"),
            1,
            "FileInvalid: file \"x\": there is no format \"gitconfg\"; did you mean gitconfig? formats: gitconfig, "
        ),
        CommandCase(
            "an empty token list",
            explain("tokens=[]"),
            1,
            "ParameterMissing: the parameter \"tokens\" is an empty list; ask for at least one, or remove the volume"
        ),
    ]

    @Test func explainTellsWhy() async throws {
        try await withNode(repositories: []) { node in
            try await node.playAll(Self.explanations)
            let json = try await node.daypass((Self.explain(Self.own) + ["--json"]).map(node.filled))
            struct Story: Decodable {
                struct Token: Decodable {
                    struct Granted: Decodable {
                        let grant: String
                        let repositories: [String]
                        let permissions: [String: String]
                    }
                    let granted: Granted?
                }
                let tokens: [Token]
            }
            let granted = try JSONDecoder().decode(Story.self, from: Data(json.output.utf8)).tokens.first?.granted
            #expect(
                granted?.grant == "binder-clone" && granted?.repositories == ["our-org/app"]
                    && granted?.permissions == ["contents": "read"]
            )
            // A password in a URL is shown nowhere.
            let shown = try await node.daypass(
                Self.explain("repository=http://me:hunter2@{host}/our-org/app").map(node.filled)
            )
            #expect(!shown.text.contains("hunter2"))
            #expect(node.forge.requests.isEmpty, "explain uses no network")
        }
    }

    @Test func serveRefusesABadConfigurationWithAllItsProblems() async throws {
        try await withNode(repositories: []) { node in
            try await node.playAll([
                CommandCase(
                    "three mistakes",
                    edits: Self.threeMistakes,
                    ["serve", "--config", "{dir}/edited-node.yaml", "--socket", "{dir}/x.sock"],
                    1,
                    Self.threeProblems[0],
                    Self.threeProblems[1],
                    Self.threeProblems[2]
                ),
                CommandCase(
                    "no folder for the socket",
                    ["serve", "--config", "{dir}/node.yaml", "--socket", "{dir}/none/x.sock"],
                    2,
                    "{dir}/none"
                ),
                CommandCase("no configuration", ["serve", "--config", "{dir}/none.yaml"], 2, "can't be read"),
            ])
        }
    }

    @Test func helpAndCompletion() async throws {
        let commands = ["serve", "check", "explain", "mount", "version"]
        let help = commands.map {
            CommandCase("help of \($0)", [$0, "--help"], 0, "Exit code", "USAGE: daypass \($0)")
        }
        let shells = ["bash", "zsh", "fish"].map { shell in
            CommandCase(shell, ["--generate-completion-script", shell], 0, "explain", "service-account", "daypass")
        }
        try await withNode(repositories: []) { node in
            try await node.playAll(
                help + shells + [
                    CommandCase("all", ["--help"], 0, "Exit codes: 0 done; 1 refused", "mount", "explain"),
                    CommandCase("version", ["version"], 0, "0.1.0\n"),
                    CommandCase("version as JSON", ["version", "--json"], 0, "{\"version\":\"0.1.0\"}"),
                    CommandCase("nobody there", ["version", "--socket", "{dir}/no.sock"], 2, "is the daemon running"),
                    CommandCase("an unknown command", ["mint"], 64, "mint"),
                ]
            )
        }
    }
}
