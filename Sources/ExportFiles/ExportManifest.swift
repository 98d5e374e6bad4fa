import DurableFiles
import Foundation

/// What a small file beside an export says that the export holds.
package struct ExportManifest: Sendable, Equatable {
    /// All records, without the header line and blank lines.
    package let records: Int?
    /// The SHA-256 digest of the file as stored, in lowercase hexadecimal.
    package let sha256: String?
    private let path: String

    /// The manifest's path for an export's path: `customers.csv` has `customers.csv.manifest.json`.
    static func path(for export: String) -> String { export + ".manifest.json" }

    /// Reads the manifest beside an export; nil if it is missing, and for standard input.
    ///
    /// Throws `ExportError` if the manifest cannot be read or says nothing that can be checked.
    package static func beside(_ export: String) throws -> ExportManifest? {
        guard export != "-", export != ExportFile.standardInput else { return nil }
        let path = path(for: export)
        // A name that is too long for the file system is that of no file.
        guard FileSystem.exists(path) else { return nil }
        let file: ExportFile
        do {
            file = try ExportFile.open(path, spoolFolder: "")
        } catch let error as ExportError where error.fault == .missing {
            return nil
        }
        return try ExportManifest(file)
    }

    private struct Content: Decodable {
        let records: Int?
        let sha256: String?
    }

    init(_ file: ExportFile) throws {
        func refusal(_ problem: String) -> ExportError {
            ExportError(
                .manifest, file: file.name, problem: problem,
                advice: "write an object with records (a number) or sha256 (64 hexadecimal digits), or remove the file")
        }
        guard file.size <= 1 << 16 else { throw refusal("the manifest is longer than 64 KiB") }
        var bytes = [UInt8](repeating: 0, count: file.size)
        var stored = StoredBytes(file)
        _ = try stored.read(into: &bytes, range: 0..<bytes.count)
        guard let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)) else {
            throw refusal("the manifest is not valid")
        }
        let digest = content.sha256?.lowercased()
        guard content.records != nil || digest != nil else { throw refusal("the manifest says nothing to check") }
        guard content.records ?? 0 >= 0 else { throw refusal("the manifest's number of records is negative") }
        guard digest.map({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) ?? true else {
            throw refusal("the manifest's sha256 is not one")
        }
        records = content.records
        sha256 = digest
        path = file.name
    }

    /// Throws a refusal if a reading of the export disagrees.
    func check(_ facts: ExportFacts, of file: ExportFile) throws {
        func refusal(_ problem: String) -> ExportError {
            ExportError(
                .manifest, file: file.name, problem: "\(problem) (\(path))",
                advice: "have export and manifest written and copied again, together")
        }
        if let sha256, sha256 != facts.sha256 {
            throw refusal("the file's SHA-256 is \(facts.sha256), and its manifest says \(sha256)")
        }
        if let records, records != facts.records {
            throw refusal("the file has \(facts.records) records, and its manifest says \(records)")
        }
    }
}
