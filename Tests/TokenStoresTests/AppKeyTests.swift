// Key files as operators have them: real keys made by openssl, and the usual mistakes.

import Logging
import Subprocess
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct AppKeyTests {
    private func openssl(_ arguments: [String], _ input: String = "") async throws -> String {
        let result = try await run(
            .name("openssl"),
            arguments: Arguments(arguments),
            input: .string(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16)
        )
        try #require(result.terminationStatus.isSuccess, "openssl: \(result.standardError)")
        return result.standardOutput
    }

    private func store(_ pem: String) throws(TokenStoreError) -> GitHubAppStore {
        let settings = GitHubAppSettings(appID: "1", privateKey: SecretReference(file: "/k.pem"), installationID: 1)
        return try GitHubAppStore(
            settings: settings,
            context: TokenStoreContext(
                name: "github",
                clock: ManualClock(),
                http: ScriptedTransport(),
                secrets: FixedSecrets(["/k.pem": pem]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
    }

    private func mistake(_ pem: String) -> String {
        do throws(TokenStoreError) {
            _ = try store(pem)
            return "taken"
        } catch {
            // Nothing of the key may be in the message.
            let secretLines = pem.split(separator: "\n").filter { $0.count > 40 && !$0.contains("-----") }
            #expect(!secretLines.contains { "\(error)".contains($0) })
            #expect(error.code == .misconfigured)
            #expect(!error.fix.isEmpty)
            return error.message
        }
    }

    @Test func takesWhatGitHubGeneratesAndWhatOpenSSLConverts() async throws {
        let pkcs1 = try await openssl(["genrsa", "-traditional", "2048"])
        #expect(pkcs1.hasPrefix("-----BEGIN RSA PRIVATE KEY-----"))
        let pkcs8 = try await openssl(["pkcs8", "-topk8", "-nocrypt"], pkcs1)
        #expect(pkcs8.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        _ = try store(pkcs1)
        _ = try store(pkcs8)
        // Windows line breaks, indentation as YAML leaves it, blank lines.
        _ = try store(pkcs1.replacing("\n", with: "\r\n"))
        _ = try store("\n  " + pkcs1.replacing("\n", with: "  \n  ") + "\n\n")
    }

    @Test func explainsMistakes() async throws {
        let pkcs1 = try await openssl(["genrsa", "-traditional", "2048"])
        let lines = pkcs1.split(separator: "\n").map(String.init)
        let publicKey = try await openssl(["rsa", "-pubout"], pkcs1)
        let rsaPublicKey = try await openssl(["rsa", "-RSAPublicKey_out"], pkcs1)
        let encrypted = try await openssl(["pkcs8", "-topk8", "-passout", "pass:x"], pkcs1)
        let encryptedOld = try await openssl(["rsa", "-traditional", "-aes128", "-passout", "pass:x"], pkcs1)
        let certificate = try await openssl(["req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=x"], pkcs1)
        let short = try await openssl(["genrsa", "-traditional", "1024"])
        let curve = try await openssl(["ecparam", "-genkey", "-noout", "-name", "prime256v1"])
        let curve8 = try await openssl(["pkcs8", "-topk8", "-nocrypt"], curve)
        let base64 = try await openssl(["base64", "-A"], pkcs1)

        let file = "the private key file /k.pem "
        #expect(mistake("") == file + "is empty")
        #expect(mistake(" \n") == file + "is empty")
        let escaped = file + "holds the two characters \\n where line breaks belong"
        #expect(mistake(lines.joined(separator: "\\n")) == escaped)
        #expect(mistake(lines[0]) == file + "ends before its -----END line; perhaps only its first line was stored")
        let half = lines.prefix(5).joined(separator: "\n")
        #expect(mistake(half) == file + "ends before its -----END line; perhaps only its first line was stored")
        #expect(mistake(lines.joined(separator: " ")) == file + "has lost its line breaks")
        #expect(mistake(publicKey) == file + "holds a public key, not the private one")
        #expect(mistake(rsaPublicKey) == file + "holds a public key, not the private one")
        #expect(mistake(encrypted) == file + "holds a key that is encrypted with a passphrase")
        #expect(mistake(encryptedOld) == file + "holds a key that is encrypted with a passphrase")
        #expect(mistake(certificate) == file + "holds a certificate, not a private key")
        #expect(mistake(base64) == file + "holds a PEM that was encoded in base64 once more")
        #expect(mistake(curve) == file + "holds an elliptic curve key, and GitHub takes RSA only")
        #expect(mistake("123456") == file + "holds no PEM: it has no line that begins with -----BEGIN")
        let unreadable = file + "holds no readable RSA private key of 2048 bits or more"
        #expect(mistake(short) == unreadable)
        #expect(mistake(curve8) == unreadable)
        #expect(
            mistake(lines.enumerated().filter { $0.offset != 4 }.map(\.element).joined(separator: "\n")) == unreadable
        )
        #expect(
            mistake("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n").contains(
                "OpenSSH"
            )
        )
    }

    @Test func aMissingFileIsNamed() {
        let settings = GitHubAppSettings(appID: "1", privateKey: SecretReference(file: "/other.pem"))
        let context = TokenStoreContext(
            name: "github",
            clock: ManualClock(),
            http: ScriptedTransport(),
            secrets: FixedSecrets(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        do throws(TokenStoreError) {
            _ = try GitHubAppStore(settings: settings, context: context)
            Issue.record("taken")
        } catch {
            #expect("\(error)" == "misconfigured: /other.pem does not exist; create it")
        }
    }
}
