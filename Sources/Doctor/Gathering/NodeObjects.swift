// The Pods of a node and their classes, asked of the API server with Daypass's own token.

package import TokenStore

/// Asks an API server what the role of Daypass lets it see: Pods, and single SecretProviderClasses.
package struct NodeObjects: Sendable {
    /// The most classes that are asked for, one call each.
    private static let mostClasses = 200
    private static let timeout: Duration = .seconds(20)

    private let server: String
    private let token: Secret
    private let http: any HTTPTransport
    private let clock: any WallClock

    /// - Parameters:
    ///   - server: The API server's base URL without a path.
    ///   - token: Daypass's own service account token.
    ///   - http: A transport that trusts the cluster's CA.
    package init(server: String, token: Secret, http: any HTTPTransport, clock: any WallClock = SystemClock()) {
        self.server = server
        self.token = token
        self.http = http
        self.clock = clock
    }

    /// Puts the Pods of a node and their classes into `facts`, and the API server's clock.
    package func gather(node: String, into facts: inout Facts) async {
        let path = "/api/v1/pods?fieldSelector=spec.nodeName%3D\(node)&resourceVersion=0"
        let start = clock.now
        do throws(Skip) {
            let (pods, answer) = try await get(path, "list pods", verb: "list", resource: "pods")
            facts.objects.pods = .known(pods)
            let clock = SourceAsking.clock(
                answer,
                whose: "the API server",
                between: start,
                and: clock.now,
                isAPIServer: true
            )
            facts.clocks = clock.map { .known([$0]) } ?? .unknown(Skip("the API server's answer has no date"))
            facts.objects.classes = await classes(of: pods)
        } catch {
            facts.objects.pods = .unknown(error)
            facts.objects.classes = .unknown(error)
            facts.clocks = .unknown(error)
        }
        let more = Skip("it needs more rights than Daypass has", fix: "run daypass doctor where kubectl works, too")
        facts.objects.csiDrivers = .unknown(more)
        facts.objects.csiNodes = .unknown(more)
        facts.objects.daemonSets = .unknown(more)
        facts.objects.syncRoles = .unknown(more)
    }

    private func classes(of pods: [KubeObject]) async -> Gathered<[KubeObject]> {
        var names: Set<String> = []
        var found: [KubeObject] = []
        for pod in pods {
            for volume in PodTemplate(pod)?.volumes ?? [] {
                guard let name = volume.secretsStoreAttributes?["secretProviderClass"], ObjectName.isName(name),
                    ObjectName.isName(pod.namespace), names.count < Self.mostClasses,
                    names.insert("\(pod.namespace)/\(name)").inserted
                else { continue }
                let path =
                    "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/\(pod.namespace)/secretproviderclasses/\(name)"
                do throws(Skip) {
                    let resource = "secretproviderclasses"
                    found += try await get(path, "get a SecretProviderClass", verb: "get", resource: resource).objects
                } catch { return .unknown(error) }
            }
        }
        return .known(found)
    }

    /// Asks for objects; an object that is not there is none.
    private func get(
        _ path: String,
        _ what: String,
        verb: String,
        resource: String
    ) async throws(Skip) -> (objects: [KubeObject], answer: HTTPAnswer) {
        var call = HTTPCall("GET", server + path, timeout: Self.timeout, bodyLimit: 64 << 20)
        call.authorization = Secret(Array("Bearer ".utf8) + token.reveal())
        let answer: HTTPAnswer
        do throws(HTTPTransportError) { answer = try await http.send(call) } catch {
            throw Skip("the API server did not answer: \(error.message)")
        }
        switch answer.status {
        case 200: break
        case 404: return ([], answer)
        case 401, 403:
            let fix = "give the ClusterRole daypass the verb \(verb) on \(resource): daemonset/kustomize/base/rbac.yaml"
            throw Skip("the API server does not let Daypass \(what) (HTTP \(answer.status))", fix: fix)
        default: throw Skip("the API server did not \(what) (HTTP \(answer.status))")
        }
        do throws(ObjectTextProblem) { return (try KubeObject.read(answer.body), answer) } catch {
            throw Skip("the API server's answer can't be read: \(error.message)")
        }
    }
}
