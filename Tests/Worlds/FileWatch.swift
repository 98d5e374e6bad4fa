import CFileCalls

/// Sees each call that changes a file, whoever makes it.
final class FileWatch: @unchecked Sendable {
    /// What the calls are told to has no room for an object of its own.
    static let shared = FileWatch()

    private var sees: (() -> Void)?

    /// Has all calls seen from now on, and remembers what is not synced below a folder.
    func begin(_ folder: String, _ sees: @escaping () -> Void) {
        self.sees = sees
        worlds_pause(false)
        unsafe worlds_watch(folder)
        _ = worlds_observe { FileWatch.shared.sees?() }
    }

    /// Lets calls go unseen, which are not the program's.
    func pause() { worlds_pause(true) }

    /// Does something whose calls are not the program's.
    func unseen<Value>(_ work: () throws -> Value) rethrows -> Value {
        worlds_pause(true)
        defer { worlds_pause(false) }
        return try work()
    }

    func end() {
        sees = nil
        _ = worlds_observe(nil)
        worlds_watch(nil)
    }
}
