// Parameters that are refused, with the text that a person sees.

import MountRequests
import Refusals
import Testing

private let file = "- { path: t, format: token, tokens: [a] }"
private let token = "{ name: a, store: s, repository: o/r, permissions: { contents: read } }"

@Suite struct BadParameterTests {
    @Test(arguments: [
        (
            "",
            #"ParameterMissing: the parameter "tokens" is missing; add it to spec.parameters of the SecretProviderClass"#
        ),
        (
            " \n",
            #"ParameterMissing: the parameter "tokens" is missing; add it to spec.parameters of the SecretProviderClass"#
        ),
        (
            "[]",
            #"ParameterMissing: the parameter "tokens" is an empty list; ask for at least one, or remove the volume"#
        ),
        ("# nothing", "ParameterMalformed: tokens, line 1: there is nothing in it"),
        ("name: a", "ParameterMalformed: tokens, line 1: expected a list, found a mapping"),
        ("a token please", "ParameterMalformed: tokens, line 1: expected a list, found text"),
        ("- a", "ParameterMalformed: tokens[0], line 1: expected a mapping (key: value), found text"),
        (
            "- \(token)\n- { name: b, store: [s }",
            "ParameterMalformed: tokens, line 2: it is no YAML: while parsing a flow sequence: did not find expected ',' or ']'"
        ),
        (
            "- { name: a, store: s, permissions: {} }",
            """
            ParameterMalformed: tokens[0], line 1: the key "repository" is missing (and 1 more)
            """
        ),
        (
            "- { name: a, store: s, repository: o/r, permision: { contents: read } }",
            #"ParameterMalformed: tokens[0], line 1: unknown key "permision"; did you mean "permissions"?"#
        ),
        (
            "- name: a\n  store: s\n  repository: o/r\n  permissions: { contents: wirte }",
            """
            ParameterMalformed: tokens[0].permissions.contents, line 4: expected one of read, write, admin, found the \
            text "wirte"; did you mean "write"?
            """
        ),
        (
            "- { name: a, store: s, repository: o/r, permissions: [contents] }",
            "ParameterMalformed: tokens[0].permissions, line 1: expected a mapping (key: value), found a list"
        ),
        (
            "- { name: a, store: s, repository: o/r, permissions: {} }",
            "ParameterMalformed: tokens[0].permissions, line 1: no permission is named; name one, for example { contents: read }"
        ),
        (
            "- { name: a, store: s, repository: o/r, actions: [fetch] }",
            """
            ParameterMalformed: tokens[0].actions[0], line 1: expected one of pull, push, delete, found the text "fetch"
            """
        ),
        (
            "- { name: a, store: s, repository: o/r, actions: [] }",
            "ParameterMalformed: tokens[0].actions, line 1: the list is empty"
        ),
        (
            "- { name: a, store: s, repository: o/r, actions: pull }",
            "ParameterMalformed: tokens[0].actions, line 1: expected a list, found text"
        ),
        (
            "- { name: a, store: s, repositories: [] }",
            "ParameterMalformed: tokens[0].repositories, line 1: the list is empty"
        ),
        (
            "- { name: a, store: s, repositories: o/r }",
            "ParameterMalformed: tokens[0].repositories, line 1: expected a list, found text"
        ),
        (
            "- { name: a, store: s, repository: '' }",
            "ParameterMalformed: tokens[0].repository, line 1: the text is empty"
        ),
        (
            "- { name: a, store: s, repository: o/r, repositories: [o/r] }",
            """
            ParameterMalformed: tokens[0], line 1: both "repository" and "repositories" are there; keep one of them
            """
        ),
        (
            "- { name: Source, store: s, repository: o/r }",
            """
            ParameterMalformed: tokens[0].name, line 1: a token can't be called so; use at most 63 lower-case letters, \
            digits, ".", "_" and "-", and begin with a letter or digit
            """
        ),
        (
            "- \(token)\n- \(token)",
            "ParameterMalformed: tokens[1].name, line 2: another token has this name; rename one"
        ),
        (
            "- { name: a, store: s, repository: o/\(String(repeating: "r", count: 2048)) }",
            "ParameterMalformed: tokens[0].repository, line 1: the text is longer than 2048 bytes"
        ),
        (
            "- { name: a, store: s, repositories: [\(Array(repeating: "o/r", count: 101).joined(separator: ", "))] }",
            "ParameterMalformed: tokens[0].repositories, line 1: the list has 101 elements, and 100 are allowed"
        ),
        (
            (0..<17).map { "- { name: a\($0), store: s, repository: o/r }\n" }.joined(),
            "ParameterMalformed: tokens, line 1: the list has 17 entries, and 16 are allowed"
        ),
        (
            String(repeating: "#", count: 70_000),
            "ParameterMalformed: tokens, line 1: it is 70000 bytes long, and 65536 are allowed"
        ),
        (
            "- &x \(token)\n- *x",
            "ParameterMalformed: tokens, line 2: anchors and aliases (&name, *name) are not accepted; write the value out"
        ),
        (
            "- { name: a, name: b, store: s, repository: o/r }",
            #"ParameterMalformed: tokens, line 1: the key "name" appears more than once in this mapping; keep one"#
        ),
    ])
    func tokens(text: String, refusal: String) {
        #expect(Call.with(tokens: text, files: file).refusal() == refusal)
    }

