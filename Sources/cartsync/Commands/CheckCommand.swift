import ArgumentParser
import CartAssociations
import ExportFiles
import Foundation
import SyncEngine
import SyncReporting

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read an export offline: format, mapping, rejected records; no network.",
        discussion: """
            EXAMPLE
              cartsync check customers.csv
              zcat customers.csv.gz | cartsync check --owner customer -
            """)

    @Argument(help: ArgumentHelp("CSV or XML exports, gzipped or not; - reads standard input.", valueName: "export"))
    var exports: [String]
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var output: OutputFlags

    func run() async throws {
        let loaded = try await Invocation.load([settings.values, reading.values], config: settings.config)
        let reader = ExportReader(options: loaded.settings.readingOptions)
        let spool = FileManager.default.temporaryDirectory.path
        var found: [CheckedExport] = []
        do {
            for path in exports {
                let file = try ExportFile.open(path, spoolFolder: spool)
                var rejected: [CheckedExport.Rejected] = []
                let check = try reader.check(file) { record in
                    if rejected.count < CheckedExport.mostRejected { rejected.append(.init(record)) }
                }
                try ExportManifest.beside(path)?.check(check.facts, of: file)
                found.append(CheckedExport(file.name, check, rejected))
            }
        } catch let error as ExportError {
            throw Ending(error, again: TypedCommand(name: "check").again())
        }
        switch output.output {
        case .text: Terminal.output(found.map(\.text).joined(separator: "\n"))
        case .json: Terminal.output(JSONText.of(found))
        }
        let rejected = found.reduce(0) { $0 + $1.rejected }
        let records = found.reduce(0) { $0 + $1.records }
        let next = TypedCommand(name: "check").again(as: "plan")
        guard rejected > 0 else { throw Ending(status: .done, summary: "\(records) records are usable", next: next) }
        throw Ending(
            status: .incomplete, summary: "\(rejected) of \(records) records would be rejected",
            next: "mend them, or \(next)")
    }
}

/// What `check` says of one export: the JSON result, and the source of the text.
struct CheckedExport: Encodable {
    static let mostRejected = 10

    struct Count: Encodable {
        let value: Int
        let isEstimate: Bool

        init(_ count: ExportCheck.Count) {
            value = count.value
            isEstimate = count.isEstimate
        }

        var text: String { (isEstimate ? "about " : "") + value.formatted(.number.locale(.init(identifier: "en_US"))) }
    }

    struct Record: Encodable {
        let line: Int
        let ownerKind: OwnerKind
        let owner: String
        let cart: String
        let action: ChangeKind?

        init(_ record: ExportRecord) {
            line = record.place.line
            ownerKind = record.association.owner.kind
            owner = record.association.owner.id.text
            cart = record.association.cart.text
            action = record.action
        }
    }

    struct Rejected: Encodable {
        let line: Int
        let record: Int
        let reason: String
        let sentence: String

        init(_ record: RejectedRecord) {
            line = record.place.line
            self.record = record.place.record
            reason = record.reason.code.rawValue
            sentence = record.reason.sentence
        }
    }

    let path: String
    let format: String
    let kind: String
    let mapping: [String: String]
    let records: Int
    let usable: Int
    let duplicates: Count
    let rejected: Int
    let rejectedByReason: [String: Int]
    let owners: Count
    let carts: Count
    let sharedCarts: Count
    let bytes: Int
    let sha256: String
    let endsWithNewline: Bool
    let firstRecords: [Record]
    let firstRejected: [Rejected]

    init(_ path: String, _ check: ExportCheck, _ rejected: [Rejected]) {
        let facts = check.facts
        self.path = path
        format = facts.shape.sentence
        kind = facts.isDelta ? "delta" : "snapshot"
        mapping = Dictionary(uniqueKeysWithValues: facts.shape.mapping.map { ($0.key.rawValue, $0.value) })
        records = facts.records
        usable = facts.usableRecords
        duplicates = Count(check.duplicates)
        self.rejected = facts.rejectedRecords
        rejectedByReason = Dictionary(uniqueKeysWithValues: facts.rejected.map { ($0.key.rawValue, $0.value) })
        owners = Count(check.owners)
        carts = Count(check.carts)
        sharedCarts = Count(check.sharedCarts)
        bytes = facts.bytes
        sha256 = facts.sha256
        endsWithNewline = facts.endsWithNewline
        firstRecords = check.firstRecords.map(Record.init)
        firstRejected = rejected
    }

    var text: String {
        var lines = [path]
        func fact(_ name: String, _ text: String) {
            lines.append("  " + name.padding(toLength: 11, withPad: " ", startingAt: 0) + text)
        }
        fact("format", "\(format), \(kind == "delta" ? "a delta: only what it names is done" : "a full snapshot")")
        for (field, name) in mapping.sorted(by: { $0.key < $1.key }) { fact(field, "from \"\(name)\"") }
        fact("records", "\(records): \(usable) usable, \(duplicates.text) of them duplicates; \(rejected) rejected")
        fact("owners", owners.text)
        fact("carts", "\(carts.text), \(sharedCarts.text) with more than one owner")
        fact("digest", "sha256 \(sha256), \(bytes) bytes")
        if !endsWithNewline {
            fact("warning", "no final line end: it may be cut; sync makes no deletes from it and serve refuses it")
        }
        if !firstRecords.isEmpty { lines.append("  first records, as they are understood") }
        for record in firstRecords {
            let action = record.action.map { "\($0.rawValue) " } ?? ""
            lines.append(
                "    line \(record.line): \(action)\(record.ownerKind.rawValue) \(record.owner) cart \(record.cart)")
        }
        for (reason, count) in rejectedByReason.sorted(by: { $0.key < $1.key }) {
            lines.append("  rejected, \(reason): \(count)")
        }
        for record in firstRejected { lines.append("    line \(record.line): \(record.sentence)") }
        if rejected > firstRejected.count { lines.append("    … and \(rejected - firstRejected.count) more") }
        return lines.map(TerminalText.printable).joined(separator: "\n") + "\n"
    }
}
