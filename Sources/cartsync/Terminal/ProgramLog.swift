import Foundation
import Logging
import SyncService

/// One event of the log as a line.
struct LogLine {
    let time: Date
    let level: Logger.Level
    let message: String
    /// In the order of their names; a field that has one of our own names gets an underscore.
    let fields: [(name: String, value: String)]

    private static let ownNames: Set<String> = ["time", "level", "msg"]

    init(time: Date, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.time = time
        self.level = level
        self.message = message
        fields = metadata.sorted { $0.key < $1.key }.map { key, value in
            (Self.ownNames.contains(key) ? key + "_" : key, "\(value)")
        }
    }

    private var all: [(name: String, value: String)] {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return [("time", time.formatted(style)), ("level", level.rawValue), ("msg", message)] + fields
    }

    func text(_ format: LogFormat) -> String {
        switch format {
        case .logfmt: all.map { "\(Self.name($0.name))=\(Self.value($0.value))" }.joined(separator: " ")
        case .json: "{" + all.map { "\(Self.quoted($0.name)):\(Self.quoted($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// A name without the characters that would end it.
    private static func name(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) ? $0 : "_" })
    }

    private static func value(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                (0x21...0x7E).contains(scalar.value) && scalar != "\"" && scalar != "=" && scalar != "\\"
            }
        return isPlain ? text : quoted(text)
    }

    /// The text as a JSON string, which logfmt's readers take too; nothing in it moves a cursor or ends the line.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator:
                    for unit in String(scalar).utf16 {
                        let digits = String(unit, radix: 16)
                        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                default: quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}

/// Writes the program's log to standard error.
struct ProgramLog: LogHandler {
    let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// The command of another process, whose log it is; nil for this process's own.
    private let handed = Handed.current

    init(_ format: LogFormat, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: Logger.Metadata = LoggedRun.id.map { ["run": "\($0)"] } ?? [:]
        for more in [metadata, metadataProvider?.get() ?? [:], event.metadata ?? [:]] {
            fields.merge(more) { _, new in new }
        }
        if let error = event.error { fields["error"] = "\(error)" }
        let line = LogLine(time: Date(), level: event.level, message: "\(event.message)", metadata: fields)
        Handed.$current.withValue(handed) { Terminal.message(line.text(format)) }
    }
}

extension Logger {
    /// The program's logger: to standard error, one line an event.
    ///
    /// - Parameter usual: the level if the settings have none.
    static func forProgram(_ settings: Settings? = nil, usual: Logger.Level = .warning) -> Logger {
        let handler = ProgramLog(settings?.logFormat ?? .logfmt, level: settings?.logLevel ?? usual)
        return Logger(label: "cartsync") { _ in handler }
    }
}
