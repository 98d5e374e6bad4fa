import CallPacing
import CartAssociations
import DurableFiles
import ExportFiles
import Ledger
package import SyncReporting

/// Says which owners' keys of exports are known, without a plan.
package struct OwnersCheck: Sendable {
    private let options: RunOptions
    private let tools: RunTools

    package init(_ planner: RunPlanner) {
        options = planner.options
        tools = planner.tools
    }

    /// Looks all keys up, and writes what was found and what was not.
    ///
    /// Throws `RunFailure` if an export cannot be read, or the store does not answer.
    ///
    /// - Parameters:
    ///   - asksStore: false asks crosswalk and ledger alone.
    ///   - found: the path of a crosswalk of the keys that stand for one owner; nil for none.
    ///   - unknown: the path of a CSV of those that do not; nil for none.
    /// - Returns: nil if the exports have ids.
    package func run(
        asksStore: Bool, found: String?, unknown: String?
    ) async throws(RunFailure) -> OwnerLookups? {
        do {
            let exports = try RunExports(options, tools)
            guard
                let (owners, lookups) = try await OwnerFinder.find(
                    options.ownerKeys, options.reading, tools, exports, asksStore: asksStore)
            else { return nil }
            if found != nil || unknown != nil { try write(exports, owners, found: found, unknown: unknown) }
            return lookups
        } catch {
            throw tools.stop.isStopped ? .stopped : RunFailure(error)
        }
    }

    /// Writes each key once, in the order of the exports.
    private func write(_ exports: RunExports, _ owners: KnownOwners, found: String?, unknown: String?) throws {
        let fields = try exports.ownerKeyFields().sorted { $0.code < $1.code }
        var crosswalk = try found.map { try KeysFile($0, ["owner_type", "owner_id"], fields) }
        var others = try unknown.map { try KeysFile($0, ["reason", "line"], fields) }
        var isSeen = [Bool](repeating: false, count: owners.count)
        var id: [UInt8] = []
        var reading = exports.readKeys()
        while let batch = try reading.next() {
            let text = batch.text.span
            for record in batch.records {
                guard let statement = record.statement, let field = statement.keyField else { continue }
                let key = text.extracting(statement.key.range)
                id.removeAll(keepingCapacity: true)
                guard let (position, meaning) = owners.meaning(field, key, into: &id), !isSeen[position] else {
                    continue
                }
                isSeen[position] = true
                switch meaning {
                case .owner:
                    try crosswalk?.add([field.owner.rawValue, String(decoding: id, as: UTF8.self)], field, key)
                case .several(let count): try others?.add(["\(count) owners", "\(record.line)"], field, key)
                case .former, .nobody: try others?.add(["unknown", "\(record.line)"], field, key)
                }
            }
        }
        try crosswalk?.finish()
        try others?.finish()
    }
}

/// A CSV of keys, one in each row, in the column of its kind; it has its name only after `finish`.
private struct KeysFile: ~Copyable {
    private var file: DurableFile
    private var rows: CSVWriter
    private let fields: [OwnerKeyField]

    init(_ path: String, _ columns: [String], _ fields: [OwnerKeyField]) throws {
        file = try DurableFile(path: path)
        rows = CSVWriter(.table, columns: columns + fields.map(\.column))
        self.fields = fields
    }

    mutating func add(_ cells: [String], _ field: OwnerKeyField, _ key: Span<UInt8>) throws {
        for cell in cells { rows.add(cell) }
        for other in fields {
            if other == field { rows.add(key) } else { rows.add("") }
        }
        rows.endRow()
        try file.append(&rows)
    }

    mutating func finish() throws {
        try file.append(&rows)
        try file.finish()
    }
}

extension OwnerKeyField {
    /// The usual name of its column.
    fileprivate var column: String {
        switch (key, owner) {
        case (.id, _): "owner_id"
        case (.email, _): "customer_email"
        case (.externalRef, .customer): "customer_ref"
        case (.externalRef, .account): "account_ref"
        case (.registrationID, _): "account_registration_id"
        case (.memberEmail, _): "member_email"
        }
    }
}
