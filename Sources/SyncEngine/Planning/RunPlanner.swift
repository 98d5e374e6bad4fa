import AssociationDiff
import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
package import Ledger
import Logging
import SyncReporting

/// Plans a run: from exports, from a saved plan, or as the inverse of an earlier run. Nothing is written to the store.
///
/// What was planned is a `PlannedRun`, and what is left of a run that was stopped a `StoppedRun`.
package struct RunPlanner: Sendable {
    package let tools: RunTools
    let options: RunOptions
    private var ledger: Ledger { tools.ledger }

    package init(_ options: RunOptions, _ tools: RunTools) {
        self.options = options
        self.tools = tools
    }

    /// Reads the exports, finds out what exists, and computes every change.
    ///
    /// - Parameter keepingRejects: whether rejected records are written into the run's folder.
    package func plan(keepingRejects: Bool) async throws(RunFailure) -> PlannedRun {
        try await planned(options) { try await planExports(keepingRejects: keepingRejects) }
    }

    /// Computes the inverse of what an earlier run really changed.
    package func plan(undoing run: RunRecord) async throws(RunFailure) -> PlannedRun {
        var options = options
        options.settings.source = run.source
        // What is deleted is what that run created, whatever the scope of exports is.
        options.settings.scope = .owned
        return try await planned(options) { try await UndoPlanner(options, tools).plan(undoing: run) }
    }

    /// Takes a saved plan in place of making one.
    ///
    /// Throws `RunFailure.plan` if it is stale, used, altered, or for another store.
    package func plan(saved path: String) async throws(RunFailure) -> PlannedRun {
        var reader: SavedPlanReader
        do {
            reader = try SavedPlanReader(path)
        } catch {
            throw .plan(error)
        }
        var options = options
        options.take(reader.header)
        return try await planned(options) { try reader.plan(for: tools) }
    }

    /// What is left of a run that was stopped or killed; the tools must be that run's.
    ///
    /// Throws `RunFailure.notResumable` if the run is over or a later one has taken its place.
    package func resume(_ run: RunRecord) throws(RunFailure) -> StoppedRun {
        try StoppedRun(run, options, tools)
    }

    /// Records that the run failed before its plan was accepted: it is a run like others, without a report.
    ///
    /// What a person stopped, or what cannot be written, is not recorded, nor does a run that began to make changes become
    /// one that failed.
    package func record(_ failure: RunFailure) {
        let status = failure.exitStatus
        let kinds: Set<ExitStatus> = [
            .refused, .exportRefused, .exportUnreadable, .unavailable, .credentialsRefused, .bug,
        ]
        guard kinds.contains(status) else { return }
        var run = RunRecord(
            id: tools.run, command: options.command, source: options.source, scope: options.scope,
            started: tools.started)
        run.exports = options.exports.map { RunRecord.Export(path: $0, digest: "", records: 0, bytes: 0) }
        run.state = .failed
        run.ended = tools.time.wall()
        run.exitStatus = status
        run.reason = "\(failure)"
        do {
            try ledger.recordFailure(of: run)
        } catch {
            tools.log.warning("a run that failed is not recorded", metadata: ["error": "\(error)"])
        }
    }

    private func planned(
        _ options: RunOptions, _ make: () async throws -> RunPlan
    ) async throws(RunFailure) -> PlannedRun {
        tools.trace(options)
        do {
            var plan = try await tools.stage(.plan) { try await tools.within(options.deadline, make) }
            if tools.stop.isStopped { throw RunFailure.stopped }
            if plan.undone == nil {
                let since = tools.time.wall() - options.planGuard.window / .seconds(1)
                plan.figures.before = try ledger.deletes(of: options.source, since: since)
            }
            plan.view.moment = ledger.moment
            // Step judge of Tests/Model/protocol.pml.
            tools.stageAtOnce(.judge) { plan.judge(by: options, at: tools.time) }
            tools.trace(plan.view.counts)
            return PlannedRun(plan, options, tools)
        } catch {
            // Nothing was written to the store: rejects of a plan that is none are of no use, and the disk may be full.
            tools.removeFolder()
            // A call that was not made because of the request to stop is no failure of the store.
            let failure = tools.stop.isStopped ? RunFailure.stopped : RunFailure(error)
            tools.trace(failure.exitStatus)
            throw failure
        }
    }

    // MARK: - From exports

    /// Step plan of Tests/Model/protocol.pml.
    private func planExports(keepingRejects: Bool) async throws -> RunPlan {
        let key = ledger.fingerprintKey
        let exports = try RunExports(options, tools)
        try tools.requireRoom(exports.roomForReading)
        let lookups = try await tools.stage(.findOwners) { try await findOwners(exports) }
        var first = FirstReading(
            options, exports: exports.files.map(\.name), key: key, spillFolder: ledger.folder)
        var diff = AssociationDiff(memoryBudget: RunOptions.fingerprintBudget, spillFolder: ledger.folder)
        var owners: NamedRows? =
            options.scope == .listed
            ? NamedRows(memoryBudget: RunOptions.fingerprintBudget, spillFolder: ledger.folder) : nil
        // A complete listing says more, but most large stores have no complete one.
        let scan =
            options.current == .ledger || options.current == .auto
            ? LedgerReading(all: ledger, source: options.source) : nil
        defer { scan?.stop() }
        tools.progress.enter(.reading)
        try tools.stageAtOnce(.read) {
            try first.read(exports, into: &diff, owners: &owners)
            try exports.checkStatements()
        }
        let warnings =
            try judgeFinalNewlines(exports, first.doubts) + judgeHeaders(exports, first.doubts) + judgeOrder(exports)
        let current = try await tools.stage(.list) { try await findCurrent(first, exports, key) }
        if current.source != .ledger { scan?.stop() }
        tools.progress.enter(.comparing)
        let rejects = RejectsFiles(
            folder: keepingRejects ? tools.folder : nil, exports: exports, options)
        var comparison = try Comparison(options, exports, first, current, ledger, run: tools.run, rejects: rejects)
        try tools.stageAtOnce(.compare) {
            try comparison.compare(
                &diff, owners: owners.take(), scan: current.source == .ledger ? scan : nil)
            try rejects.finish()
        }
        var plan = RunPlan(comparison)
        plan.view.warnings = warnings + comparison.warnings
        plan.view.owners = lookups
        plan.figures.owners = lookups.flatMap { lookups in
            guard lookups.keys > 0 else { return nil }
            let rejected = exports.facts.reduce(0) {
                $0 + ($1.rejected[.unknownOwner] ?? 0) + ($1.rejected[.ambiguousOwner] ?? 0)
            }
            return .init(keys: lookups.keys, unknown: lookups.unknown + lookups.ambiguous, rejected: rejected)
        }
        if tools.client.authentication == .shopper { plan.openExports = exports }
        return plan
    }

    /// Finds out which owners the exports' keys stand for; nil if they have ids.
    private func findOwners(_ exports: RunExports) async throws -> OwnerLookups? {
        guard let (owners, lookups) = try await OwnerFinder.find(options.ownerKeys, options.reading, tools, exports)
        else { return nil }
        exports.resolve(owners)
        return lookups
    }

    private func findCurrent(
        _ first: FirstReading, _ exports: RunExports, _ key: FingerprintKey
    ) async throws -> CurrentAssociations {
        switch tools.client.authentication {
        case .clientCredentials:
            return try await CurrentAssociations.find(
                options.current, accounts: try first.accounts(with: ledger, source: options.source),
                isShared: exports.isDelta, tools: tools)
        case .shopper:
            return try await CurrentAssociations.find(
                options.current, shoppers: try ShopperTokens.toList(exports, options, ledger), client: tools.client,
                progress: tools.progress)
        }
    }

    /// Returns the warnings about exports that are older than what their source has applied.
    private func judgeOrder(_ exports: RunExports) throws -> [String] {
        try exports.files.indices.compactMap { index in
            let facts = exports.facts[index]
            let applied = try ledger.applied(by: options.source, digests: [facts.sha256])
            return applied.snapshot(newerThan: exports.times[index], of: facts.ownerKinds).map { newer in
                "\(exports.files[index].name) is older than a snapshot of the source \(options.source) that was applied by "
                    + "run \(newer.run): this plan takes back what that one says"
            }
        }
    }

    /// Returns the warnings about exports: what is odd in them, and which may have been cut.
    private func judgeFinalNewlines(_ exports: RunExports, _ doubts: NamesInDoubt) throws -> [String] {
        var warnings = zip(exports.facts, exports.files).flatMap { facts, file in
            facts.notes.map { "\(file.name): \($0.sentence)" }
        }
        for (facts, file) in zip(exports.facts, exports.files) where facts.mayBeCut {
            switch options.missingFinalNewline {
            case .refused:
                throw ExportError(
                    .truncated, file: file.name, problem: "there is no final line end, so the export may be cut",
                    advice: "export it again, or set export.require-final-newline to false")
            case .makesNoDeletes:
                let reason = "\(file.name) has no final line end and may be cut"
                doubts.mayLackRecords(because: reason)
                warnings.append("\(reason), so this run makes no deletes; export it again")
            }
        }
        return warnings
    }

    /// Returns the warnings about headers that may have taken in a record: in a part of one record nothing else shows it.
    private func judgeHeaders(_ exports: RunExports, _ doubts: NamesInDoubt) -> [String] {
        zip(exports.facts, exports.files).compactMap { facts, file in
            guard facts.records == 0, exports.facts.contains(where: { facts.shape.hasMore(thanHeaderOf: $0.shape) })
            else { return nil }
            let reason =
                "\(file.name) has no record, and its header is that of another part with more behind it, "
                + "as if a line end were lost"
            doubts.mayLackRecords(because: reason)
            return "\(reason), so this run makes no deletes; export it again"
        }
    }
}

