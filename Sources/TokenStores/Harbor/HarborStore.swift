// Robot accounts of a Harbor project.

package import TokenStore

/// Makes a robot account for each build, of the project that its image lies in.
///
/// A robot reaches all repositories of its project: Harbor knows no narrower one.
package struct HarborStore: TokenStore {
    package typealias Settings = HarborSettings

    package static let kind = "harbor"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .wider("all repositories of the Harbor project"),
        life: .chosen(HarborAsk.limits),
        revocation: .supported("at the next registry login; one that was made before lives up to 30 minutes on"),
        findsTokens: true
    )

    package static let knownActions: Set<RegistryAction> = [.pull, .push]

    private let settings: HarborSettings
    private let api: RESTAPI
    private let context: TokenStoreContext

    package static func source(for settings: HarborSettings) -> String? {
        settings.url
    }

    package static func service(for settings: HarborSettings) throws(TokenStoreError) -> TokenService {
        try HarborPlace(settings).service
    }

    package init(settings: HarborSettings, context: TokenStoreContext) throws(TokenStoreError) {
        self.settings = settings
        self.context = context
        let place = try HarborPlace(settings)
        let errors = SourceErrors(source: "Harbor", address: place.api.text, addressKey: "url")
        api = RESTAPI(base: place.api.text + "/api/v2.0", errors: errors, http: context.http)
    }

    private struct Body: Encodable {
        struct Access: Encodable {
            var resource = "repository"
            let action: String
        }
        struct Permission: Encodable {
            var kind = "project"
            let namespace: String
            let access: [Access]
        }
        let name: String
        var level = "project"
        let duration: Int64
        var disable = false
        let description = "a build's, by Daypass"
        let permissions: [Permission]
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let ask = try HarborAsk(request)
        let access = ask.actions.map { Body.Access(action: $0) }
        let body = Body(
            name: request.tokenName,
            duration: ask.days,
            permissions: [Body.Permission(namespace: ask.project, access: access)]
        )
        let step = step("create a robot in the project \(ask.project)", mints: true)
        let answer = try await api.send(
            "POST",
            "/robots",
            authorization: try authorization(),
            body: try JSONBody.encode(body),
            step
        )
        guard answer.status == 201 else { throw mintError(answer, step) }
        guard let robot = HarborRobot(answer.body) else { throw api.errors.unreadable(answer, step) }
        do throws(TokenStoreError) {
            return try robot.issued(ask, name: request.tokenName, now: context.clock.now)
        } catch {
            throw await discarding(because: error) { () async throws(TokenStoreError) in try await end(robot.id) }
        }
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        guard let id = Int64(handle.identifier), id > 0 else {
            throw TokenStoreError(.refused, "the handle of a token is none of a Harbor store's")
        }
        try await end(id)
    }

    private func end(_ id: Int64) async throws(TokenStoreError) {
        let step = step("delete a robot")
        let answer = try await api.send("DELETE", "/robots/\(id)", authorization: try authorization(), step)
        // A 404 of anybody else, a proxy for example, says nothing of the robot.
        if answer.status == 200 || answer.status == 404 && answer.loweredText.contains("\"not_found\"") { return }
        throw api.errors.error(answer, step, now: context.clock.now)
    }

    package func find(
        _ tokenName: String,
        scope: TokenScope
    ) async throws(TokenStoreError) -> [RevocationHandle]? {
        let project = try HarborAsk(scope).project
        let step = step("list the robots of the project \(project)")
        let id = try await number(of: project)
        var found: [RevocationHandle] = []
        for page in 1...mostPages {
            // A fuzzy match: the whole name holds a plus sign, which Harbor's query turns into a space.
            let answer = try await api.send(
                "GET",
                "/robots",
                query: [
                    ("q", "Level=project,ProjectID=\(id),name=~\(tokenName)"), ("page", "\(page)"),
                    ("page_size", "100"),
                ],
                authorization: try authorization(),
                step
            )
            guard answer.status == 200 else { throw api.errors.error(answer, step, now: context.clock.now) }
            // An empty list is written as null.
            guard let robots = JSONBody.decode([HarborListed]?.self, answer.body) else {
                throw api.errors.unreadable(answer, step)
            }
            for robot in robots ?? [] where HarborRobot.isName(robot.name, of: tokenName, in: project) {
                found.append(RevocationHandle(identifier: "\(robot.id)"))
            }
            if (robots ?? []).count < 100 { return found }
        }
        throw TokenStoreError(
            .unavailable,
            "the project \(project) has more than \(mostPages) pages of robots, and no more are read",
            fix: "delete old robots there"
        )
    }

    /// Harbor lists a project's robots by its number only.
    private func number(of project: String) async throws(TokenStoreError) -> Int64 {
        let step = step("find the project \(project)")
        // The header makes a name of digits a name.
        let answer = try await api.send(
            "GET",
            "/projects/\(project)",
            headers: [HTTPField("X-Is-Resource-Name", "true")],
            authorization: try authorization(),
            step
        )
        guard answer.status == 200 else { throw api.errors.error(answer, step, now: context.clock.now) }
        guard let found = JSONBody.decode(HarborProject.self, answer.body), found.id > 0 else {
            throw api.errors.unreadable(answer, step)
        }
        return found.id
    }

    private func authorization() throws(TokenStoreError) -> Secret {
        try context.secrets.basic(settings.username, settings.password)
    }

    private func step(_ words: String, mints: Bool = false) -> SourceErrors.Step {
        SourceErrors.Step(
            words,
            mints: mints,
            onUnauthorised: "check username and the password in \(settings.password.file); a robot of one's own may "
                + "have expired or be disabled",
            // Harbor also says so of a project that there is not.
            onForbidden:
                "check that the project exists, and make \(settings.username) its administrator; a robot needs "
                + "the rights to create, list and delete robots and no less than it gives",
            onNotFound: "check the project's name, and that url is Harbor of version 2.2 or newer"
        )
    }

    private func mintError(_ answer: HTTPAnswer, _ step: SourceErrors.Step) -> TokenStoreError {
        switch answer.status {
        case 409:
            TokenStoreError(
                .refused,
                "Harbor has a robot of this name already and does not \(step.words) (HTTP 409)",
                tokenMayExist: true
            )
        case 400:
            TokenStoreError(
                .refused,
                "Harbor does not take the call to \(step.words) (HTTP 400)",
                fix: "check that its version is 2.2 or newer, and that it does not limit the life of robots to less"
            )
        default: api.errors.error(answer, step, now: context.clock.now)
        }
    }
}
