import CartAssociations
import ExportFiles
import Foundation
import SyncEngine
import TestSupport
import Testing

@testable import cartsync

@Suite("settings of jobs")
struct JobSettingsTests {
    private func load(_ file: String, environment: [String: String] = [:]) async throws -> LoadedSettings {
        let folder = try TemporaryFolder()
        let path = try folder.write(file, to: "settings.yaml")
        return try SettingsLoader(environment: environment, file: path).load()
    }

    private func problems(_ file: String, environment: [String: String] = [:]) async -> [String] {
        do {
            _ = try ServiceSettings.jobs(try await load(file, environment: environment))
            return []
        } catch let problems as SettingsProblems {
            return problems.lines
        } catch let ending as Ending {
            return ending.details.split(separator: "\n").map(String.init)
        } catch {
            return ["unexpected: \(error)"]
        }
    }

    @Test("a job has the general settings, its own in their place, and its name as its source")
    func inheritance() async throws {
        let file = """
            sync: {deletes: none, source: general}
            guard: {max-deletes: 7}
            source: {poll: 30s}
            jobs:
              customers:
                source: {folder: /exports/customers}
                sync: {owner: customer, deletes: owned}
                guard: {max-deletes: 10%}
              accounts:
                source: {folder: /exports/accounts, poll: 1m}
                sync: {source: tenants}
            """
        let loaded = try await load(file, environment: ["CARTSYNC_JOBS_ACCOUNTS_SYNC_OWNER": "account"])
        let jobs = try ServiceSettings.jobs(loaded)
        #expect(Set(jobs.map(\.name)) == ["customers", "accounts"])
        let customers = try #require(jobs.first { $0.name == "customers" }).loaded.settings
        let accounts = try #require(jobs.first { $0.name == "accounts" }).loaded.settings
        #expect(customers.sources.folder == "/exports/customers")
        #expect(customers.source == "customers")
        #expect((customers.reading.ownerKind, customers.scope) == (.customer, .owned))
        #expect(customers.poll == .seconds(30))
        #expect((customers.planGuard.maxDeletes, customers.planGuard.maxDeletesShare) == (7, 0.1))
        #expect(accounts.source == "tenants")
        #expect((accounts.reading.ownerKind, accounts.scope) == (.account, DeletionScope.none))
        #expect(accounts.poll == .seconds(60))
    }

    @Test("without jobs there is one, with the general settings")
    func single() async throws {
        let jobs = try ServiceSettings.jobs(try await load("source: {folder: /exports}"))
        #expect(jobs.map(\.name) == ["default"])
        #expect(jobs.first?.loaded.settings.source == "default")
    }

    @Test(
        "what makes no sense is refused by name",
        arguments: [
            ("jobs: {a: {source: {foldr: /x}}}", "jobs.a.source.foldr; did you mean jobs.a.source.folder?"),
            ("jobs: {a: {rate: {limit: 5}}}", "unknown setting jobs.a.rate.limit"),
            ("jobs: {a: {source: {poll: never}}}", "jobs.a.source.poll is 'never'"),
            ("jobs: {'A b': {source: {folder: /x}}}", "'A b' is not a name for a job"),
            ("jobs: {a: }", "the job a has no settings"),
            ("jobs: 3", "unknown setting jobs"),
            ("jobs: {a: {sync: {owner: account}}}", "jobs.a.source.folder is not set"),
            ("{source: {folder: /x}, jobs: {a: {source: {folder: /y}}}}", "source.folder and jobs are both set"),
            ("jobs: {a: {source: {folder: /x}}, b: {source: {folder: /x}}}", "as of the job"),
            ("source: {folder: /x, url: https://e.example/a.csv}", "source.folder and source.url are set"),
            ("source: {url: ftp://e.example/a.csv}", "source.url is 'ftp://e.example/a.csv'"),
            ("source: {url: http://e.example/a.csv, header: 'Authorization: x'}", "unencrypted"),
            ("source: {url: https://e.example/a.csv, header: 'no header'}", "source.header is set"),
            ("source: {sftp: sftp://e.example}", "source.sftp is"),
            ("source: {sftp: 'sftp://-oProxyCommand=x@e.example/'}", "source.sftp is"),
            ("source: {s3: s3://exports/a/, s3-access-key: k}", "source.s3-secret-key is not set"),
            ("source: {s3: exports}", "source.s3 is 'exports'"),
            ("source: {url: https://e.example/a, user: me}", "source.password is not set"),
            ("source: {url: https://e.example/a, user: 'a:b', password: x}", "source.user is"),
            ("source: {url: https://e.example/a, token: x, header: 'A: b'}", "source.token is set, too"),
            ("source: {url: https://e.example/a, token: a b}", "source.token is"),
            ("source: {url: http://e.example/a, token: x}", "would send source.token unencrypted"),
            ("source: {url: https://e.example/a, certificate: /x}", "source.key is not set"),
            ("source: {azure: 'https://a.blob.core.windows.net/c'}", "source.azure is"),
            ("source: {s3: s3://bucket/, s3-access-key: x}", "source.s3-secret-key is not set"),
            ("source: {s3: s3://bucket/, s3-session-token: x}", "source.s3-access-key is not set"),
            ("source: {folder: /x, max-size: many}", "source.max-size is 'many'"),
            (
                "jobs: {a: {source: {folder: /x}}, b: {source: {folder: /y}, sync: {source: a}}}",
                "each export would take back what the other job asserts"
            ),
        ])
    func refused(file: String, words: String) async {
        let found = await problems(file)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(words) == true, "\(found)")
    }

    @Test("a variable of a job that there is not is unknown")
    func unknownVariable() async {
        let found = await problems(
            "jobs: {a: {source: {folder: /x}}}", environment: ["CARTSYNC_JOBS_B_SYNC_DELETES": "all"])
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains("CARTSYNC_JOBS_B_SYNC_DELETES") == true)
    }
}
