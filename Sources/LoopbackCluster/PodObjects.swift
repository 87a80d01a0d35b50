// The JSON objects of the Pod API, in the shapes of kube-apiserver.

import DriverCall
import TokenStore

/// Writes objects of `v1` (<https://kubernetes.io/docs/reference/using-api/api-concepts/>).
enum PodObjects {
    /// A Pod; items of a list carry no kind.
    static func pod(_ pod: LedgerPod, isItem: Bool = false) -> String {
        let subject = pod.subject
        let deletion =
            pod.isBeingDeleted
            ? "\"deletionTimestamp\":\"2026-01-01T00:10:00Z\",\"deletionGracePeriodSeconds\":30," : ""
        return """
            {\(isItem ? "" : "\"kind\":\"Pod\",\"apiVersion\":\"v1\",")"metadata":{"name":\
            \(GoJSON.string(subject.podName)),"namespace":\(GoJSON.string(subject.namespace)),"uid":\
            \(GoJSON.string(subject.podUID)),"resourceVersion":"\(pod.version)","generation":1,\
            "creationTimestamp":"2026-01-01T00:00:00Z",\(deletion)"labels":{"component":"build"},\
            "annotations":{"note":"a \\"quoted\\"\\nline \\u003c"},"managedFields":[{"manager":"kubelet","operation":\
            "Update","apiVersion":"v1","time":"2026-01-01T00:00:01Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":\
            {"f:phase":{}}},"subresource":"status"}]},"spec":{"volumes":[{"name":"credentials","csi":{"driver":\
            "secrets-store.csi.k8s.io","readOnly":true\(attributes(pod))}},{"name":"scratch","emptyDir":{}}],\
            "containers":[{"name":"build","image":"builder"}],"restartPolicy":"Never","serviceAccountName":\(GoJSON.string(subject.serviceAccount)),"nodeName":\
            \(GoJSON.string(pod.node))},"status":{"phase":\(GoJSON.string(pod.phase)),\(containers(pod))"conditions":[\
            {"type":"Ready","status":"False","lastProbeTime":null}],"qosClass":"BestEffort"}}
            """
    }

    private static func attributes(_ pod: LedgerPod) -> String {
        pod.className.map { ",\"volumeAttributes\":{\"secretProviderClass\":\(GoJSON.string($0))}" } ?? ""
    }

    private static func containers(_ pod: LedgerPod) -> String {
        guard let run = pod.run else { return "" }
        let running = "{\"running\":{\"startedAt\":\"\(run.startedAt.rfc3339)\"}}"
        return """
            "startTime":"\(run.takenUp.rfc3339)","containerStatuses":[{"name":"build","image":"builder","imageID":"",\
            "ready":true,"restartCount":\(run.restarts),"started":true,"state":\(running),"lastState":{}}],
            """
    }

    static func list(_ pods: [LedgerPod], version: Int, next: String?, remaining: Int) -> String {
        let more = next.map { "\"continue\":\(GoJSON.string($0)),\"remainingItemCount\":\(remaining)," } ?? ""
        let items = pods.map { pod($0, isItem: true) }.joined(separator: ",")
        return """
            {"kind":"PodList","apiVersion":"v1","metadata":{\(more)"resourceVersion":"\(version)"},"items":[\(items)]}
            """
    }

    static func event(_ type: String, _ object: String) -> String { "{\"type\":\"\(type)\",\"object\":\(object)}" }

    static func bookmark(version: Int) -> String {
        let object = """
            {"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"\(version)","creationTimestamp":null},\
            "spec":{"containers":null},"status":{}}
            """
        return event("BOOKMARK", object)
    }

    /// A Status of a failure.
    ///
    /// - Parameters:
    ///   - pod: the Pod that was asked for.
    ///   - call: what was asked for.
    static func status(_ code: Int, pod: String? = nil, of call: PodCall? = nil) -> String {
        let (reason, message) = words(code, call)
        let name = pod.map { "\"name\":\(GoJSON.string($0))," } ?? ""
        return """
            {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":\(GoJSON.string(message)),\
            "reason":\(GoJSON.string(reason)),"details":{\(name)"kind":"pods"},"code":\(code)}
            """
    }

    private static func words(_ code: Int, _ call: PodCall?) -> (reason: String, message: String) {
        switch code {
        case 400: ("BadRequest", "the field selector is not supported")
        case 401: ("Unauthorized", "Unauthorized")
        case 403: ("Forbidden", forbidden(call))
        case 404: ("NotFound", "pods not found")
        case 410: ("Expired", "too old resource version")
        case 429: ("TooManyRequests", "too many requests, please try again later")
        case 503: ("ServiceUnavailable", "the server is currently unable to handle the request")
        default: ("InternalError", "an error on the server has prevented the request from succeeding")
        }
    }

    /// What the API server says when no role allows a call.
    private static func forbidden(_ call: PodCall?) -> String {
        let user = #"User "system:serviceaccount:daypass:daypass""#
        let events = #"resource "events" in API group "events.k8s.io" in the namespace "binder""#
        return switch call {
        case .createEvent: "events.events.k8s.io is forbidden: \(user) cannot create \(events)"
        case .patchEvent: #"events.events.k8s.io "x" is forbidden: \#(user) cannot patch \#(events)"#
        default: "pods is forbidden: \(user) cannot list pods"
        }
    }
}
