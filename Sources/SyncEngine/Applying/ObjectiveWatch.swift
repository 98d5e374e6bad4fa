import CallPacing
import CartAssociations
import Logging
import SyncReporting
import Synchronization

/// Judges the objectives of a run while it goes on: a run that harms the shop can end at once.
final class ObjectiveWatch: Sendable {
    private static let interval: Duration = .seconds(1)

    private let objectives: [ServiceObjective]
    private let time: TimeSource
    private let started: ContinuousClock.Instant
    /// Seconds into the run, by the position of the objective that was seen to be crossed.
    private let crossed = Mutex<[Int: Double]>([:])

    /// - Parameter time: now is when the run starts.
    init(_ objectives: [ServiceObjective], _ time: TimeSource) {
        self.objectives = objectives
        self.time = time
        started = time.now()
    }

    /// Looks every second until the task is cancelled.
    ///
    /// - Parameter onCrossing: told each objective once, when it is first seen to be crossed.
    func look(
        at recorder: LatencyRecorder, _ progress: RunProgress, onCrossing: @Sendable (ServiceObjective) -> Void
    ) async {
        guard !objectives.isEmpty else { return }
        while (try? await time.sleep(for: Self.interval, tolerance: .milliseconds(50))) != nil {
            let now = progress.now
            let snapshot = recorder.snapshot()
            judge(snapshot, done: now.done, unsuccessful: now.failed, at: time.now()).forEach(onCrossing)
        }
    }

    /// The objectives that are crossed now and were not before.
    func judge(
        _ snapshot: LatencySnapshot, done: Int, unsuccessful: Int, at now: ContinuousClock.Instant
    ) -> [ServiceObjective] {
        crossed.withLock { crossed in
            objectives.indices.filter { index in
                guard crossed[index] == nil,
                    objectives[index].isCrossed(in: snapshot, done: done, unsuccessful: unsuccessful)
                else { return false }
                crossed[index] = Double((now - started) / .seconds(1))
                return true
            }.map { objectives[$0] }
        }
    }

    /// What a finished run makes of the objectives.
    ///
    /// - Parameter isAborted: whether a crossing ended the run: then it counts, though the last answers may have
    ///   brought the figure back.
    func results(in report: RunReport, isAborted: Bool) -> [RunReport.ObjectiveResult] {
        let crossed = crossed.withLock { $0 }
        return objectives.indices.map { index in
            var result = objectives[index].result(in: report)
            result.crossedAfter = crossed[index]
            if isAborted && crossed[index] != nil { result.isCrossed = true }
            return result
        }
    }
}
