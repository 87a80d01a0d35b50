// The thread that drives all transfers of a transport, and the inbox by which tasks talk to it.

import CCurl
import Glibc
import Synchronization
import TokenStore

/// The tasks' end of the loop: messages go into an inbox, and the thread is woken.
final class CurlLoop: Sendable {
    /// What a task asks of the thread.
    enum Message: Sendable {
        case start(UInt64, OutgoingRequest, TransferReceiver)
        case cancel(UInt64)
        /// The reader of a stream has room again.
        case unpause(UInt64)
    }

    private struct Inbox {
        var messages: [Message] = []
        var lastID: UInt64 = 0
        var isStopping = false
        /// Set while the thread may be woken: `curl_multi_wakeup` is the one call that other threads may make on a
        /// multi handle, as long as the handle lives.
        var wakeAddress: UInt?
        var stopWaiter: CheckedContinuation<Void, Never>?
        var hasEnded = false

        func wake() {
            _ = wakeAddress.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }.map { curl_multi_wakeup($0) }
        }
    }

    private let inbox: Mutex<Inbox>

    private init(wakeAddress: UInt) { inbox = Mutex(Inbox(wakeAddress: wakeAddress)) }

    /// Starts the thread. It runs until ``stop()``.
    static func start(
        _ settings: TransferSettings,
        maxConnections: Int
    ) throws(HTTPTransferSetupError) -> (CurlLoop, JoinableThread) {
        guard let multi = curl_multi_init() else { throw HTTPTransferSetupError("libcurl has no memory for a loop") }
        // Without descriptors for it the handle has no wake-up, and calls would wait for the next deadline.
        guard curl_multi_wakeup(multi) == CURLM_OK else {
            curl_multi_cleanup(multi)
            throw HTTPTransferSetupError("libcurl has no descriptors for a loop; raise the limit of open files")
        }
        // All connections that are open are also kept for reuse.
        for option in [CURLMOPT_MAX_TOTAL_CONNECTIONS, CURLMOPT_MAXCONNECTS] {
            daypass_curl_multi_set_long(multi, option, maxConnections)
        }
        // The thread owns the handle from here on. Its address crosses over, because a pointer is not `Sendable`.
        let address = UInt(bitPattern: multi)
        let loop = CurlLoop(wakeAddress: address)
        let thread = JoinableThread.start(name: "daypass-http") {
            guard let multi = UnsafeMutableRawPointer(bitPattern: address) else { return }
            LoopThread(multi, loop: loop, settings: settings).run()
        }
        guard let thread else {
            curl_multi_cleanup(multi)
            throw HTTPTransferSetupError("the system has no thread for HTTP calls; raise the limit of processes")
        }
        return (loop, thread)
    }

    /// Runs one transfer; cancelling the task ends it.
    func run(_ request: OutgoingRequest) async -> TransferOutcome {
        let id = newID()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                post(.start(id, request, .whole(continuation)))
                // A cancellation that came before the message above found nothing to cancel.
                if Task.isCancelled { post(.cancel(id)) }
            }
        } onCancel: {
            post(.cancel(id))
        }
    }

    /// Starts a transfer whose answer is read while it arrives. Whoever starts it must see to its end.
    func startStream(_ request: OutgoingRequest, idle: Duration?) -> CurlStream {
        let stream = CurlStream(loop: self, id: newID(), channel: StreamChannel(limit: request.bodyLimit))
        post(.start(stream.id, request, .stream(stream.channel, idle: idle)))
        return stream
    }

    private func newID() -> UInt64 {
        inbox.withLock { inbox in
            inbox.lastID += 1
            return inbox.lastID
        }
    }

    /// Ends all transfers and returns when the thread is about to end.
    func stop() async {
        await withCheckedContinuation { continuation in
            let hasEnded = inbox.withLock { inbox in
                inbox.isStopping = true
                if !inbox.hasEnded { inbox.stopWaiter = continuation }
                inbox.wake()
                return inbox.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    func post(_ message: Message) {
        let isTaken = inbox.withLock { inbox in
            guard inbox.wakeAddress != nil else { return false }
            inbox.messages.append(message)
            inbox.wake()
            return true
        }
        if !isTaken { Self.refuse(message) }
    }

    /// The messages since the last call, and whether the thread shall end.
    fileprivate func take() -> (messages: [Message], isStopping: Bool) {
        inbox.withLock { inbox in
            defer { inbox.messages = [] }
            return (inbox.messages, inbox.isStopping)
        }
    }

    /// Says that the handle is about to go. Messages that came too late are refused.
    fileprivate func close() {
        let late = inbox.withLock { inbox in
            defer { inbox.messages = [] }
            inbox.wakeAddress = nil
            return inbox.messages
        }
        late.forEach(Self.refuse)
    }

    fileprivate func end() {
        let waiter = inbox.withLock { inbox in
            inbox.hasEnded = true
            defer { inbox.stopWaiter = nil }
            return inbox.stopWaiter
        }
        waiter?.resume()
    }

    private static func refuse(_ message: Message) {
        guard case .start(_, let request, let receiver) = message else { return }
        let error = HTTPTransportError.cancelled(request.target, requestStarted: false)
        receiver.end(TransferOutcome(result: .failure(error)))
    }
}

/// The thread's end of the loop. It never leaves the thread, and no handle leaves it.
private final class LoopThread {
    private let multi: UnsafeMutableRawPointer
    private let loop: CurlLoop
    private let settings: TransferSettings
    private var transfers: [UInt64: CurlTransfer] = [:]
    private var ids: [UnsafeMutableRawPointer: UInt64] = [:]

    init(_ multi: UnsafeMutableRawPointer, loop: CurlLoop, settings: TransferSettings) {
        self.multi = multi
        self.loop = loop
        self.settings = settings
    }

    func run() {
        while true {
            let (messages, isStopping) = loop.take()
            messages.forEach(handle)
            if isStopping { break }
            var running: CInt = 0
            let overdue = ContinuousClock.now - .milliseconds(50)
            curl_multi_perform(multi, &running)
            finishTransfers()
            expireTransfers(dueBefore: overdue)
            // A poll that fails returns at once; without a pause this would spin until it works again.
            if curl_multi_poll(multi, nil, 0, pollTimeout, nil) != CURLM_OK { usleep(20_000) }
        }
        loop.close()
        for id in transfers.keys { remove(id)?.cancel() }
        curl_multi_cleanup(multi)
        loop.end()
    }

    private func handle(_ message: CurlLoop.Message) {
        switch message {
        case .cancel(let id):
            remove(id)?.cancel()
        case .unpause(let id):
            guard let result = transfers[id]?.unpause(), result != CURLE_OK else { return }
            remove(id)?.finish(result)
        case .start(let id, let request, let receiver):
            guard let transfer = CurlTransfer(request, settings: settings, receiver: receiver) else {
                let error = HTTPTransportError(
                    .broken,
                    "libcurl has no memory for a call to \(request.target.authority)",
                    requestMayHaveArrived: false
                )
                return receiver.end(TransferOutcome(result: .failure(error)))
            }
            guard transfer.isReady, curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
                return transfer.finish(CURLE_FAILED_INIT)
            }
            transfers[id] = transfer
            ids[transfer.easy] = id
        }
    }

    private func finishTransfers() {
        var left: CInt = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = daypass_curl_result(message)
            if let id = ids[easy] { remove(id)?.finish(result) }
        }
    }

    /// libcurl watches deadlines itself, but not those of transfers that wait for a free connection: they are what is
    /// still here after libcurl had its turn. Nor does it watch for silence in a stream.
    private func expireTransfers(dueBefore instant: ContinuousClock.Instant) {
        for (id, transfer) in transfers {
            if transfer.request.deadline < instant {
                remove(id)?.expire()
            } else if let silence = transfer.silenceDeadline, silence < instant {
                remove(id)?.expireInSilence()
            }
        }
    }

    /// Until the next deadline; libcurl itself shortens it to its own timers.
    private var pollTimeout: CInt {
        guard let next = transfers.values.lazy.map(\.nextDeadline).min() else { return CInt.max }
        return CInt(min(Int(CInt.max) - 100, ContinuousClock.now.duration(to: next).curlMilliseconds) + 60)
    }

    private func remove(_ id: UInt64) -> CurlTransfer? {
        guard let transfer = transfers.removeValue(forKey: id) else { return nil }
        ids[transfer.easy] = nil
        curl_multi_remove_handle(multi, transfer.easy)
        return transfer
    }
}
