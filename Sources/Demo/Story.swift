// The life of one build, scene by scene.

import Foundation
import LoopbackCluster
import LoopbackForge
import Subprocess
import TokenStore

/// The story. Each scene shows what happens and checks what it claims.
struct Story: Sendable {
    let stage: Stage
    let scenery: Scenery

    private var build: Subject {
        Subject(namespace: "binder", serviceAccount: "builder", podName: "build-private-1a2b3c", podUID: Self.uid(1))
    }

    private var stranger: Subject {
        Subject(namespace: "somewhere", serviceAccount: "builder", podName: "build-stolen", podUID: Self.uid(2))
    }

    private var wide: Subject {
        Subject(namespace: "binder", serviceAccount: "builder", podName: "build-wide", podUID: Self.uid(3))
    }

    private static func uid(_ number: Int) -> String { "5f2b1a52-0000-4f5e-9d6e-00000000000\(number)" }

    func play() async throws {
        let repository = scenery.forge.cloneURL("our-org/private")
        scenery.pods.addPod(build)
        let killed = try await withDaemon(scenery, end: .kill) {
            try await mount(repository)
            try await clone(repository)
            try await otherRepository()
            try await otherNamespace(repository)
            try await widening(repository)
            try await submodule()
            try await republish(repository)
            try await files()
            await stage.scene("The daemon is killed in the middle of the build")
            stage.command("kill -9 $(pidof daypass)")
        }
        stage.claim("it is dead", killed == .signaled(9), "\(killed)")
        let ended = try await withDaemon(scenery) {
            try await afterTheCrash(repository)
            try await endOfBuild(repository)
        }
        await stage.scene("The daemon is told to stop")
        stage.claim("it drains and ends by itself", ended == .exited(0), "\(ended)")
        stage.claim("its socket is gone", !FileManager.default.fileExists(atPath: scenery.socket))
        let log = try String(contentsOfFile: scenery.log, encoding: .utf8)
        let secrets = scenery.forge.tokens.map(\.value)
        stage.claim("no token is in its log", !secrets.isEmpty && !secrets.contains { log.contains($0) })
    }

    private func mount(_ repository: String) async throws {
        await stage.scene("A hub starts a build, and the driver asks for the Pod's files")
        stage.tell("Pod \(build.namespace)/\(build.podName), volumeAttributes: repository: \(repository)")
        stage.command("daypass mount --namespace binder --service-account builder -a repository=... -o credentials")
        let outcome = try await ask(build, repository, into: "credentials")
        stage.show(outcome.text)
        stage.claim("the files are in the volume", outcome.code == 0, outcome.text)
        stage.claim("one token was minted", scenery.forge.mintCount == 1, "\(scenery.forge.mintCount)")
        let token = scenery.forge.tokens.first
        stage.claim(
            "its scope is this repository, read only",
            token?.repositories == ["our-org/private"] && token?.permissions["contents"] == "read"
                && token?.permissions.keys.allSatisfy { ["contents", "metadata"].contains($0) } == true,
            "\(token?.description ?? "no token")"
        )
    }

    private func clone(_ repository: String) async throws {
        await stage.scene("The build clones the private repository, with real git and the mounted files only")
        stage.command("GIT_CONFIG_GLOBAL=credentials/.gitconfig git clone \(repository) work")
        let outcome = try await git(["clone", "--quiet", repository, scenery.path("work")])
        stage.claim("git clone works", outcome.code == 0, outcome.text)
        let head = try await git(["-C", scenery.path("work"), "rev-parse", "HEAD"])
        let found = head.output.trimmingCharacters(in: .whitespacesAndNewlines)
        stage.claim("it is the commit \(scenery.commit.prefix(12))", found == scenery.commit, found)
        let bare = try await git(["clone", "--quiet", repository, scenery.path("none")], credentials: false)
        stage.claim("without the files it does not work", bare.code != 0, bare.text)
    }

