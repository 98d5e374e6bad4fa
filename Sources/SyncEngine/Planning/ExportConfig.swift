import CartAssociations
import DurableFiles
package import ExportFiles
import Foundation
package import SyncReporting

/// The settings with which certain exports are read, as a file for `--config`, or beside a file of rejected records.
package struct ExportConfig {
    /// The settings by their keys.
    private var settings: [String: String]
    /// What was found and needs no setting, a sentence each.
    private var found: [String] = []

    /// What is set of the settings about exports, and what exports that were checked showed of themselves.
    ///
    /// Throws an `ExportError` if the exports do not have all in common.
    ///
    /// - Parameter used: every setting that is no default.
    package init(of exports: [ExportFacts], used: [RunReport.SettingUsed]) throws {
        let own = exports.map { Self.settings(of: $0.shape) }
        settings = own.first ?? [:]
        for other in own.dropFirst() {
            let keys = Set(other.keys).union(settings.keys).sorted()
            guard let key = keys.first(where: { other[$0] != settings[$0] }) else { continue }
            throw ExportError(
                .option, file: "--write-config", problem: "the exports differ in what \(key) is for them",
                advice: "write a file for each of them")
        }
        take(used)
        for path in Set(exports.compactMap(\.shape.recordPath)).sorted() {
            found.append("a record is the element \(path)")
        }
    }

    /// What a file of records that an export's run rejected needs to be imported for the same source.
    ///
    /// - Parameters:
    ///   - source: the source of the run.
    ///   - used: every setting of the run that is no default.
    init(rejectedOf shape: ExportShape, source: String, used: [RunReport.SettingUsed]) {
        settings = Self.settings(of: shape)
        take(used)
        settings["sync.source"] = source
        // The records that are missing in it were not rejected, and no line of it counts them.
        settings["export.kind"] = (shape.kind == .delta ? ExportKind.delta : .additions).rawValue
        settings["export.trailer"] = shape.format == .csv ? "auto" : nil
    }

    private mutating func take(_ used: [RunReport.SettingUsed]) {
        for setting in used where Self.isAboutExports(setting.name) { settings[setting.name] = setting.value }
    }

    /// What opens a sealed export and who must have signed it: no file beside an export has a say in that.
    private static let trust: Set = ["export.decryption-key", "export.decryption-passphrase", "export.signed-by"]

    /// Whether a setting says how exports are read, or of which source they are.
    package static func isAboutExports(_ key: String) -> Bool {
        let isOfReading = key.hasPrefix("mapping.") || key.hasPrefix("export.")
        return isOfReading && !trust.contains(key)
            || [
                "sync.owner", "sync.owner-key", "sync.source",
            ].contains(key)
    }

    /// What an export shows of itself. What reading XML finds out is found out again: a name that is set would have
    /// other elements passed over.
    private static func settings(of shape: ExportShape) -> [String: String] {
        var settings = ["export.kind": shape.kind.rawValue]
        if shape.encoding != .utf8 { settings["export.encoding"] = shape.encoding.rawValue }
        guard shape.format == .csv else { return settings }
        for (field, name) in shape.mapping { settings["mapping.\(field.rawValue)"] = name }
        // Any other one is said by the export's first line.
        if let delimiter = shape.delimiter, [",", ";", "\t", "|"].contains(delimiter) {
            settings["export.delimiter"] = delimiter == "\t" ? "tab" : String(delimiter)
        }
        return settings
    }

    /// The file: each section with its keys, every value in quotes.
    package var text: String {
        var lines = found.map { "# \($0)" }
        var section = ""
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
            if parts[0] != section {
                section = parts[0]
                lines.append("\(section):")
            }
            lines.append("  \(parts[1]): \(Self.quoted(value))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A text as YAML and JSON take it back, whatever is in it.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _
            where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value) || scalar.value == 0xFEFF
                || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Writes the file, which must not be there yet.
    ///
    /// Throws `FileError`, or `ExportError` if it is there.
    package func write(to path: String) throws {
        guard !FileSystem.exists(path) else {
            throw ExportError(
                .option, file: path, problem: "the file is there already", advice: "remove it, or name another one")
        }
        try DurableFile.write(text.utf8, to: path)
    }

    // MARK: Beside a file of rejected records

    /// The path of the settings that stand beside a file of rejected records.
    package static func path(beside export: String) -> String { export + ".settings.yaml" }

    func write(beside rejects: String) throws(FileError) {
        try DurableFile.write(text.utf8, to: Self.path(beside: rejects))
    }

    /// The file of settings that stands beside each of some exports, if it says the same for all; nil if there is none.
    ///
    /// Throws an `ExportError` if there is one for some of the exports only, or they differ.
    package static func beside(_ exports: [String]) throws(ExportError) -> String? {
        let paths = exports.filter { $0 != "-" }.map(path(beside:)).filter(FileSystem.exists)
        guard let first = paths.first else { return nil }
        let contents = paths.map { try? FileSystem.contents($0, limit: 1 << 20) }
        guard paths.count == exports.count, contents.allSatisfy({ $0 == contents[0] }) else {
            throw ExportError(
                .option, file: first, problem: "these settings are not those of all exports of the command",
                advice: "give each export in a command of its own")
        }
        return first
    }
}
