import CProcess
import Dispatch
package import DurableFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The socket in a state folder, at which the service that works on the folder is reached.
package enum ControlSocket {
    /// Connects to the service of a state folder; nil if there is none.
    ///
    /// Throws `SystemError` if there is one that cannot be reached.
    package static func connect(_ folder: String) throws(SystemError) -> ControlChannel? {
        // The texts are used during the call alone.
        let socket = unsafe cartsync_connect(folder, Control.name)
        guard socket < 0 else { return ControlChannel(socket, queue: DispatchQueue(label: "cartsync.service")) }
        let code = errno
        // What a service left behind that was killed refuses the connection.
        guard ![ENOENT, ENOTDIR, ECONNREFUSED, ENAMETOOLONG].contains(code) else { return nil }
        throw SystemError(code)
    }

    /// Whether a service works on a state folder and is reached there.
    package static func isServed(_ folder: String) -> Bool {
        let socket = unsafe cartsync_connect(folder, Control.name)
        guard socket >= 0 else { return false }
        close(socket)
        return true
    }

    /// Whether a service does what a user asks: its own user and root.
    static func serves(_ user: UInt32, own: UInt32) -> Bool { user == own || user == 0 }

    /// Whether a process may ask the service of a user: its own; root may ask any.
    package static func trusts(_ service: UInt32, own: UInt32) -> Bool { service == own || own == 0 }
}
