// `mustache`: what a template sees, and how its values are written.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

/// A mustache file of these tokens.
func mustache(_ template: String?, _ escape: String? = "none", tokens: [String] = ["source"]) -> FileAsk {
    FileAsk(path: ".npmrc", format: "mustache", tokens: tokens, template: template, escape: escape)
}

/// What a template of one token comes to.
func filled(
    _ template: String,
    _ escape: String = "none",
    _ issued: IssuedToken = Sample.issued(),
    _ token: PlannedToken? = nil
) throws -> String {
    try rendered(mustache(template, escape), [try token ?? Sample.git()], ["source": issued])
}

@Suite struct MustacheTests {
    @Test(arguments: [
        ("//npm.example/:_authToken={{token}}\n", "//npm.example/:_authToken=ghs_Token123\n"),
        ("{{tokens.source.username}}:{{ tokens.source.password }}", "x-access-token:ghs_Token123"),
        (
            "{{name}} {{host}} {{repository}} {{basic}}",
            "source github.com our-org/x eC1hY2Nlc3MtdG9rZW46Z2hzX1Rva2VuMTIz"
        ),
        ("{{expiresAt}} {{expiresAtUnix}}", "2026-11-18T11:06:40Z 1795000000"),
        ("{{#repositories}}<{{.}}>{{/repositories}}", "<our-org/x>"),
        ("{{#tokens}}{{name}}={{token}};{{/tokens}}", "source=ghs_Token123;"),
        ("{{#tokens.source}}{{token}}{{/tokens.source}}", "ghs_Token123"),
        (
            "{{#expiresAt}}until {{.}}, {{expiresAt}}{{/expiresAt}}{{^expiresAt}}ever{{/expiresAt}}",
            "until 2026-11-18T11:06:40Z, 2026-11-18T11:06:40Z"
        ),
        ("a{{! no {{x}} b{{token}}", "a bghs_Token123"),
        ("{{!\n two lines\n}}\n{{token}}", "ghs_Token123"),
        ("{{#tokens}}\n{{token}}\n{{/tokens}}\nend", "ghs_Token123\nend"),
        ("{{{token}}} {{&token}}", "ghs_Token123 ghs_Token123"),
        ("{\"a\":{\"b\":\"{{token}}\"}}", "{\"a\":{\"b\":\"ghs_Token123\"}}"),
        ("{{token}}}", "ghs_Token123}"),
        ("${user.home} $(id) %HOME% {{token}}", "${user.home} $(id) %HOME% ghs_Token123"),
        ("\r\n{{token}}\r\n", "\r\nghs_Token123\r\n"), ("\n{{token}}", "\nghs_Token123"),
        ("{{#tokens}}\n\n{{/tokens}}{{token}}", "\nghs_Token123"),
    ])
    func templates(template: String, text: String) throws {
        #expect(try filled(template) == text)
    }

