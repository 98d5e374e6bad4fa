import CartAssociations
import CommerceAPI
import Foundation
import SyncEngine
import SyncReporting
import TestSupport
import Testing

@testable import cartsync

@Suite("settings")
struct SettingsTests {
    private func load(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil,
        secrets: [String: String] = [:]
    ) async throws -> LoadedSettings {
        let folder = try TemporaryFolder()
        var environment = environment
        for (name, text) in secrets {
            _ = try folder.write(text, to: name)
            environment["CREDENTIALS_DIRECTORY"] = folder.path
        }
        let settingsFolder = try TemporaryFolder()
        // A file that is there keeps the settings of the folder the tests run in out of the way.
        let path = try settingsFolder.write(file ?? "{}", to: "settings.yaml")
        return try SettingsLoader(flags: flags, environment: environment, file: path).load()
    }

    private func problems(
        flags: [String: String] = [:], environment: [String: String] = [:], file: String? = nil
    ) async -> [String] {
        do {
            _ = try await load(flags: flags, environment: environment, file: file)
            return []
        } catch let problems as SettingsProblems {
            return problems.lines
        } catch {
            return ["unexpected: \(error)"]
        }
    }

    @Test("flags win over the environment, that over the secrets folder, that over the file, that over the default")
    func precedence() async throws {
        let file = "rate: {limit: 3}\napi: {client-secret: from-file, base-url: 'https://file.example'}\n"
        #expect(try await load().settings.rate == 20)
        #expect(try await load(file: file).settings.rate == 3)
        #expect(try await load(environment: ["CARTSYNC_RATE_LIMIT": "4"], file: file).settings.rate == 4)
        let all = try await load(
            flags: ["rate.limit": "5"], environment: ["CARTSYNC_RATE_LIMIT": "4"], file: file,
            secrets: ["api-client-secret": "from-folder\n"])
        #expect(all.settings.rate == 5)
        #expect(all.settings.clientSecret == "from-folder")
        let vendor = try await load(environment: ["EPCC_CLIENT_SECRET": "from-vendor"], file: file)
        #expect(vendor.settings.clientSecret == "from-vendor")
        let both = try await load(environment: [
            "EPCC_API_BASE_URL": "https://vendor.example", "CARTSYNC_API_BASE_URL": "https://own.example",
        ])
        #expect(both.settings.baseURL == "https://own.example")
    }

    @Test("blanks and /v2 around the base URL and line ends around credentials are removed, which is said")
    func tidied() async throws {
        let loaded = try await load(
            environment: [
                "EPCC_API_BASE_URL": " https://store.example/v2/\n", "EPCC_CLIENT_ID": "id-1\r\n",
                "EPCC_CLIENT_SECRET": "\nhush\n",
            ])
        #expect(loaded.settings.baseURL == "https://store.example")
        #expect(loaded.settings.clientID == "id-1")
        #expect(loaded.settings.clientSecret == "hush")
        #expect(loaded.notes.count == 3)
        for (note, words) in zip(
            loaded.notes,
            [
                "EPCC_API_BASE_URL): blanks around it, a slash and /v2 at its end are removed, which leaves https://store.example",
                "api.client-id (environment EPCC_CLIENT_ID): the line ends", "api.client-secret (environment EPCC",
            ])
        {
            #expect(note.contains(words), "\(note)")
            #expect(!note.contains("hush"))
        }
        let job = try await load(
            file: "jobs: {a: {source: {folder: /a, s3-secret-key: \"hush\\n\"}}, b: {source: {folder: /b}}}")
        #expect(job.notes.count == 1 && job.notes[0].hasPrefix("jobs.a.source.s3-secret-key"), "\(job.notes)")
        #expect(try await load(secrets: ["api-client-secret": "hush\n"]).notes.isEmpty)
        #expect(try await load(secrets: ["api-client-secret": "hush\r\n"]).notes.count == 1)
        #expect(try await load(environment: ["EPCC_API_BASE_URL": "https://store.example"]).notes.isEmpty)
    }

