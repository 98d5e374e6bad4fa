import AssociationDiff
import CartAssociations
import CommerceAPI
import ExportFiles
import Ledger

extension SyncRun {
    /// Memory for fingerprints before they spill.
    static let fingerprintBudget = 4 << 20

    /// Reads the exports, finds out what exists, and compares.
    func planExports(keepingRejects: Bool) async throws -> RunPlan {
        guard let key = FingerprintKey(ledger.fingerprintKey) else { throw RunFailure.bug("the ledger's key is short") }
        let exports = try RunExports(options, spoolingIn: ledger.folder, stop: stop, progress: progress)
        var first = FirstReading(options, key: key)
        var diff = AssociationDiff(memoryBudget: Self.fingerprintBudget, spillFolder: ledger.folder)
        var owners: NamedOwners? =
            options.scope == .listed
            ? NamedOwners(memoryBudget: Self.fingerprintBudget, spillFolder: ledger.folder) : nil
        progress.enter(.reading)
        try first.read(exports, into: &diff, owners: &owners, spillFolder: ledger.folder)
        try exports.checkManifests()
        try judgeFinalNewlines(exports, &first)
        let current = try await findCurrent(first, exports, key)
        progress.enter(.comparing)
        let rejects = RejectsFiles(
            folder: keepingRejects ? folder : nil, exports: exports, hidesOwners: options.hidesOwners)
        var comparison = Comparison(options, exports, first, current, ledger, run: id, rejects: rejects)
        try comparison.compare(&diff, owners: owners)
        try rejects.finish()
        return RunPlan(comparison)
    }

    private func findCurrent(_ first: FirstReading, _ exports: RunExports, _ key: FingerprintKey) async throws
        -> Current
    {
        switch client.authentication {
        case .clientCredentials:
            return try await Current.find(
                options.current, accounts: try first.accounts(with: ledger, source: options.source), client: client,
                progress: progress)
        case .shopper:
            openExports = exports
            return try await Current.find(
                options.current, shoppers: try tokensToList(exports, key), client: client, progress: progress)
        }
    }

    private func judgeFinalNewlines(_ exports: RunExports, _ first: inout FirstReading) throws {
        for (facts, file) in zip(exports.facts, exports.files) where !facts.endsWithNewline {
            switch options.missingFinalNewline {
            case .refused:
                throw ExportError(
                    .truncated, file: file.name, problem: "there is no final line end, so the export may be cut",
                    advice: "export it again, or set export.require-final-newline to false")
            case .makesNoDeletes:
                first.mayBeCut()
                warnings.append(
                    "\(file.name) has no final line end and may be cut, so this run makes no deletes; export it again")
            }
        }
    }
}
