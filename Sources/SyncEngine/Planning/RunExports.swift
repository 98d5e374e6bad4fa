import AssociationDiff
import CartAssociations
import ExportFiles

/// The exports of one run: opened once, read several times, the same each time.
final class RunExports {
    let files: [ExportFile]
    private let reader: ExportReader
    private let shard: Shard?
    private let stop: StopRequest
    private let progress: RunProgress
    /// What the first reading found, by export.
    private(set) var facts: [ExportFacts] = []
    /// Usable records of carts in other shards, by export: they are left to other runs.
    private(set) var elsewhere: [Int] = []

    /// Opens every export; standard input is copied into the folder first.
    init(_ options: RunOptions, spoolingIn folder: String, stop: StopRequest, progress: RunProgress) throws {
        files = try options.exports.map { try ExportFile.open($0, spoolFolder: folder) }
        reader = ExportReader(options: options.reading)
        shard = options.shard
        self.stop = stop
        self.progress = progress
    }

    /// Whether each record says create or delete; known after the first reading.
    var isDelta: Bool { facts.first?.isDelta ?? false }

    /// The owner kinds that the exports speak for.
    var ownerKinds: Set<OwnerKind> { facts.reduce(into: []) { $0.formUnion($1.ownerKinds) } }

    var records: Int { facts.reduce(0) { $0 + $1.records } }
    var rejected: Int { facts.reduce(0) { $0 + $1.rejectedRecords } }

    /// Reads all exports once.
    ///
    /// Throws `ExportError` where one is refused or differs from an earlier reading, and `RunFailure.stopped` soon
    /// after the run was asked to stop.
    ///
    /// - Parameter picks: picks records by their export and their number, from 1, before they are judged; asked only
    ///   where nothing of the export was rejected before. `select` is then asked about those that it picks.
    func read(
        picking picks: ((Int, Int) -> Bool)? = nil, selecting select: ExportReader.Selection,
        visit: (Int, ReadRecord) throws -> Void,
        endOfExport: () throws -> Void = {}
    ) throws {
        var read: [ExportFacts] = []
        var left: [Int] = []
        var records = 0
        func look() throws {
            progress.advance(to: records)
            if stop.isRequested { throw RunFailure.stopped }
        }
        for (index, file) in files.enumerated() {
            left.append(0)
            let isPicking = picks != nil && canPick(index)
            func pick(_ record: Int) throws -> Bool {
                records += 1
                if records.isMultiple(of: Self.lookInterval) { try look() }
                return picks?(index, record) ?? true
            }
            let found = try reader.read(file, index: index, picking: isPicking ? pick : nil) {
                kind, action, owner, cart in
                if !isPicking {
                    records += 1
                    if records.isMultiple(of: Self.lookInterval) { try look() }
                }
                if let shard, !shard.contains(cart: cart) {
                    left[index] += 1
                    return false
                }
                return try select(kind, action, owner, cart)
            } visit: {
                try visit(index, $0)
            }
            if facts.indices.contains(index),
                isPicking ? !found.hasContent(of: facts[index]) : facts[index] != found
            {
                throw ExportError(
                    .changed, file: file.name, problem: "the export changed while the run was reading it",
                    advice: "wait until it is complete and run the command again")
            }
            read.append(found)
            try endOfExport()
        }
        if facts.isEmpty {
            facts = read
            elsewhere = left
            try refuseMixture()
        }
    }

    /// Whether records of the export can be told by their number alone: all are usable, and in this shard.
    private func canPick(_ index: Int) -> Bool {
        guard shard == nil, facts.indices.contains(index) else { return false }
        return facts[index].format == .csv && facts[index].rejectedRecords == 0
    }

    /// Records between two looks at whether the run shall stop.
    private static let lookInterval = 4096

    private func refuseMixture() throws {
        guard let first = facts.first, let other = facts.firstIndex(where: { $0.isDelta != first.isDelta }) else {
            return
        }
        throw ExportError(
            .option, file: files[other].name,
            problem: "one export has an action column and \(files[0].name) differs in that",
            advice: "sync exports of changes and full exports in separate commands")
    }
}

extension RunExports {
    /// Compares each export with the manifest beside it, where there is one.
    func checkManifests() throws {
        for (file, found) in zip(files, facts) {
            try ExportManifest.beside(file.name)?.check(found, of: file)
        }
    }
}
