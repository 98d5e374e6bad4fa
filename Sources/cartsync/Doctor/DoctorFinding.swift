import CartAssociations
import SyncEngine

/// What one check of `doctor` found.
struct DoctorFinding: Encodable, Sendable, Equatable {
    enum State: String, Encodable, Sendable {
        case ok
        /// Worth knowing; nothing has to be done.
        case note
        /// Works, and may not for long.
        case warning
        /// Has to be mended before a run can succeed.
        case failed
        case skipped
    }

    /// What was looked at, in a word or two.
    let topic: String
    let state: State
    /// What was found.
    let found: String
    /// What to do about it; nil where nothing is.
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

    /// Something that has to be mended.
    static func failed(_ topic: String, _ status: ExitStatus, _ found: String, advice: String) -> DoctorFinding {
        DoctorFinding(topic, .failed, found, advice: advice, status: status)
    }
}

/// What `doctor` says: the settings, and what each check found.
struct DoctorReport: Encodable, Sendable {
    struct SettingShown: Encodable, Sendable {
        let name: String
        /// Redacted where it is a secret; nil where it is not set and has no default.
        let value: String?
        let origin: String
    }

    let version: String
    let settings: [SettingShown]
    private(set) var checks: [DoctorFinding] = []
    /// Nil without `--probe`.
    var probe: ProbeReport?
    private(set) var exitStatus: Int32 = 0

    init(_ loaded: LoadedSettings) {
        version = Version.text
        let used = Dictionary(loaded.used.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        settings = SettingDefinition.all.map { definition in
            if let setting = used[definition.key] {
                return SettingShown(name: setting.name, value: setting.value, origin: setting.origin)
            }
            return SettingShown(name: definition.key, value: definition.defaultWords, origin: "default")
        }
    }

    mutating func add(_ finding: DoctorFinding) {
        checks.append(finding)
        if exitStatus == 0 { exitStatus = finding.status.rawValue }
    }

    var hasFailed: Bool { exitStatus != 0 }

    func count(_ state: DoctorFinding.State) -> Int { checks.count { $0.state == state } }
}

extension SettingDefinition {
    /// The default in the words of the summary, which end with it in brackets; nil where there is none.
    var defaultWords: String? {
        guard summary.hasSuffix(")"), let start = summary.lastIndex(of: "(") else { return nil }
        return String(summary[summary.index(after: start)...].dropLast())
    }
}
