// The attributes JSON, byte by byte as Go's encoding/json writes it.

import DriverCall
import LoopbackCluster
import Testing
import TokenStore

@Suite struct DriverAttributesTests {
    @Test func attributesAreWrittenAsTheDriverDoes() {
        let attributes = DriverAttributes(
            subject: Fixture.subject,
            parameters: [
                "tokens": "- {name: a}\n", "repository": "from the class", "b": "<a> & \"b\"\\\t\u{1}\u{2028}",
            ],
            volumeAttributes: ["repository": "https://github.com/our-org/x"],
            tokens: [
                .init(audience: "vault", token: "v", expiresAt: UTCInstant(epochSeconds: 0)),
                .init(audience: "daypass", token: "a.b.c", expiresAt: UTCInstant(epochSeconds: 1_767_225_600)),
            ]
        )
        let expected = #"""
            {"b":"\u003ca\u003e \u0026 \"b\"\\\t\u0001\u2028",\#
            "csi.storage.k8s.io/ephemeral":"true",\#
            "csi.storage.k8s.io/pod.name":"build-7",\#
            "csi.storage.k8s.io/pod.namespace":"binder",\#
            "csi.storage.k8s.io/pod.uid":"3b5e8a0e-0c39-4b5b-9f7c-0d9b9ac01b11",\#
            "csi.storage.k8s.io/serviceAccount.name":"builder",\#
            "csi.storage.k8s.io/serviceAccount.tokens":"{\"daypass\":{\"token\":\"a.b.c\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"},\"vault\":{\"token\":\"v\",\"expirationTimestamp\":\"1970-01-01T00:00:00Z\"}}",\#
            "repository":"https://github.com/our-org/x",\#
            "secretProviderClass":"build-credentials",\#
            "tokens":"- {name: a}\n"}
            """#
        #expect(attributes.json == expected)
        #expect(
            attributes.targetPath(volume: "credentials")
                == "/var/lib/kubelet/pods/3b5e8a0e-0c39-4b5b-9f7c-0d9b9ac01b11/volumes/kubernetes.io~csi/credentials/mount"
        )
    }

    @Test func kubeletsKeysGoLastAndOnlyWhenItSendsThem() {
        var attributes = DriverAttributes(
            subject: Fixture.subject,
            parameters: ["csi.storage.k8s.io/pod.name": "forged"],
            volumeAttributes: ["csi.storage.k8s.io/serviceAccount.tokens": "forged"],
            tokens: []
        )
        #expect(attributes.map["csi.storage.k8s.io/pod.name"] == "build-7")
        #expect(attributes.map["csi.storage.k8s.io/serviceAccount.tokens"] == "forged", "nothing of kubelet covers it")
        attributes.hasPodInfo = false
        #expect(attributes.map["csi.storage.k8s.io/pod.name"] == "forged")
        attributes.tokens = [.init(audience: "", token: "t", expiresAt: UTCInstant(epochSeconds: 0))]
        #expect(attributes.map["csi.storage.k8s.io/serviceAccount.tokens"] == attributes.tokensJSON)
        #expect(attributes.tokensJSON.hasPrefix("{\"\":{\"token\":\"t\""))
    }
}
