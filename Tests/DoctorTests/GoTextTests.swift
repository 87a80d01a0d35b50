// Durations, versions, flags and paths, as the driver's objects hold them.

import Testing
import TokenStore

@testable import Doctor

struct GoTextTests {
    @Test(
        "durations of Go",
        arguments: [
            ("2m", 120), ("2m0s", 120), ("1h", 3600), ("1h30m", 5400), ("90s", 90), ("1.5m", 90), ("500ms", 0.5),
            ("0", 0),
            ("0s", 0), ("", nil), ("2", nil), ("m", nil), ("2 m", nil), ("-2m", nil), ("2d", nil), ("1..5s", nil),
        ] as [(String, Double?)]
    )
    func durations(_ text: String, _ seconds: Double?) { #expect(GoDuration.seconds(text) == seconds) }

    @Test(
        "versions in image names",
        arguments: [
            ("registry.k8s.io/csi-secrets-store/driver:v1.6.1", "v1.6.1"), ("localhost:5000/driver:1.5.6", "v1.5.6"),
            ("mcr.microsoft.com/oss/v2/secrets-store/driver:v1.4.8-3", "v1.4.8"),
            ("driver:v1.6.1@sha256:00ff", "v1.6.1"),
            ("driver@sha256:00ff", nil), ("localhost:5000/driver", nil), ("driver:latest", nil), ("driver:v1.6", nil),
            ("", nil),
        ] as [(String, String?)]
    )
    func versions(_ image: String, _ version: String?) { #expect(DriverVersion(image: image)?.description == version) }

    @Test("versions are compared by their numbers")
    func comparison() {
        #expect(DriverVersion(1, 10, 0) > DriverVersion(1, 9, 9))
        #expect(DriverVersion(1, 6, 0) < DriverVersion(1, 6, 1))
    }

    @Test(
        "flags in the forms of Go",
        arguments: [
            (["--a=1"], "1"), (["-a=1"], "1"), (["--a", "1"], "1"), (["--a"], "true"), (["--a", "--b"], "true"),
            (["--ab=1"], nil),
            (["a=1"], nil), (["--a=1", "--a=2"], "2"), (["--a="], ""), ([], nil),
        ] as [([String], String?)]
    )
    func flags(_ arguments: [String], _ value: String?) {
        let tree = ObjectTree.map(["args": .list(arguments.map { .text($0) })])
        #expect(PodTemplate.Container(tree: tree).flag("a") == value)
    }

    @Test(
        "paths",
        arguments: [
            ("/var/run/x/", "/run/x"), ("/var/run", "/run"), ("//a//b", "/a/b"), ("/var/runner", "/var/runner"),
            ("", "/"),
        ]
    )
    func paths(_ path: String, _ normal: String) { #expect(NodePath.normal(path) == normal) }

    @Test("a date of HTTP")
    func dates() {
        #expect(InternetDate.instant("Sun, 06 Nov 1994 08:49:37 GMT")?.rfc3339 == "1994-11-06T08:49:37Z")
        for text in ["", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, x Nov 1994 08:49:37 GMT"] {
            #expect(InternetDate.instant(text) == nil)
        }
    }
}
