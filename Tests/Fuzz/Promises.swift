import CartAssociations
import ExportFiles
import Foundation

/// What the reader promises for every input, whatever it is.
final class Promises {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// The file that an input is read from.
    let inputPath: String
    private let rejectsPath: String

    private var options = ReadingOptions()

    /// - Parameter key: opens inputs that are sealed.
    init(inputPath: String, key: String?) {
        self.inputPath = inputPath
        options.keys.decryptionKey = key
        rejectsPath = inputPath + ".rejects"
    }

    /// Throws where an input breaks a promise.
    func check(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: inputPath))
        let whole = try outcome(inputPath)
        for size in [1, 7, 64] {
            let split = try outcome(inputPath, blockSize: size)
            // Of two faults either may be met first.
            if case .refused = whole, case .refused = split { continue }
            guard whole == split else {
                throw Broken(description: "blocks of \(size) bytes make a difference: \(split) instead of \(whole)")
            }
        }
        guard case .read(let reading) = whole else { return }
        try checkCounts(reading)
        if !reading.rejected.isEmpty { try checkRejects(reading) }
    }

    /// Everything that a reading says.
    private struct Reading: Equatable {
        var facts: ExportFacts
        var asked: [String] = []
        var values: [String] = []
        var rejected: [String] = []
        var places: [RecordPlace] = []
        var reasons: [RejectReason.Code] = []
    }

    private enum Outcome: Equatable {
        case read(Reading)
        case refused(String)
    }

    private func outcome(_ path: String, blockSize: Int? = nil) throws -> Outcome {
        let file = try ExportFile.open(path, spoolFolder: "")
        var asked: [String] = []
        var values: [String] = []
        var rejected: [String] = []
        var places: [RecordPlace] = []
        var reasons: [RejectReason.Code] = []
        do {
            var reading = try ExportReader(options: options, blockSize: blockSize).read(file)
            while let batch = try reading.next() {
                let bytes = batch.text.span
                for case let statement? in batch.records.map(\.statement) {
                    let owner = text(bytes.extracting(statement.owner.range))
                    let cart = text(bytes.extracting(statement.cart.range))
                    asked.append("\(statement.kind) \(statement.action?.rawValue ?? "-") \(owner) \(cart)")
                }
                for record in batch.decode(batch.records) {
                    switch record {
                    case .usable(let record):
                        let association = record.association
                        values.append(
                            "\(association.owner.kind) \(record.action?.rawValue ?? "-") \(association.owner.id) \(association.cart)"
                        )
                        places.append(record.place)
                    case .rejected(let record):
                        rejected.append("\(record.place.line) \(record.reason.sentence)")
                        places.append(record.place)
                        reasons.append(record.reason.code)
                    }
                }
            }
            let facts = reading.facts
            return .read(
                Reading(
                    facts: facts, asked: asked, values: values, rejected: rejected, places: places, reasons: reasons))
        } catch let error as ExportError {
            return .refused(error.description)
        }
    }

    private func checkCounts(_ reading: Reading) throws {
        guard reading.values.count + reading.rejected.count == reading.facts.records,
            reading.asked.count == reading.facts.usableRecords
        else {
            throw Broken(description: "read and rejected records are not all records")
        }
        // What was asked, from bytes in place, is what was decoded; but for records of XML that the library reads otherwise.
        let isSame =
            reading.asked == reading.values
            || reading.reasons.contains(.ambiguous) && Set(reading.values).isSubset(of: reading.asked)
        guard isSame else {
            throw Broken(description: "the lanes disagree: asked \(reading.asked), decoded \(reading.values)")
        }
        let numbers = reading.places.map(\.record)
        guard numbers == Array(1...max(1, numbers.count)).prefix(numbers.count).map(\.self) else {
            throw Broken(description: "records are not in the order of the file: \(numbers)")
        }
    }

    /// A rejects file holds all rejected records, and of a CSV export none of them has become usable.
    private func checkRejects(_ reading: Reading) throws {
        let file = try ExportFile.open(inputPath, spoolFolder: "")
        let rejects = try RejectsFile(at: rejectsPath, shape: reading.facts.shape)
        var records = try ExportReader(options: options).read(file)
        while let batch = try records.next() {
            for record in batch.rejected { try rejects.append(record) }
        }
        try rejects.finish()
        switch (reading.facts.format, try outcome(rejectsPath)) {
        case (.csv, .read(let again)):
            // A mark within wrong quotes may show another of several faults first.
            guard again.reasons.count == reading.reasons.count && again.values.isEmpty else {
                throw Broken(
                    description: "rejected again: \(again.reasons) instead of \(reading.reasons), read: \(again.values)"
                )
            }
        case (.csv, .refused(let problem)):
            throw Broken(description: "the rejects file is refused: \(problem)")
        case (.xml, .read):
            // Without the other records another element may look like the record.
            break
        case (.xml, .refused(let problem)):
            // Without the other records a document may show no shape, or one of two, but it must be well-formed.
            guard ["were found", "nothing says", "of several kinds"].contains(where: problem.contains) else {
                throw Broken(description: "the rejects file is refused: \(problem)")
            }
        }
    }

    private func text(_ bytes: Span<UInt8>) -> String {
        var copy: [UInt8] = []
        for index in bytes.indices { copy.append(bytes[index]) }
        return String(decoding: copy, as: UTF8.self)
    }
}
