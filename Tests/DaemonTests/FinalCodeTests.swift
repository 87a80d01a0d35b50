// Promise 7: only codes that kubelet takes as final leave the handler.

import Refusals
import Testing
import UnaryRPC

@testable import Daemon

struct FinalCodeTests {
    /// After these kubelet keeps the empty directory, and the Pod may start on it (`isFinalError` in
    /// pkg/volume/csi/csi_client.go of kubernetes).
    private let notFinal: Set<RPCStatus.Code> = [
        .ok, .cancelled, .deadlineExceeded, .unavailable, .resourceExhausted, .aborted,
    ]

    @Test func everyReasonHasAFinalCodeAndItsWholeText() {
        for reason in Reason.all {
            let status = ProviderService.status(Refusal(reason, "what", fix: "how"))
            #expect(!notFinal.contains(status.code), "\(reason.code)")
            #expect(status.message == "\(reason.code): what; how")
        }
    }

    @Test func aDaemonThatEndsAnswersFinally() {
        let status = ProviderService.endingStatus
        #expect(!notFinal.contains(status.code))
        #expect(status.message == "ShuttingDown: the daemon is ending; kubelet tries again by itself")
    }

    @Test(arguments: [
        (Reason.attributesMalformed, RPCStatus.Code.invalidArgument), (.tokenMissing, .failedPrecondition),
        (.tokenRejected, .unauthenticated), (.notGranted, .permissionDenied), (.storeUnknown, .notFound),
        (.storeUnavailable, .internal), (.outOfTime, .internal), (.defect, .internal),
    ])
    func theCodesAreThese(reason: Reason, code: RPCStatus.Code) {
        #expect(ProviderService.status(Refusal(reason, "x")).code == code)
    }
}
