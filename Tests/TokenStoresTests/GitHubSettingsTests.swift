// Settings: what follows from what, and what is refused.

import Foundation
import Testing
import TokenStore
import TokenStores

@Suite struct GitHubSettingsTests {
    private func settings(_ json: String) throws -> GitHubAppSettings {
        let whole = #"{"appID":"1","privateKey":{"file":"/k"}"# + (json.isEmpty ? "}" : ",\(json)}")
        return try JSONDecoder().decode(GitHubAppSettings.self, from: Data(whole.utf8))
    }

    @Test(arguments: [
        ("", "https://github.com"),
        (#""apiURL":"https://api.github.com/""#, "https://github.com"),
        (#""apiURL":"https://api.acme.ghe.com""#, "https://acme.ghe.com"),
        (#""apiURL":"https://GHE.example/api/v3""#, "https://ghe.example"),
        (#""apiURL":"https://ghe.example:8443/api/v3/""#, "https://ghe.example:8443"),
        (#""apiURL":"http://127.0.0.1:8080/api/v3""#, "http://127.0.0.1:8080"),
        (#""apiURL":"https://proxy.example/github","webURL":"https://ghe.example""#, "https://ghe.example"),
    ])
    func webURLFollows(json: String, origin: String) throws {
        let service = try GitHubAppStore.service(for: settings(json))
        #expect(service.git?.origin == origin)
        #expect(service.git?.nameParts == 2...2)
        #expect(service.git?.namesIgnoreCase == true)
        #expect(service.registryHost == nil)
    }

    @Test func registryHostIsTaken() throws {
        #expect(try GitHubAppStore.service(for: settings(#""registryHost":"GHCR.io""#)).registryHost == "ghcr.io")
    }

    @Test(arguments: [
        (#""apiURL":"http://ghe.example/api/v3""#, "apiURL can't be used: the server's URL must be https"),
        (#""apiURL":"https://u:hunter2@ghe.example/api/v3""#, "apiURL can't be used: it holds a user name"),
        (#""apiURL":"https://ghe.example/api?x=1""#, "apiURL can't be used: its path holds a query"),
        (#""apiURL":"https://ghe.example/a/../b""#, "apiURL can't be used: its path holds a query"),
        (#""apiURL":"https://ghe.example//api""#, "apiURL can't be used: its path holds a query"),
        (#""apiURL":"ghe.example""#, "apiURL can't be used: it is no URL"),
        (#""apiURL":"https://ghe.example""#, "webURL is missing, and it does not follow from apiURL"),
        (#""apiURL":"https://api.github.com","webURL":"https://x.example/p""#, "webURL can't be used"),
        (#""webURL":"https://ghe.example""#, "webURL is https://ghe.example, but without apiURL"),
        (#""registryHost":"https://ghcr.io""#, "registryHost is no host name"),
        (#""registryHost":"ghcr.io/o""#, "registryHost is no host name"),
        (#""registryHost":"""#, "registryHost is no host name"),
        (#""installationID":0"#, "installationID is 0"),
    ])
    func refuses(json: String, text: String) throws {
        let settings = try settings(json)
        do throws(TokenStoreError) {
            _ = try GitHubAppStore.service(for: settings)
            Issue.record("taken")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.message.hasPrefix(text), "\(error)")
            #expect(!"\(error)".contains("hunter2"))
            #expect(!error.fix.isEmpty)
        }
    }

    @Test(arguments: ["", " 1", "1\n2", "a\"b", "ä"]) func refusesOddAppIDs(id: String) {
        let settings = GitHubAppSettings(appID: id, privateKey: SecretReference(file: "/k"))
        #expect(throws: TokenStoreError.self) { try GitHubAppStore.service(for: settings) }
    }

    @Test func knowsGitHubsPermissions() {
        #expect(GitHubAppStore.kind == "github-app")
        for name in ["contents", "metadata", "packages", "pull_requests", "workflows"] {
            #expect(GitHubAppStore.knownPermissions.contains(name))
        }
        #expect(!GitHubAppStore.knownPermissions.contains("members"))
        #expect(BuiltinStores.all.first?.kind == "github-app")
    }
}
