import AssociationDiff
package import CartAssociations
import ExportFiles
package import Foundation
import Ledger
import SyncReporting

extension SyncRun {
    /// Shows every change of the plan in the order of its work, and saves the plan where a path is given.
    ///
    /// The plan is spent: this run can no longer apply it. Throws where a file cannot be written, and whatever the
    /// visitor throws.
    package func spendPlan(
        savingTo path: String?, now: Date = Date(), visit: (Change) throws -> Void = { _ in }
    ) throws(RunFailure) {
        guard let plan = takePlan() else { throw .bug("a plan is saved before it is made") }
        do {
            if let path {
                try save(plan, to: path, now: now, visit: visit)
            } else {
                try plan.changes.takeAll { change, _ in try visit(change) }
            }
        } catch {
            throw RunFailure(error)
        }
    }

    /// Writes the associations that exist, are not wanted and are outside the scope as an export of their own.
    ///
    /// Only where the run's options ask for them, and once. Throws where the file cannot be written.
    package func saveUnmanaged(to path: String) throws(RunFailure) {
        do {
            let file = try AssociationsFile(path: path)
            try unmanaged?.takeAll { association, _ in try file.add(association) }
            try file.finish()
        } catch {
            throw RunFailure(error)
        }
    }

    private func save(_ plan: RunPlan, to path: String, now: Date, visit: (Change) throws -> Void) throws {
        let header = SavedPlan(
            cartsyncPlan: SavedPlan.currentFormat, id: id, made: now,
            expires: now.addingTimeInterval(SavedPlan.lifetime), store: ledger.store, ledger: ledger.id,
            revision: try ledger.revision(), view: plan.view, figures: plan.figures,
            exports: plan.exports.map { export in
                var export = export
                if export.path != ExportFile.standardInput {
                    export.path = URL(filePath: export.path).standardizedFileURL.path
                }
                return export
            },
            isDelta: plan.isDelta, rejected: plan.rejected, approvedDeletes: options.planGuard.approvedDeletes,
            allowEmpty: options.planGuard.allowEmpty, settings: options.used)
        let file = try SavedPlanWriter(path, header, ledgerKey: ledger.fingerprintKey)
        try plan.changes.takeAll { change, _ in
            try visit(change)
            try file.add(
                SavedPlanLine(
                    .init(change.kind), change.association, place: change.place, newCart: change.newCart))
        }
        try plan.notes.vanished.takeAll { association, _ in try file.add(SavedPlanLine(.vanished, association)) }
        try plan.notes.confirmed.takeAll { association, _ in try file.add(SavedPlanLine(.seen, association)) }
        try plan.notes.assertions.takeAll { association, _, place, confirmation in
            try file.add(SavedPlanLine(.assert, association, place: place, confirmation: confirmation))
        }
        try plan.notes.retractions.takeAll { association, _ in try file.add(SavedPlanLine(.retract, association)) }
        try file.finish()
    }

    /// The plan that a file holds.
    func readSaved(_ path: String, now: Date) throws -> RunPlan {
        var reader = try SavedPlanReader(path)
        let saved = reader.header
        try judge(saved, path, now: now)
        guard let key = FingerprintKey(ledger.fingerprintKey) else { throw RunFailure.bug("the ledger's key is short") }
        let changes = ledger.draftPlan(for: id)
        let notes = LedgerNotes(ledger, source: options.source, run: id)
        try reader.read(ledgerKey: ledger.fingerprintKey) { line in
            if stop.isRequested { throw RunFailure.stopped }
            let association = line.association
            let fingerprint = key.fingerprint(association)
            switch line.kind {
            case .create:
                try changes.add(
                    Change(.create, association, place: line.place, newCart: line.newCart), fingerprint)
            case .delete: try changes.add(Change(.delete, association, place: line.place), fingerprint)
            case .assert:
                try notes.assertions.add(association, fingerprint, place: line.place, confirmation: line.confirmation)
            case .retract: try notes.retractions.add(association, fingerprint)
            case .vanished: try notes.vanished.add(association, fingerprint)
            case .seen: try notes.confirmed.add(association, fingerprint)
            }
        }
        var plan = RunPlan(
            view: saved.view, figures: saved.figures, exports: saved.exports, isDelta: saved.isDelta,
            rejected: saved.rejected, changes: changes, notes: notes)
        plan.view.estimate = options.estimate(plan.view.counts)
        plan.view.judge(plan.figures, by: options.planGuard, hardestHit: try changes.hardestHit().most)
        savedPlan = saved.id
        return plan
    }

    /// Says which of its bindings a plan no longer fits; the seal is judged while it is read.
    private func judge(_ saved: SavedPlan, _ path: String, now: Date) throws {
        guard saved.store == ledger.store else {
            throw SavedPlanError(
                .otherStore, path, "the plan was made for \(saved.store), and the settings name \(ledger.store)",
                advice: "use the settings of that store, or make a plan for this one")
        }
        guard saved.ledger == ledger.id else {
            throw SavedPlanError(
                .otherLedger, path, "the plan was made in another state folder",
                advice: "name that folder with --state, or make the plan again here")
        }
        if let run = try ledger.run(applying: saved.id) {
            throw SavedPlanError(.used, path, "the plan was applied before, by run \(run.id)")
        }
        guard now < saved.expires else {
            throw SavedPlanError(.expired, path, "the plan expired at \(saved.expires.formatted(.iso8601))")
        }
        guard try ledger.revision() == saved.revision else {
            throw SavedPlanError(.stale, path, "another run has changed the ledger since the plan was made")
        }
        for export in saved.exports where export.path != ExportFile.standardInput {
            guard FileManager.default.fileExists(atPath: export.path) else { continue }
            guard try ExportFile.open(export.path, spoolFolder: "").sha256() == export.digest else {
                throw SavedPlanError(.stale, path, "\(export.path) has changed since the plan was made")
            }
        }
    }
}

extension RunOptions {
    /// What a saved plan has settled already: what is compared and deleted, and what a person allowed.
    package mutating func take(_ plan: SavedPlan) {
        settings.source = plan.view.source
        settings.scope = plan.view.scope
        settings.planGuard.approvedDeletes = settings.planGuard.approvedDeletes ?? plan.approvedDeletes
        settings.planGuard.allowEmpty = settings.planGuard.allowEmpty || plan.allowEmpty
        let settled = ["sync.", "mapping.", "export."]
        func isSettled(_ name: String) -> Bool { settled.contains { name.hasPrefix($0) } }
        used = used.filter { !isSettled($0.name) } + plan.settings.filter { isSettled($0.name) }
    }
}

extension SavedPlanLine.Kind {
    init(_ kind: ChangeKind) {
        self =
            switch kind {
            case .create: .create
            case .delete: .delete
            }
    }
}
