#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the system answered to a call that failed.
package struct SystemError: Error, Hashable {
    /// The system's error number, for instance `ENOSPC`.
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    /// The error of the system call that just failed; to be made before any other call.
    static var last: SystemError { SystemError(errno) }

    /// The system's words for it, for instance `No space left on device`.
    package var sentence: String {
        // Unsafe because the text belongs to the C library, which keeps one a thread; it is copied at once.
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}

/// A file or folder with which something could not be done.
package struct FileError: Error, Hashable, CustomStringConvertible {
    package enum Action: String, Sendable {
        case make, open, read, write, rename, link, remove, list, lock
        case look = "look at"
        case setMode = "set the mode of"
        case sync = "write to the disk"
        case spill = "write a temporary file in"
        case readSpilled = "read a temporary file in"
        case makeSpill = "make a temporary file in"
    }

    package let path: String
    let action: Action
    /// The system's error number, for instance `ENOSPC`.
    package let code: Int32

    package init(_ path: String, _ action: Action, code: Int32) {
        self.path = path
        self.action = action
        self.code = code
    }

    /// Whether the disk, or the user's part of it, is full.
    package var isOfFullDisk: Bool { code == ENOSPC || code == EDQUOT }

    /// Whether the reader of a pipe went away.
    package var isOfReaderGone: Bool { code == EPIPE }

    /// A file that has to be there, and is not.
    package init(missing path: String) {
        self.init(path, .read, code: ENOENT)
    }

    /// The system's words for the code.
    package var reason: String { SystemError(code).sentence }

    package var description: String {
        switch action {
        case .open, .read, .list, .look, .readSpilled:
            "cannot \(action.rawValue) \(path): \(reason); check the path and its permissions, then try again"
        default:
            "cannot \(action.rawValue) \(path): \(reason); "
                + "see that its folder exists, has room and may be written, then try again"
        }
    }
}
