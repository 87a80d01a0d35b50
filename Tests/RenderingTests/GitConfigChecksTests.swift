// What a `gitconfig` refuses before anything is minted.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct GitConfigChecksTests {
    @Test func needsItsCredentialFile() throws {
        let alone = FileAsk(path: ".gitconfig", format: "gitconfig", tokens: ["source"])
        let tokens = [try Sample.git(), try Sample.git("b", at: "https://b.example")]
        #expect(
            FilePlan.problems([alone], tokens: tokens).map(\.description) == [
                "FileInvalid: file \".gitconfig\": no git-credential file holds its token \"source\"; add to files: - { path: \"git-credential\", format: git-credential, tokens: [\"source\"] }"
            ]
        )
        let nested = FileAsk(path: "git/config", format: "gitconfig", tokens: ["source"])
        let taken = FileAsk(path: "git/git-credential", format: "git-credential", tokens: ["b"])
        #expect(
            try #require(FilePlan.problems([nested, taken], tokens: tokens).first).fix
                == "add to files: - { path: \"git/git-credential-source\", format: git-credential, tokens: [\"source\"] }"
        )
    }

    @Test func whatCannotBeWritten() throws {
        let badScope = FilePlan.problems(Sample.gitFiles(scope: "repo"), tokens: [try Sample.git()])
        #expect(
            badScope.map(\.description) == [
                "FileInvalid: file \".gitconfig\": there is no scope \"repo\"; write host or repository"
            ]
        )
        for bad in ["it's", "a\"b", "a\\b", "a`b"] {
            let inPath = FilePlan.problems(Sample.gitFiles(credential: bad), tokens: [try Sample.git()])
            #expect(
                inPath.count == 1 && inPath[0].message.contains("holds a quote, a backslash or a control character")
            )
            let inMount = FilePlan.problems(Sample.gitFiles(mountPath: "/\(bad)"), tokens: [try Sample.git()])
            #expect(
                inMount.count == 1 && inMount[0].message.contains("holds a quote, a backslash or a control character")
            )
            let repository = try Sample.git(repositories: ["o/\(bad)"])
            let inRepository = FilePlan.problems(Sample.gitFiles(scope: "repository"), tokens: [repository])
            #expect(inRepository.count == 1 && inRepository[0].reason == .fileInvalid)
        }
        let line = try Sample.git(repositories: ["o/r\"]\n\thelper = x"])
        #expect(FilePlan.problems(Sample.gitFiles(scope: "repository"), tokens: [line]).count == 1)
        let nothing = try Sample.git(repositories: [])
        #expect(
            FilePlan.problems(Sample.gitFiles(scope: "repository"), tokens: [nothing]).map(\.message) == [
                "file \".gitconfig\": the token \"source\" names no repository"
            ]
        )
    }

    @Test func theTokenIsNotInTheConfiguration() throws {
        for scope in ["host", "repository"] {
            let files = try FilePlan(Sample.gitFiles(scope: scope, rewriteSSH: true), tokens: [Sample.git()])
                .render(["source": Sample.issued()])
            #expect(!String(decoding: files[0].contents, as: UTF8.self).contains("ghs_Token123"))
        }
    }
}
