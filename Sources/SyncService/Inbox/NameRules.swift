import DurableFiles
package import ExportFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the names of files at a source mean. What a file is, its content says.
package struct NameRules: Sendable, Hashable {
    /// Globs of exports, without regard to case.
    package var include = Self.usualExports
    /// Globs of what is left alone, although it is included.
    package var exclude: [String] = []
    /// What is beside an export that is whole: an ending such as `.ok`, after the whole name or in the place of its own, or
    /// the name of a file for the whole folder such as `_SUCCESS`. If there are any, no export is taken without.
    package var triggers: [String] = []
    /// What tells that several files are one export.
    package var parts = PartsRule.name
    /// The longest time between the writing of two parts of one export.
    package var partsWithin = Duration.seconds(3600)

    package init() {}

    /// Every name is that of an export, unless it is always left alone.
    static var everything: NameRules {
        var rules = NameRules()
        rules.include = ["*"]
        return rules
    }

    package static let usualExports: [String] = {
        let formats = ["csv", "tsv", "xml", "xlsx", "xlsm"]
        let packed = ["gz", "zip", "zst", "bz2", "gpg", "pgp", "asc"]
        return (formats + packed).map { "*.\($0)" }
    }()

    /// What a name means.
    enum Meaning: Sendable, Hashable {
        case export
        /// It belongs to exports: a marker, a manifest, a checksum.
        case companion
        /// Never an export, whatever is included.
        case leftAlone
        /// A setting leaves it alone.
        case excluded
        /// Nothing says that it is an export.
        case notIncluded
    }

    func meaning(of entry: InboxEntry) -> Meaning {
        let name = entry.name
        if Self.isAlwaysLeftAlone(name) { return .leftAlone }
        if isCompanion(name) { return .companion }
        if entry.size == 0, entry.kind == .regular, Self.isTriggerLike(name) { return .leftAlone }
        if exclude.contains(where: { Self.matches(name, $0) }) { return .excluded }
        return include.contains { Self.matches(name, $0) } ? .export : .notIncluded
    }

    // MARK: - What is never an export

    private static let unfinishedEndings = [
        ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".writing", ".inprogress", ".swp",
        ".camellock",
    ]

    /// Dot files, what is still being written, and what desktops and editors leave behind.
    static func isAlwaysLeftAlone(_ name: String) -> Bool {
        let lowercased = name.lowercased()
        return name.utf8.first == UInt8(ascii: ".") || name.hasPrefix("~$") || name.hasSuffix("~")
            || unfinishedEndings.contains { lowercased.hasSuffix($0) }
            || ["thumbs.db", "desktop.ini"].contains(lowercased)
    }

    /// Whether an empty file of this name can only be meant as a sign.
    private static func isTriggerLike(_ name: String) -> Bool {
        let lowercased = name.lowercased()
        return lowercased.hasPrefix("_")
            || [".ok", ".trg", ".trigger", ".ready", ".done", ".flag", ".fin", ".sem"].contains {
                lowercased.hasSuffix($0)
            }
    }

    // MARK: - What belongs to an export

    /// Says that the export beside it is complete.
    static let doneMarker = ".done"
    /// Has the number of records or the digest of the export beside it, and also says that it is complete.
    static let manifest = ExportManifest.ending
    /// The ends of the names of checksums of the export beside them.
    static let checksums = [".sha256", ".sha512", ".sha1", ".md5"]
    /// The lists of checksums of a folder.
    static let checksumLists = ["SHA256SUMS", "SHA512SUMS", "SHA1SUMS", "MD5SUMS"]

    private var endings: [String] { triggers.filter { $0.hasPrefix(".") } }
    /// The triggers of a whole folder.
    private var folderTriggers: [String] { triggers.filter { !$0.hasPrefix(".") } }

    /// The files that belong to an export and go where it goes.
    func companions(of export: String) -> [String] {
        ([Self.manifest, Self.doneMarker] + Self.checksums).map { FileName.beside(export, $0) }
            + ownTriggers(of: export)
    }

    private func ownTriggers(of export: String) -> [String] {
        let point = export.lastIndex(of: ".").flatMap { $0 > export.startIndex ? $0 : nil }
        let stem = point.map { String(export[..<$0]) }
        return endings.flatMap { ending in [export + ending] + (stem.map { [$0 + ending] } ?? []) }
    }

    /// The files beside an export that are read for it: its manifest and its checksums.
    static func statements(of export: String) -> [String] { ([manifest] + checksums).map { export + $0 } }

    /// Whether the name belongs to another export, or to all of the folder.
    func isCompanion(_ name: String) -> Bool {
        ([Self.manifest, Self.doneMarker] + Self.checksums + endings).contains {
            name.hasSuffix($0) && name.utf8.count > $0.utf8.count
        } || Self.checksumLists.contains(name) || folderTriggers.contains(name)
    }

    /// Whether a companion is that of an export that has to come: a marker or a manifest.
    static func announces(_ companion: String, _ names: Set<String>) -> Bool {
        [manifest, doneMarker].contains { ending in
            companion.hasSuffix(ending) && !names.contains(String(companion.dropLast(ending.count)))
        }
    }

    /// Whether a file beside an export says that it is whole. One that is older than the export says nothing of it.
    func isDeclaredWhole(_ export: InboxEntry, among entries: [String: InboxEntry]) -> Bool {
        ([export.name + Self.manifest, export.name + Self.doneMarker] + triggersOf(export.name)).contains { name in
            entries[name].map { $0.modified >= export.modified } ?? false
        }
    }

    private func triggersOf(_ export: String) -> [String] { ownTriggers(of: export) + folderTriggers }

    /// Whether a checksum is beside an export that is older than it, and so of another one.
    static func hasOldChecksum(_ export: InboxEntry, among entries: [String: InboxEntry]) -> Bool {
        (checksums.map { export.name + $0 } + checksumLists).contains { name in
            entries[name].map { $0.modified < export.modified } ?? false
        }
    }

    // MARK: - Names of files here

    /// Whether a name matches a glob with `*`, `?` and `[...]`, without regard to case.
    static func matches(_ name: String, _ glob: String) -> Bool {
        unsafe fnmatch(glob.lowercased(), name.lowercased(), 0) == 0
    }
}
