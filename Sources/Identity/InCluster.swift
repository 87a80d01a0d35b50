// What kubelet tells every Pod about its API server.

package import Refusals

/// The API server as a Pod finds it
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api>).
package enum InCluster {
    /// The Pod's own token; kubelet replaces it before it ends.
    package static let tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    /// The CA of the API server's certificate.
    package static let caFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

    /// The API server's base URL from `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///
    /// - Throws: `KeysUnavailable` when Daypass does not run in a Pod.
    package static func server(environment: [String: String]) throws(Refusal) -> String {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw Refusal(
                .keysUnavailable,
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no Pod",
                fix: "run it in a Pod, or set identity.issuer and identity.jwks.file"
            )
        }
        guard host.utf8.allSatisfy(isHostCharacter), let port = UInt16(port), port > 0 else {
            throw Refusal(
                .keysUnavailable,
                "KUBERNETES_SERVICE_HOST \(Refusal.quoted(host)) and KUBERNETES_SERVICE_PORT are no address"
            )
        }
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"):
            true
        default:
            false
        }
    }
}
