// Writes events at the API server.

import BuildEnds
import KubernetesAPI
import Refusals
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes events and counts them up. It needs a role with `create` and `patch` on `events` of `events.k8s.io`.
struct EventAPI: Sendable {
    private static let needs = "create and patch on events (events.k8s.io)"

    let client: KubernetesClient
    /// Which Daypass says it.
    let instance: String

    /// Makes a write.
    ///
    /// - Returns: What the server said; and the error, unless it took the write or the Pod's namespace is gone.
    func write(_ write: PodEventBook.Write) async -> (PodEventBook.Answer, KubernetesError?) {
        let namespace = write.event.pod.namespace
        let what = "\(write.isNew ? "create" : "patch") an event in namespace \(namespace)"
        guard KubernetesName.isName(namespace), KubernetesName.isName(write.event.pod.name),
            let body = try? write.isNew ? EventObject.new(write, instance: instance) : EventObject.series(write)
        else { return (.rejected, KubernetesError(.refused, "a Pod has no name that an API server knows")) }
        let path = "/apis/events.k8s.io/v1/namespaces/\(namespace)/events"
        do throws(KubernetesError) {
            let call = try client.call(
                write.isNew ? "POST" : "PATCH",
                write.isNew ? path : "\(path)/\(write.name)",
                body: KubernetesClient.Body(
                    write.isNew ? "application/json" : "application/merge-patch+json",
                    body
                ),
                timeout: .seconds(10),
                bodyLimit: 1 << 20
            )
            return Self.answer(try await client.send(call, what), write, what)
        } catch {
            return (.later(.zero), error)
        }
    }

    private static func answer(
        _ answer: HTTPAnswer,
        _ write: PodEventBook.Write,
        _ what: String
    ) -> (PodEventBook.Answer, KubernetesError?) {
        let error = KubernetesError.status(
            answer.status,
            what,
            needs: needs,
            retryAfter: answer.header("retry-after")
        )
        switch answer.status {
        case 200...299: return (.taken, nil)
        // A try before this one has made it, and its answer was lost.
        case 409 where write.isNew: return (.taken, nil)
        case 404: return (write.isNew ? .noNamespace : .noEvent, nil)
        case 403:
            let status = try? JSONDecoder().decode(Status.self, from: Data(answer.body))
            if status?.isTerminating == true { return (.noNamespace, nil) }
            if status?.isAboutRole == true { return (.forbidden, error) }
            let message = status?.why.map { ": \(Refusal.quoted($0))" } ?? ""
            return (
                .forbiddenInNamespace,
                KubernetesError(
                    .forbidden,
                    "\(error.message)\(message)",
                    fix: "see the namespace's ResourceQuota and the cluster's admission policies"
                )
            )
        case 400, 413, 415, 422: return (.rejected, error)
        default: return (.later(error.retryAfter ?? .zero), error)
        }
    }

    private struct Status: Decodable {
        struct Details: Decodable { var causes: [Cause]? }
        struct Cause: Decodable { var reason: String? }
        var message: String?
        var details: Details?

        /// Why it is forbidden: the message without what was asked for.
        var why: Substring? {
            guard let message else { return nil }
            return message[(message.firstRange(of: " is forbidden: ")?.upperBound ?? message.startIndex)...]
        }

        /// Whether a 403 is about a namespace that is being deleted, and not about the role of Daypass
        /// (`NamespaceTerminatingCause` in `k8s.io/api/core/v1`).
        var isTerminating: Bool {
            details?.causes?.contains { $0.reason == "NamespaceTerminating" } ?? false
        }

        /// Whether a 403 is about the role of Daypass: an authorizer says what a user can't do, and admission says
        /// something else in its place (`forbiddenMessage` in `apiserver/pkg/endpoints/handlers/responsewriters`).
        var isAboutRole: Bool {
            guard let why else { return false }
            return why.hasPrefix("User \"")
                && (why.contains("\" cannot create resource \"events\"")
                    || why.contains("\" cannot patch resource \"events\""))
        }
    }
}
