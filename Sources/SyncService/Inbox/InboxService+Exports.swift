import Logging
import Synchronization

// From an inbox in which exports are ready to exports that are synced and put away.
extension InboxService {
    /// Syncs everything that can be synced now.
    func work() async {
        state.withLock { $0.clearTroubles() }
        var tried: Set<String> = []
        while let export = await turn.take({ await workOnNext(except: tried) }) { tried.insert(export) }
    }

    /// Syncs one export and returns its name; nil where there is none to be synced now.
    private func workOnNext(except tried: Set<String>) async -> String? {
        guard !isStopping, once || state.withLock({ $0.pause(now: clock.now()) }) == nil,
            let export = await next(except: tried)
        else { return nil }
        await sync(export)
        return export.name
    }

    /// The next export, claimed: first those that were interrupted, then the oldest that is ready.
    private func next(except tried: Set<String>) async -> ClaimedExport? {
        if let due = unfinished(except: tried) { return due }
        let ready = await currentExports()
        // What was released from waiting/ meanwhile is in working/ now, and comes before what waited behind it.
        if !ready.isEmpty, let due = unfinished(except: tried) { return due }
        for entry in ready where !tried.contains(entry.name) {
            do throws(InboxError) {
                if let export = try inbox.claim(entry) { return export }
            } catch {
                trouble(entry.name, error)
            }
        }
        return nil
    }

    /// The first export in `working/` whose time has come.
    private func unfinished(except tried: Set<String>) -> ClaimedExport? {
        do throws(InboxError) {
            let untried = try inbox.unfinished().filter { !tried.contains($0.name) }
            return state.withLock { $0.due(untried, now: clock.now()) }
        } catch {
            trouble(InboxName.Folder.working.rawValue, error)
            return nil
        }
    }

    /// What is ready, without the snapshots that newer ones make void; nothing while a run waits for approval.
    private func currentExports() async -> [InboxEntry] {
        let ready = state.withLock { $0.status.view.ready }
        guard !ready.isEmpty else { return [] }
        let awaiting: [InboxEntry]
        do throws(InboxError) {
            awaiting = try inbox.waiting()
        } catch {
            trouble(InboxName.Folder.waiting.rawValue, error)
            return []
        }
        guard ready.count + awaiting.count > 1 else { return ready }
        var classes = state.withLock { $0.classes }
        for (entries, folder) in [(awaiting, inbox.path(.waiting)), (ready, inbox.folder)] {
            for entry in entries where classes[entry] == nil {
                classes[entry] = await classify("\(folder)/\(entry.name)")
            }
        }
        let (current, void) = Supersession.split((awaiting + ready).map { ($0, classes[$0] ?? .unknown) })
        let kept = Set(current)
        state.withLock { $0.remember(classes.filter { kept.contains($0.key) }) }
        if !void.isEmpty { supersede(void, awaiting: Set(awaiting)) }
        return kept.isDisjoint(with: awaiting) ? current : []
    }

    private func supersede(_ void: [InboxEntry], awaiting: Set<InboxEntry>) {
        do throws(InboxError) {
            let waiting = void.filter(awaiting.contains)
            try inbox.supersede(waiting: waiting)
            let moved = waiting + (try inbox.supersede(void.filter { !awaiting.contains($0) }))
            state.withLock { $0.supersede(Set(moved)) }
            for entry in moved {
                logger.notice("superseded by a newer snapshot", metadata: ["file": .quoted(entry.name)])
            }
        } catch {
            trouble(InboxName.Folder.superseded.rawValue, error)
        }
    }

    private func sync(_ export: ClaimedExport) async {
        state.withLock { $0.begin(export) }
        logger.notice(export.isResumed ? "taken again" : "taken", metadata: ["file": .quoted(export.name)])
        let verdict = await runExport(export) { run in self.state.withLock { $0.began(run: run) } }
        judge(verdict)
        do throws(InboxError) {
            try settle(export, verdict)
        } catch {
            // It is still in working/; at once again it would come to the same end.
            let interval = intervals.poll
            state.withLock { $0.postpone(export, reason: "\(error)", now: clock.now(), interval: interval) }
            trouble(export.name, error)
        }
        state.withLock { $0.end() }
    }

    /// Takes note of a failure; what a signal stopped is none.
    private func judge(_ verdict: ExportVerdict) {
        let pause = state.withLock { $0.judge(verdict, now: clock.now()) }
        guard let pause, !once else { return }
        logger.error(
            "the job waits, since its runs failed in a row",
            metadata: ["failures": "\(status().backoff.failures)", "seconds": "\(pause.components.seconds)"])
    }

    private func settle(_ export: ClaimedExport, _ verdict: ExportVerdict) throws(InboxError) {
        switch verdict {
        case .done(let report):
            try finish(export, to: .done, level: .notice, reason: nil, report: report)
        case .failed(let reason, let report):
            try finish(export, to: .failed, level: .error, reason: reason, report: report)
        case .waiting(let reason, let report):
            try finish(export, to: .waiting, level: .warning, reason: reason, report: report)
        case .interrupted(let reason):
            let interval = intervals.poll
            state.withLock { $0.interrupt(export, reason: reason, now: clock.now(), interval: interval) }
            logger.warning(
                "interrupted", metadata: ["file": .quoted(export.name), "reason": .quoted(reason)])
        }
    }

    private func finish(
        _ export: ClaimedExport, to place: InboxName.Folder, level: Logger.Level, reason: String?, report: String?
    ) throws(InboxError) {
        let finished = try inbox.finish(export, to: place, reason: reason, report: report)
        state.withLock { $0.finish(export, in: place) }
        var metadata: Logger.Metadata = [
            "file": .quoted(export.name), "to": .quoted("\(place.rawValue)/\(finished.name)"),
        ]
        if let reason { metadata["reason"] = .quoted(reason) }
        logger.log(level: level, "moved", metadata: metadata)
        if let problem = finished.reportProblem {
            logger.error(
                "the report cannot be copied",
                metadata: ["file": .quoted(export.name), "report": .quoted(report ?? ""), "error": .quoted(problem)])
        }
    }

    private func trouble(_ name: String, _ error: InboxError) {
        state.withLock { $0.trouble(name, error) }
        logger.error("cannot be moved", metadata: ["file": .quoted(name), "error": .quoted("\(error)")])
    }
}
