import CartAssociations
import Testing

@testable import SyncReporting

@Suite struct ServiceObjectiveTests {
    private func report(creates: Int, median: Double) -> RunReport {
        var run = SampleRun()
        run.call(.create, times: creates, rate: 20, median: median)
        return run.report()
    }

    @Test(
        "an objective is crossed or kept by the figure that it names",
        arguments: [
            ("create.p50<1us", true), ("create.p50<1min", false), ("create.response.p50 < 20ms", true),
            ("create.service.p99.9<10s", false), ("create.max<0.1s", true), ("delete.p99<1us", false),
            ("failed<0.1%", true), ("failed<1%", false), ("retried<0.2%", true), ("retried<5%", false),
        ])
    func judging(text: String, isCrossed: Bool) throws {
        let objective = try ServiceObjective(text)
        let result = objective.result(in: report(creates: 2000, median: 0.04))
        #expect(result.isCrossed == isCrossed, "\(result)")
        let written = text.replacing(" ", with: "")
        #expect(result.sentence.hasPrefix("\(written) \(isCrossed ? "was crossed" : "was kept"): "))
    }

    private func isCrossed(_ objective: ServiceObjective, _ run: SampleRun) -> Bool {
        objective.isCrossed(
            in: run.recorder.snapshot(), done: run.outcomes.done, unsuccessful: run.outcomes.unsuccessful)
    }

    @Test("during a run an objective waits until the figure is more than chance")
    func fewCalls() throws {
        let objective = try ServiceObjective("create.p99<1ms")
        var run = SampleRun()
        run.call(.create, times: 999, rate: 20)
        #expect(!isCrossed(objective, run))
        run.call(.create, times: 1, rate: 20)
        #expect(isCrossed(objective, run))
        let failed = try ServiceObjective("failed<0.1%")
        #expect(!isCrossed(failed, run))
        run.call(.create, times: 9000, rate: 20)
        #expect(isCrossed(failed, run))
    }

    @Test("no failure crosses a limit of none, one does")
    func zero() throws {
        let objective = try ServiceObjective("failed<0%")
        #expect(!objective.result(in: report(creates: 10, median: 0.04)).isCrossed)
        #expect(objective.result(in: report(creates: 600, median: 0.04)).isCrossed)
    }

    @Test("several objectives stand with commas between them")
    func list() throws {
        let objectives = try ServiceObjective.list("create.p99<800ms,failed<0.5%")
        #expect(objectives.map(\.description) == ["create.p99<800ms", "failed<0.5%"])
    }

    @Test(
        "what is no objective is refused with what is possible",
        arguments: [
            "", "create.p99", "create.p99<", "create.p99<800", "create.p98<1s", "make.p99<1s", "failed<5ms",
            "create.p99<5%", "create.p99<-1s", "create.p99<nans", "create<1s", "create.p99<1s<2s", "create.infs<infs",
        ])
    func unusable(text: String) throws {
        let error = try #require(throws: UnusableObjective.self) { try ServiceObjective(text) }
        #expect(error.description.contains("create.p99<800ms"))
    }
}
