// The driver's settings: the CSIDriver object, and the flags of its container.

import Policy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Checks {
    static let driverSettings = [
        Check("driver-token-audience", .driver, "tokenRequests lacks an audience that Daypass or a store needs") {
            facts throws(Skip) in
            try TokenRequests(facts).audiences()
        },
        Check("driver-token-life", .driver, "service account tokens that live less than the API server allows") {
            facts throws(Skip) in
            try TokenRequests(facts).lives()
        },
        Check("driver-pod-info", .driver, "podInfoOnMount is off, so a call does not say which Pod asks") {
            facts throws(Skip) in
            let object = try facts.objects.csiDriver()
            guard object.tree["spec", "podInfoOnMount"]?.bool != true else { return [] }
            let message = "podInfoOnMount is not true: every Mount is refused, or tenants name themselves"
            return [.error(object.place, message, fix: patch(#"{"spec":{"podInfoOnMount":true}}"#))]
        },
        Check("driver-republish", .driver, "requiresRepublish is off, so tokens are not refreshed") {
            facts throws(Skip) in
            let object = try facts.objects.csiDriver()
            if let version = try? facts.objects.driverVersion(), version < DriverRelease.republishing {
                return [.note(object.place, "drivers before 1.6 do not use it")]
            }
            guard object.tree["spec", "requiresRepublish"]?.bool != true else { return [] }
            let message = "requiresRepublish is not true: kubelet calls once, and a token ends under a long build"
            let patch = patch(#"{"spec":{"requiresRepublish":true}}"#)
            return [
                .warning(object.place, message, fix: object.helm("--set enableSecretRotation=true", otherwise: patch))
            ]
        },
        Check("driver-rotation", .driver, "the driver runs without --enable-secret-rotation") { facts throws(Skip) in
            let driver = try facts.objects.driver()
            guard driver.container.flag("enable-secret-rotation")?.lowercased() != "true" else { return [] }
            let message = "rotation is off: a mounted volume is never refreshed, and a token ends under a long build"
            let otherwise = "add --enable-secret-rotation=true to the arguments of its container"
            return [
                .warning(
                    driver.place,
                    message,
                    fix: driver.helm("--set enableSecretRotation=true", otherwise: otherwise)
                )
            ]
        },
        Check("driver-poll-interval", .driver, "a rotation interval of more than two minutes") { facts throws(Skip) in
            try pollInterval(try facts.objects.driver())
        },
        Check("driver-tokens-in-secrets", .driver, "tokens in the secrets field with a driver that does not know it") {
            facts throws(Skip) in
            let object = try facts.objects.csiDriver()
            guard object.tree["spec", "serviceAccountTokenInSecrets"]?.bool == true else { return [] }
            let version = try facts.objects.driverVersion()
            guard version < DriverRelease.republishing else { return [.note(object.place, "\(version) knows it")] }
            let message =
                "serviceAccountTokenInSecrets is true, and \(version) does not hand on the tokens of that field to "
                + "providers that look in the attributes"
            let fix = "upgrade the driver to 1.6 or newer"
            return [.warning(object.place, message, fix: object.helm("--version 1.6.1", otherwise: fix))]
        },
        Check("driver-sync-secret", .driver, "the driver may copy tokens into Kubernetes Secrets") {
            facts throws(Skip) in
            try syncing(facts)
        },
    ]

    static func patch(_ json: String) -> String {
        "kubectl patch csidriver \(DriverNames.object) --type=merge -p '\(json)'"
    }

    private static func pollInterval(_ driver: Workload) throws(Skip) -> [Trouble] {
        let text = driver.container.flag("rotation-poll-interval") ?? "2m"
        guard let seconds = GoDuration.seconds(text) else {
            throw Skip("--rotation-poll-interval is no duration: \(Printable.text(text))")
        }
        guard seconds > 120 else { return [.note(driver.place, "\(text)")] }
        let message =
            "--rotation-poll-interval is \(Printable.text(text)): after a first Mount that nobody answered, kubelet's next "
            + "try falls into it, and the Pod starts on an empty volume; refreshes come late, too"
        let otherwise = "set --rotation-poll-interval=2m"
        return [
            .warning(driver.place, message, fix: driver.helm("--set rotationPollInterval=2m", otherwise: otherwise))
        ]
    }

    private static func syncing(_ facts: Facts) throws(Skip) -> [Trouble] {
        let roles = try facts.objects.syncRoles.get()
        guard let role = roles.first else { return [] }
        let place = "clusterrole \(Printable.text(role.name))"
        let copied = (facts.objects.classes.value ?? []).filter { Classes.isOurs($0) && Classes.hasSecretObjects($0) }
        guard !copied.isEmpty else {
            return [.note(place, "syncSecret.enabled is on; no class of Daypass uses it (other providers may)")]
        }
        let message =
            "syncSecret.enabled is on, and tokens of \(Printable.list(copied.map(\.key))) are copied into Secrets"
        let fix = "remove secretObjects there; where nobody needs it: helm upgrade ... --set syncSecret.enabled=false"
        return [.warning(place, message, fix: fix)]
    }
}

/// `tokenRequests` of the CSIDriver object.
private struct TokenRequests {
    let facts: Facts
    let object: KubeObject
    let requests: [ObjectTree]

    init(_ facts: Facts) throws(Skip) {
        self.facts = facts
        object = try facts.objects.csiDriver()
        requests = object.tree["spec", "tokenRequests"]?.elements ?? []
    }

    /// What is asked for; the API server's own audience is the empty one.
    private var present: [String] { requests.map { $0["audience"]?.text ?? "" } }

    func audiences() -> [Trouble] {
        var wanted: [(audience: String, why: String)] = []
        if let own = facts.audience { wanted.append((own, "Daypass refuses every Mount without it")) }
        for store in facts.nodeConfiguration?.stores ?? [] {
            if let audience = store.subjectTokenAudience, !wanted.contains(where: { $0.audience == audience }) {
                wanted.append((audience, "store \(Printable.text(store.name)) shows such a token to its source"))
            }
        }
        let present = present
        let missing = wanted.filter { !present.contains($0.audience) }
        let words = present.isEmpty ? "is empty" : "has only \(Printable.list(present.map(shown)))"
        return missing.map { audience, why in
            let message = "tokenRequests \(words); \(shown(audience)) is missing: \(why)"
            return .error(object.place, message, fix: fix(adding: missing.map(\.audience)))
        }
    }

    func lives() -> [Trouble] {
        requests.compactMap { request in
            guard let seconds = request["expirationSeconds"]?.integer, seconds < 600 else { return nil }
            let audience = shown(request["audience"]?.text ?? "")
            let message = "the tokens for \(audience) live \(seconds) s, and kubelet gets none for less than 600 s"
            return .error(object.place, message, fix: "leave expirationSeconds out (an hour), or set 600 or more")
        }
    }

    private func shown(_ audience: String) -> String { "\"\(Printable.text(audience))\"" }

    /// The whole list, because it is one for all providers.
    private func fix(adding audiences: [String]) -> String {
        let list = requests + audiences.map { .map(["audience": .text($0)]) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(list) else { return "add them to tokenRequests" }
        let json = String(decoding: bytes, as: UTF8.self).replacing("'", with: "")
        let patch = Checks.patch(#"{"spec":{"tokenRequests":\#(json)}}"#)
        return object.helm("--set-json 'tokenRequests=\(json)'", otherwise: patch)
    }
}
