// Volumes and containers of Pods, as the API server writes them.

import Testing
import TokenStore

@testable import BuildEnds

@Suite struct PodPartsTests {
    private func facts(_ spec: String, _ status: String = "{}") -> PodFacts? {
        let text = """
            {"kind":"Pod","metadata":{"name":"a","namespace":"b","uid":"c","resourceVersion":"1"},"spec":\(spec),\
            "status":\(status)}
            """
        return PodJSON.pod(Array(text.utf8))
    }

    @Test func volumesOfTheDriverAreRead() throws {
        let pod = try #require(
            facts(
                """
                {"nodeName":"n","volumes":[{"name":"x","emptyDir":{}},{"name":"y","csi":{"driver":"other",\
                "volumeAttributes":{"secretProviderClass":"no"}}},{"name":"z","csi":{"driver":\
                "secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"ours","more":"1"\
                }}},{"name":"w","csi":{"driver":"secrets-store.csi.k8s.io"}}]}
                """
            )
        )
        #expect(pod.volumes == [ClassVolume(name: "z", className: "ours"), ClassVolume(name: "w", className: "")])
    }

    /// Who the Pod is must be read whatever else there is.
    @Test(arguments: [
        #"{"nodeName":"n","volumes":7}"#, #"{"nodeName":"n","volumes":[{"csi":[]}]}"#,
        #"{"nodeName":"n","volumes":null}"#,
    ])
    func whatCannotBeReadIsLeftOut(_ spec: String) {
        let pod = facts(spec, #"{"phase":"Running","containerStatuses":"x","startTime":3}"#)
        #expect(pod?.nodeName == "n" && pod?.volumes == [] && pod?.containers == ContainerFacts())
    }

    @Test(arguments: [
        ("{}", nil as String?, 0, false),
        (
            #"{"containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating"}},"lastState":{}}]}"#, nil, 0,
            false
        ),
        (
            #"{"containerStatuses":[{"state":{"running":{"startedAt":"2026-01-01T00:00:09Z"}}}]}"#,
            "2026-01-01T00:00:09Z", 0, true
        ),
        (
            #"{"containerStatuses":[{"state":{"running":{"startedAt":"2026-01-01T00:00:09Z"}}}],"initContainerStatuses":"#
                + #"[{"state":{"terminated":{"startedAt":"2026-01-01T00:00:02Z","exitCode":0}}}]}"#,
            "2026-01-01T00:00:02Z", 0, true
        ),
        (
            #"{"containerStatuses":[{"restartCount":2,"state":{"waiting":{}},"lastState":{"terminated":"#
                + #"{"startedAt":"2026-01-01T00:00:05Z"}}}]}"#,
            "2026-01-01T00:00:05Z", 2, true
        ),
        (#"{"containerStatuses":[{"restartCount":1,"state":{"waiting":{}}}]}"#, nil, 1, true),
        // A container that never came to run.
        (#"{"containerStatuses":[{"state":{"terminated":{"startedAt":null,"exitCode":128}}}]}"#, nil, 0, false),
        (#"{"containerStatuses":[{"state":{"terminated":{"startedAt":"0001-01-01T00:00:00Z"}}}]}"#, nil, 0, false),
        (
            #"{"ephemeralContainerStatuses":[{"state":{"running":{"startedAt":"2026-01-01T00:00:07Z"}}}]}"#,
            "2026-01-01T00:00:07Z", 0, true
        ),
    ])
    func startsAreRead(_ status: String, _ first: String?, _ restarts: Int, _ haveStarted: Bool) throws {
        let containers = try #require(facts("{}", status)).containers
        #expect(containers.firstStart == first.flatMap { UTCInstant(rfc3339: $0) })
        #expect(containers.restarts == restarts && containers.haveStarted == haveStarted)
    }

    @Test func theTimeAtWhichKubeletTookItUpIsRead() {
        let pod = facts("{}", #"{"phase":"Pending","startTime":"2026-01-01T00:00:01Z"}"#)
        #expect(pod?.containers.takenUp == UTCInstant(rfc3339: "2026-01-01T00:00:01Z"))
        #expect(pod?.containers.haveStarted == false)
    }
}
