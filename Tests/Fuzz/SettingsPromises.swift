import Foundation
import SyncReporting

/// What the settings promise for every file, whatever is in it.
enum SettingsPromises {
    private static let secret = "hush-7c1e55-hush"

    /// Throws if a file with these bytes breaks a promise.
    ///
    /// - Parameter path: where the file may be written.
    static func check(_ bytes: [UInt8], path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
        switch (outcome(path), outcome(path)) {
        case (.success(let once), .success(let again)):
            let change = SettingsChange(from: once, to: again)
            guard change.isEmpty else {
                throw Promises.Broken(description: "read again, the same file changes \(change)")
            }
            try checkShown(once)
            try checkFlags(once, path: path)
        case (.failure(let once), .failure(let again)):
            guard !once.lines.isEmpty, once.lines == again.lines else {
                throw Promises.Broken(description: "refused for \(once.lines), and then for \(again.lines)")
            }
        default: throw Promises.Broken(description: "the same file is taken once and refused once")
        }
    }

    private static func outcome(
        _ path: String, flags: [String: String] = [:]
    ) -> Result<LoadedSettings, SettingsProblems> {
        let loader = SettingsLoader(
            flags: flags, environment: ["CARTSYNC_API_CLIENT_SECRET": secret], file: path)
        do throws(SettingsProblems) {
            return .success(try loader.load())
        } catch {
            return .failure(error)
        }
    }

    /// What is shown are settings that there are, and no secret.
    private static func checkShown(_ loaded: LoadedSettings) throws {
        let known = Set(Setting.all(jobs: loaded.jobs.map(\.name)).map(\.key))
        for all in [loaded] + loaded.jobs.map(\.loaded) {
            for used in all.used {
                guard known.contains(used.name), !used.value.contains(secret) else {
                    throw Promises.Broken(description: "\(used.name) is shown as \(used.value)")
                }
            }
            guard !(all.notes + all.exposures).contains(where: { $0.contains(secret) }) else {
                throw Promises.Broken(description: "a secret stands in a note")
            }
        }
    }

    /// A text means the same as a flag.
    private static func checkFlags(_ loaded: LoadedSettings, path: String) throws {
        let known = Set(Setting.all.map(\.key))
        let empty = path + ".empty"
        try Data("{}".utf8).write(to: URL(filePath: empty))
        let flags = try SettingsFile(path: path).values.filter { known.contains($0.key) }
        guard case .success(let typed) = outcome(empty, flags: flags) else {
            throw Promises.Broken(description: "what a file may say is refused as flags: \(flags)")
        }
        func shown(_ settings: LoadedSettings) -> [String: String] {
            Dictionary(settings.used.map { ($0.name, $0.value) }) { first, _ in first }
        }
        guard shown(loaded) == shown(typed) else {
            throw Promises.Broken(description: "the file's \(shown(loaded)) are \(shown(typed)) as flags")
        }
    }
}
