package import DurableFiles
import Foundation

/// The files that are read as one export, open: those that were named, and in the place of a manifest those that it
/// lists.
package struct OpenedExports: Sendable {
    package private(set) var files: [ExportFile] = []
    private var manifests: [(manifest: ExportManifest, files: Range<Int>)] = []

    /// Opens every file; standard input is copied into the folder first.
    ///
    /// Throws `ExportError` if one cannot be opened, or is a part of an export and others of it are not among them.
    ///
    /// - Parameters:
    ///   - rule: what tells that files are parts; by any rule a manifest stands for what it lists.
    ///   - isStopped: whether standard input is no longer wanted, see `ExportFile.open`.
    package init(
        _ paths: [String], spoolFolder: String, rule: PartsRule, isStopped: () -> Bool = { false }
    ) throws {
        try self.init(paths, rule: rule) { path, listed in
            try ExportFile.open(path, spoolFolder: spoolFolder, listed: listed, isStopped: isStopped)
        }
    }

    /// Opens files of a folder, whatever its path leads to meanwhile; no link is followed.
    ///
    /// Throws as `init(_:spoolFolder:rule:)` does.
    package init(_ names: [String], in folder: OpenFolder, spoolFolder: String, rule: PartsRule) throws {
        try self.init(names, rule: rule) { name, listed in
            try ExportFile.open(name, in: folder, spoolFolder: spoolFolder, listed: listed)
        }
    }

    private init(
        _ paths: [String], rule: PartsRule, open: (_ path: String, _ listed: ExportManifest?) throws -> ExportFile
    ) throws {
        if rule == .name { try Self.checkParts(paths) }
        for path in paths {
            guard path.hasSuffix(ExportManifest.ending) else {
                files.append(try open(path, nil))
                continue
            }
            let manifest = try ExportManifest.ofParts(try open(path, nil))
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
            let first = files.count
            for part in manifest.parts { files.append(try open(folder + part.name, manifest.of(part))) }
            manifests.append((manifest, first..<files.count))
        }
    }

    /// Compares each file, as it was read, with the manifests and the checksums beside it, and returns what each of them
    /// says, by file.
    ///
    /// Throws a refusal if they disagree, or cannot be read.
    @discardableResult
    package func checkStatements(_ facts: [ExportFacts]) throws -> [[String]] {
        var statements = try zip(files, facts).map { try $0.checkStatements($1) }
        for (manifest, range) in manifests where range.upperBound <= facts.count {
            try manifest.check(recordsOfAll: facts[range].reduce(0) { $0 + $1.records })
            guard manifest.records != nil else { continue }
            for file in range { statements[file].append(manifest.statement) }
        }
        return statements
    }

    private static func checkParts(_ paths: [String]) throws {
        var sets: [String: [(path: String, part: PartName)]] = [:]
        for path in paths where !path.hasSuffix(ExportManifest.ending) {
            guard let part = PartName(URL(filePath: path).lastPathComponent) else { continue }
            sets["\(part.whole)/\(part.count)", default: []].append((path, part))
        }
        for (_, parts) in sets.sorted(by: { $0.key < $1.key }) {
            guard let first = parts.first,
                let problem = PartName.problem(parts.map(\.part.number), of: first.part.count)
            else { continue }
            throw ExportError(
                .incomplete, file: first.path, problem: "by its name it is a part of an export, and \(problem)",
                advice: "give each part once, all in one command; if each file is an export of its own, "
                    + "set source.parts to off")
        }
    }
}