    @Test func functions() throws {
        let issued = Sample.issued("p@ss w\u{f6}rd/1", user: "robot$x")
        #expect(
            try filled("https://{{url(username)}}:{{url(tokens.source.password)}}@h", "ini", issued)
                == "https://robot%24x:p%40ss%20w%C3%B6rd%2F1@h"
        )
        #expect(try filled("{{base64(password)}}", "none", issued) == "cEBzcyB3w7ZyZC8x")
        #expect(try filled("{{#repositories}}{{url(.)}}{{/repositories}}") == "our-org%2Fx")
        #expect(try filled("[{{url(expiresAt)}}]", "none", Sample.issued(expiresAt: nil)) == "[]")
    }

    @Test func severalTokens() throws {
        let tokens = try [Sample.git("a", repositories: ["o/1", "o/2"]), Sample.registry("b-2"), Sample.git("c_3")]
        let issued = ["a": Sample.issued("A"), "b-2": Sample.issued("B", expiresAt: nil), "c_3": Sample.issued("C")]
        func text(_ template: String) throws -> String {
            try rendered(mustache(template, tokens: ["a", "b-2", "c_3"]), tokens, issued)
        }
        #expect(try text("{{tokens.a.token}}{{tokens.b-2.token}}{{tokens.c_3.token}}") == "ABC")
        #expect(
            try text("{{#tokens}}{{name}}@{{host}}{{^last()}},{{/last()}}{{/tokens}}")
                == "a@github.com,b-2@ghcr.io,c_3@github.com"
        )
        #expect(
            try text(
                "{{#tokens}}{{#first()}}>{{/first()}}{{#repositories}}{{.}}{{^last()}} {{/last()}}{{/repositories}}|{{/tokens}}"
            )
                == ">o/1 o/2|binder/x|our-org/x|"
        )
        #expect(
            try text("{{#tokens}}{{#expiresAt}}{{.}}{{/expiresAt}}{{^expiresAt}}?{{/expiresAt}} {{/tokens}}")
                == "2026-11-18T11:06:40Z ? 2026-11-18T11:06:40Z "
        )
        #expect(
            try text("{{#tokens}}{{#repository}}{{repository}}{{/repository}};{{/tokens}}") == ";binder/x;our-org/x;"
        )
        #expect(try text("{{#tokens}}{{#tokens.a}}{{token}}{{/tokens.a}}{{token}} {{/tokens}}") == "AA AB AC ")
    }

    /// A package index is neither a git server nor a registry.
    @Test func otherHosts() throws {
        let token = PlannedToken(
            name: "source",
            service: TokenService(otherHost: "npm.example:8443"),
            scope: TokenScope(repositories: ["team/npm"])
        )
        #expect(
            try filled("//{{host}}/{{repository}}", "none", Sample.issued(), token) == "//npm.example:8443/team/npm"
        )
    }

    /// Values that would take the file apart, and what each kind of file makes of them.
    @Test(arguments: [
        ("none", "a;b #\"c\"", "a;b #\"c\""), ("ini", "a=b:c@d/e+f", "a=b:c@d/e+f"), ("ini", "robot$x", "robot$x"),
        ("xml", "<a href='x'>&\"]]>", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;]]&gt;"),
        ("json", "a\"b\\c/'d", "a\\\"b\\\\c/\\u0027d"), ("toml", "a\"b\\c", "a\\\"b\\\\c"),
        ("yaml", "a: b\"#\u{FEFF}", "a: b\\\"#\\uFEFF"), ("json", "gr\u{fc}n \u{1F511}", "gr\u{fc}n \u{1F511}"),
        // A quote with a combining mark is one character, and a quote all the same.
        ("xml", "<\u{301}", "&lt;\u{301}"), ("json", "\"\u{301}", "\\\"\u{301}"),
        ("none", "{{name}}", "{{name}}"),
    ])
    func escapes(escape: String, secret: String, text: String) throws {
        #expect(try filled("\"{{token}}\"", escape, Sample.issued(secret)) == "\"\(text)\"")
    }

    @Test func wordsOfTheShell() throws {
        #expect(try filled("T={{token}}", "shell", Sample.issued("a'b $(id)")) == #"T='a'\''b $(id)'"#)
    }

    /// HTML is no kind of file here: the library's own escaping is off.
    @Test func nothingIsEscapedForHTML() throws {
        #expect(try filled("<{{token}}>", "none", Sample.issued("a<b>&\"'")) == "<a<b>&\"'>")
    }

    @Test(arguments: [
        ("ini", "a;b", "holds a blank at an end, a quote, a backslash, ; # [ ${ %( or a control character"),
        ("ini", " a", "holds a blank"), ("ini", "a ", "holds a blank"), ("ini", "a#b", "holds a blank"),
        ("ini", "\"a\"", "holds a blank"), ("ini", "a\\", "holds a blank"), ("ini", "[a]", "holds a blank"),
        ("ini", "a${b}", "holds a blank"), ("ini", "a%(b)s", "holds a blank"), ("ini", "'\u{301}", "holds a blank"),
        ("shell", "gr\u{fc}n", "holds non-ASCII text or a control character"),
        ("xml", "a\u{FFFE}", "holds a control character, or one that is no character"),
        ("json", "a\u{FFFF}", "holds a control character"),
    ])
    func valuesThatTheFileCannotCarry(escape: String, secret: String, objection: String) throws {
        let template = escape == "json" ? "\"{{token}}\"" : "{{token}}"
        let refusal = try #require(failure(template, escape, Sample.issued(secret)))
        #expect(refusal.reason == .storeAnswerUnusable)
        #expect(
            refusal.message.hasPrefix(
                "the store's answer for the token \"source\" does not fit mustache: its token \(objection)"
            )
        )
        #expect(refusal.fix == "choose another escape than \(escape), or look at the store")
    }

    /// No value ends the line that it stands in, whatever the escape and the tag.
    @Test(
        arguments: ["none", "ini", "xml", "json", "toml", "yaml", "shell"],
        ["a\nx=1", "a\r", "a\0b", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "\u{7f}", ""]
    )
    func lineBreaks(escape: String, secret: String) throws {
        let quote = ["json", "toml", "yaml"].contains(escape) ? "\"" : ""
        for name in ["token", "username"] {
            let issued = name == "token" ? Sample.issued(secret) : Sample.issued(user: secret)
            let refusal = try #require(failure("\(quote){{\(name)}}\(quote)", escape, issued), "\(name)")
            #expect(refusal.reason == .storeAnswerUnusable)
            #expect(!refusal.description.contains("x=1"))
        }
        if escape == "none" {
            #expect(failure("{{{token}}}", escape, Sample.issued(secret))?.reason == .storeAnswerUnusable)
        }
    }

    /// What the template does not use is not judged.
    @Test func unusedValues() throws {
        #expect(try filled("{{token}}", "none", Sample.issued(user: "a:b")) == "ghs_Token123")
        #expect(failure("{{basic}}", "none", Sample.issued(user: "a:b"))?.message.contains("holds a colon") == true)
        #expect(try filled("{{username}}", "none", Sample.issued("a\nb")) == "x-access-token")
    }

    /// Values count too, and rendering stops before it holds much more than a file may.
    @Test func sizeOfValues() throws {
        let template = String(repeating: "{{token}}", count: 1000)
        let refusal = try #require(failure(template, "none", Sample.issued(String(repeating: "t", count: 2000))))
        #expect(refusal.message.contains("larger than 1048576 bytes together"))
        #expect(try filled(template, "none", Sample.issued("t")).utf8.count == 1000)
    }

    private func failure(_ template: String, _ escape: String, _ issued: IssuedToken) -> Refusal? {
        do {
            _ = try filled(template, escape, issued)
            return nil
        } catch { return error as? Refusal }
    }
}
