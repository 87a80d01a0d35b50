// The key `server.adminHTTP`.

import Testing

@testable import Policy

@Suite struct AdminHTTPSettingsTests {
    private func load(_ value: String) throws -> AdminHTTPSettings? {
        let yaml = "stores: { push: { kind: fake-registry, host: registry.example } }\nserver: { adminHTTP: \(value) }"
        return try NodeConfiguration.load(yaml: yaml, file: "node.yaml", kinds: fakeKinds).server.adminHTTP
    }

    @Test(arguments: [
        ("\"0.0.0.0:8095\"", AdminHTTPSettings.Listen.ip4("0.0.0.0", port: 8095)),
        ("127.0.0.1:0", .ip4("127.0.0.1", port: 0)), ("10.1.2.3:65535", .ip4("10.1.2.3", port: 65535)),
        ("\"[::]:8095\"", .ip6("::", port: 8095)), ("\"[::1]:80\"", .ip6("::1", port: 80)),
        ("\"[fd00::1:2]:8095\"", .ip6("fd00::1:2", port: 8095)),
        ("/run/daypass/http.sock", .unix("/run/daypass/http.sock")),
    ])
    func readsWhereToListen(_ text: String, _ listen: AdminHTTPSettings.Listen) throws {
        #expect(try load("{ listen: \(text) }") == AdminHTTPSettings(listen: listen, status: .loopback))
    }

    @Test(arguments: AdminHTTPSettings.Status.allCases)
    func readsWhoSeesTheStatusPage(_ status: AdminHTTPSettings.Status) throws {
        #expect(try load("{ listen: 0.0.0.0:8095, status: \(status.rawValue) }")?.status == status)
    }

    @Test(arguments: ["", "~", "null"])
    func nothingIsOff(_ text: String) throws { #expect(try load(text) == nil) }

    private static let noListen =
        "it is neither an address with a port nor the path of a socket; write "
        + "\"0.0.0.0:8095\" for all addresses, \"[::]:8095\" for IPv6 too, or /run/daypass/http.sock"
    private static let noAddress =
        "what stands before the port is no IP address; write 127.0.0.1 for localhost, "
        + "0.0.0.0 for all addresses, an IPv6 address in brackets"

    @Test(arguments: [
        ("8095", noListen), ("\":8095\"", noListen), ("0.0.0.0", noListen), ("\"0.0.0.0:\"", noListen),
        ("0.0.0.0:65536", noListen), ("0.0.0.0:-1", noListen), ("0.0.0.0:80a", noListen), ("run/x.sock", noListen),
        ("\"0.0.0.0: 80\"", noListen), ("localhost:8095", noAddress), ("0.0.0:8095", noAddress),
        ("\"::1:8095\"", noAddress), ("\"[::1:8095\"", noAddress), ("\"[]:8095\"", noAddress),
        ("\"[fe80::1%eth0]:8095\"", noAddress), ("256.0.0.1:8095", noAddress), ("\"[127.0.0.1]:8095\"", noAddress),
        ("/run/", "it is no path of a file; write the whole path, from the root: /..."),
        ("/\(String(repeating: "s", count: 90))", "the path has 91 bytes, and 90 fit"),
    ])
    func whatIsNoAddressIsRefused(_ text: String, _ message: String) {
        problem("{ listen: \(text) }", "server.adminHTTP.listen: \(message)")
    }

    @Test func otherMistakesAreNamed() {
        problem("{}", "server.adminHTTP: the key \"listen\" is missing")
        problem("on", "server.adminHTTP: expected")
        problem(
            "{ listen: 0.0.0.0:1, status: yes }",
            "server.adminHTTP.status: it does not say who may see the page; write loopback, all or off"
        )
        problem("{ listen: 0.0.0.0:1, state: all }", #"server.adminHTTP: unknown key "state"; did you mean "status"?"#)
    }

    private func problem(_ value: String, _ expected: String) {
        do {
            let settings = try load(value)
            Issue.record("\(value) is taken for \(settings.debugDescription)")
        } catch {
            #expect("\(error)".contains("error: \(expected)"), "\(error)")
        }
    }
}
