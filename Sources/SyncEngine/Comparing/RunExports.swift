import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Ledger

/// The exports of one run: opened once, read several times, the same each time.
final class RunExports {
    private let opened: OpenedExports
    var files: [ExportFile] { opened.files }
    /// The time that counts for the order of each export, since 1970.
    let times: [Duration]
    fileprivate private(set) var reader: ExportReader
    /// What owners' keys stand for; nil if the exports have ids, and before they are known.
    private(set) var owners: KnownOwners?
    private var reading: ReadingOptions
    /// How the carts are called in the store.
    var carts: CartNames { reading.carts }
    fileprivate let shard: Shard?
    fileprivate let stop: StopSignal
    fileprivate let progress: RunProgress
    /// What the first reading found, by export.
    private(set) var facts: [ExportFacts] = []
    /// Usable records of carts in other shards, by export: they are left to other runs.
    private(set) var elsewhere: [Int] = []
    /// Whether something vouches for each export's end; known after `checkStatements`.
    private(set) var areWhole: [Bool] = []

    /// Opens every export; standard input is copied into the ledger's folder first.
    init(_ options: RunOptions, _ tools: RunTools) throws {
        let now = tools.time.wall()
        opened =
            try options.openExports
            ?? OpenedExports(options.exports, spoolFolder: tools.ledger.folder, rule: options.parts) {
                tools.stop.isStopped
            }
        times = opened.files.map { file in
            let stated = options.order.stated(URL(filePath: file.name).lastPathComponent, modified: file.modified)
            return options.exportTime
                ?? ExportOrder.counting(stated, firstSeen: .milliseconds(now.timeIntervalSince1970 * 1000))
        }
        reading = options.reading
        if reading.verifiesOwners == nil, tools.client.authentication == .clientCredentials {
            reading.verifiesOwners = try tools.ledger.acceptsUnknownOwners()
        }
        reader = ExportReader(options: reading)
        shard = options.shard
        stop = tools.stop
        progress = tools.progress
    }

    /// Whether each record says create or delete; known after the first reading.
    var isDelta: Bool { facts.first?.isDelta ?? false }

    /// The owner kinds that the exports speak for.
    var ownerKinds: Set<OwnerKind> { facts.reduce(into: []) { $0.formUnion($1.ownerKinds) } }

    var records: Int { facts.reduce(0) { $0 + $1.records } }
    var rejected: Int { facts.reduce(0) { $0 + $1.rejectedRecords } }

    /// The position of each export's first usable record among those of all exports, and of the end; known after the
    /// first reading.
    var starts: [Int] {
        zip(facts, elsewhere).reduce(into: [0]) { starts, export in
            starts.append(starts[starts.count - 1] + export.0.usableRecords - export.1)
        }
    }

    /// The bytes that a reading takes on the disk at least: fingerprints, and what is planned.
    var roomForReading: Int { files.reduce(0) { $0 + $1.size / 4 } }

    /// Begins to read all exports.
    func read() -> RunReading { RunReading(self) }

    /// Begins to read all exports for the keys of their owners, in all shards; nothing that is found is kept.
    ///
    /// - Parameter owners: puts ids in the place of keys; nil leaves the keys, and the names that exports have for carts.
    func readKeys(resolvedBy owners: KnownOwners? = nil) -> RunReading {
        RunReading(self, with: owners.map { ExportReader(options: reading, owners: $0) } ?? readerOfKeys)
    }

    /// Reads exports as they stand, with the names that they have for carts.
    private var readerOfKeys: ExportReader {
        var options = reading
        options.looksUpCarts = options.looksUpCarts || options.carts.unsafe == .encode
        options.carts = CartNames()
        return ExportReader(options: options)
    }

    /// Has all later readings take carts of any characters, which are to be looked up.
    func lookUpCarts() {
        reading.looksUpCarts = true
        reader = ExportReader(options: reading)
    }

    /// The kinds of keys that the exports can have in the place of owners' ids.
    func ownerKeyFields() throws -> Set<OwnerKeyField> {
        let reader = ExportReader(options: reading)
        return try files.reduce(into: []) { $0.formUnion(try reader.read($1).facts.shape.keyFields) }
    }

    /// Has all later readings put ids in the place of owners' keys.
    func resolve(_ owners: KnownOwners) {
        self.owners = owners
        reader = ExportReader(options: reading, owners: owners)
    }

