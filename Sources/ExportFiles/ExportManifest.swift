import CartAssociations
package import DurableFiles
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a small file beside an export says that the export holds.
package struct ExportManifest: Sendable, Equatable {
    /// One file of an export in several.
    package struct Part: Sendable, Equatable {
        /// The name of a file in the folder of the manifest.
        package let name: String
        package let records: Int?
        /// The SHA-256 digest of the file as stored, in lowercase hexadecimal.
        package let sha256: String?
    }

    /// All records, without the header line and blank lines; of an export in several files those of all.
    package let records: Int?
    /// The SHA-256 digest of the file as stored, in lowercase hexadecimal.
    package let sha256: String?
    /// The files of an export in several, in their order; empty if it is one.
    package let parts: [Part]
    private let path: String

    /// The end of a manifest's name.
    package static let ending = ".manifest.json"
    private static let mostBytes = 1 << 16

    /// The manifest's path for an export's path: `customers.csv` has `customers.csv.manifest.json`.
    static func path(for export: String) -> String { export + ending }

    /// Reads the manifest beside an export; nil if it is missing, and for standard input.
    ///
    /// Throws `ExportError` if the manifest is a link, cannot be read or says nothing that can be checked.
    package static func beside(_ export: ExportFile) throws -> ExportManifest? {
        guard export.name != ExportFile.standardInput else { return nil }
        let path = path(for: export.name)
        guard let file = try export.companion(path) else { return nil }
        return try ExportManifest(path) { limit throws(FileError) in try file.contents(limit: limit) }
    }

    /// Reads the manifest of an export in several files.
    ///
    /// Throws `ExportError` if it cannot be read or lists no files.
    static func ofParts(_ file: ExportFile) throws -> ExportManifest {
        let manifest = try ExportManifest(file.name) { limit throws(FileError) in try file.contents(limit: limit) }
        guard !manifest.parts.isEmpty else {
            throw ExportError(
                .manifest, file: file.name, problem: "the manifest lists no parts",
                advice: "give the export itself, or list its files in the manifest as parts")
        }
        return manifest
    }

    /// The names of the files that a manifest in a folder lists; empty if it lists none, is not whole, or is a link.
    package static func listed(in name: String, of folder: OpenFolder) -> [String] {
        guard let file = try? ExportFile.open(name, in: folder) else { return [] }
        return (try? ofParts(file))?.parts.map(\.name) ?? []
    }

    private struct Content: Decodable {
        /// A part by its name alone, or with what is to be checked.
        struct Part: Decodable {
            let name: String
            var records: Int?
            var sha256: String?

            private enum CodingKeys: CodingKey { case name, records, sha256 }

            init(from decoder: any Decoder) throws {
                if let name = try? decoder.singleValueContainer().decode(String.self) {
                    self.name = name
                    return
                }
                let values = try decoder.container(keyedBy: CodingKeys.self)
                name = try values.decode(String.self, forKey: .name)
                records = try values.decodeIfPresent(Int.self, forKey: .records)
                sha256 = try values.decodeIfPresent(String.self, forKey: .sha256)
            }
        }

        let records: Int?
        let sha256: String?
        let parts: [Part]?
    }

    /// - Parameter read: reads at most so many bytes of it.
    private init(_ path: String, read: (_ limit: Int) throws(FileError) -> [UInt8]) throws {
        func refusal(_ problem: String) -> ExportError {
            ExportError(
                .manifest, file: path, problem: problem,
                advice:
                    "write an object with records (a number), sha256 (64 hexadecimal digits) or parts (the names of "
                    + "the files of one export), or remove the file")
        }
        let bytes: [UInt8]
        do {
            bytes = try read(Self.mostBytes)
        } catch {
            throw refusal(
                error.code == EFBIG
                    ? "the manifest is longer than 64 KiB" : "the manifest cannot be read: \(error.reason)")
        }
        guard let content = try? ForeignJSON.decode(Content.self, from: bytes) else {
            throw refusal("the manifest is not valid")
        }
        parts = (content.parts ?? []).map {
            Part(name: $0.name, records: $0.records, sha256: $0.sha256?.lowercased())
        }
        let digest = content.sha256?.lowercased()
        guard content.records != nil || digest != nil || !parts.isEmpty else {
            throw refusal("the manifest says nothing to check")
        }
        guard ([content.records] + parts.map(\.records)).allSatisfy({ $0 ?? 0 >= 0 }) else {
            throw refusal("the manifest's number of records is negative")
        }
        let digests = ([digest] + parts.map(\.sha256)).compactMap { $0 }
        guard digests.allSatisfy({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) else {
            throw refusal("the manifest's sha256 is not one")
        }
        records = content.records
        sha256 = digest
        self.path = path
        if let problem = problemOfParts { throw refusal(problem) }
    }

    private static let mostParts = 10_000

    private var problemOfParts: String? {
        let names = parts.map(\.name)
        if let name = names.first(where: { $0.isEmpty || $0.contains("/") || $0.hasPrefix(".") || $0.contains("\0") }) {
            return "the manifest lists \"\(name)\", which is no name of a file beside it"
        }
        if Set(names).count < names.count { return "the manifest lists a file twice" }
        if names.count > Self.mostParts { return "the manifest lists more than \(Self.mostParts) files" }
        if !names.isEmpty, sha256 != nil { return "the manifest has a sha256 of the whole; give each part its own" }
        return nil
    }

    /// What it says, and where.
    var statement: String {
        let facts = [records.map { Count.text($0, "record") }, sha256.map { _ in "sha256" }].compactMap(\.self)
        return "\(URL(filePath: path).lastPathComponent): \(facts.joined(separator: " and "))"
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
        // A manifest that lists files speaks of all of them.
        if let records, parts.isEmpty, records != facts.records {
            throw refusal("the file has \(facts.records) records, and its manifest says \(records)")
        }
    }

    /// What it says of one of the files that it lists.
    func of(_ part: Part) -> ExportManifest {
        ExportManifest(records: part.records, sha256: part.sha256, parts: [], path: path)
    }

    /// Throws a refusal if the listed files have another number of records together.
    func check(recordsOfAll found: Int) throws {
        guard let records, records != found else { return }
        throw ExportError(
            .manifest, file: path, problem: "its files have \(found) records together, and it says \(records)",
            advice: "have all files and the manifest written and copied again, together")
    }

    private init(records: Int?, sha256: String?, parts: [Part], path: String) {
        self.records = records
        self.sha256 = sha256
        self.parts = parts
        self.path = path
    }
}

extension ExportFile {
    /// What vouches for the file: the manifest that lists it if that says something of it, else the one beside it.
    ///
    /// Throws `ExportError` if that cannot be read.
    func manifest() throws -> ExportManifest? {
        if let listed, listed.records != nil || listed.sha256 != nil { return listed }
        return try ExportManifest.beside(self)
    }
}
