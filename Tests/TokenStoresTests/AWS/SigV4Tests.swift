// Signatures: AWS's published vectors, and curl's own signer as an oracle.

import Foundation
import Support
import Synchronization
import Testing
import TokenStore

@testable import LoopbackSources
@testable import TokenStores

@Suite struct SigV4Tests {
    /// Of the AWS Signature Version 4 test suite (now in <https://github.com/awslabs/aws-c-auth>), and of the examples in
    /// AWS's documentation of the signing process.
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        var method = "GET"
        var url = "https://example.amazonaws.com/"
        var headers: [HTTPField] = []
        var body: String?
        var sessionToken: String?
        var service = "service"
        let signedHeaders: String
        let signature: String

        var testDescription: String { name }
    }

    static let vectors = [
        Vector(
            name: "get-vanilla",
            signedHeaders: "host;x-amz-date",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        Vector(
            name: "post-vanilla",
            method: "POST",
            signedHeaders: "host;x-amz-date",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
        Vector(
            name: "get-vanilla-query-order-key-case",
            url: "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            signedHeaders: "host;x-amz-date",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        Vector(
            name: "get-vanilla-query-order-value",
            url: "https://example.amazonaws.com/?Param1=value2&Param1=value1",
            signedHeaders: "host;x-amz-date",
            signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"
        ),
        Vector(
            name: "get-unreserved",
            url: "https://example.amazonaws.com/"
                + "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            signedHeaders: "host;x-amz-date",
            signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
        ),
        Vector(
            name: "get-utf8",
            url: "https://example.amazonaws.com/\u{1234}",
            signedHeaders: "host;x-amz-date",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"
        ),
        Vector(
            name: "get-header-value-trim",
            headers: [HTTPField("My-Header1", " value1"), HTTPField("My-Header2", " \"a   b   c\"")],
            signedHeaders: "host;my-header1;my-header2;x-amz-date",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
        Vector(
            name: "post-x-www-form-urlencoded",
            method: "POST",
            headers: [HTTPField("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1",
            signedHeaders: "content-type;host;x-amz-date",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        ),
        Vector(
            name: "post-sts-header-before",
            method: "POST",
            sessionToken: "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
                + "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ"
                + "0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDryp"
                + "NC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
            signedHeaders: "host;x-amz-date;x-amz-security-token",
            signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
        ),
        Vector(
            name: "ListUsers, of the documentation",
            url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: [HTTPField("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            service: "iam",
            signedHeaders: "content-type;host;x-amz-date",
            signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        ),
    ]

    private static func keys(_ sessionToken: String? = nil) -> AWSKeys {
        AWSKeys(
            accessKeyID: "AKIDEXAMPLE",
            secretAccessKey: Secret(utf8: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            sessionToken: sessionToken.map { Secret(utf8: $0) }
        )
    }

    private static let then = UTCInstant(rfc3339: "2015-08-30T12:36:00Z")

    @Test(arguments: vectors) func published(vector: Vector) throws {
        let signer = SigV4(keys: Self.keys(vector.sessionToken), region: "us-east-1", service: vector.service)
        let call = HTTPCall(
            vector.method,
            vector.url,
            headers: vector.headers,
            body: vector.body.map { Array($0.utf8) }
        )
        let signed = signer.signed(call, at: try #require(Self.then))
        #expect(
            signed.authorization?.revealText()
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/\(vector.service)/aws4_request, "
                + "SignedHeaders=\(vector.signedHeaders), Signature=\(vector.signature)"
        )
        #expect(signed.headers.contains(HTTPField("X-Amz-Date", "20150830T123600Z")))
        #expect(!"\(signed)".contains("wEXAMPLEtc764"))
    }

    @Test func canonicalRequestOfTheDocumentation() throws {
        let call = HTTPCall(
            "GET",
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: [
                HTTPField("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                HTTPField("X-Amz-Date", "20150830T123600Z"),
            ]
        )
        #expect(
            SigV4.canonicalRequest(call).text == """
                GET
                /
                Action=ListUsers&Version=2010-05-08
                content-type:application/x-www-form-urlencoded; charset=utf-8
                host:iam.amazonaws.com
                x-amz-date:20150830T123600Z

                content-type;host;x-amz-date
                e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
                """
        )
    }

    @Test func whatIsEncodedIsEncodedOnceMore() {
        let text = SigV4.canonicalRequest(HTTPCall("GET", "https://h.example/a%20b/c?x&a=1%202")).text
        #expect(text.hasPrefix("GET\n/a%2520b/c\na=1%202&x=\nhost:h.example\n"))
    }

    /// Computed with the signer of git-remote-codecommit (<https://github.com/aws/git-remote-codecommit>).
    @Test func codeCommitPassword() {
        let signer = SigV4(keys: Self.keys(), region: "us-east-1", service: "codecommit")
        let request = "GIT\n/v1/repos/demo\n\nhost:git-codecommit.us-east-1.amazonaws.com\n\nhost\n"
        #expect(
            signer.signature(of: request, time: "20150830T123600")
                == "98ebe7de58c7c1191ff280d8e20bf0cf0e76e1bbbc62fca43cb059146312840d"
        )
    }

    /// curl signs a call to a loopback server; we sign the same call at the same time.
    @Test(arguments: [
        ("ecr", "/", "{}", "application/x-amz-json-1.1"),
        (
            "sts", "/", "Action=AssumeRole&Version=2011-06-15&Policy=%7B%22a%22%3A%5B%5D%7D",
            "application/x-www-form-urlencoded"
        ),
        ("ecr", "/prefix/some_path-1.2~3", "", "text/plain"),
    ])
    func agreesWithCurl(service: String, path: String, body: String, type: String) async throws {
        let seen = Mutex<SourceRequest?>(nil)
        try await withLoopbackSource({ request in
            seen.withLock { $0 = request }
            return SourceAnswer(204)
        }) { url in
            let outcome = try await runProgram(
                "curl",
                [
                    "--disable", "--silent", "--show-error", "--fail", "--noproxy", "*", "--request", "POST",
                    "--aws-sigv4", "aws:amz:eu-west-3:\(service)", "--user", "AKIDEXAMPLE:some+Secret/Key",
                    "--header", "Content-Type: \(type)", "--data-binary", "@-", url + path,
                ],
                input: body
            )
            try #require(outcome.code == 0, "\(outcome.error)")
            let theirs = try #require(seen.withLock { $0 })
            let time = try #require(theirs.headers["x-amz-date"].flatMap(AWSSignature.instant))
            let keys = AWSKeys(
                accessKeyID: "AKIDEXAMPLE",
                secretAccessKey: Secret(utf8: "some+Secret/Key"),
                sessionToken: nil
            )
            let call = HTTPCall(
                "POST",
                url + path,
                headers: [HTTPField("Content-Type", type)],
                body: Array(body.utf8)
            )
            let ours = SigV4(keys: keys, region: "eu-west-3", service: service).signed(call, at: time)
            #expect(ours.authorization?.revealText() == theirs.headers["authorization"])
        }
    }
}
