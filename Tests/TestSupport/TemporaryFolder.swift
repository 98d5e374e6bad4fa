import Foundation

/// A folder for one test, removed with the value.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "cartsync-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file or folder in it.
    package func path(_ name: String) -> String { path + "/" + name }

    /// Writes a file and returns its path.
    ///
    /// The file appears when it is whole, under its time.
    ///
    /// - Parameter modified: the file's time in seconds after 1970, if it is not now.
    @discardableResult
    package func write(_ text: String, to name: String = "export", modified: Int? = nil) throws -> String {
        try write(text.utf8, to: name, modified: modified)
    }

    @discardableResult
    package func write(
        _ bytes: some Sequence<UInt8>, to name: String = "export", modified: Int? = nil
    ) throws -> String {
        let folder = URL(filePath: path(name)).deletingLastPathComponent()
        let unfinished = folder.appending(path: ".unfinished-\(UUID().uuidString).tmp").path
        try Data(bytes).write(to: URL(filePath: unfinished))
        if let modified {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: TimeInterval(modified))], ofItemAtPath: unfinished)
        }
        guard unsafe rename(unfinished, path(name)) == 0 else { throw CocoaError(.fileWriteUnknown) }
        return path(name)
    }

    package func createFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    }

    package func read(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    /// The names in a folder below, sorted; empty if there is no such folder.
    package func names(in folder: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []).sorted()
    }
}
