import CartAssociations
import Foundation
import SyncReporting
import SyncService

/// What one check of `doctor` found.
struct DoctorFinding: Encodable, Sendable, Equatable {
    enum State: String, Encodable, Sendable {
        case ok
        /// Worth knowing; nothing has to be done.
        case note
        /// Works, and may not for long.
        case warning
        /// Has to be corrected before a run can succeed.
        case failed
        case skipped
    }

    /// What was looked at, in a word or two.
    let topic: String
    let state: State
    /// What was found.
    let found: String
    /// What to do about it; nil if there is nothing to do.
    let advice: String?
    /// How the command ends because of it.
    let status: ExitStatus

    enum CodingKeys: String, CodingKey {
        case topic, state, found, advice
    }

    init(_ topic: String, _ state: State, _ found: String, advice: String? = nil, status: ExitStatus = .done) {
        self.topic = topic
        self.state = state
        self.found = found
        self.advice = advice
        self.status = status
    }

    /// Something that has to be corrected.
    static func failed(_ topic: String, _ status: ExitStatus, _ found: String, advice: String) -> DoctorFinding {
        DoctorFinding(topic, .failed, found, advice: advice, status: status)
    }
}

extension DoctorFinding {
    /// What is known of files with secrets that others may read.
    static func secrets(_ exposures: [String]) -> [DoctorFinding] {
        guard !exposures.isEmpty else {
            return [DoctorFinding("secrets", .ok, "in no file that everybody on this machine may read")]
        }
        return exposures.map { exposure in
            let parts = exposure.split(separator: "; ", maxSplits: 1).map(String.init)
            return DoctorFinding("secrets", .warning, parts[0], advice: parts.last)
        }
    }
}

extension DoctorFinding {
    /// What others may do with the inboxes of a service's jobs; empty if no job has one.
    static func inboxes(_ jobs: [JobSettings]) -> [DoctorFinding] {
        jobs.compactMap(\.loaded.settings.sources.folder).flatMap { folder -> [DoctorFinding] in
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            let problems = InboxAccess.problems(of: folder)
            guard !problems.isEmpty else {
                return [DoctorFinding("inbox", .ok, "\(folder): only its owner takes away what others put there")]
            }
            return problems.map { problem in
                let parts = problem.split(separator: "; ", maxSplits: 1).map(String.init)
                return DoctorFinding("inbox", .warning, parts[0], advice: parts.last)
            }
        }
    }
}

/// What `doctor` says: the settings, and what each check found.
struct DoctorReport: Encodable, Sendable {
    struct SettingShown: Encodable, Sendable {
        let name: String
        /// Redacted if it is a secret; nil if it is not set and has no default.
        let value: String?
        let origin: String
    }

    let version: String
    let settings: [SettingShown]
    private(set) var checks: [DoctorFinding] = []
    /// Nil without `--probe`.
    var probe: ProbeReport?
    private(set) var exitStatus: ExitStatus = .done

    init(_ loaded: LoadedSettings) {
        version = Version.text
        let used = Dictionary(loaded.used.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        settings = Setting.all.map { setting in
            if let used = used[setting.key] {
                return SettingShown(name: used.name, value: used.value, origin: used.origin)
            }
            return SettingShown(name: setting.key, value: setting.usual, origin: "default")
        }
    }

    mutating func add(_ finding: DoctorFinding) {
        checks.append(finding)
        if exitStatus == .done { exitStatus = finding.status }
    }

    var hasFailed: Bool { exitStatus != .done }

    func count(_ state: DoctorFinding.State) -> Int { checks.count { $0.state == state } }
}

extension DoctorReport {
    /// - Parameter showsSettings: whether every setting is listed after what was found.
    func text(showsSettings: Bool) -> String {
        // What is wrong is read first.
        let order: [DoctorFinding.State] = [.failed, .warning, .note, .ok, .skipped]
        let checks = order.flatMap { state in self.checks.filter { $0.state == state } }
        var lines: [String] = []
        let topics = checks.map(\.topic.count).max() ?? 0
        for check in checks {
            let state = check.state == .failed ? "FAILED" : check.state.rawValue
            lines.append("\(state.padding(to: 7))  \(check.topic.padding(to: topics))  \(check.found)")
            if let advice = check.advice { lines.append("\(String(repeating: " ", count: topics + 11))→ \(advice)") }
        }
        if let probe { lines += ["", "Probe"] + probe.lines.map { "  " + $0 } }
        if showsSettings { lines += settingLines }
        return lines.map(TerminalText.printable).joined(separator: "\n") + "\n"
    }

    private var settingLines: [String] {
        var lines = ["", "Settings"]
        let width = settings.map(\.name.count).max() ?? 0
        for setting in settings {
            let name = setting.name.padding(to: width)
            lines.append(
                "  \(name)  \(setting.value ?? "not set")\(setting.origin == "default" ? "" : "  (\(setting.origin))")")
        }
        return lines
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
