import CartAssociations
import DurableFiles
import Foundation
import SyncEngine
import SyncReporting

/// The reports in a state folder, read without the ledger: also while `serve` works on it.
struct StoredReports {
    /// The state folder.
    let folder: String
    /// The flag that named it, for the next command to type; empty if there was none.
    private let flag: String

    /// Runs whose process was killed: they are over, and have no page.
    private let killed: Set<String>

    /// - Parameters:
    ///   - flag: `--state` as it was typed.
    ///   - killed: the runs whose process was killed.
    init(folder: String, flag: String?, killed: Set<String> = []) {
        self.folder = folder
        self.killed = killed
        self.flag = flag.map { " --state \(ShellWord.quoted($0))" } ?? ""
    }

    private var runsFolder: String { folder + "/runs" }

    /// The runs that have a report, the newest last: their names sort by time.
    var names: [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: runsFolder)) ?? []
        return all.filter { FileManager.default.fileExists(atPath: path($0, ReportFolder.reportName)) }.sorted()
    }

    private func path(_ run: String, _ name: String) -> String { "\(runsFolder)/\(run)/\(name)" }

    /// The folder of a run: by a name as `RunName` has it, or by the path of the folder or of a file in it.
    ///
    /// Throws the `Ending` that says what is there instead.
    func find(_ run: String) throws -> ReportFolder {
        if run.contains("/") { return try find(path: run) }
        let names = names
        // A run that is still applied has a report already, in case it is killed; the page comes at its end.
        let isRelative = [RunName.latest, RunName.previous].contains(run)
        let ended = names.filter {
            killed.contains($0) || FileManager.default.fileExists(atPath: path($0, ReportFolder.pageName))
        }
        do {
            return ReportFolder(path: "\(runsFolder)/\(try RunName.find(run, among: isRelative ? ended : names))")
        } catch .ambiguous(let candidates) {
            throw unknown("\(candidates.count) runs fit \(run)", candidates)
        } catch {
            if isRelative {
                throw ended.isEmpty ? nothingThere : unknown("there is only one run with a report", names)
            }
            guard !names.isEmpty || hasFolder(run) else { throw nothingThere }
            throw unknown(
                hasFolder(run)
                    ? "run \(run) has no report yet: it goes on, or was interrupted" : "there is no run \(run)", names)
        }
    }

    private func find(path: String) throws -> ReportFolder {
        var isFolder: ObjCBool = false
        // unsafe: Foundation writes the answer through the pointer, and only during the call.
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Ending(
                status: .usage, details: "cartsync: there is nothing at \(path)", summary: "unknown run",
                next: "cartsync report\(flag)")
        }
        return ReportFolder(path: isFolder.boolValue ? path : URL(filePath: path).deletingLastPathComponent().path)
    }

    private func hasFolder(_ run: String) -> Bool { FileManager.default.fileExists(atPath: "\(runsFolder)/\(run)") }

    private var nothingThere: Ending {
        Ending(
            status: .usage, details: "cartsync: \(folder) has no run with a report",
            summary: "no report", next: "cartsync report --state FOLDER, or cartsync sync to make a run")
    }

    private func unknown(_ what: String, _ candidates: [String]) -> Ending {
        let named = candidates.suffix(RunName.mostShown).reversed().map { "cartsync:   \($0)" }
        return Ending(
            status: .usage,
            details: (["cartsync: \(what) in \(folder); the newest with a report:"] + named).joined(separator: "\n"),
            summary: "unknown run", next: "cartsync report \(candidates.last ?? RunName.latest)\(flag)")
    }
}

extension ReportFolder {
    /// The report of the folder.
    ///
    /// Throws the `Ending` that says why it cannot be read.
    func readReport() throws -> RunReport {
        do {
            guard let report = try report() else { throw unreadable(Self.reportName, "it is not there") }
            return report
        } catch let error as UnreadableReport {
            throw unreadable(Self.reportName, "\(error)")
        } catch let error as DecodingError {
            throw unreadable(Self.reportName, "it is damaged: \(error.place)")
        }
    }

    /// The text of a file of the folder as it was written.
    ///
    /// Throws the `Ending` that says why it cannot be read.
    func file(_ name: String) throws -> String {
        do {
            return String(decoding: try FileSystem.contents(path(of: name)), as: UTF8.self)
        } catch {
            throw unreadable(name, error.reason)
        }
    }

    /// The operations that have a percentile distribution, the writes first.
    var distributions: [String] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
        let operations = names.compactMap { $0.wholeMatch(of: #/latency-(.+)\.hgrm/#).map { String($0.output.1) } }
        // What a person most likely wants first: response times of the writes.
        let writes = CartAssociations.Operation.allCases.map(\.rawValue)
        func rank(_ name: String) -> Int { writes.firstIndex(of: name) ?? writes.count }
        return operations.sorted { (rank($0), $0) < (rank($1), $1) }
    }

    private func unreadable(_ name: String, _ problem: String) -> Ending {
        Ending(
            status: .stateUnwritable, details: "cartsync: \(path(of: name)) cannot be read: \(problem)",
            summary: "the report cannot be read",
            next: "choose another run, or look at the other files in \(ShellWord.quoted(path))")
    }
}

extension DecodingError {
    /// What is wrong and where, in a few words.
    fileprivate var place: String {
        func at(_ context: Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return path.isEmpty ? "" : " at \(path.joined(separator: "."))"
        }
        return switch self {
        case .keyNotFound(let key, let context): "\(key.stringValue) is missing\(at(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "a value of the wrong kind\(at(context))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "it is not JSON" : "\(context.debugDescription)\(at(context))"
        @unknown default: "it is no report"
        }
    }
}
