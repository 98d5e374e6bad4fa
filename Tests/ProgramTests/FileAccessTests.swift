import Foundation
import SyncEngine
import SyncReporting
import TestSupport
import Testing

@testable import cartsync

@Suite("who may write and read the files of settings and secrets")
struct FileAccessTests {
    private func problems(_ load: () throws -> Void) -> [String] {
        do {
            try load()
            return []
        } catch let problems as SettingsProblems {
            return problems.lines
        } catch {
            return ["unexpected: \(error)"]
        }
    }

    private func setMode(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("a settings file that others may write is refused, with what to do", arguments: [0o646, 0o666, 0o602, 0o777])
    func writableSettings(mode: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("api: {base-url: 'https://attacker.example'}\n", to: "settings.yaml")
        try setMode(path, mode)
        let found = problems { _ = try SettingsLoader(environment: [:], file: path).load() }
        #expect(found.count == 1 && found[0].contains("others may write it"), "\(found)")
        #expect(found.first?.contains("chmod o-w") == true, "\(found)")
        try setMode(path, 0o644)
        #expect(problems { _ = try SettingsLoader(environment: [:], file: path).load() } == [])
    }

    @Test("so is one that a group of others may write, and not one of the user's own group")
    func groups() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{}", to: "settings.yaml")
        try setMode(path, 0o660)
        #expect(problems { _ = try SettingsLoader(environment: [:], file: path).load() } == [])
        // Only root can give a file to a group that it is not in.
        guard geteuid() == 0 else { return }
        #expect(unsafe chown(path, 0, 12_345) == 0)
        let found = problems { _ = try SettingsLoader(environment: [:], file: path).load() }
        #expect(found.first?.contains("chmod g-w") == true, "\(found)")
    }

    @Test("a secret that others may write is refused, and so is a folder of secrets")
    func writableSecrets() throws {
        let folder = try TemporaryFolder()
        let settings = try folder.write("{}", to: "settings.yaml")
        try folder.createFolder("secrets")
        let secret = try folder.write("hush", to: "secrets/api-client-secret")
        func load() throws -> LoadedSettings {
            try SettingsLoader(environment: ["CREDENTIALS_DIRECTORY": folder.path("secrets")], file: settings).load()
        }
        try setMode(secret, 0o602)
        let found = problems { _ = try load() }
        #expect(found.count == 1 && found[0].contains("secret \(secret): others may write it"), "\(found)")
        try setMode(secret, 0o600)
        try setMode(folder.path("secrets"), 0o777)
        #expect(problems { _ = try load() }.first?.contains("secrets folder") == true)
        try setMode(folder.path("secrets"), 0o755)
        #expect(try load().exposures.isEmpty)
        try setMode(secret, 0o644)
        let exposures = try load().exposures
        #expect(exposures.count == 1 && exposures[0].contains("everybody on this machine may read \(secret)"))
        #expect(!exposures[0].contains("hush"))
        let findings = DoctorFinding.secrets(exposures)
        #expect(findings.map(\.state) == [.warning] && findings[0].advice?.contains("chmod o-r") == true)
    }

    @Test("a settings file with a secret that everybody may read is named, one without is not")
    func readableSettings() throws {
        let folder = try TemporaryFolder()
        func exposures(_ text: String, _ mode: Int) throws -> [String] {
            let path = try folder.write(text, to: "settings.yaml")
            try setMode(path, mode)
            return try SettingsLoader(environment: [:], file: path).load().exposures
        }
        #expect(try exposures("api: {client-secret: hush}", 0o644).count == 1)
        #expect(try exposures("api: {client-secret: hush}", 0o640).isEmpty)
        #expect(try exposures("api: {client-id: me}", 0o644).isEmpty)
    }

    @Test("a URL is shown without its query, wherever it is shown")
    func hiddenQuery() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "jobs: {a: {source: {url: 'https://exports.example/a.csv?sig=marker-a'}}}\n"
                + "source: {url: 'https://exports.example/c.csv?sig=marker-c#x'}\n", to: "settings.yaml")
        let loaded = try SettingsLoader(environment: [:], file: path).load()
        #expect(loaded.settings.sources.url != nil)
        let shown = (loaded.used + loaded.jobs.flatMap(\.loaded.used)).filter { $0.name.hasSuffix("source.url") }
        #expect(shown.contains { $0.value == "https://exports.example/a.csv" }, "\(shown)")
        #expect(!"\(shown)".contains("marker"))
        let wrong = try folder.write("source: {url: 'ftp://exports.example/?sig=marker-d'}\n", to: "wrong.yaml")
        let found = problems { _ = try SettingsLoader(environment: [:], file: wrong).load() }
        #expect(found.count == 1 && !found[0].contains("marker"), "\(found)")
    }
}
