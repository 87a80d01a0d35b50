// Templates of scripts in which a value could leave its quotes: refused, and the good ones next to them run in shells.

import MountRequests
import Refusals
import Testing
import TokenStore

@testable import Rendering

@Suite struct MustacheShellTests {
    private static let injection = "$(echo INJECTED >&2)"

    private func problem(_ template: String) throws -> String? {
        let tokens = [try Sample.git(repositories: ["o/1", "o/2"])]
        let ask = mustache(template, "shell", tokens: ["source"])
        return FilePlan.problems([ask], tokens: tokens).first?.description
    }

    /// In each of these a shell would run what the token or a repository's name says.
    @Test(arguments: [
        (#""${a:-${b}"{{token}}"}""#, "brackets in ${...}"), ("${a:- # '\n{{token}}", "quotes in ${...}"),
        (#""${a:-$(b)"{{token}}"}""#, "brackets in ${...}"), ("${a:-\\}{{token}}", "a backslash in ${...}"),
        ("${a:-{{token}}}", "the value stands in ${...}"), ("${ a # }'\n}{{token}}", "a command in ${...}"),
        ("${a\n{{token}}", "a line end in ${...}"), ("echo $${a # }'\n' {{token}}", "the value stands in quotes"),
        ("echo x\\\n{{! c }}\n# '{{token}}", "the value stands in quotes"),
        ("echo x\\\n  {{! c }}\n# '{{token}}", "the value stands in quotes"),
        ("echo x\\\n{{! c }}\r\n# '{{token}}", "the value stands in quotes"),
        ("echo x\\\n{{#tokens}}\n# '{{token}}\n{{/tokens}}", "the value stands in quotes"),
        ("{{#tokens}}\necho x{{/tokens}} {{! c }}\n# '{{token}}", "a # that may begin a comment or not"),
        ("echo \\\n# '\n' {{token}}", "the value stands in quotes"), ("{{! c }}\u{2028}# '\n' {{token}}", "separator"),
        ("cat <\\\n<EOF\n{{token}}\nEOF", "<< stands before"), ("echo $\\\n'a'{{token}}", "$'...' stands before"),
        ("echo \"$\\\n(echo \"{{token}}\")\"", "$(...) in double quotes"),
        ("echo $(true)# '\n{{token}}", "a # that may begin a comment or not"),
        ("echo $(( # '\n{{token}}", "(( stands before"), ("(( # '\n{{token}}", "(( stands before"),
        ("echo $[ # '\n{{token}}", "a [ in a word"), ("a[ # '\n{{token}}]=1", "a [ in a word"),
        ("echo \"$[ \"{{token}}\" ]\"", "$[...]"), ("[[ a =~ (#' ]]\n{{token}}", "a [ in a word"),
        ("a=([ # '\n{{token}}", "a ( in a word"), ("echo @( # '\n{{token}}", "a ( in a word"),
        ("{{#repositories}}{{.}}\ncat <<X\n{{/repositories}}", "<< stands in a section that repeats"),
        ("{{#repositories}}{{.}}${{/repositories}}", "in a section that repeats"),
        ("{{#repositories}}# '\n{{.}}x{{/repositories}}", "a # or [ stands in a section that ends amid a word"),
    ])
    func refused(template: String, message: String) throws {
        let found = try #require(try problem(template), "accepted")
        #expect(found.contains(message), "\(found)")
    }

    /// What is near to them and harmless goes on to work, and runs nothing.
    @Test(
        arguments: ["sh", "bash"],
        [
            "set -- \\\n  x {{token}}\nprintf %s \"$2\"", "printf %s \"${a:-$b}${c#x y}\"{{token}}",
            "# it's\\\n{{! c }}\n# it's\nprintf %s {{token}}", "x=${#HOME} y=/tmp/$$\nprintf %s {{token}}",
            "{{#tokens}}\n# it's {{name}}\nprintf %s {{token}}\n{{/tokens}}", "[ \"$$\" = x ] || printf %s {{token}}",
            "x=$(printf x) # it's\nprintf %s {{token}}", "case x in (x) printf %s {{token}} ;; esac",
            "printf %s x\\\n{{! c }}\n#{{token}} | cut -c 3-", "printf %s {{#tokens}}{{token}}{{/tokens}}",
        ]
    )
    func runs(shell: String, template: String) async throws {
        let text = try filled(template, "shell", Sample.issued(Self.injection))
        try await withScratch { scratch in
            let answer = try await scratch.run(shell, [try scratch.write("script", text)])
            #expect(answer.output.replacing("\n", with: "") == Self.injection, "\(text)")
            #expect(answer.errors == "" && answer.isSuccess, "\(text)")
        }
    }

    /// The text that the checks see is the text that the library renders.
    @Test func sameTextAsTheLibrary() throws {
        var random = Steps()
        for _ in 0..<4000 {
            var template = ""
            var open: [String] = []
            for _ in 0..<Int.random(in: 1...14, using: &random) {
                switch Int.random(in: 0..<12, using: &random) {
                case 0...1: template += "\n"
                case 2: template += "\r\n"
                case 3: template += " "
                case 4: template += "\t"
                case 5: template += ["x", "{x", "\\", "x}"].randomElement(using: &random)!
                case 6: template += "{{host}}"
                case 7...8: template += "{{! c\nd }}"
                case 9...10 where open.count < 4:
                    open.append(["tokens", "host", "repositories"].randomElement(using: &random)!)
                    template += "{{#\(open.last!)}}"
                default: if let name = open.popLast() { template += "{{/\(name)}}" }
                }
            }
            for name in open.reversed() { template += "{{/\(name)}}" }
            // So that no blanks are lost at the end.
            template += "x{{host}}"
            let pieces = try TemplateScanner.pieces(of: template).map { piece in
                switch piece {
                case .text(let text): text
                case .tag(let tag): if case .value = tag.kind { "github.com" } else { "" }
                }
            }
            try #expect(filled(template) == pieces.joined(), "\(template.debugDescription)")
        }
    }

    /// The same numbers in each run (SplitMix64).
    private struct Steps: RandomNumberGenerator {
        var state: UInt64 = 7

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
