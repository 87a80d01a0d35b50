// Repository URLs and image references as tenants write them: what is taken, what is refused, and in which words.

import Testing
import TokenStore

@Suite struct RepositoryReferenceTests {
    private let github = TokenService(git: try? GitServer(webURL: "https://github.com", namesIgnoreCase: true))

    private func refusal(_ service: TokenService, _ reference: String) -> String? {
        do {
            _ = try service.repository(reference)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ("https://github.com/our-org/x", "our-org/x"),
        ("https://github.com/our-org/x.git", "our-org/x"),
        ("https://github.com/our-org/x.git/", "our-org/x"),
        ("https://github.com/our-org/x/", "our-org/x"),
        ("HTTPS://GitHub.COM/Our-Org/X", "Our-Org/X"),
        ("https://github.com:443/our-org/x", "our-org/x"),
        ("our-org/x", "our-org/x"),
        ("our-org/x.git", "our-org/x"),
        ("our_org/.github", "our_org/.github"),
        ("o/a.b-c_d", "o/a.b-c_d"),
    ])
    func namesOnAGitServer(reference: String, name: String) throws {
        #expect(try github.repository(reference) == name)
    }

    @Test(arguments: [
        ("https://user@github.com/o/r", "user name or password"),
        ("https://user:hunter2@github.com/o/r", "user name or password"),
        ("https://github.com@evil.example/o/r", "user name or password"),
        ("https://github.com\\@evil.example/o/r", "user name or password"),
        ("http://github.com/o/r", "its scheme is http"),
        ("ssh://git@github.com/o/r", "its scheme is \"ssh\""),
        ("git://github.com/o/r", "its scheme is \"git\""),
        ("file:///etc/passwd", "its scheme is \"file\""),
        ("ext::sh -c evil", "no URL that begins with https://"),
        ("git@github.com:o/r.git", "no URL that begins with https://"),
        ("https://gitlab.com/o/r", "its host is gitlab.com"),
        ("https://github.com.evil.example/o/r", "its host is github.com.evil.example"),
        ("https://github.com:8443/o/r", "its host is github.com:8443"),
        ("https://github.com:/o/r", "its port is malformed"),
        ("https://github.com:+443/o/r", "its port is malformed"),
        ("https://github.com:99999/o/r", "its port is malformed"),
        ("https://github.com?x/o/r", "is malformed"),
        ("https:///o/r", "is malformed"),
        ("https://gıthub.com/o/r", "its host is malformed"),
        ("https://\u{212A}.example/o/r", "its host is malformed"),
        ("https://github.com/o/r?x=1", "a query, a fragment, an escape"),
        ("https://github.com/o/r#main", "a query, a fragment, an escape"),
        ("https://github.com/o/%2e%2e", "a query, a fragment, an escape"),
        ("https://github.com/o/r\n", "a query, a fragment, an escape"),
        ("https://github.com/o/r r", "a query, a fragment, an escape"),
        ("https://github.com/../o/r", "is no repository name"),
        ("https://github.com/o/..", "is no repository name"),
        ("https://github.com/o/.", "is no repository name"),
        ("https://github.com/o", "is no repository name"),
        ("https://github.com/", "is no repository name"),
        ("https://github.com", "is no repository name"),
        ("https://github.com//o/r", "is no repository name"),
        ("https://github.com/o/r/tree/main", "is no repository name"),
        ("https://github.com/o/-r", "is no repository name"),
        ("https://github.com/o/.git", "is no repository name"),
        ("https://github.com/o/r.git.git", "does not end in .git"),
        ("o/r.GIT", "does not end in .git"),
        ("", "is no repository name"), ("o", "is no repository name"), ("/o/r", "is no repository name"),
        ("o/../r", "is no repository name"), ("../r", "is no repository name"), ("o//r", "is no repository name"),
        ("o/r;id", "is no repository name"), ("o/r\u{301}", "is no repository name"), ("o/ä", "is no repository name"),
        ("o/*", "is no repository name"),
    ])
    func refusesOnAGitServer(reference: String, reason: String) throws {
        let message = try #require(refusal(github, reference))
        #expect(message.contains(reason))
        #expect(!message.contains("hunter2"))
        #expect(message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test func refusesALongURL() throws {
        let long = "https://github.com/o/" + String(repeating: "a", count: 3000)
        #expect(refusal(github, long) == "it is longer than 2048 bytes")
        let name = try #require(refusal(github, "o/" + String(repeating: "a", count: 3000)))
        #expect(name.utf8.count < 200)
    }

