// Asks token sources whether they are there, and mints nothing.

import Logging
package import Policy
import Synchronization
package import TokenStore

/// Finds out where a store's source is, and whether it answers.
package struct SourceAsking: Sendable {
    private let http: any HTTPTransport
    private let secrets: any SecretReader
    private let clock: any WallClock

    /// - Parameter http: A transport as the daemon has it: with its proxy and its CAs.
    package init(http: any HTTPTransport, secrets: any SecretReader, clock: any WallClock = SystemClock()) {
        self.http = http
        self.secrets = secrets
        self.clock = clock
    }

    /// Asks the source of a store for its front page.
    ///
    /// - Returns: What came of it, and the source's clock where it shows one.
    package func ask(_ store: ConfiguredStore, _ policy: NodePolicy) async -> (SourceFacts, ClockFacts?) {
        guard let address = await address(of: store, policy) else {
            let why = "it is reached by a program, or its address is not known before a mint"
            return (SourceFacts(store: store.name, kind: store.kind, address: "", outcome: .skipped(why)), nil)
        }
        var facts = SourceFacts(store: store.name, kind: store.kind, address: address, outcome: .answered(status: 0))
        do throws(HTTPTransportError) {
            let before = clock.now
            let answer = try await http.send(HTTPCall("GET", address + "/", bodyLimit: 4 << 20))
            facts.outcome = .answered(status: answer.status)
            return (facts, Self.clock(answer, whose: address, between: before, and: clock.now))
        } catch {
            // An answer that is too large is an answer.
            facts.outcome = error.code == .tooLarge ? .answered(status: 200) : .failed(error.message)
            return (facts, nil)
        }
    }

    /// How far a peer's clock is from ours, by its `Date` field; `nil` when it shows none.
    package static func clock(
        _ answer: HTTPAnswer,
        whose: String,
        between start: UTCInstant,
        and end: UTCInstant,
        isAPIServer: Bool = false
    ) -> ClockFacts? {
        guard let theirs = answer.header("Date").flatMap(InternetDate.instant) else { return nil }
        // `Date` has whole seconds, and the answer was made at some time between the two.
        let ahead = theirs.duration(to: start).components.seconds
        let behind = theirs.duration(to: end).components.seconds
        let offset = ahead > 0 ? ahead : behind < 0 ? behind : 0
        return ClockFacts(whose: whose, aheadBySeconds: Int(offset), isAPIServer: isAPIServer)
    }

    /// Scheme and host of the first call that a mint would make; it is not sent. Where a store calls nobody by itself,
    /// the place in which its tokens are good.
    func address(of store: ConfiguredStore, _ policy: NodePolicy) async -> String? {
        let recorder = FirstCall()
        let context = TokenStoreContext(
            name: store.name,
            clock: clock,
            http: recorder,
            secrets: secrets,
            programs: NoPrograms(),
            logger: Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }
        )
        do throws(TokenStoreError) {
            _ = try await store.make(context).issue(Self.request(for: store, policy))
        } catch {}
        if let url = recorder.url, let origin = Self.origin(url) { return origin }
        if store.kind == "exec" || store.kind == "file" { return nil }
        return store.service.git?.origin
            ?? (store.service.registryHost ?? store.service.otherHost).map { "https://\($0)" }
    }

    /// A request such as the store's first grant allows, with a repository that nobody has where the grant has a
    /// pattern.
    private static func request(for store: ConfiguredStore, _ policy: NodePolicy) -> TokenRequest {
        let grant = policy.grants.first { $0.store == store.name }
        let pattern = grant?.repositories.first?.pattern ?? "daypass/doctor"
        let repository =
            pattern.contains("?")
            ? "daypass/doctor" : pattern.replacing("**", with: "doctor").replacing("*", with: "doctor")
        let scope = TokenScope(
            repositories: [repository],
            permissions: grant?.permissions ?? [:],
            actions: grant?.actions ?? []
        )
        let subject = Subject(
            namespace: "daypass-doctor",
            serviceAccount: "doctor",
            podName: "doctor",
            podUID: "00000000-0000-4000-8000-000000000000"
        )
        // It goes nowhere: no call is sent.
        return TokenRequest(subject: subject, scope: scope, subjectToken: Secret(utf8: "e30.e30.e30"))
    }

    static func origin(_ url: String) -> String? {
        let parts = url.split(separator: "://", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let host = parts[1].prefix { !"/?#".contains($0) }
        return host.isEmpty || host.contains("@") ? nil : "\(parts[0])://\(host)"
    }
}

/// A transport that remembers whom it should have called, and calls nobody.
private final class FirstCall: HTTPTransport {
    private let first = Mutex<String?>(nil)

    var url: String? { first.withLock { $0 } }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        first.withLock { if $0 == nil { $0 = call.url } }
        throw HTTPTransportError(.unreachable, "the doctor sends no such call", requestMayHaveArrived: false)
    }
}

/// The times of HTTP (<https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>), in the form that servers send.
enum InternetDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`; `nil` when it is none.
    static func instant(_ text: String) -> UTCInstant? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        guard let day = Int(words[1]) else { return nil }
        return UTCInstant(rfc3339: "\(words[3])-\(two(month + 1))-\(two(day))T\(words[4])Z")
    }
}
