// Calls and answers never print what may be a token.

import Testing
import TokenStore

@Suite struct HTTPPrintingTests {
    @Test func showsNamesAndCountsOnly() {
        let call = HTTPCall(
            "POST",
            "https://me:topsecret@api.example:8443/token/x?key=topsecret#topsecret",
            headers: [HTTPField("X-Key", "topsecret"), HTTPField("Accept", "topsecret")],
            authorization: Secret(utf8: "topsecret"),
            body: Array("topsecret".utf8)
        )
        let answer = HTTPAnswer(
            status: 201,
            headers: [HTTPField("Set-Cookie", "topsecret")],
            body: Array("topsecret".utf8)
        )
        var dumped = ""
        dump(call, to: &dumped)
        dump(answer, to: &dumped)
        dump([answer], to: &dumped)
        let bytes = Array("topsecret".utf8).map(String.init)
        let printed = [
            "\(call)", "\(answer)", String(reflecting: call), String(reflecting: answer), "\([call])", "\([answer])",
            "\(Optional(answer) as Any)", dumped,
        ]
        for text in printed {
            #expect(!text.contains("topsecret") && !text.contains(bytes.joined(separator: ", ")))
        }
        #expect(!dumped.contains("- \(bytes[0])\n"))
        #expect(
            "\(call)"
                == "POST https://api.example:8443/token/x, headers: X-Key, Accept, authorization: yes, body: 9 bytes"
        )
        #expect("\(answer)" == "201, headers: Set-Cookie, body: 9 bytes")
        #expect(
            "\(HTTPCall("GET", "https://api.example"))"
                == "GET https://api.example, headers: none, authorization: no, body: 0 bytes"
        )
        #expect(Mirror(reflecting: answer).children.isEmpty && Mirror(reflecting: call).children.isEmpty)
    }
}
