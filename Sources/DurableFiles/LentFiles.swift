#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Files that another process opens for a task: the paths are those of that process, from its working folder and with what
/// it may read.
///
/// While a task has such files, every path that it reads is asked of the other process, those in the own folder apart.
/// What it writes is its own.
package struct LentFiles: Sendable {
    /// Those of the present task; nil if its paths are this process's.
    @TaskLocal package static var current: LentFiles?

    private let ownFolder: String
    private let lend: @Sendable (_ path: String, _ followingLinks: Bool) -> Result<Int32, SystemError>

    /// - Parameters:
    ///   - ownFolder: an absolute path; what is in it is this process's own.
    ///   - lend: opens a path for reading, `-` being standard input; who asks closes the descriptor.
    package init(
        ownFolder: String,
        lend: @escaping @Sendable (_ path: String, _ followingLinks: Bool) -> Result<Int32, SystemError>
    ) {
        self.ownFolder = ownFolder
        self.lend = lend
    }

    /// Those that a path is asked of; nil if it is this process's own.
    static func with(_ path: String) -> LentFiles? {
        guard let current, path != current.ownFolder, !path.hasPrefix(current.ownFolder + "/") else { return nil }
        return current
    }

    /// A descriptor of the file, which is open for reading. What the other process may not read, this one may perhaps.
    func open(_ path: String, followingLinks: Bool = true) throws(SystemError) -> Int32 {
        do {
            return try lend(path, followingLinks).get()
        } catch {
            guard [EACCES, EPERM].contains(error.code), path.hasPrefix("/") else { throw error }
            return try SystemCalls.open(path, O_RDONLY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
        }
    }

    func status(_ path: String, followingLinks: Bool) throws(SystemError) -> FileStatus {
        let descriptor = try open(path, followingLinks: followingLinks)
        defer { SystemCalls.close(descriptor) }
        return try SystemCalls.status(of: descriptor)
    }
}