/// Plans the inverse of a run: what it created is deleted, and what it deleted is created, if that still holds.
///
/// What was there already, or gone already, is not the run's doing. What another source asserts stays.
/// Step undo of Tests/Model/protocol.pml.
private struct UndoPlanner {
    private let tools: RunTools
    private let options: RunOptions
    private let notes: LedgerNotes
    private var plan: DraftedPlan
    private var figures = PlanFigures()
    private var owners = FingerprintSet()
    /// Changes that the run may not have made itself.
    private var doubtful = 0

    init(_ options: RunOptions, _ tools: RunTools) {
        self.options = options
        self.tools = tools
        plan = DraftedPlan(options, tools.ledger, isComplete: true, run: tools.run)
        notes = LedgerNotes(tools.ledger, source: options.source, run: tools.run)
        figures.isSnapshot = false
    }

    consuming func plan(undoing run: RunRecord) async throws -> RunPlan {
        // Without a listing the ledger says what exists; it does not have the changes that others made.
        // With shoppers' tokens there is no listing of all owners.
        let wish = tools.client.authentication == .shopper ? CurrentSource.ledger : options.current
        let current = try await tools.stage(.list) {
            try await CurrentAssociations.find(wish, accounts: nil, isShared: false, tools: tools)
        }
        tools.progress.enter(.comparing)
        let key = tools.ledger.fingerprintKey
        let listed = current.source == .api && current.isComplete ? Set(current.listed) : nil
        try tools.ledger.forEachEnded(of: run.id) { try undo($0, of: run, listed: listed, key) }
        try plan.countLosses()
        figures.deletes = plan.counts.deletes
        figures.ownersLosing = plan.ownersLosing
        figures.ownersInScope = owners.count
        var undoing = RunPlan(
            view: PlanView(plan, current, options, store: tools.ledger.store.baseURL), figures: figures, exports: [],
            isDelta: true, rejected: .init(), changes: plan.draft, notes: notes, hardestHit: plan.hardestHit,
            undone: run.id)
        undoing.view.undone = run.id
        if doubtful > 0 {
            undoing.view.warnings.append(
                "\(doubtful) changes of run \(run.id) were made by an attempt that got no answer or were there "
                    + "before; they are not undone")
        }
        return undoing
    }