    @Test func takesNestedNamesWhereTheServerHasThem() throws {
        let server = try GitServer(webURL: "https://git.example:8443/", nameParts: 2...5)
        #expect(server.origin == "https://git.example:8443")
        #expect(try server.repository("https://git.example:8443/a/b/c.git") == "a/b/c")
        #expect(throws: RepositoryReferenceError.self) { try server.repository("a/b/c/d/e/f") }
        #expect(throws: RepositoryReferenceError.self) { try server.repository("https://git.example/a/b") }
    }

    @Test(arguments: [
        ("https://github.com", "https://github.com"), ("https://GHE.example/", "https://ghe.example"),
        ("https://ghe.example:443", "https://ghe.example"), ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80", "http://localhost"), ("http://[::1]:9", "http://[::1]:9"),
    ])
    func takesServers(url: String, origin: String) throws {
        #expect(try GitServer(webURL: url).origin == origin)
    }

    @Test(arguments: [
        "http://github.com", "http://127.0.0.1.evil.example", "http://128.0.0.1", "http://127.1", "https://",
        "github.com",
        "https://u@github.com", "https://github.com/path", "https://github.com?x", "ftp://github.com",
        "https://[::1", "https://[::1]x", "https://a b", "",
    ])
    func refusesServers(url: String) {
        #expect(throws: RepositoryReferenceError.self) { try GitServer(webURL: url) }
    }

    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("ghcr.io/o/image", "o/image"), ("ghcr.io/o/image:1.0", "o/image"), ("o/image:latest", "o/image"),
        ("image", "image"), ("image:tag", "image"), ("GHCR.io/o/image", "o/image"),
        ("o/image@\(digest)", "o/image"), ("ghcr.io/o/image:tag@\(digest)", "o/image"),
        ("a/b/c/d", "a/b/c/d"), ("o/a.b_c__d---e", "o/a.b_c__d---e"),
    ])
    func namesOnARegistry(reference: String, name: String) throws {
        #expect(try TokenService(registryHost: "ghcr.io").repository(reference) == name)
    }

    @Test(arguments: [
        ("https://ghcr.io/o/image", "has no scheme"),
        ("docker://ghcr.io/o/image", "has no scheme"),
        ("docker.io/o/image", "its registry is docker.io"),
        ("ghcr.io:8443/o/image", "its registry is ghcr.io:8443"),
        ("localhost/o/image", "its registry is localhost"),
        ("user:hunter2@ghcr.io/o/image", "no digest follows"),
        ("o/image@", "no digest follows"),
        ("o/image@sha256:zz", "no digest follows"),
        ("o/image:", "its tag is malformed"),
        ("o/image:a b", "its tag is malformed"),
        ("o/image:-x", "its tag is malformed"),
        ("O/image", "is no image repository"),
        ("o/../image", "is no image repository"),
        ("o//image", "is no image repository"),
        ("/o/image", "is no image repository"),
        ("o/image/", "is no image repository"),
        ("o/.image", "is no image repository"),
        ("o/a..b", "is no image repository"),
        ("o/a___b", "is no image repository"),
        ("o/a.-b", "is no image repository"),
        ("o/a-", "is no image repository"),
        ("o/*", "is no image repository"),
        ("", "is no image repository"),
    ])
    func refusesOnARegistry(reference: String, reason: String) throws {
        let message = try #require(refusal(TokenService(registryHost: "ghcr.io"), reference))
        #expect(message.contains(reason))
        #expect(!message.contains("hunter2"))
    }

    @Test func needsAService() {
        #expect(refusal(TokenService(), "o/r") == "this store has neither a git server nor a registry nor another host")
    }
}
