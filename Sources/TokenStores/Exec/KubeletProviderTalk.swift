// The protocol of kubelet's image credential providers, version v1
// (<https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/>).

import TokenStore

/// Sends a request for an image and picks the credential that kubelet would use for it.
struct KubeletProviderTalk: ExecTalk {
    static let apiVersion = "credentialprovider.kubelet.k8s.io/v1"

    let arguments: [String] = []

    private let host: String
    private let audience: String?
    private let annotations: [String: String]
    private let failures: ProgramFailures

    init(
        _ service: TokenService,
        audience: String?,
        annotations: [String: String],
        failures: ProgramFailures
    ) throws(TokenStoreError) {
        guard let host = service.registryHost else {
            throw TokenStoreError(
                .misconfigured,
                "a kubelet-credential-provider is asked about images, and registryHost is not set",
                fix: "set registryHost to the registry of the images"
            )
        }
        if let audience, audience.isEmpty || audience.utf8.count > 256 || !audience.utf8.allSatisfy({ $0 > 0x20 }) {
            throw TokenStoreError(
                .misconfigured,
                "audience is empty, longer than 256 bytes, or holds spaces",
                fix: "write the audience that the program's service expects"
            )
        }
        guard audience != nil || annotations.isEmpty else {
            throw TokenStoreError(
                .misconfigured,
                "serviceAccountAnnotations go with a service account token, and audience is not set",
                fix: "set audience, or remove them"
            )
        }
        self.host = DockerHelperTalk.hubHosts.contains(host) ? "docker.io" : host
        self.audience = audience
        self.annotations = annotations
        self.failures = failures
    }

    private struct Request: Encodable {
        let apiVersion = KubeletProviderTalk.apiVersion
        let kind = "CredentialProviderRequest"
        let image: String
        let serviceAccountToken: String?
        let serviceAccountAnnotations: [String: String]?
    }

    func input(_ request: TokenRequest) throws(TokenStoreError) -> Secret {
        var token: Secret?
        if let audience { token = try AskChecks.subjectToken(request, audience: audience) }
        let body = Request(
            image: images(request)[0],
            serviceAccountToken: token?.revealText(),
            serviceAccountAnnotations: annotations.isEmpty ? nil : annotations
        )
        return Secret(try JSONBody.encode(body))
    }

    /// The images without tag and digest, as kubelet sends them.
    private func images(_ request: TokenRequest) -> [String] { request.scope.repositories.map { "\(host)/\($0)" } }

    private struct Answer: Decodable {
        struct Entry: Decodable {
            let username: String?
            let password: String?
        }
        let cacheKeyType: String?
        let cacheDuration: KubeletDuration?
        let auth: [String: Entry]?
    }

    private struct Form: Decodable {
        let apiVersion: String?
        let kind: String?
    }

    func credential(
        _ output: ProgramOutput,
        for request: TokenRequest
    ) throws(TokenStoreError) -> ForeignCredential {
        guard output.status == 0 else { throw failures.failed(output) }
        let body = output.output.reveal()
        guard let form = JSONBody.decode(Form.self, body) else { throw failures.unreadable("does not write JSON") }
        guard form.apiVersion == Self.apiVersion, form.kind == "CredentialProviderResponse" else {
            throw failures.unreadable("does not answer with a CredentialProviderResponse of \(Self.apiVersion)")
        }
        guard let answer = JSONBody.decode(Answer.self, body) else {
            throw failures.unreadable("answers with a CredentialProviderResponse whose fields are of wrong types")
        }
        // kubelet drops an answer with another one.
        guard ["Image", "Registry", "Global"].contains(answer.cacheKeyType) else {
            throw failures.unreadable("answers with a cacheKeyType that is none of Image, Registry and Global")
        }
        let auth = answer.auth ?? [:]
        let keys = images(request).map { KubeletKeys.best(Array(auth.keys), for: $0) }
        guard let key = keys[0], let entry = auth[key] else {
            throw failures.nothing(for: images(request)[0], fix: "see its own configuration, or correct registryHost")
        }
        guard keys.allSatisfy({ $0 == key }) else {
            throw TokenStoreError(
                .refused,
                "\(failures.program) has no one credential for all \(keys.count) repositories",
                fix: "ask for one token for each repository"
            )
        }
        return ForeignCredential(
            username: entry.username,
            token: Secret(utf8: entry.password ?? ""),
            // So long the answer may be used again; the token itself lasts longer, and nobody says how long.
            refreshAfter: answer.cacheDuration.flatMap { $0.length == .zero ? nil : $0.length }
        )
    }
}
