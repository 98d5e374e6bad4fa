import CartAssociations
import DurableFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Who else may write or read a file that settings or a secret come from.
struct FileAccess {
    let path: String
    private let status: FileStatus

    /// Nil if there is nothing that can be looked at.
    init?(_ path: String) {
        guard let status = (try? FileSystem.status(path)) ?? nil else { return nil }
        self.path = path
        self.status = status
    }

    /// Why the file is not believed: others may write it; nil if only its owner and root may.
    ///
    /// A group of the user's own name, which many systems give to each user, is the user.
    var writers: String? {
        let isOthersGroup = status.group != 0 && status.group != getegid()
        var bits: [String] = []
        if status.permissions & 0o002 != 0 { bits.append("o-w") }
        if status.permissions & 0o020 != 0 && isOthersGroup { bits.append("g-w") }
        guard !bits.isEmpty else { return nil }
        return "others may write it, and what it says is not believed; "
            + "run 'chmod \(bits.joined(separator: ",")) \(ShellWord.quoted(path))'"
    }

    /// Whether it belongs to another user than the program's and root.
    var isOfAnotherUser: Bool { status.owner != 0 && status.owner != geteuid() }

    /// That anybody on this machine may read it, and what to do; nil otherwise.
    var readers: String? {
        guard status.permissions & 0o004 != 0 else { return nil }
        return "everybody on this machine may read \(path), which holds a secret; "
            + "run 'chmod o-r \(ShellWord.quoted(path))'"
    }
}
