// Quay's robot federation.

import Foundation
import LoopbackCluster
import Synchronization
package import TokenStore

/// A Quay with robot accounts, some of them federated.
package final class LoopbackQuay: Sendable {
    /// The federation of one robot.
    package struct Federation: Sendable {
        package var subject: String
        package var audiences: [String]
        package init(subject: String, audiences: [String]) {
            self.subject = subject
            self.audiences = audiences
        }
    }

    package let subjects: SubjectTokens
    private let robots: [String: Federation?]
    private let books = Mutex<[String]>([])
    private let now: @Sendable () -> UTCInstant

    /// - Parameter robots: by full name; `nil` for one without a federation.
    package init(
        _ robots: [String: Federation?],
        subjects: SubjectTokens,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        self.robots = robots
        self.subjects = subjects
        self.now = now
    }

    /// The tokens that were issued.
    package var minted: [String] { books.withLock { $0 } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        guard request.path == "/oauth2/federation/robot/token" else { return SourceAnswer(404) }
        guard request.method == "GET" else { return SourceAnswer(405) }
        guard let (name, token) = request.basic else {
            return .json(401, #"{"error":"Could not parse basic auth header"}"#)
        }
        guard name.split(separator: "+").count == 2 else { return .json(401, #"{"error":"Invalid robot"}"#) }
        // Quay's handler of model errors answers 400 to all that follows.
        guard let robot = robots[name] else { return Self.refusal("Could not find robot with username: \(name)") }
        guard let federation = robot else { return Self.refusal("Robot does not have federated login configured") }
        var rejection = "Invalid token"
        for audience in federation.audiences {
            do throws(SubjectTokens.Rejection) {
                let claims = try subjects.verify(token, audience: audience, now: now())
                guard claims.sub == federation.subject else { return Self.refusal("Token does not match robot") }
                return grant(name)
            } catch {
                rejection = "Invalid token: \(error) \(token)"
            }
        }
        return Self.refusal(rejection)
    }

    /// A signed statement of one hour, without a serial number: equal ones within a second.
    private func grant(_ robot: String) -> SourceAnswer {
        let time = now().epochSeconds
        let claims =
            #"{"iss":"quay","aud":"quay.io","nbf":\#(time),"iat":\#(time),"exp":\#(time + 3600),"sub":"\#(robot)","#
            + #""access":[],"context":{}}"#
        guard let token = try? subjects.issuer.sign(claims: Array(claims.utf8)) else { return SourceAnswer(500) }
        books.withLock { $0.append(token) }
        return .json(200, #"{"token":"\#(token)"}"#)
    }

    private static func refusal(_ text: String) -> SourceAnswer { .json(400, #"{"message":"\#(text)"}"#) }
}
