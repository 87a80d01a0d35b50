// What the server's one thread does: it receives all events, and it keeps the times, those of the drain too.

import CGRPC
import Glibc
import LogEvents
import Logging
import Synchronization

/// The body of the server's thread.
///
/// The drain runs here, and not in a task, so that neither a cancelled task nor a busy pool of threads changes its times.
struct ServerLoop {
    private let core: ServerCore
    /// Calls that were received and are not answered yet.
    private var open: [ObjectIdentifier: ServerCall] = [:]
    /// Those of them that a task works on.
    private var working: Set<ObjectIdentifier> = []
    /// Those of them that are held back for the successor.
    private var held: Set<ObjectIdentifier> = []
    /// Those of them whose client is gone.
    private var left: Set<ObjectIdentifier> = []
    /// Those of them whose message has not come.
    private var unheard: Patience<ObjectIdentifier>
    /// The number of calls that wait for the next clients.
    private var waiting = 0
    private var plan: DrainPlan?
    private var phase = DrainPlan.Phase.settling
    private var isShutDown = false
    private var hasHeardBell = false
    private var isClosed = false

    init(core: ServerCore) {
        self.core = core
        unheard = Patience(limit: core.options.messageTimeout)
    }

    /// Serves until a drain is done.
    mutating func run() {
        for _ in 0..<ServerCore.waitingCalls { waitForCall() }
        while true {
            let now = ContinuousClock.now
            let wakes = wakeUp(after: now)
            let event = grpc_completion_queue_next(core.queue.raw, wakes.map { .after($0 - now) } ?? .never, nil)
            switch event.type {
            case GRPC_QUEUE_SHUTDOWN: return
            case GRPC_OP_COMPLETE: take(event)
            // A queue that cannot poll says so before the time is over; without a pause this would spin.
            default: if wakes.map({ .now < $0 }) ?? true { usleep(20_000) }
            }
            keepTimes()
            endIfDone()
        }
    }

    private func wakeUp(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        // In a drain the thread looks often whether the caller's task was cancelled.
        let hurry = plan == nil ? nil : now + .milliseconds(100)
        return [unheard.nextLook, plan?.nextChange(after: now), hurry].compactMap { $0 }.min()
    }

    private mutating func waitForCall() {
        if ServerCall(core.library).request(from: core.server.raw, queue: core.queue.raw) { waiting += 1 }
    }

    private mutating func take(_ event: grpc_event) {
        guard let (call, kind) = ServerCall.take(event.tag) else { return }
        switch kind {
        case .arrived:
            waiting -= 1
            if event.success != 0, let call {
                open[ObjectIdentifier(call)] = call
                unheard.begin(ObjectIdentifier(call), at: .now)
                core.callsInFlight.add(1, ordering: .relaxed)
                call.receive()
            }
            if !core.isDraining.load(ordering: .acquiring) { waitForCall() }
        case .received:
            guard let call else { return }
            unheard.end(ObjectIdentifier(call))
            guard !call.isAnswered else { return }
            switch core.handle(call, manner) {
            case .answered: break
            case .working: working.insert(ObjectIdentifier(call))
            case .held where left.contains(ObjectIdentifier(call)): call.answer(.failure(core.options.endingStatus))
            case .held: held.insert(ObjectIdentifier(call))
            }
        case .closed:
            guard let call else { return }
            call.closed.open()
            if open[ObjectIdentifier(call)] != nil { left.insert(ObjectIdentifier(call)) }
            // Its client is gone, so this goes nowhere; but it brings the event that ends the call.
            if held.contains(ObjectIdentifier(call)) { call.answer(.failure(core.options.endingStatus)) }
        case .answered:
            guard let call else { return }
            open[ObjectIdentifier(call)] = nil
            working.remove(ObjectIdentifier(call))
            held.remove(ObjectIdentifier(call))
            left.remove(ObjectIdentifier(call))
            unheard.end(ObjectIdentifier(call))
            core.callsInFlight.subtract(1, ordering: .relaxed)
        case .bell: hasHeardBell = true
        case .serverShutDown: isShutDown = true
        }
    }

    private var isHandingOver: Bool { core.isHandingOver.load(ordering: .acquiring) }

    private var manner: ServerCore.Manner {
        guard phase >= .refusing else { return .serve }
        guard isHandingOver else { return .refuse }
        // While a call needs its time, those that need none do no harm. Then all are held, so that a quiet moment comes.
        return working.isEmpty ? .holdAll : .holdWork
    }

    private mutating func keepTimes() {
        let now = ContinuousClock.now
        for key in unheard.expire(at: now) { open[key]?.giveUp("the call's message did not come") }
        guard core.isEnding.load(ordering: .acquiring) else { return }
        let options = core.options
        var plan = self.plan ?? DrainPlan(options, from: now)
        if core.isHurried.exchange(false, ordering: .acquiringAndReleasing) { plan.hurry(at: now) }
        self.plan = plan
        let former = phase
        phase = plan.phase(at: now)
        if former < .cancelling, phase >= .cancelling, !open.isEmpty {
            core.logger.log(
                .drainSlow,
                "the drain takes too long; cancelling calls",
                metadata: ["calls": "\(open.count)"]
            )
            // A cancelled handler could only refuse; a successor will answer, once the connections are closed.
            if isHandingOver { end() } else { core.cancelHandlers() }
        }
        if former < .givingUp, phase >= .givingUp, !open.isEmpty {
            core.logger.log(
                .callsGivenUp,
                "handlers have not answered in time; ending their calls",
                metadata: ["calls": "\(open.count)"]
            )
            for call in open.values { call.answer(.failure(options.endingStatus)) }
        }
        if former < .closing, phase == .closing { end() }
    }

    private mutating func endIfDone() {
        if plan != nil, open.count == held.count, !core.isDraining.load(ordering: .acquiring) { end() }
        guard open.isEmpty else { return }
        // Nobody can start an operation now: no call waits, none is in flight, no connection is left, and the bell, which
        // another thread may still be hanging up, has rung. The core aborts on an operation after the queue's end.
        let isQuiet = hasHeardBell || core.isWithoutBell.load(ordering: .acquiring)
        if waiting == 0, isShutDown, isQuiet, !isClosed {
            isClosed = true
            core.finish()
        }
    }

    private func end() {
        // Without a successor nobody would answer the repeated calls: better a final answer.
        if !held.isEmpty, !core.hasSuccessor {
            for key in held { open[key]?.answer(.failure(core.options.endingStatus)) }
        }
        core.silence()
        core.beginDrain()
        core.closeConnections()
    }
}
