// Settings: what follows from what, and what is refused.

import Foundation
import Testing
import TokenStore
import TokenStores

@Suite struct OCIRegistrySettingsTests {
    private func settings(_ json: String) throws -> OCIRegistrySettings {
        var members = [
            "registry": #""https://registry.example.com""#,
            "credential": #"{"username":"u","password":{"file":"/p"}}"#,
        ]
        for (key, value) in try JSONDecoder().decode([String: Value].self, from: Data("{\(json)}".utf8)) {
            members[key] = value.json
        }
        let text = members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
        return try JSONDecoder().decode(OCIRegistrySettings.self, from: Data("{\(text)}".utf8))
    }

    /// A text or an object, as it was written.
    private struct Value: Decodable {
        let json: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                json = String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
            } else {
                let account = try container.decode([String: String].self)
                json = #"{"username":\#(Self.quoted(account["username"])),"password":{"file":"/p"}}"#
            }
        }

        private static func quoted(_ text: String?) -> String {
            (try? JSONEncoder().encode(text ?? "")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }

    @Test(arguments: [
        ("", "registry.example.com", RegistryCredential.registryToken),
        (#""hand":"registry-token""#, "registry.example.com", .registryToken),
        (#""hand":"identity-token""#, "registry.example.com", .identityToken),
        (#""registry":"https://Registry.example.com:5000/""#, "registry.example.com:5000", .registryToken),
        (#""registry":"http://127.0.0.1:5000""#, "127.0.0.1:5000", .registryToken),
        (#""registry":"https://docker.io""#, "docker.io", .registryToken),
        (#""registry":"https://index.docker.io""#, "docker.io", .registryToken),
        (#""registry":"https://registry-1.docker.io""#, "docker.io", .registryToken),
    ])
    func service(json: String, host: String, credential: RegistryCredential) throws {
        let service = try OCIRegistryStore.service(for: settings(json))
        #expect(service == TokenService(registryHost: host, registryCredential: credential))
    }

    @Test(arguments: [
        (#""registry":"http://registry.example.com""#, "registry can't be used: the server's URL must be https"),
        (#""registry":"https://registry.example.com/v2""#, "registry can't be used: the server's URL must end"),
        (#""registry":"registry.example.com""#, "registry can't be used: it is no URL"),
        (#""registry":"https://u:hunter2@registry.example.com""#, "registry can't be used: it holds a user name"),
        (#""tokenServer":"http://auth.example.com""#, "tokenServer can't be used: the server's URL must be https"),
        (#""tokenServer":"https://auth.example.com/token?x=1""#, "tokenServer can't be used: its path holds a query"),
        (#""hand":"bearer""#, "hand is neither registry-token nor identity-token"),
        (#""service":"""#, "service is empty, too long"),
        (#""service":"a\nb""#, "service is empty, too long"),
        (#""credential":{"username":""}"#, "credential.username is empty"),
        (#""credential":{"username":"a:b"}"#, "credential.username is empty, too long, or holds a colon"),
        (#""credential":{"username":"a\u0000"}"#, "credential.username is empty, too long, or holds a colon"),
    ])
    func refuses(json: String, text: String) throws {
        let settings = try settings(json)
        do throws(TokenStoreError) {
            _ = try OCIRegistryStore.service(for: settings)
            Issue.record("taken")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.message.hasPrefix(text), "\(error)")
            #expect(!"\(error)".contains("hunter2"))
            #expect(!error.fix.isEmpty)
        }
    }
}