    private func otherRepository() async throws {
        await stage.scene("The same token, another repository of the same owner")
        let url = scenery.forge.cloneURL("our-org/other")
        stage.command("git clone \(url)")
        let before = scenery.forge.requests.count
        let outcome = try await git(["clone", "--quiet", url, scenery.path("stolen")])
        stage.show(outcome.error)
        stage.claim("git is refused", outcome.code != 0, outcome.text)
        let tries = scenery.forge.requests.dropFirst(before)
        stage.claim(
            "the forge saw the token and refused it",
            tries.contains { $0.credential == .basic && $0.status >= 400 } && tries.allSatisfy { $0.status >= 400 },
            "\(Array(tries))"
        )
    }

    private func otherNamespace(_ repository: String) async throws {
        await stage.scene("A Pod of another namespace asks for the same repository")
        let outcome = try await ask(stranger, repository, into: "stranger")
        stage.tell("Its event would say:")
        stage.show(outcome.error)
        stage.claim("it is refused by policy", outcome.code == 1 && outcome.error.contains("NotGranted"), outcome.text)
        stage.claim("nothing was minted", scenery.forge.mintCount == 1)
        stage.claim("nothing was written", !FileManager.default.fileExists(atPath: scenery.path("stranger")))
        let stolen = try await ask(stranger, repository, into: "stranger", token: build)
        stage.claim(
            "with the token of the first Pod it is refused too",
            stolen.code == 1 && stolen.error.contains("TokenNotForPod"),
            stolen.text
        )
    }

    private func widening(_ repository: String) async throws {
        await stage.scene("A Pod overrides the class and asks to write")
        let wish = "[{name: source, store: github, repository: \(repository), permissions: {contents: write}}]"
        scenery.pods.addPod(wide)
        let outcome = try await ask(wide, repository, into: "wide", more: ["tokens=\(wish)"])
        let token = scenery.forge.tokens.last
        stage.claim("it gets what the grant allows, and no more", outcome.code == 0, outcome.text)
        stage.claim("contents: read", token?.permissions["contents"] == "read", "\(token?.description ?? "no token")")
    }

    private func submodule() async throws {
        await stage.scene("The repository has a submodule on another host, which asks for a password")
        stage.command("git -C work submodule update --init")
        let outcome = try await git(["-C", scenery.path("work"), "submodule", "update", "--init", "--quiet"])
        stage.claim("git gets nothing there", outcome.code != 0, outcome.text)
        let tries = scenery.otherHost.requests
        stage.claim(
            "the other host was asked and never saw a credential",
            !tries.isEmpty && tries.allSatisfy { $0.credential == .none },
            "\(tries)"
        )
    }

    private func republish(_ repository: String) async throws {
        await stage.scene("A minute later kubelet asks again")
        let mints = scenery.forge.mintCount
        let file = URL(filePath: scenery.path("credentials/git-credential"))
        let before = try Data(contentsOf: file)
        let outcome = try await ask(build, repository, into: "credentials")
        stage.show(String(outcome.output.prefix { $0 != "\n" }))
        stage.claim("the answer is the same", outcome.output.hasPrefix("unchanged"), outcome.text)
        stage.claim("byte by byte", try Data(contentsOf: file) == before)
        stage.claim("no second token was minted", scenery.forge.mintCount == mints)
    }

    private func files() async throws {
        await stage.scene("What lies in the volume (tokens masked)")
        for name in [".gitconfig", "git-credential", "expiry"] {
            stage.tell(name)
            var text = try String(contentsOfFile: scenery.path("credentials/\(name)"), encoding: .utf8)
            for token in scenery.forge.tokens { text = text.replacing(token.value, with: "****") }
            stage.show(text)
        }
        let config = try String(contentsOfFile: scenery.path("credentials/.gitconfig"), encoding: .utf8)
        stage.claim("the token is not in .gitconfig", !scenery.forge.tokens.contains { config.contains($0.value) })
    }

