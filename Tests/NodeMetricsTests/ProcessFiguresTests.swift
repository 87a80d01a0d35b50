// The process as the kernel sees it: read from what the kernel prints, and from this very process.

import Testing

@testable import NodeMetrics

struct ProcessFiguresTests {
    /// Fields 3 to 24 of proc_pid_stat(5).
    private let fields = "S 1 2 3 0 -1 4194560 5000 0 0 0 250 125 0 0 20 0 9 0 5000 123456789 4096"

    @Test(arguments: ["(daypass)", "(a) b) c)", "( )"])
    func whatTheKernelPrintsIsRead(_ name: String) {
        var figures = ProcessFigures()
        figures.take(
            stat: "42 \(name) \(fields) 18446744073709551615\n",
            system: "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n",
            ticks: 100,
            pageSize: 4096
        )
        #expect(figures.cpuSeconds == 3.75)
        #expect(figures.residentBytes == 4096 * 4096)
        #expect(figures.startSeconds == 1_700_000_050)
    }

    @Test(arguments: ["", "42", "42 (x", "42 (x)", "42 (x) S 1 2"])
    func whatIsCutOffIsNotKnown(_ stat: String) {
        var figures = ProcessFigures()
        figures.take(stat: stat, system: "btime 5\n", ticks: 100, pageSize: 4096)
        #expect(figures == ProcessFigures())
    }

    @Test(
        arguments: [
            ("134217728\n", 134_217_728), ("max\n", nil), ("9223372036854771712\n", nil), ("", nil), ("x\n", nil),
        ] as [(String, Int?)]
    )
    func aLimitOfMemory(_ text: String, _ expected: Int?) {
        #expect(ProcessFigures.memoryLimit(text) == expected)
    }

    @Test func thisProcessHasFigures() throws {
        let figures = ProcessFigures.now
        let (memory, cpu) = (try #require(figures.residentBytes), try #require(figures.cpuSeconds))
        let start = try #require(figures.startSeconds)
        #expect(memory > 1 << 20 && cpu > 0 && start > 1_600_000_000)
        let (open, most) = (try #require(figures.openFiles), try #require(figures.maxFiles))
        #expect(open >= 3 && open <= most)
    }
}
