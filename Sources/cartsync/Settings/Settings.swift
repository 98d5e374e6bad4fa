import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Foundation
import Logging
import SyncEngine
import SyncReporting

/// Every setting of one invocation, parsed and within its range.
///
/// Flags, the environment, the secrets folder and the settings file all end here; nothing else reads them.
struct Settings: Sendable {
    var baseURL: String?
    var clientID: String?
    var clientSecret: String?
    var authentication: Authentication = .clientCredentials
    var secretsDirectory: String?
    var caFile: String?
    var proxy: ProxyChoice = .environment
    var headers: [ExtraHeader] = []
    var readOnly = false
    var alreadyGone: Set<Int> = [404]
    var largestOffset = APIOptions.documentedOffset
    var listingLag: Duration = .seconds(60)
    var stateDirectory: String?

    var deletes: DeletionScope = .owned
    var current: CurrentSource = .auto
    var owner: OwnerKind?
    var source: String?
    var oneOwnerPerCart = false
    var createsCarts = false

    var shard: Shard?

    var rate = 20
    var concurrency = 8
    var adaptiveRate = true
    var rateSchedule: RateSchedule?
    /// The time zone of the schedule and of a deadline; nil for the machine's.
    var timeZone: TimeZone?

    var deadline: Deadline?
    var canary = 0

    var planGuard = Guard()

    var fieldNames: [String: String] = [:]
    var xmlRecord: String?
    var delimiter: Character?
    var encoding: ExportEncoding = .automatic
    var requireFinalNewline = true

    var objectives: [ServiceObjective] = []
    var abortsOnCrossing = false
    var metricsFile: String?
    var hidesOwners = false

    var sources = SourceSettings()
    var poll: Duration = .seconds(10)
    var settle: Duration = .seconds(5)
    var httpListen: String? = "127.0.0.1:8480"
    /// Names that a browser may ask for beside those of loopback.
    var httpNames: [String] = []
    /// The secret of those who may approve over HTTP.
    var approvalToken: String?

    var logFormat: LogFormat = .logfmt
    /// nil: what the command usually says.
    var logLevel: Logger.Level?
}

/// Whether calls go through a proxy.
enum ProxyChoice: Sendable, Hashable {
    /// The one that the usual variables of the environment name, if any.
    case environment
    case off
    case through(HTTPProxy)
}

/// How the text of an export is encoded, as a person sets it.
enum ExportEncoding: String, CaseIterable, Sendable {
    /// UTF-8, or UTF-16 where a byte order mark says so.
    case automatic = "auto"
    case latin1 = "latin-1"
}

extension Settings {
    var readingOptions: ReadingOptions {
        var options = ReadingOptions(delimiter: delimiter, ownerKind: owner, xmlRecord: xmlRecord)
        if encoding == .latin1 { options.encoding = .latin1 }
        for (name, column) in fieldNames {
            if let field = ExportField(rawValue: name) { options.fieldNames[field] = column }
        }
        return options
    }
}

// Settings hold secrets, so that no description or dump shows any of them; `doctor` shows them one by one, redacted.
extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "settings, hidden" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
