// The path at which kubelet wants the volume: it names the Pod's UID and the volume.

import Refusals

/// `<kubelet's directory>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount`, read but never opened.
struct TargetPath {
    let podUID: String
    let volume: String

    /// What the secrets-store-sync-controller sends in its place.
    private static let syncController = "/mnt/secrets-store"

    /// - Throws: ``Refusal`` with ``Reason/targetPathMalformed`` or ``Reason/volumeNotEphemeral``.
    init(_ path: String) throws(Refusal) {
        guard path != Self.syncController else {
            throw Refusal(
                .volumeNotEphemeral,
                "this call comes from the secrets-store-sync-controller, which copies tokens into Secrets",
                fix: "mount the token in the build's Pod with an inline csi volume"
            )
        }
        guard path.utf8.count <= RequestLimits.pathBytes else {
            throw Self.malformed("is longer than \(RequestLimits.pathBytes) bytes")
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/") else { throw Self.malformed("is not absolute", path) }
        guard parts.dropFirst().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }) else {
            throw Self.malformed("holds an empty, \".\" or \"..\" part", path)
        }
        let tail = parts.suffix(6).map { $0 }
        guard parts.count >= 7, tail[0] == "pods", tail[2] == "volumes", tail[3] == "kubernetes.io~csi",
            tail[5] == "mount"
        else {
            throw Self.malformed("is no path of a Pod's csi volume", path)
        }
        guard Names.isUID(tail[1]) else { throw Self.malformed("holds no Pod UID after pods/", path) }
        guard Names.isLabel(tail[4]) else {
            throw Self.malformed("holds no volume name after kubernetes.io~csi/", path)
        }
        podUID = String(tail[1])
        volume = String(tail[4])
    }

    private static func malformed(_ what: String, _ path: String? = nil) -> Refusal {
        Refusal(
            .targetPathMalformed,
            "target_path \(path.map { Refusal.quoted($0) + " " } ?? "")\(what)",
            fix: "kubelet sends <its directory>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount"
        )
    }
}
