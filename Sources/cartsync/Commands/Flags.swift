import ArgumentParser
import ExportFiles
import Foundation

/// Flags that stand for settings: a property that has the name of a setting's flag gives that setting.
protocol SettingFlags: ParsableArguments {}

extension SettingFlags {
    /// What was given, by the key of the setting.
    var values: [String: String] {
        var values: [String: String] = [:]
        for (label, value) in Mirror(reflecting: self).children {
            if let mapped = value as? Option<[MappedField]> {
                for field in mapped.wrappedValue { values["mapping.\(field.field.rawValue)"] = field.column }
            }
            guard let given = value as? any GivenFlag, let setting = Setting.withFlag(label) else { continue }
            values[setting.key] = given.text
        }
        return values
    }
}

extension Setting {
    /// The setting whose flag a property stands for, as ArgumentParser names them: `_xmlRecord` is `--xml-record`.
    fileprivate static func withFlag(_ label: String?) -> Setting? {
        guard let name = label?.dropFirst().lowercased() else { return nil }
        return all.first { $0.flag?.name.replacing("-", with: "") == name }
    }
}

/// A flag of the command line.
protocol GivenFlag {
    /// What was given, as the text of a setting; nil if the flag was left out.
    var text: String? { get }
}

extension Option: GivenFlag {
    var text: String? {
        switch wrappedValue {
        case let texts as [String]: texts.isEmpty ? nil : texts.joined(separator: ",")
        case let text as String?: text
        default: nil
        }
    }
}

extension Flag: GivenFlag {
    var text: String? { wrappedValue as? Bool == true ? "true" : nil }
}

extension ArgumentHelp {
    /// What a setting's flag says of itself.
    ///
    /// - Parameter help: what it says in this command, without a period, if it differs from that of other commands.
    static func setting(_ key: String, _ help: String? = nil) -> ArgumentHelp {
        guard let flag = Setting.all.first(where: { $0.key == key })?.flag else {
            preconditionFailure("no flag of the setting \(key)")
        }
        let usual = (help == nil ? flag.usual : Setting.all.first { $0.key == key }?.usual).map { " (\($0))" } ?? ""
        return ArgumentHelp("\(help ?? flag.help)\(usual).", valueName: flag.value)
    }
}

/// Flags that every command with settings takes.
struct SettingsFlags: SettingFlags {
    @Option(help: ArgumentHelp("YAML or JSON settings (cartsync.yaml where there is one).", valueName: "file"))
    var config: String?
    @Option(help: .setting("state.directory")) var state: String?
}

/// Flags of the commands that call the API.
struct StoreFlags: SettingFlags {
    @Option(name: .customLong("base-url"), help: .setting("api.base-url")) var baseURL: String?
    @Option(help: .setting("rate.limit")) var rate: String?
    @Option(help: .setting("rate.concurrency")) var concurrency: String?
    @Flag(help: .setting("api.read-only")) var readOnly = false
}

/// Flags of the commands that make one run.
struct RunFlags: SettingFlags {
    @Option(help: .setting("run.deadline")) var deadline: String?
}

/// A field and the column that holds it, as `cart=CART_NO`.
struct MappedField: Sendable {
    let field: ExportField
    let column: String

    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let field = ExportField(rawValue: parts[0].lowercased().replacing("_", with: "-")),
            ExportField.ofExports.contains(field)
        else {
            let fields = ExportField.ofExports.map(\.rawValue).joined(separator: ", ")
            throw ValidationError(
                "--map takes FIELD=COLUMN, as in cart=CART_NO, and '\(text)' is not; fields are \(fields)")
        }
        self.field = field
        column = String(parts[1])
    }
}

/// Flags that say how an export is read.
struct ReadingFlags: SettingFlags {
    @Option(
        help: ArgumentHelp(
            "The column, element or attribute of a field, as in cart=CART_NO; may be given several times.",
            valueName: "field=name"),
        transform: MappedField.init)
    var map: [MappedField] = []
    @Option(help: .setting("sync.owner")) var owner: String?
    @Option(help: .setting("sync.owner-key")) var ownerKey: String?
    @Option(help: .setting("export.delimiter")) var delimiter: String?
    @Option(help: .setting("export.encoding")) var encoding: String?
    @Option(help: .setting("mapping.xml.record")) var xmlRecord: String?
    @Option(help: .setting("export.sheet")) var sheet: String?
    @Flag(help: .setting("sync.one-owner-per-cart")) var oneOwnerPerCart = false
    @Flag(help: .setting("sync.create-carts")) var createCarts = false

    func validate() throws {
        for (index, mapped) in map.enumerated() where map[..<index].contains(where: { $0.field == mapped.field }) {
            throw ValidationError("--map says twice which column is the \(mapped.field.rawValue)")
        }
    }
}

/// Flags that say what is compared.
struct ComparingFlags: SettingFlags {
    @Option(help: .setting("sync.current")) var current: String?
    @Option(help: .setting("sync.source")) var source: String?
    @Option(help: .setting("run.shard")) var shard: String?
    @Option(help: .setting("sync.crosswalk")) var crosswalk: String?
}

/// Flags that say what the guard allows.
struct GuardFlags: SettingFlags {
    @Option(help: .setting("guard.max-deletes")) var maxDeletes: String?
    @Option(help: .setting("guard.max-rejected")) var maxRejected: String?
    @Option(help: .setting("guard.max-unknown-owners")) var maxUnknownOwners: String?
    @Flag(help: "Allow a snapshot without a single usable record.")
    var allowEmpty = false
}

/// The flag of the commands that compare exports.
struct DoubtFlag: SettingFlags {
    @Option(
        help: ArgumentHelp(
            "Make the deletes that are withheld in doubt, if they are at most this many in this run.", valueName: "n"))
    var maxDoubtfulDeletes: Int?

    func validate() throws {
        if let maxDoubtfulDeletes, maxDoubtfulDeletes < 0 {
            throw ValidationError("--max-doubtful-deletes is a number of deletes")
        }
    }
}

/// The flag of the commands that approve deletes without an export.
struct DeleteApprovalFlags: SettingFlags {
    @Option(help: .setting("guard.max-deletes")) var maxDeletes: String?
}

/// The flag of the commands that may delete.
struct DeletesFlag: SettingFlags {
    @Option(help: .setting("sync.deletes")) var deletes: String?
}

/// Flags of the commands that leave a report.
struct ReportFlags: SettingFlags {
    @Option(help: .setting("report.slo")) var slo: [String] = []
    @Flag(help: .setting("report.slo-abort")) var sloAbort = false
    @Option(help: .setting("report.metrics-file")) var metricsFile: String?
    @Flag(help: .setting("report.redact")) var redact = false
}

/// Flags that say where a service finds its exports, and where it is seen.
struct ServiceFlags: SettingFlags {
    @Option(help: .setting("source.folder")) var inbox: String?
    @Option(help: .setting("source.poll")) var poll: String?
    @Option(help: .setting("source.settle")) var settle: String?
    @Option(help: .setting("http.listen")) var http: String?
}

/// The flag that says where a service is asked how it is.
struct HealthFlags: SettingFlags {
    @Option(help: .setting("http.listen")) var http: String?
}

/// The flag that names the source of a service's exports.
struct ServiceSourceFlag: SettingFlags {
    @Option(help: .setting("sync.source", "The stream of exports that these continue")) var source: String?
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// How a plan is written: csv has every change, the others a sample of each kind.
enum PlanFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, csv, markdown
}

/// How results are written.
struct OutputFlags: ParsableArguments {
    @Option(help: "Results as text or json.")
    var output: OutputFormat = .text
}