    /// - Parameter listed: what a complete listing showed; nil without one.
    private mutating func undo(
        _ entry: JournalEntry, of run: RunRecord, listed: Set<Association>?, _ key: FingerprintKey
    ) throws {
        guard let outcome = entry.outcome else { return }
        let association = entry.change.association
        // Nobody knows any more whose it was.
        guard !OwnerNames.isForgotten(association.owner.id.text) else { return }
        guard outcome.outcome.changedTheStore else {
            if outcome.outcome.isSuccess && outcome.attempts > 1 { doubtful += 1 }
            return
        }
        figures.inScope += 1
        owners.insert(key.fingerprint(association.owner))
        let stored = try tools.ledger.association(association)
        let exists = listed.map { $0.contains(association) } ?? (stored?.confirmation != nil)
        switch outcome.outcome {
        case .created where !exists, .deleted where exists: plan.counts.kept += 1
        case .created:
            if stored?.sources.contains(where: { $0 != run.source }) == true {
                plan.counts.protected += 1
            } else {
                try plan.add(Change(.delete, association, place: nil), entry.fingerprint)
            }
        default:
            try plan.add(Change(.create, association, place: nil), entry.fingerprint)
            // What the source owned is its own again; what it deleted without owning it is not.
            if run.scope == .owned { try notes.assertions.add(association, entry.fingerprint, place: nil) }
        }
    }
}
