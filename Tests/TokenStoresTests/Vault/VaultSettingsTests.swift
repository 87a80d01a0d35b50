// Settings of the Vault stores: what follows from them, and what is refused.

import Foundation
import LoopbackSources
import Testing
import TokenStore
import TokenStores

@Suite struct VaultSettingsTests {
    private static let head = #""address":"https://vault.example.com:8200","auth":{"method":"jwt","role":"builds"},"#
    private static let secret = #""secret":{"path":"github/token","username":"x","passwordKey":"token"}"#
    private static let git = #","gitURL":"https://github.com""#

    private func message<Settings: Decodable>(
        _ json: String,
        _ service: (Settings) throws(TokenStoreError) -> TokenService
    ) throws -> String {
        let settings = try JSONDecoder().decode(Settings.self, from: Data("{\(json)}".utf8))
        do throws(TokenStoreError) {
            _ = try service(settings)
            return "taken"
        } catch {
            #expect(error.code == .misconfigured)
            #expect(!error.fix.isEmpty)
            return error.message
        }
    }

    @Test(arguments: [
        (head + secret + git, "taken"),
        (head + secret, "neither gitURL nor registryHost nor otherHost is set"),
        (
            head + secret + #","registryHost":"r.example.com","namesIgnoreCase":true"#,
            "namesIgnoreCase is about git, and gitURL is not set"
        ),
        (head + secret + #","registryHost":"https://r""#, "registryHost is no host name"),
        (
            head + secret + #","registryHost":"r.example.com","registryCredential":"other""#,
            "registryCredential is none of basic, identityToken, registryToken"
        ),
        (head + secret + #","otherHost":"pypi.example.com:8443""#, "taken"),
        (head + secret + git + #","namespace":"a/b/""#, "taken"),
        (head + secret + git + #","namespace":"a//b""#, "namespace is no path of Vault"),
        (head + secret + git + #","namespace":"..""#, "namespace is no path of Vault"),
        (head + secret + git + #","leaseSeconds":59"#, "leaseSeconds is 59"),
        (head + secret + git + #","leaseSeconds":2764801"#, "leaseSeconds is 2764801"),
        (
            #""address":"http://vault.example.com","auth":{"method":"jwt","role":"r"},"# + secret + git,
            "address can't be used: the server's URL must be https (http is taken on a loopback address only)"
        ),
        (
            #""address":"https://v","auth":{"method":"jwt","role":""},"# + secret + git,
            "auth.role is empty or holds characters that no role has"
        ),
        (
            #""address":"https://v","auth":{"method":"kubernetes","mount":"/k","role":"r"},"# + secret + git,
            "auth.mount is no path of Vault"
        ),
        (
            #""address":"https://v","auth":{"method":"jwt","role":"r","audience":"a","jwtFile":{"file":"/t"}},"#
                + secret + git,
            "auth has both audience and jwtFile"
        ),
    ])
    func servers(json: String, expected: String) throws {
        #expect(
            try message(json) { (s: VaultSettings) throws(TokenStoreError) in try VaultStore.service(for: s) }
                == expected
        )
    }

    /// The message about two placeholders that run into each other.
    private static func told(_ left: String, _ right: String) -> String {
        "secret.path has {\(left)} and {\(right)} between two slashes, and nothing tells where the first one ends"
    }

    @Test(arguments: [
        (#""path":"github/token""#, "secret must have one of username and usernameKey"),
        (#""path":"g","username":"a","usernameKey":"b""#, "secret must have one of username and usernameKey"),
        (#""path":"g","username":"a:b""#, "secret must have one of username and usernameKey"),
        (#""username":"a","path":"/github/token""#, "secret.path is no path of Vault"),
        (#""username":"a","path":"github/../sys/raw""#, "secret.path is no path of Vault"),
        (#""username":"a","path":"github/token?x=1""#, "secret.path is no path of Vault"),
        (#""username":"a","path":"""#, "secret.path is no path of Vault"),
        (#""username":"a","path":"g/{owner}/{name}""#, "taken"),
        (#""username":"a","path":"g/x-{namespace}.{name}""#, "taken"),
        (#""username":"a","path":"g/{serviceAccount}_{podUID}_{podName}/{name}-x""#, "taken"),
        (#""username":"a","path":"g/{namespace}-._{podName}""#, "taken"),
        (#""username":"a","path":"g/{namespace}-{podName}""#, told("namespace", "podName")),
        (#""username":"a","path":"g/{namespace}{podName}/x""#, told("namespace", "podName")),
        (#""username":"a","path":"g/{serviceAccount}.{podName}""#, told("serviceAccount", "podName")),
        (#""username":"a","path":"g/{namespace}.{podUID}-{podName}""#, told("podUID", "podName")),
        (#""username":"a","path":"g/x-{name}.{namespace}""#, told("name", "namespace")),
        (#""username":"a","path":"g/{name}_{namespace}""#, told("name", "namespace")),
        (
            #""username":"a","path":"g/x-{repository}""#,
            "secret.path has {repository} beside other text between two slashes"
        ),
        (#""username":"a","path":"{permissions}""#, "secret.path holds {permissions}, which is no part of a path"),
        (
            #""username":"a","path":"g/x{names}""#,
            "secret.path mixes a placeholder for a list with text; let it stand alone, as a parameter"
        ),
        (#""username":"a","path":"g/{branch}""#, "secret.path has a placeholder that nothing is known for"),
        (#""username":"a","path":"g/name}""#, "secret.path has a brace that belongs to no placeholder"),
        (
            #""username":"a","path":"g","parameters":{"p":"{permissions}"}"#,
            "secret.parameters has {permissions}, a mapping, and a GET can't carry one"
        ),
        (
            #""username":"a","path":"g","method":"POST","parameters":{"p":["{names}"]}"#,
            "secret.parameters.p is a list that holds a placeholder for a list"
        ),
        (
            #""username":"a","path":"g","wrapped":{}"#,
            "secret.wrapped is neither an answer that is wrapped nor a wrapping token in a field"
        ),
        (
            #""username":"a","path":"g","wrapped":{"ttlSeconds":5}"#,
            "secret.wrapped is neither an answer that is wrapped nor a wrapping token in a field"
        ),
        (
            #""username":"a","path":"g","wrapped":{"tokenKey":"t","creationPath":"sys/wrapping/wrap"}"#,
            "secret.wrapped.tokenKey is for what somebody deposited, and a store of kind vault mints"
        ),
        (#""username":"a","path":"g","echo":{}"#, "secret.echo has neither repositoriesKey nor permissionsKey"),
        (
            #""username":"a","path":"g","reach":"exact""#,
            "secret.reach is exact, and neither path nor parameters tell Vault the repositories"
        ),
        (
            #""username":"a","path":"g/{name}","reach":"exact""#,
            "secret.reach is exact, and neither path nor parameters tell Vault the repositories"
        ),
        (
            #""username":"a","path":"g/{repository}","reach":"exact""#,
            "secret.reach is exact, and no parameter tells Vault the permissions or actions"
        ),
        (
            #""username":"a","path":"g/{repository}","reach":"exact","parameters":{"scope":"{actions}"}"#,
            "taken"
        ),
        (
            #""username":"a","path":"g","reach":"exact","method":"POST","parameters":"#
                + #"{"o":"{owner}","r":"{names}","p":"{permissions}","installation_id":42}"#,
            "taken"
        ),
    ])
    func secrets(json: String, expected: String) throws {
        let whole = Self.head + #""secret":{"passwordKey":"token",\#(json)}"# + Self.git
        #expect(
            try message(whole) { (s: VaultSettings) throws(TokenStoreError) in try VaultStore.service(for: s) }
                == expected
        )
    }

    @Test(arguments: [
        (#""path":"ci""#, "taken"),
        (#""path":"ci","version":3"#, "taken"),
        (#""path":"ci","version":0"#, "secret.version is for KV version 2, and counts from 1"),
        (#""path":"ci","engine":"kv1","version":3"#, "secret.version is for KV version 2, and counts from 1"),
        (#""path":"ci","method":"POST""#, "secret.method and secret.parameters are for engine: unleased"),
        (#""path":"ci","mount":"a/../b""#, "secret.mount is no path of Vault"),
        (#""path":"gcp/token","engine":"unleased","method":"POST""#, "taken"),
        (#""path":"ci","wrapped":{"tokenKey":"t","creationPath":"sys/wrapping/wrap"}"#, "taken"),
        (
            #""path":"ci","wrapped":{"tokenKey":"t"}"#,
            "secret.wrapped is neither an answer that is wrapped nor a wrapping token in a field"
        ),
    ])
    func kv(json: String, expected: String) throws {
        let whole = Self.head + #""secret":{"passwordKey":"token","username":"x",\#(json)}"# + Self.git
        #expect(
            try message(whole) { (s: VaultKVSettings) throws(TokenStoreError) in try VaultKVStore.service(for: s) }
                == expected
        )
    }

    @Test func whatTokensReachIsTheOperatorsWord() {
        #expect(VaultStore.reach(for: VaultFixture.settings()) == .exact)
        #expect(
            VaultStore.reach(for: VaultFixture.settings { $0.reach = nil })
                == .wider("all that the engine gives at github/token in Vault")
        )
        let kv = VaultKVSettings.SecretSettings(path: "ci", username: "x", passwordKey: "token")
        #expect(
            VaultKVStore.reach(for: VaultFixture.kvSettings(kv))
                == .wider("whatever the token that lies in Vault reaches")
        )
        #expect(VaultKVStore.subjectTokenAudience(for: VaultFixture.kvSettings(kv)) == "vault")
    }

    @Test func nestedNamesAreTaken() throws {
        let service = try VaultStore.service(for: VaultFixture.settings())
        #expect(try service.repository("group/sub/project") == "group/sub/project")
        #expect(service.git?.namesIgnoreCase == true)
    }

    @Test func bothKindsAreThere() {
        #expect(BuiltinStores.all.map { $0.kind }.filter { $0.hasPrefix("vault") } == ["vault", "vault-kv"])
    }
}
