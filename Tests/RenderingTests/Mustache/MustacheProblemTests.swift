// Templates that are refused before a token is minted, with the text that a person sees.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct MustacheProblemTests {
    private func problem(_ template: String?, _ escape: String? = "none", tokens: [PlannedToken]? = nil) throws
        -> String?
    {
        let tokens = try tokens ?? [Sample.git()]
        let problems = FilePlan.problems([mustache(template, escape, tokens: tokens.map(\.name))], tokens: tokens)
        #expect(problems.allSatisfy { $0.reason == .fileInvalid })
        return problems.first?.description.replacing("FileInvalid: file \".npmrc\": ", with: "")
    }

    @Test func options() throws {
        #expect(
            try problem(nil) == "the format mustache needs a template; write template: | and the text under it"
        )
        #expect(
            try problem("{{token}}", nil)
                == "the format mustache needs an escape; write escape: with what kind of file it is: none, ini, xml, json, "
                + "toml, yaml, shell"
        )
        #expect(
            try problem("{{token}}", "jsn")
                == "there is no escape \"jsn\"; did you mean json? known: none, ini, xml, json, toml, yaml, shell"
        )
        let asks = [
            FileAsk(path: "a", format: "json", tokens: ["source"], template: "x"),
            FileAsk(path: "b", format: "netrc", tokens: ["source"], escape: "none"),
            FileAsk(
                path: "c",
                format: "mustache",
                tokens: ["source"],
                merge: "{}",
                template: "{{token}}",
                escape: "none"
            ),
        ]
        #expect(
            FilePlan.problems(asks, tokens: [try Sample.git()]).map(\.description) == [
                "FileInvalid: file \"a\": the format json has no template; leave it out (it belongs to mustache)",
                "FileInvalid: file \"b\": the format netrc has no escape; leave it out (it belongs to mustache)",
                "FileInvalid: file \"c\": the format mustache has no merge; leave it out (it belongs to docker-config and "
                    + "containers-auth)",
            ]
        )
    }

    @Test(arguments: [
        ("x\n  {{>p}}", "line 2, column 3: partials ({{>...}}) are not taken"),
        ("{{<p}}{{/p}}", "line 1, column 1: inheritance ({{<...}}) is not taken"),
        ("{{$b}}{{/b}}", "line 1, column 1: blocks ({{$...}}) are not taken"),
        ("{{% CONTENT_TYPE: HTML}}", "line 1, column 1: pragmas ({{%...}}) are not taken"),
        ("{{=<% %>=}}", "line 1, column 1: other delimiters ({{=...}}) are not taken"),
        ("a {{token", "line 1, column 3: the tag does not end; end it with }} on its line"),
        ("{{token\n}}", "line 1, column 1: the tag does not end"), ("{{", "line 1, column 1: the tag does not end"),
        ("{{{token}} x", "line 1, column 1: the tag does not end; end it with }}}"),
        ("{{! a", "line 1, column 1: the comment does not end"),
        ("{{}}", "line 1, column 1: \"\" is no name"), ("{{a b}}", "line 1, column 1: \"a b\" is no name"),
        ("{{a..b}}", "\"a..b\" is no name"), ("{{.token}}", "\".token\" is no name"),
        ("{{*token}}", "\"*token\" is no name"), ("{{f(g(token))}}", "\"f(g(token))\" is no name"),
        ("{{ #tokens }}{{/tokens}}", "\" #tokens \" is no name"), ("{{t\u{f6}ken}}", "\"t?ken\" is no name"),
        ("{{{{token}}}}", "\"{token\" is no name"),
        ("{{#tokens}}{{token}}", "line 1, column 1: the section is not closed; close it with {{/tokens}}"),
        ("{{token}}{{/tokens}}", "line 1, column 10: no section is open here; remove {{/tokens}}"),
        ("{{#tokens}}\n{{/host}}", "line 2, column 1: the section \"tokens\" of line 1 is still open"),
        ("just text", "line 1, column 1: the template uses no token"),
        ("{{! only a comment }}", "the template uses no token"),
        ("a\u{0}{{token}}", "line 1, column 2: there is a control character"), ("a\rb{{token}}", "control character"),
        ("{{token}}\u{1b}[0m", "line 1, column 10: there is a control character"),
        ("{{\u{301}token}}", "line 1, column 2: a brace is joined with a combining character"),
        ("{{! }\u{301}} {{token}}", "a brace is joined with a combining character"),
    ])
    func syntax(template: String, message: String) throws {
        let found = try #require(try problem(template))
        #expect(found.contains(message), "\(found)")
    }

    @Test(arguments: [
        (
            "{{tokn}}",
            "there is no \"tokn\" in \"tokn\"; did you mean token? known: tokens, name, username, password, "
                + "token, basic, host, repository, repositories, expiresAt, expiresAtUnix"
        ),
        (
            "{{tokens.sorce.token}}",
            "there is no \"sorce\" in \"tokens.sorce.token\"; did you mean source? known: source"
        ),
        ("{{tokens.image.token}}", "there is no \"image\" in \"tokens.image.token\"; known: source"),
        ("{{tokens.source.secret}}", "there is no \"secret\" in \"tokens.source.secret\"; known: name,"),
        ("{{tokens.source.token.x}}", "\"token\" has no part \"x\"; end the name before it"),
        ("{{#nothing}}{{/nothing}}", "there is no \"nothing\""),
        ("{{^nothing}}x{{/nothing}}", "there is no \"nothing\""),
        ("{{tokens}}", "\"tokens\" is a list, and no text; write a section: {{#tokens}}...{{/tokens}}"),
        ("{{repositories}}", "\"repositories\" is a list, and no text"),
        (
            "{{tokens.source}}",
            "\"tokens.source\" is a token, and no text; write one of its parts, for example "
                + "{{tokens.source.password}}"
        ),
        ("{{.}}", "\".\" is no text here"), ("{{#tokens}}{{.}}{{/tokens}}", "\".\" is no text here"),
        ("{{#expiresAt}}{{^repositories}}{{.}}{{/repositories}}{{/expiresAt}}", "\".\" is no text here"),
        ("{{first()}}", "\"first()\" is true or false, and no text"),
        ("{{#last()}}{{/last()}}", "\"last()\" is known inside the section of a list only"),
        ("{{#tokens}}{{#host}}{{#last()}}{{/last()}}{{/host}}{{/tokens}}", "inside the section of a list only"),
        ("{{uppercased(token)}}", "there is no function \"uppercased\"; known: url(...), base64(...), first(), last()"),
        ("{{url(tokens)}}", "\"tokens\" is no text; write url(...) around a text"),
        ("{{url()}}", "the name is empty"), ("{{text}}", "there is no \"text\""),
        ("{{issued}}", "there is no \"issued\""),
        ("{{tokens.nodes}}", "there is no \"nodes\""), ("{{renderText}}", "there is no \"renderText\""),
    ])
    func names(template: String, message: String) throws {
        let found = try #require(try problem(template))
        #expect(found.contains(message), "\(found)")
    }

    @Test func whichOfSeveralTokens() throws {
        let tokens = try [Sample.git("a"), Sample.git("b", repositories: ["o/1", "o/2"])]
        #expect(
            try problem("x {{token}}", tokens: tokens)
                == "template, line 1, column 3: \"token\" of which token? The file has 2; write tokens.NAME.token, or put it "
                + "into {{#tokens}}...{{/tokens}}"
        )
        #expect(try problem("{{#tokens}}{{token}}{{/tokens}}", tokens: tokens) == nil)
    }

    /// What no answer of the store can fill is refused, unless the template asks whether it is there.
    @Test func partsThatATokenLacks() throws {
        let tokens = try [Sample.git("a"), Sample.git("b", repositories: ["o/1", "o/2"])]
        #expect(
            try problem("{{#tokens}}{{repository}}{{/tokens}}", tokens: tokens)
                == "template, line 1, column 12: \"repository\" is empty; the token \"b\" is for several repositories, or for "
                + "none; use {{#repositories}}{{.}}{{/repositories}}"
        )
        #expect(try problem("{{tokens.a.repository}}", tokens: tokens) == nil)
        #expect(
            try problem("{{#tokens}}{{#repository}}{{repository}}{{/repository}}{{/tokens}}", tokens: tokens) == nil
        )
        #expect(
            try problem("{{#tokens.a.repository}}{{tokens.b.repository}}{{/tokens.a.repository}}", tokens: tokens)
                != nil
        )
        let nowhere = PlannedToken(name: "source", service: TokenService(), scope: TokenScope())
        #expect(try problem("{{host}}", tokens: [nowhere])?.contains("the token \"source\" belongs to no host") == true)
        #expect(try problem("{{#host}}{{host}}{{/host}}{{token}}", tokens: [nowhere]) == nil)
    }

    @Test(arguments: [
        ("{{{token}}}", "ini"), ("{{&token}}", "xml"), ("\"{{{token}}}\"", "json"), ("{{{token}}}", "shell"),
    ])
    func rawValues(template: String, escape: String) throws {
        #expect(
            try #require(try problem(template, escape)).hasSuffix(
                "a value can't be left unescaped; write {{token}}; with escape: none it is put in as it is"
            )
        )
    }

    @Test(arguments: [
        ("json", "{\"a\": {{token}}}", "the value does not stand in double quotes; write \"{{...}}\""),
        ("toml", "a = '{{token}}'", "the value does not stand in double quotes"),
        ("yaml", "a: {{token}}", "the value does not stand in double quotes"),
        ("json", "\"a\": \"\n{{token}}\"", "the value does not stand in double quotes"),
        ("json", "\"\\\"\" {{token}}", "the value does not stand in double quotes"),
        ("json", "\"\\{{token}}\"", "a backslash stands before the value"),
        (
            "json", "{{#tokens}}\"{{/tokens}}{{token}}\"",
            "quotes that are opened in the section \"tokens\" are not closed"
        ),
        ("shell", "T=\"{{token}}\"", "the value stands in quotes, and brings its own; remove the quotes around it"),
        ("shell", "T='Bearer {{token}}'", "the value stands in quotes"),
        ("shell", "# it's\nT=\"a{{token}}\"", "the value stands in quotes"),
        ("shell", "a#'\n{{token}}'", "the value stands in quotes"),
        ("shell", "T=\\{{token}}", "a backslash stands before"),
        ("shell", "T=${{token}}", "a $ stands before the value"), ("shell", "`id {{token}}`", "`...` stands before"),
        ("shell", "cat <<EOF\n{{token}}\nEOF", "<< stands before the value"),
        ("shell", "T=$'a'{{token}}", "$'...' stands before"),
        ("shell", "\"$(a \"{{token}}\")\"", "$(...) in double quotes"),
        ("shell", "\"${a:-\"{{token}}\"}\"", "quotes in ${...} stands before"),
        ("shell", "{{#tokens}}'{{/tokens}}{{token}}", "quotes that are opened in the section"),
        ("shell", "a{{#expiresAt}} {{/expiresAt}}# '\n{{token}}", "a # that may begin a comment or not"),
        ("shell", "a{{#expiresAt}}${{/expiresAt}}{{token}}", "at the edge of a section, stands before"),
    ])
    func places(escape: String, template: String, message: String) throws {
        let found = try #require(try problem(template, escape))
        #expect(found.contains(message), "\(found)")
    }

    @Test(arguments: [
        ("json", "{\"a\\\\\":\"x {{token}}\"}"), ("yaml", "a: \"{{token}}\" # x"), ("toml", "a = \"{{url(token)}}\""),
        ("shell", "# it's mine\nexport T={{token}} U={{username}}\n"),
        ("shell", "curl -u {{username}}:{{token}} \"$URL\""),
        ("shell", "a=\"it's\" b='\"'{{token}}"), ("shell", "f <{{token}} >{{name}}; (x {{token}})"),
        ("shell", "{{#tokens}}\nT={{token}}\n{{/tokens}}\n# it's\nX={{name}}"), ("shell", "x=\"${HOME}\" {{token}}"),
        ("shell", "x=$(cat {{token}})"),
    ])
    func goodPlaces(escape: String, template: String) throws {
        #expect(try problem(template, escape) == nil)
    }

    /// Sections in sections multiply; a template that grows beyond all use is refused before it is rendered.
    @Test func expansion() throws {
        let tokens = try (0..<16).map { token in
            try Sample.git("t\(token)", repositories: (0..<100).map { "o/r\($0)" })
        }
        func nested(_ depth: Int, _ inner: String) -> String {
            String(repeating: "{{#tokens}}", count: depth) + inner + String(repeating: "{{/tokens}}", count: depth)
        }
        #expect(try problem(nested(2, "{{token}}"), tokens: tokens) == nil)
        for inner in ["{{token}}", "", "x"] {
            #expect(
                try problem(nested(6, inner), tokens: tokens)
                    == "template, line 1, column 1: the sections repeat too much; nest fewer lists into each other"
            )
        }
        #expect(try problem(nested(9, "x"))?.contains("sections are nested more than 8 deep") == true)
        let list = "{{#tokens}}{{#repositories}}\(String(repeating: "x", count: 1000)){{/repositories}}{{/tokens}}"
        #expect(try problem(list, tokens: tokens)?.contains("larger than 1048576 bytes together") == true)
        #expect(try problem(String(repeating: "{{#a}}", count: 5000)) != nil)
    }

    /// What hangs on an attribute that only the Pod has is not judged.
    @Test func stillToCome() throws {
        var ask = mustache("${t}", "none")
        ask.symbolic = [.template]
        #expect(FilePlan.problems([ask], tokens: [try Sample.git()]).isEmpty)
        ask = mustache("{{nonsense}}", "${e}")
        ask.symbolic = [.escape]
        #expect(FilePlan.problems([ask], tokens: [try Sample.git()]).isEmpty)
    }

    /// Whatever the template says, the refusal is one short line.
    @Test(arguments: [
        "{{\(String(repeating: "x", count: 5000))}}", "{{a\u{7}b}}", "{{#x}}\(String(repeating: "y", count: 9000))",
    ])
    func shortMessages(template: String) throws {
        let text = try #require(try problem(template))
        #expect(text.utf8.count <= Refusal.longestLine && !text.contains("yyyy") && !text.contains("\n"))
    }
}
