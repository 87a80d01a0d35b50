// ECR and ECR Public of the loopback AWS: passwords for docker.

import Foundation
import Synchronization
import TokenStore

extension LoopbackAWS {
    private static let targets = [
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken": "ecr",
        "SpencerFrontendService.GetAuthorizationToken": "ecr-public",
    ]

    func authorizationToken(_ request: SourceRequest, target: String) -> SourceAnswer {
        guard let service = Self.targets[target], request.headers["content-type"] == "application/x-amz-json-1.1",
            request.json([String: [String]].self) != nil
        else { return Self.jsonFault(400, "UnknownOperationException", "") }
        let region = service == "ecr" ? options.region : "us-east-1"
        if let fault = signatureFault(request, service: service, region: region) {
            return Self.jsonFault(400, fault.code, fault.text)
        }
        guard let signature = AWSSignature(request.headers["authorization"]),
            let session = session(signature.accessKeyID)
        else { return Self.jsonFault(400, "AccessDeniedException", "User is not authorized") }
        let needed = ["\(service):GetAuthorizationToken"] + (service == "ecr" ? [] : ["sts:GetServiceBearerToken"])
        guard needed.allSatisfy({ allows(session, $0, on: "*") }) else {
            return Self.jsonFault(400, "AccessDeniedException", "User is not authorized to perform: \(needed[0])")
        }
        // A colon in it, because nothing says that there is none.
        let password = "eyJwYXlsb2FkIjoi\(next()):" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
        state.withLock { $0.passwords[password] = session }
        let token = Data("AWS:\(password)".utf8).base64EncodedString()
        let expiresAt = Double(options.now().epochSeconds) + 43_200.123
        if service == "ecr-public" {
            return Self.amzJSON(
                200,
                #"{"authorizationData":{"authorizationToken":"\#(token)","expiresAt":\#(expiresAt)}}"#
            )
        }
        let proxy = "https://\(options.account).dkr.ecr.\(options.region).amazonaws.com"
        return Self.amzJSON(
            200,
            #"{"authorizationData":[{"authorizationToken":"\#(token)","expiresAt":\#(expiresAt),"#
                + #""proxyEndpoint":"\#(proxy)"}]}"#
        )
    }

    /// An error as ECR writes it.
    package static func jsonFault(_ status: Int, _ type: String, _ message: String) -> SourceAnswer {
        amzJSON(status, #"{"__type":"\#(type)","message":"\#(message)"}"#)
    }

    private static func amzJSON(_ status: Int, _ json: String) -> SourceAnswer {
        SourceAnswer(status, headers: ["Content-Type": "application/x-amz-json-1.1"], body: Array(json.utf8))
    }
}
