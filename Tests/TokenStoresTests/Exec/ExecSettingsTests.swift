// Settings of an exec store that are wrong, and what is said of them.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ExecSettingsTests {
    private static let git = #""protocol":"git-credential","gitURL":"https://git.example.com""#

    @Test(arguments: [
        (#""protocol":"git-credential""#, "neither gitURL nor registryHost nor otherHost is set"),
        (#""protocol":"git-credential","registryHost":"r.example","nestedNames":true"#, "are about git, and gitURL"),
        (
            #""protocol":"git-credential","gitURL":"https://g.example","registryCredential":"basic""#,
            "registryCredential is about"
        ),
        (
            #""protocol":"git-credential","registryHost":"r.example","registryCredential":"magic""#,
            "none of basic, identityToken"
        ),
        (#""protocol":"git-credential","registryHost":"https://r.example""#, "registryHost is no host name"),
        (#""protocol":"git-credential","gitURL":"http://git.example.com""#, "gitURL can't be used"),
        (git + #","timeoutSeconds":0"#, "timeoutSeconds is 0, and 1 to 60 are allowed"),
        (git + #","timeoutSeconds":61"#, "timeoutSeconds is 61, and 1 to 60 are allowed"),
        (git + #","refreshAfterSeconds":5"#, "refreshAfterSeconds is 5, and 30 to 86400 are allowed"),
        (git + #","username":"a:b""#, "username is empty, longer than 255 bytes, or holds a colon"),
        (git + #","username":"""#, "username is empty, longer than 255 bytes, or holds a colon"),
        (git + #","arguments":["a\u0000"]"#, "an argument holds a NUL"),
        (git + #","environment":{"A-B":"x"}"#, "environment has a name that is not of letters"),
        (git + #","environment":{"1A":"x"}"#, "environment has a name that is not of letters"),
        (git + #","environment":{"A":"x\u0000"}"#, "environment.A holds a NUL"),
        (git + #","serverURL":"x""#, "serverURL is for docker-credential-helper, and protocol is git-credential"),
        (git + #","audience":"x""#, "audience is for kubelet-credential-provider, and protocol is git-credential"),
        (git + #","serviceAccountAnnotations":{}"#, "serviceAccountAnnotations is for kubelet-credential-provider"),
        (
            #""protocol":"git-credential","registryHost":"r.example","repositoryPath":"repository""#,
            "repositoryPath is about git"
        ),
        (
            #""protocol":"docker-credential-helper","registryHost":"r.example","repositoryPath":"none""#,
            "repositoryPath is for git"
        ),
        (
            #""protocol":"docker-credential-helper","registryHost":"r.example","serverURL":"a b""#,
            "serverURL is empty or holds"
        ),
        (#""protocol":"kubelet-credential-provider","gitURL":"https://g.example""#, "registryHost is not set"),
        (#""protocol":"kubelet-credential-provider","registryHost":"r.example","audience":"""#, "audience is empty"),
        (
            #""protocol":"kubelet-credential-provider","registryHost":"r.example","serviceAccountAnnotations":{"a":"b"}"#,
            "serviceAccountAnnotations go with a service account token, and audience is not set"
        ),
    ])
    func eachMistakeIsNamed(_ json: String, _ words: String) throws {
        let settings = try ExecFixture.settings(json)
        let error = #expect(throws: TokenStoreError.self) { try ExecStore.service(for: settings) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.fix.isEmpty == false)
    }

    @Test(arguments: ["helper", "", "/", "/a/../b", "/a/./b", "/a//b", "/a/b/", "/a b", "/a/\u{e9}", "~/helper"])
    func theProgramIsAnAbsolutePath(_ program: String) throws {
        let settings = try ExecFixture.settings(Self.git, program: program)
        let error = #expect(throws: TokenStoreError.self) { try ExecStore.service(for: settings) }
        #expect(error?.message == "program is no absolute path of plain ASCII without dots")
    }

    /// The store is not made when its program can't be run, so the start and `daypass check` say so.
    @Test func aProgramThatCannotBeRunIsFoundAtOnce() async throws {
        let settings = try ExecFixture.settings(Self.git)
        let context = TokenStoreContext(
            name: "helper",
            clock: ManualClock(),
            http: ScriptedTransport(),
            secrets: FixedSecrets([:]),
            programs: NoSuchProgram(),
            logger: OCIRegistryFixture.quiet
        )
        let error = #expect(throws: TokenStoreError.self) { try ExecStore(settings: settings, context: context) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message == "\(ExecFixture.program) is not there")
        #expect(error?.fix.contains("directory of programs") == true)
        // The compatibility suite makes its stores with the same runner, behind its own.
        let suite = TokenStoreCompatibilitySuite(
            ExecStore.self,
            settings: settings,
            context: context,
            request: ExecFixture.request()
        )
        let violations = await suite.violations()
        #expect(!violations.contains { $0.contains("was answered with a token") }, "\(violations)")
        #expect(violations.contains { $0.contains("at run 1 ended in misconfigured") })
    }

    @Test func thePlacesAreWhereTokensAreGood() throws {
        let settings = try ExecFixture.settings(
            #""protocol":"git-credential","gitURL":"https://Git.example.com","nestedNames":true,"namesIgnoreCase":true,"#
                + #""registryHost":"r.example:5000","registryCredential":"identityToken","otherHost":"pypi.example""#
        )
        let service = try ExecStore.service(for: settings)
        #expect(service.git?.origin == "https://git.example.com")
        #expect(service.git?.nameParts == 2...20)
        #expect(service.git?.namesIgnoreCase == true)
        #expect(service.registryHost == "r.example:5000")
        #expect(service.registryCredential == .identityToken)
        #expect(service.otherHost == "pypi.example")
    }

    @Test func nothingCanBeRevokedOrFound() async throws {
        let fixture = try ExecFixture(Self.git)
        let error = await #expect(throws: TokenStoreError.self) {
            try await fixture.store.revoke(RevocationHandle(identifier: "x"))
        }
        #expect(error?.code == .refused)
        let found = try await fixture.store.find("x", scope: TokenScope())
        #expect(found == nil)
        #expect(fixture.programs.calls.isEmpty)
    }
}
