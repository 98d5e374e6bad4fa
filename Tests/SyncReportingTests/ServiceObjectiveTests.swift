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
        let crossing = objective.crossing(in: report(creates: 2000, median: 0.04))
        #expect((crossing != nil) == isCrossed, "\(crossing ?? "kept")")
        if let crossing { #expect(crossing.hasPrefix("\(text) was crossed: ")) }
    }

    @Test("during a run an objective waits until the figure is more than chance")
    func fewCalls() throws {
        let objective = try ServiceObjective("create.p99<1ms")
        var run = SampleRun()
        run.call(.create, times: 999, rate: 20)
        #expect(objective.crossing(in: run.recorder.snapshot(), run.outcomes) == nil)
        run.call(.create, times: 1, rate: 20)
        #expect(objective.crossing(in: run.recorder.snapshot(), run.outcomes) != nil)
        let failed = try ServiceObjective("failed<0.1%")
        #expect(failed.crossing(in: run.recorder.snapshot(), run.outcomes) == nil)
        run.call(.create, times: 9000, rate: 20)
        #expect(failed.crossing(in: run.recorder.snapshot(), run.outcomes) != nil)
    }

    @Test("no failure crosses a limit of none, one does")
    func zero() throws {
        let objective = try ServiceObjective("failed<0%")
        #expect(objective.crossing(in: report(creates: 10, median: 0.04)) == nil)
        #expect(objective.crossing(in: report(creates: 600, median: 0.04)) != nil)
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
