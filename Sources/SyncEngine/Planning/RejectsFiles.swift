import CartAssociations
import DurableFiles
import ExportFiles
import SyncReporting

/// The rejected records of a run: counted, the first ones kept, all written if there is a folder.
final class RejectsFiles {
    /// nil: nothing is written, because the run only shows its plan.
    private let folder: String?
    private let exports: RunExports
    /// Whether reports hide owners: the sentence of a reason may name the owner.
    private let hidesOwners: Bool
    private let source: String
    /// The settings of the run, for whoever imports the files.
    private let used: [RunReport.SettingUsed]
    private var writers: [Int: (name: String, file: RejectsFile)] = [:]
    /// Records that were rejected because of others, by export.
    private var conflictsByExport: [Int: [String: Int]] = [:]
    private(set) var examples = RunReport.RejectedRecords()
    private(set) var conflicts = 0

    init(folder: String?, exports: RunExports, _ options: RunOptions) {
        self.folder = folder
        hidesOwners = options.hidesOwners
        source = options.source
        used = options.used
        self.exports = exports
    }

    func add(_ record: RejectedRecord, of export: Int, isConflict: Bool = false) throws {
        if isConflict {
            conflicts += 1
            conflictsByExport[export, default: [:]][record.reason.code.rawValue, default: 0] += 1
        }
        examples.add(
            .init(
                export: exports.files[export].name, line: record.place.line,
                reason: hidesOwners ? record.reason.code.rawValue : record.reason.sentence))
        try writer(of: export)?.append(record)
    }

    /// Records of an export that were usable by themselves, and rejected because of others.
    func conflicts(of export: Int) -> Int { conflictsByExport[export, default: [:]].values.reduce(0, +) }

    /// Rejected records of an export by reason.
    func reasons(of export: Int) -> [String: Int] {
        var reasons = conflictsByExport[export] ?? [:]
        for (code, count) in exports.facts[export].rejected { reasons[code.rawValue, default: 0] += count }
        return reasons
    }

    func finish() throws {
        for (export, writer) in writers {
            try writer.file.finish()
            guard let folder else { continue }
            let shape = exports.facts[export].shape
            try ExportConfig(rejectedOf: shape, source: source, used: used).write(beside: folder + "/" + writer.name)
        }
        if let folder, let first = writers.min(by: { $0.key < $1.key }) {
            examples.file = folder + "/" + first.value.name
        }
    }

    private func writer(of export: Int) throws -> RejectsFile? {
        guard let folder else { return nil }
        if let (_, file) = writers[export] { return file }
        let shape = exports.facts[export].shape
        var name = RejectsFile.name(for: shape.format)
        // Two exports have two headers, and need two files.
        if writers.values.contains(where: { $0.name == name }) {
            name = "rejects-\(export + 1).\(shape.format.rawValue)"
        }
        try RunTools.makeFolder(folder)
        let file = try RejectsFile(at: folder + "/" + name, shape: shape)
        writers[export] = (name, file)
        return file
    }
}