    /// Compares each export with the manifest and the checksums beside it, if there are any.
    ///
    /// Throws a refusal if they disagree, or cannot be read.
    func checkStatements() throws {
        let statements = try opened.checkStatements(facts)
        areWhole = zip(statements, facts).map { !$0.isEmpty || $1.hasCountedTrailer }
    }

    /// Keeps what the first reading found.
    fileprivate func keep(_ facts: [ExportFacts], elsewhere: [Int]) throws {
        guard self.facts.isEmpty else { return }
        self.facts = facts
        self.elsewhere = elsewhere
        try refuseMixture()
    }

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

/// One reading of all exports of a run, from which batches of records are pulled.
struct RunReading: ~Copyable {
    /// The export that the last batch is of.
    private(set) var export = -1

    private let exports: RunExports
    private var reading: ExportReading?
    /// The position of the present export's first usable record.
    private var start = 0
    /// Usable records of the present export so far, in this shard and in others.
    private var here = 0
    private var left = 0
    private var earlier = 0
    private var facts: [ExportFacts] = []
    private var elsewhere: [Int] = []
    /// Reads the exports in another way than the run does; nil if the run reads them.
    private let otherReader: ExportReader?

    fileprivate init(_ exports: RunExports, with otherReader: ExportReader? = nil) {
        self.exports = exports
        self.otherReader = otherReader
    }

    /// The character between the fields of the present export; nil for XML.
    private(set) var delimiter: Character?

    /// The position of a usable record of the last batch among those of all exports, from 0.
    func position(of record: JudgedRecord) -> Int { start + record.ordinal }

    /// The next records; nil after the last ones. A batch may be empty.
    ///
    /// Throws `ExportError` if an export is refused or differs from an earlier reading, and `RunFailure.stopped` soon
    /// after the run was asked to stop.
    ///
    /// - Parameter picks: picks records by their position, before they are judged; asked only about exports of which
    ///   nothing was rejected before.
    mutating func next(picking picks: ((Int) -> Bool)? = nil) throws -> RecordBatch? {
        while true {
            if reading == nil {
                guard export + 1 < exports.files.count else {
                    if otherReader == nil { try exports.keep(facts, elsewhere: elsewhere) }
                    return nil
                }
                export += 1
                reading = try (otherReader ?? exports.reader).read(exports.files[export], index: export)
                delimiter = reading?.facts.shape.delimiter
            }
            exports.progress.advance(to: earlier + (reading?.facts.usableRecords ?? 0))
            if exports.stop.isStopped { throw RunFailure.stopped }
            let start = start
            let isPicking = picks != nil && canPick
            func isPicked(_ number: Int) -> Bool { picks?(start + number - 1) ?? true }
            if var batch = try reading?.next(picking: isPicking ? isPicked : nil) {
                if let shard = exports.shard, otherReader == nil { removeOthers(than: shard, from: &batch) }
                return batch
            }
            try endExport(isPicking: isPicking)
        }
    }

    /// Whether records of the present export can be told by their number alone: all are usable, and in this shard.
    private var canPick: Bool {
        guard exports.shard == nil, exports.facts.indices.contains(export) else { return false }
        let facts = exports.facts[export]
        return facts.format == .csv && facts.rejectedRecords == 0 && facts.passedOver == 0
    }

    /// Takes the records of other shards out of a batch.
    private mutating func removeOthers(than shard: Shard, from batch: inout RecordBatch) {
        let bytes = batch.text
        let text = bytes.span
        var records: [JudgedRecord] = []
        for var record in batch.records {
            if let statement = record.statement {
                guard shard.contains(cart: text.extracting(statement.cart.range)) else {
                    left += 1
                    continue
                }
                record.ordinal = here
                here += 1
            }
            records.append(record)
        }
        batch.records = records
    }

    /// Compares what the reading of an export found with the first one, and goes on behind it.
    private mutating func endExport(isPicking: Bool) throws {
        guard let found = reading?.facts else { return }
        if otherReader == nil, exports.facts.indices.contains(export),
            isPicking ? !found.hasContent(of: exports.facts[export]) : exports.facts[export] != found
        {
            throw ExportError(
                .changed, file: exports.files[export].name,
                problem: "the export changed while the run was reading it",
                advice: "wait until it is complete and run the command again")
        }
        facts.append(found)
        elsewhere.append(left)
        start += found.usableRecords - left
        earlier += found.usableRecords
        (here, left) = (0, 0)
        reading = nil
    }
}
