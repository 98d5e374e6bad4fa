import DurableFiles

/// What a name in the inbox stands for.
enum InboxEntryKind: String, Sendable, Hashable {
    case regular = "file"
    case folder
    case link = "symbolic link"
    /// A pipe, socket or device.
    case special = "special file"
}

/// One name in the inbox, as one look at it saw it.
struct InboxEntry: Sendable, Hashable {
    let name: String
    var kind = InboxEntryKind.regular
    /// In bytes.
    let size: Int
    /// The time of the last change of the content, since 1970.
    let modified: Duration
    let inode: UInt64
    /// The parts of an export in several files, in their order; empty for one file.
    var parts: [InboxEntry] = []
    /// The name of the manifest that lists the parts; nil if their names say that they are parts.
    var manifest: String?
    /// The names of the files that a manifest lists.
    var lists: [String] = []
}

extension InboxEntry {
    /// Whether it is the same, unchanged file, under whatever name.
    func isSameFile(as other: InboxEntry) -> Bool {
        (kind, size, modified, inode) == (other.kind, other.size, other.modified, other.inode)
            && parts.count == other.parts.count && zip(parts, other.parts).allSatisfy { $0.isSameFile(as: $1) }
    }

    /// Whether it is the same file, or a copy of it on another file system, which has a number of its own.
    func isSameFile(orCopyOf other: InboxEntry, onAnotherDevice: Bool) -> Bool {
        isSameFile(as: other) || onAnotherDevice && (kind, size, modified) == (other.kind, other.size, other.modified)
    }

    /// The oldest first: exports are applied in the order in which they were written. The same time is decided by name.
    static func isOlder(_ left: InboxEntry, _ right: InboxEntry) -> Bool {
        (left.modified, left.name) < (right.modified, right.name)
    }
}

/// The names that mean something in an inbox.
enum InboxName {
    /// The folders that the service keeps inside an inbox.
    enum Folder: String, Sendable, CaseIterable {
        /// Exports that are being synced, or will be again after an interruption.
        case working
        case done
        case failed
        /// Snapshots that were never applied, because a newer one of the same kind was there.
        case superseded
        /// Exports whose plan a guard refused or whose run a person stopped, until a person approves.
        case waiting
    }

    /// A name that is not taken, made from this one by a number before its extension: `customers-2.csv`.
    static func free(_ name: String, isTaken: (String) throws -> Bool) rethrows -> String {
        guard try isTaken(name) else { return name }
        let point = name.utf8.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 > name.startIndex ? $0 : nil }
        let stem = point.map { name[..<$0] } ?? name[...]
        let ending = point.map { name[$0...] } ?? ""
        var number = 2
        // Room for what belongs to the export, and for its report.
        func numbered() -> String { FileName.fitting(String(stem), ending: "-\(number)\(ending)") }
        while try isTaken(numbered()) { number += 1 }
        return numbered()
    }
}
