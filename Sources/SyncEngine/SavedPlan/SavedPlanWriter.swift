import CartAssociations
import DurableFiles
import Foundation

/// Writes the file of a saved plan, line by line; it has its name only after `finish`.
final class SavedPlanWriter {
    private var file: DurableFile
    private var seal: Seal
    private let encoder: JSONEncoder
    private var lines = 0

    /// Throws a `FileError`, as every function here.
    init(_ path: String, _ header: SavedPlan, ledgerKey: [UInt8]) throws {
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .millisecondsSince1970
        file = try DurableFile(path: path)
        seal = Seal(key: Seal.key(for: .savedPlan, ledgerKey: ledgerKey))
        try write(header)
    }

    func add(_ change: Change) throws {
        let kind: SavedPlanLine.Kind = change.kind == .create ? .create : .delete
        try add(
            SavedPlanLine(
                kind, change.association, place: change.place, newCart: change.newCart, withheld: change.withheld))
    }

    func add(_ line: SavedPlanLine) throws {
        lines += 1
        try write(line)
    }

    func finish() throws {
        try write(SavedPlanEnd(lines: lines, seal: seal.text))
        try file.finish()
    }

    private func write(_ value: some Encodable) throws {
        var bytes = try encoder.encode(value)
        bytes.append(UInt8(ascii: "\n"))
        seal.add(bytes)
        try file.append(bytes)
    }
}
