import CallPacing
import CartAssociations
import CommerceAPI
import ExportSources
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncService

/// Every setting of one invocation, parsed and within its range.
///
/// Flags, the environment, the secrets folder and the settings file all end here; nothing else reads them. A default
/// is the value that a field begins with, here or in the settings of calls, runs and sources, whose members are read
/// as if they were these settings' own. `Setting.all` names each field.
@dynamicMemberLookup
struct Settings: Sendable {
    var baseURL: String?
    var clientID: String?
    var clientSecret: String?
    var secretsDirectory: String?
    var caFile: String?
    var proxy: ProxyChoice = .environment
    var api = APISettings()

    var stateDirectory: String?
    /// In bytes; see `StateSize`.
    var stateMaxSize = 10 << 30
    /// Without the windows, which are those of the guards.
    var keptRuns = RunRetention(window: .zero)
    var run = RunSettings()

    var rate = 20
    var adaptiveRate = true
    /// See `Pacer`.
    var rateShare = 1.0
    var rateSchedule: RateSchedule?
    /// The time zone of the schedule and of a deadline; nil for the machine's.
    var timeZone: TimeZone?
    var deadline: Deadline?

    var metricsFile: String?

    var sources = SourceSettings()
    var poll: Duration = .seconds(10)
    var settle: Duration = .seconds(5)
    var remember: Duration = .seconds(400 * 86_400)
    var httpListen: String? = "127.0.0.1:8480"
    /// Names that a browser may ask for beside those of loopback.
    var httpNames: [String] = []
    /// PEM files of the certificate of the page and its key.
    var httpCertificate: String?
    var httpKey: String?
    /// Whether a proxy speaks TLS for the page.
    var httpBehindProxy = false
    /// The secret of those who may approve over HTTP.
    var approvalToken: String?

    var notify = NotifySettings()

    var logFormat: LogFormat = .logfmt
    /// nil for what the command usually says.
    var logLevel: Logger.Level?

    subscript<Value>(dynamicMember path: WritableKeyPath<APISettings, Value>) -> Value {
        get { api[keyPath: path] }
        set { api[keyPath: path] = newValue }
    }

    subscript<Value>(dynamicMember path: WritableKeyPath<RunSettings, Value>) -> Value {
        get { run[keyPath: path] }
        set { run[keyPath: path] = newValue }
    }
}

/// Whether calls go through a proxy.
enum ProxyChoice: Sendable, Hashable {
    /// The one that the usual variables of the environment name, if any.
    case environment
    case off
    case through(HTTPProxy)
}

// Settings hold secrets, so that no description or dump shows any of them; `doctor` shows them one by one, redacted.
extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "settings, hidden" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