    private func afterTheCrash(_ repository: String) async throws {
        await stage.scene("It is started again, and kubelet asks once more")
        let mints = scenery.forge.mintCount
        let file = URL(filePath: scenery.path("credentials/git-credential"))
        let before = try Data(contentsOf: file)
        let outcome = try await ask(build, repository, into: "credentials")
        stage.show(String(outcome.output.prefix { $0 != "\n" }))
        stage.claim("the answer is the same", outcome.output.hasPrefix("unchanged"), outcome.text)
        stage.claim("byte by byte", try Data(contentsOf: file) == before)
        stage.claim("no second token was minted", scenery.forge.mintCount == mints)
        let fetch = try await git(["-C", scenery.path("work"), "fetch", "--quiet"])
        stage.claim("the build goes on: git fetch works", fetch.code == 0, fetch.text)
        stage.command("daypass leases")
        let leases = try await program(scenery.daypass, ["leases", "--admin-socket", scenery.path("admin.sock")])
        stage.show(leases.text)
        stage.claim("the operator sees the lease", leases.output.contains(build.podName), leases.text)
    }

    private func endOfBuild(_ repository: String) async throws {
        await stage.scene("The build ends")
        let live = scenery.forge.liveTokens.count
        stage.tell("Pod \(build.podName): phase Succeeded. The forge knows \(live) live tokens.")
        let begin = ContinuousClock.now
        for pod in [build, wide] { scenery.pods.setPhase("Succeeded", of: pod.podUID) }
        while !scenery.forge.liveTokens.isEmpty, ContinuousClock.now < begin + .seconds(20) {
            try await Task.sleep(for: .milliseconds(5))
        }
        let (seconds, attoseconds) = (ContinuousClock.now - begin).components
        stage.tell("after \(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms:")
        stage.claim("the forge's books are at zero", live > 0 && scenery.forge.liveTokens.isEmpty)
        stage.command("git clone \(repository)")
        let requests = scenery.forge.requests.count
        let clone = try await git(["clone", "--quiet", repository, scenery.path("late")])
        stage.show(clone.error)
        let answers = scenery.forge.requests.dropFirst(requests).filter { $0.credential == .basic }.map(\.status)
        stage.claim("the token is dead: 401", clone.code != 0 && answers.contains(401), "\(answers)")
        let late = try await ask(build, repository, into: "late-credentials")
        stage.claim("a late Mount gets nothing", late.code == 1 && late.error.contains("PodEnded"), late.text)
        let leases = try await program(scenery.daypass, ["leases", "--admin-socket", scenery.path("admin.sock")])
        stage.claim("no lease is left", leases.output == "no leases\n", leases.text)
    }

    // MARK: Programs

    /// Plays the driver for a Pod.
    private func ask(
        _ subject: Subject,
        _ repository: String,
        into directory: String,
        token: Subject? = nil,
        more: [String] = []
    ) async throws -> Outcome {
        var arguments = [
            "mount", "--socket", scenery.socket, "--class", scenery.path("class.yaml"),
            "--namespace", subject.namespace, "--service-account", subject.serviceAccount,
            "--pod", subject.podName, "--pod-uid", subject.podUID,
            "--token-file", try scenery.token(of: token ?? subject),
            "--attribute", "repository=\(repository)", "--output", scenery.path(directory),
        ]
        for attribute in more { arguments += ["--attribute", attribute] }
        return try await program(scenery.daypass, arguments)
    }

    /// Runs git as a build does: nothing but the mounted files, and no terminal to ask at.
    private func git(_ arguments: [String], credentials: Bool = true) async throws -> Outcome {
        let global = credentials ? scenery.path("credentials/.gitconfig") : "/dev/null"
        return try await program(
            "git",
            arguments,
            environment: [
                "GIT_CONFIG_GLOBAL": global, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
                "HOME": scenery.path("home"),
            ]
        )
    }
}
