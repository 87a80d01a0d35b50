// The tasks in which late answers are worked on.

extension ServerCore {
    /// Runs a task for each late answer, until no more will come and all are sent.
    func answerLater() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                switch job {
                case .answer(let call, let work): group.addTask { await self.answer(call, work) }
                case .cancelAll: group.cancelAll()
                }
            }
        }
    }

    // The work is cancelled when the call is closed, and awaited either way: what it returns is the answer.
    private func answer(
        _ call: ServerCall,
        _ work: @escaping @Sendable () async -> Result<[UInt8], RPCStatus>
    ) async {
        let result = await withTaskGroup(of: Result<[UInt8], RPCStatus>?.self) { group in
            group.addTask { await work() }
            group.addTask {
                await call.closed.wait()
                return nil
            }
            var result: Result<[UInt8], RPCStatus>?
            for await end in group {
                result = result ?? end
                group.cancelAll()
            }
            return result
        }
        call.answer(result ?? .failure(options.endingStatus))
    }
}
