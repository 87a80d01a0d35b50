// Files made of templates, as real programs read them: values come out as they went in.

import Rendering
import Testing
import TokenStore

private let odd = #"a"b'c\d<e>&f;g#h$(touch x)`i`{{j}} %(k)s ${l}, [m]: !n=o|p*?~"#

@Suite struct MustacheProgramsTests {
    /// What python3 prints for a file that was made of a template.
    private func python(_ script: String, _ template: String, _ escape: String, _ secret: String) async throws -> String
    {
        let text = try filled(template, escape, Sample.issued(secret, user: "robot$x"))
        var output = ""
        try await withScratch { scratch in
            let file = try scratch.write("file", text)
            let answer = try await scratch.run("python3", ["-c", script, file])
            #expect(answer.errors == "")
            output = answer.output
        }
        return output
    }

    @Test(arguments: ["ghs_Token123", odd, "gr\u{fc}n\u{301} \u{1F511}\u{FEFF}"])
    func json(secret: String) async throws {
        let template = #"{"auths": {"{{host}}": {"u": "{{username}}", "p": "{{password}}", "b": "{{basic}}"}}}"#
        let script = """
            import base64, json, sys
            a = json.load(open(sys.argv[1], encoding='utf-8'))['auths']['github.com']
            assert base64.b64decode(a['b']).decode() == a['u'] + ':' + a['p']
            print(a['u'], a['p'], sep='|', end='')
            """
        #expect(try await python(script, template, "json", secret) == "robot$x|\(secret)")
    }

    @Test(arguments: ["ghs_Token123", odd, "gr\u{fc}n \u{1F511}\u{FEFF}"])
    func toml(secret: String) async throws {
        let template = """
            # Cargo's credentials
            [registries.{{name}}]
            token = "Bearer {{token}}"
            """
        let script =
            "import sys, tomllib; print(tomllib.load(open(sys.argv[1], 'rb'))['registries']['source']['token'])"
        // The table's name is no value in quotes.
        let fixed = template.replacing("{{name}}", with: "source")
        #expect(try await python(script, fixed, "toml", secret) == "Bearer \(secret)\n")
    }

    @Test(arguments: ["ghs_Token123", odd, "gr\u{fc}n \u{1F511}"])
    func xml(secret: String) async throws {
        let template = """
            <settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
              <localRepository>${user.home}/.m2</localRepository>
              <!-- {{name}}: {{username}} -->
              <servers>
                {{#tokens}}
                <server id='{{host}}' p="{{password}}">
                  <id>{{name}}</id><username>{{username}}</username><password>{{password}}</password>
                </server>
                {{/tokens}}
              </servers>
            </settings>
            """
        let script = """
            import sys, xml.etree.ElementTree as t
            n = '{http://maven.apache.org/SETTINGS/1.2.0}'
            s = t.parse(sys.argv[1]).getroot().find(n + 'servers').findall(n + 'server')
            assert len(s) == 1 and s[0].get('id') == 'github.com' and s[0].get('p') == s[0].find(n + 'password').text
            print(s[0].find(n + 'username').text, s[0].find(n + 'password').text, sep='|', end='')
            """
        #expect(try await python(script, template, "xml", secret) == "robot$x|\(secret)")
    }

    /// pip reads its configuration with RawConfigParser; other readers know references and comments in lines.
    @Test(arguments: ["ghs_Token123", "a=b:c@d/e+f==", "abc%40"])
    func ini(secret: String) async throws {
        let template = """
            [global]
            index-url = https://{{url(username)}}:{{url(password)}}@pypi.example/simple

            [upload]
            username = {{username}}
            password = {{password}}
            """
        let script = """
            import configparser, sys, urllib.parse
            for p in [configparser.RawConfigParser(),
                      configparser.RawConfigParser(inline_comment_prefixes=('#', ';'))]:
                p.read(sys.argv[1])
                u = urllib.parse.urlsplit(p['global']['index-url'])
                assert u.hostname == 'pypi.example' and p.sections() == ['global', 'upload']
                print(urllib.parse.unquote(u.username), urllib.parse.unquote(u.password), p['upload']['password'], sep='|')
            """
        let line = "robot$x|\(secret)|\(secret)\n"
        #expect(try await python(script, template, "ini", secret) == line + line)
    }

    /// A user name and a password of any characters in a URL.
    @Test(arguments: [odd, "p@ss:w/rd?#"])
    func url(secret: String) async throws {
        let script = """
            import sys, urllib.parse
            u = urllib.parse.urlsplit(open(sys.argv[1]).read())
            print(u.hostname, urllib.parse.unquote(u.username), urllib.parse.unquote(u.password), sep='|', end='')
            """
        let template = "https://{{url(username)}}:{{url(password)}}@{{host}}/x"
        #expect(try await python(script, template, "none", secret) == "github.com|robot$x|\(secret)")
    }

    @Test(arguments: ["sh", "bash"], ["ghs_Token123", odd, "~", "*", "-n", "#x", "it's"])
    func shell(shell: String, secret: String) async throws {
        let template = """
            # it's a script
            set -eu
            {{#tokens}}
            user={{username}} both={{username}}:{{token}}
            {{/tokens}}
            printf '%s|%s|%s' "$user" "$both" {{token}} # {{token}}
            """
        let text = try filled(template, "shell", Sample.issued(secret, user: "robot$x"))
        try await withScratch { scratch in
            let file = try scratch.write("script", text)
            let answer = try await scratch.run(shell, [file])
            #expect(answer.output == "robot$x|robot$x:\(secret)|\(secret)")
            #expect(answer.errors == "" && answer.isSuccess)
        }
    }

    @Test func netrcOfAnotherForm() async throws {
        let template = "{{#tokens}}\nmachine {{host}}\n  login {{username}}\n  password {{password}}\n{{/tokens}}\n"
        let script = "import netrc, sys; print(netrc.netrc(sys.argv[1]).authenticators('github.com'))"
        let answer = try await python(script, template, "none", "ghs_Token123")
        #expect(answer == "('robot$x', '', 'ghs_Token123')\n")
    }
}