    /// Texts that cost little to send must cost little to refuse: they are refused by counts, before they are compared
    /// with anything.
    @Test(arguments: [
        (
            "[{" + (0..<9000).map { "k\($0)" }.joined(separator: ",") + "}]",
            "ParameterMalformed: tokens[0], line 1: the mapping has 9000 keys, and 128 are allowed"
        ),
        (
            "[{" + (0..<100).map { "k\($0)" }.joined(separator: ",") + "}]",
            #"""
            ParameterMalformed: tokens[0], line 1: unknown key "k0" (and 9 more); known keys: actions, name, \#
            permissions, repositories, repository, store
            """#
        ),
        (
            "[" + String(repeating: "a,", count: 30_000) + "]",
            "ParameterMalformed: tokens[19999], line 1: there are more than 20000 values in all"
        ),
        (
            "[" + String(repeating: "a,", count: 19_000) + "]",
            "ParameterMalformed: tokens, line 1: the list has 19000 entries, and 16 are allowed"
        ),
        (
            "[" + String(repeating: "!x a,", count: 9000) + "]",
            #"ParameterMalformed: tokens[0], line 1: the tag "!x" is not accepted (and 9 more); remove the tag"#
        ),
        (String(repeating: "[", count: 1000), "ParameterMalformed: tokens, line 1: it is nested deeper than 8 levels"),
        (
            String(repeating: "[", count: 20_000),
            "ParameterMalformed: tokens, line 1: it is nested deeper than 8 levels"
        ),
        (
            String(repeating: "- ", count: 20_000),
            "ParameterMalformed: tokens, line 1: it is nested deeper than 8 levels"
        ),
    ])
    func cheapTextsAreRefusedCheaply(text: String, refusal: String) {
        #expect(Call.with(tokens: text, files: file).refusal() == refusal)
        #expect(Call.with(tokens: "- \(token)", files: text).refusal().hasPrefix("ParameterMalformed: files"))
    }

    @Test(arguments: [
        (
            "",
            #"ParameterMissing: the parameter "files" is missing; add it to spec.parameters of the SecretProviderClass"#
        ),
        (
            "[]",
            #"ParameterMissing: the parameter "files" is an empty list; ask for at least one, or remove the volume"#
        ),
        ("- { path: t, format: token }", #"ParameterMalformed: files[0], line 1: the key "tokens" is missing"#),
        ("- { path: t, format: token, tokens: [] }", "ParameterMalformed: files[0].tokens, line 1: the list is empty"),
        (
            "- { path: t, format: token, tokens: [sorce] }",
            """
            ParameterMalformed: files[0].tokens[0], line 1: there is no token "sorce"; did you mean "source"? the tokens \
            are: "source", "image"
            """
        ),
        (
            "- { path: t, format: token, tokens: [registry] }",
            #"""
            ParameterMalformed: files[0].tokens[0], line 1: there is no token "registry"; the tokens are: "source", \#
            "image"
            """#
        ),
        (
            "- { path: t, format: token, tokens: [source] }",
            #"ParameterMalformed: tokens[1], line 2: no file uses the token "image"; name it in files, or remove it"#
        ),
        (
            "- { path: t, format: token, tokens: [source, source] }",
            "ParameterMalformed: files[0].tokens[1], line 1: this token is named twice; name it once"
        ),
        (
            "- { path: t, fromat: token, tokens: [source] }",
            #"ParameterMalformed: files[0], line 1: unknown key "fromat"; did you mean "format"?"#
        ),
        (
            "- { path: t, format: token, tokens: [source], rewriteSSH: yes }",
            #"ParameterMalformed: files[0].rewriteSSH, line 1: expected true or false, found the text "yes""#
        ),
        (
            "- { path: t, format: docker-config, tokens: [source], merge: { proxies: {} } }",
            "ParameterMalformed: files[0].merge, line 1: expected text, found a mapping"
        ),
        (
            (0..<33).map { "- { path: p\($0), format: token, tokens: [source] }\n" }.joined(),
            "ParameterMalformed: files, line 1: the list has 33 entries, and 32 are allowed"
        ),
    ])
    func files(text: String, refusal: String) {
        #expect(Call.with(files: text).refusal() == refusal)
    }

    @Test func mergeOfAllFilesIsBounded() throws {
        let merge = String(repeating: "m", count: 32 << 10)
        func call(_ files: Int) -> Call {
            let list = (0..<files).map {
                "- { path: f\($0), format: docker-config, tokens: [source, image], merge: '${m}' }\n"
            }
            var call = Call.with(files: list.joined())
            call.attributes["m"] = merge
            return call
        }
        #expect(try call(2).parse().files.map(\.merge) == [merge, merge])
        #expect(
            call(3).refusal()
                == "ParameterMalformed: files, line 1: merge of all files is 98304 bytes long, and 65536 are allowed; shorten it"
        )
    }

    @Test(arguments: [
        ("0444", 0o444), ("\"0444\"", 0o444), ("0o444", 0o444), ("'0o555'", 0o555), ("0", 0), ("0600", 0o600),
        ("01777", 0o1777), ("00644", 0o644),
    ])
    func modes(written: String, mode: Int) throws {
        let call = Call.with(files: "- { path: t, format: token, tokens: [source, image], mode: \(written) }")
        #expect(try call.parse().files[0].mode == mode)
    }

    @Test(arguments: [
        ("444", "write it in octal with a leading 0: 0444, or 0674 if the decimal number 444 is meant"),
        ("292", "write it in octal with a leading 0: the decimal number 292 is 0444"),
        ("\"444\"", "write it in octal with a leading 0: 0444, or 0674 if the decimal number 444 is meant"),
        ("0x1FF", "write it in octal with a leading 0, for example 0444"),
        ("0o", "write it in octal with a leading 0, for example 0444"),
        ("0888", "write it in octal with a leading 0, for example 0444"),
        ("0-44", "write it in octal with a leading 0, for example 0444"),
        ("r--r--r--", "write it in octal with a leading 0, for example 0444"),
        ("-0444", "write it in octal with a leading 0, for example 0444"),
        ("99999999999999999999", "write it in octal with a leading 0, for example 0444"),
    ])
    func unclearModes(written: String, fix: String) {
        let call = Call.with(files: "- { path: t, format: token, tokens: [source], mode: \(written) }")
        #expect(
            call.refusal() == "ParameterMalformed: files[0].mode, line 1: the mode can't be told for sure; \(fix)"
        )
    }
}