    @Test("each setting says where it came from, and a secret is not shown")
    func origins() async throws {
        let loaded = try await load(
            flags: ["rate.limit": "5"], environment: ["EPCC_CLIENT_SECRET": "hush"], file: "sync: {deletes: none}")
        let used = Dictionary(uniqueKeysWithValues: loaded.used.map { ($0.name, ($0.value, $0.origin)) })
        #expect(used["rate.limit"]?.1 == "flag --rate")
        #expect(used["api.client-secret"]?.0 == "(redacted)")
        #expect(used["api.client-secret"]?.1 == "environment EPCC_CLIENT_SECRET")
        #expect(used["sync.deletes"]?.1.hasSuffix("settings.yaml") == true)
    }

    @Test("JSON is read as well as YAML, nested or with dots")
    func formats() async throws {
        #expect(try await load(file: #"{"rate": {"limit": 7}, "sync": {"deletes": "all"}}"#).settings.scope == .all)
        #expect(try await load(file: "rate:\n  limit: 7\n").settings.rate == 7)
    }

    @Test(
        "a value that is not one, or out of range, is a problem",
        arguments: [
            ("rate.limit", "abc"), ("rate.limit", "0"), ("rate.limit", "1e3"), ("rate.limit", ""),
            ("rate.limit", "5.5"),
            ("rate.concurrency", "513"), ("sync.deletes", "everything"), ("sync.owner", "shopper"),
            ("api.read-only", "maybe"), ("source.poll", "10"), ("source.poll", "10 s"), ("source.poll", "0s"),
            ("guard.max-deletes", "-1"), ("guard.max-rejected", "101%"), ("sync.source", "a/b"),
            ("export.delimiter", "::"), ("export.encoding", "ebcdic"), ("rate.schedule", "22-06 80"),
            ("rate.time-zone", "Mars/Olympus"), ("run.deadline", "24:00"), ("run.deadline", "6:30"),
            ("run.deadline", "tomorrow"), ("api.authentication", "password"), ("api.already-gone", "401"),
            ("api.already-gone", "none,404"), ("api.largest-offset", "-1"), ("api.listing-lag", "60"),
            ("api.proxy", "socks5://p"), ("api.headers", "Host: x"), ("run.deadline", "0s"), ("run.canary", "-1"),
        ])
    func unusable(key: String, text: String) async {
        let found = await problems(flags: [key: text])
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(key) == true)
    }

    @Test(
        "a deadline is a time of the day, a date or a duration",
        arguments: [
            ("06:30", Deadline.clock(hour: 6, minute: 30)), ("2h", .after(.seconds(7200))),
            ("2026-11-22T06:30:00Z", .at(Date(timeIntervalSince1970: 1_795_329_000))),
            ("2026-11-22T07:30:00+01:00", .at(Date(timeIntervalSince1970: 1_795_329_000))),
        ])
    func deadlines(text: String, deadline: Deadline) throws {
        #expect(try SettingKind.deadline.read(text) == deadline)
    }

    @Test("a secrets folder may be as Kubernetes makes it, with links to links")
    func linkedSecrets() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("..2026_11_21"), withIntermediateDirectories: true)
        _ = try folder.write("from-kubernetes", to: "..2026_11_21/api-client-secret")
        try FileManager.default.createSymbolicLink(atPath: folder.path("..data"), withDestinationPath: "..2026_11_21")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("api-client-secret"), withDestinationPath: "..data/api-client-secret")
        let loaded = try await load(environment: ["CARTSYNC_API_SECRETS_DIRECTORY": folder.path])
        #expect(loaded.settings.clientSecret == "from-kubernetes")
    }

    @Test("every problem is listed at once, unknown names with the nearest known one")
    func allProblems() async {
        let found = await problems(
            environment: ["CARTSYNC_RATE_LIMT": "5", "CARTSYNC_SYNC_CURRENT": "cache"],
            file: "guard:\n  max-delets: 5\nrate: {limit: many}\nsync: {deletes: [none]}\n")
        #expect(found.count == 5, "\(found)")
        #expect(found.contains { $0.contains("CARTSYNC_RATE_LIMT") && $0.contains("CARTSYNC_RATE_LIMIT") })
        #expect(found.contains { $0.contains("guard.max-delets") && $0.contains("guard.max-deletes") })
        #expect(found.contains { $0.contains("settings.yaml:2") })
    }

    @Test("a secret is never part of a problem")
    func hiddenSecret() async {
        let found = await problems(environment: ["EPCC_CLIENT_SECRET": "", "CARTSYNC_RATE_LIMIT": "x"])
        #expect(found.count == 2)
        #expect(found.contains { $0.contains("api.client-secret is set") })
    }

    @Test("no description or dump of the settings shows a secret")
    func dumps() async throws {
        let marker = "marker-setting-55e0"
        let loaded = try await load(
            environment: [
                "EPCC_CLIENT_SECRET": marker, "CARTSYNC_API_PROXY": "http://user:\(marker)@127.0.0.1:3128",
                "CARTSYNC_API_HEADERS": "X-Key: \(marker), EP-Channel: web", "EPCC_CLIENT_ID": "id",
                "EPCC_API_BASE_URL": "https://store.example", "CARTSYNC_HTTP_APPROVAL_TOKEN": "0123456789\(marker)",
            ])
        #expect(loaded.settings.headers.count == 2)
        #expect(loaded.settings.approvalToken?.contains(marker) == true)
        let access = try StoreAccess(loaded.settings)
        #expect(access.clientSecret == marker)
        let options = try APIOptions.checked(access, loaded.settings)
        for value in [loaded as Any, loaded.settings, access, options] {
            var dumped = ""
            dump(value, to: &dumped)
            #expect(!(dumped + "\(value)" + String(reflecting: value)).contains(marker))
        }
        let found = await problems(environment: [
            "CARTSYNC_API_PROXY": "socks5://user:\(marker)@p", "CARTSYNC_API_HEADERS": "Cookie: \(marker)",
        ])
        #expect(found.count == 2, "\(found)")
        #expect(!found.joined().contains(marker))
    }

    @Test(
        "a file that is not YAML is named with its line, and nothing of it is shown",
        arguments: [
            "rate: [1, 2\n", "api: {client-secret: hush}\napi: {client-secret: hush}\n",
            "api:\n\tclient-secret: hush\n", "api: {client-secret: \"hush}\n",
        ])
    func brokenFile(text: String) async {
        let found = await problems(file: text)
        #expect(found.count == 1)
        #expect(found.first?.contains("settings.yaml:") == true, "\(found)")
        #expect(found.first?.contains("hush") == false, "\(found)")
    }

    @Test("an empty file sets nothing", arguments: ["", "# rate: {limit: 5}\n"])
    func emptyFile(text: String) async throws {
        #expect(try await load(file: text).settings.rate == 20)
    }

    @Test(
        "durations have units",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("10s", .seconds(10)), ("2m", .seconds(120)),
            ("1.5h", .seconds(5400)),
        ])
    func durations(text: String, expected: Duration) throws {
        #expect(try SettingKind.duration(in: .zero...Duration.seconds(86_400)).read(text) == expected)
    }

    @Test("every setting has a name of the environment of its own")
    func variables() {
        let variables = Setting.all.map(\.variable)
        #expect(Set(variables).count == variables.count)
        #expect(Set(Setting.all.map(\.key)).count == variables.count)
    }
}

@Suite("README")
struct ReadmeTests {
    private func readme() throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
    }

    @Test("it names every exit status")
    func exitStatus() throws {
        let lines = try readme().split(separator: "\n").filter { $0.hasPrefix("| ") }
        for status in ExitStatus.allCases {
            let number = "\(status.rawValue)"
            #expect(
                lines.contains { $0.dropFirst(2).prefix { $0 != "|" }.split(separator: " ").contains { $0 == number } },
                "\(number) is missing")
        }
    }
}
