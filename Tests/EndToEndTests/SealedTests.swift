import Foundation
import TestSupport
import Testing

/// Exports that are sealed by OpenPGP, with the key where an operator keeps it.
@Suite("sealed exports")
struct SealedTests {
    private static func fixture(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ExportFilesTests/Fixtures/sealed/\(name)").path(percentEncoded: false)
    }

    /// A secrets folder with a key, and the environment that names it.
    private static func secrets(_ folder: TemporaryFolder, _ key: String = "ours.key.asc") throws -> [String: String] {
        let path = folder.path("secrets")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        _ = try folder.write(
            try String(contentsOfFile: fixture(key), encoding: .utf8), to: "secrets/export-decryption-key")
        return ["CARTSYNC_API_SECRETS_DIRECTORY": path]
    }

    @Test("are opened with the key of the secrets folder, which stands nowhere else, and their rejects are mended")
    func synced() async throws {
        try await withShop { shop in
            var environment = try Self.secrets(shop.folder)
            environment["CARTSYNC_EXPORT_SIGNED_BY"] = Self.fixture("sender.asc")
            let first = try await shop.start(
                ["sync", "--yes", "--rate", "1000", Self.fixture("rejected.csv.gpg")], environment: environment
            ).result()
            #expect(first.status == 1, "\(first.errors)")
            #expect(shop.associations.count == 30)
            let folder = try #require(shop.latestRun)
            let rejects = shop.folder.path(folder + "/rejects.csv")
            let beside = try shop.folder.read(folder + "/rejects.csv.settings.yaml")
            #expect(!beside.contains("decryption") && !beside.contains("signed-by"), "\(beside)")
            for name in try FileManager.default.subpathsOfDirectory(atPath: shop.folder.path("state")) {
                guard let data = FileManager.default.contents(atPath: shop.folder.path("state/" + name)) else {
                    continue
                }
                #expect(data.range(of: Data("PRIVATE KEY".utf8)) == nil, "\(name)")
            }
            let text = try shop.folder.read(folder + "/rejects.csv")
            try text.replacing("c-31,k 31", with: "c-31,k-31").write(
                toFile: rejects, atomically: true, encoding: .utf8)
            // What a person has mended nobody has signed.
            let unsigned = try await shop.start(["import", "--yes", rejects], environment: environment).result()
            #expect(unsigned.status == 65, "\(unsigned.errors)")
            #expect(unsigned.errors.contains("CARTSYNC_EXPORT_SIGNED_BY=none"), "\(unsigned.errors)")
            environment["CARTSYNC_EXPORT_SIGNED_BY"] = "none"
            let mended = try await shop.start(["import", "--yes", rejects], environment: environment).result()
            #expect(mended.status == 0, "\(mended.errors)")
            #expect(shop.associations.count == 31)
        }
    }

    @Test("a service opens them in its inbox, each job with its own key, and keeps what it cannot open")
    func served() async throws {
        try await withShop { shop in
            let key = try String(contentsOfFile: Self.fixture("ours.key.asc"), encoding: .utf8)
            for job in ["bank", "clinic"] {
                try FileManager.default.createDirectory(
                    atPath: shop.folder.path(job), withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: Self.fixture("signed.csv.gpg"), toPath: shop.folder.path("\(job)/e.csv.gpg"))
            }
            _ = try shop.folder.write(
                """
                jobs:
                  bank: {source: {folder: \(shop.folder.path("bank")), settle: 0s}}
                  clinic: {source: {folder: \(shop.folder.path("clinic")), settle: 0s}}
                """, to: "serve.yaml")
            let served = try await shop.start(
                ["serve", "--once", "--config", "serve.yaml", "--http", "off"],
                environment: [
                    "CARTSYNC_JOBS_BANK_EXPORT_DECRYPTION_KEY": key,
                    "CARTSYNC_JOBS_BANK_EXPORT_SIGNED_BY": Self.fixture("sender.asc"),
                ]
            ).result()
            #expect(served.status != 0 && served.errors.contains("export.decryption-key is not set"), "\(served)")
            #expect(!served.errors.contains(".cpp:"))
            #expect(shop.associations == ["c-1 k-1", "c-2 k-2"])
            #expect(shop.folder.names(in: "bank/done").contains("e.csv.gpg"))
            #expect(shop.folder.names(in: "clinic/failed").contains("e.csv.gpg"))
        }
    }

    @Test("no file beside an export says who need not have signed it")
    func trust() async throws {
        let folder = try TemporaryFolder()
        let export = try folder.write("customer_id,cart_id\nc,k\n", to: "a.csv")
        for key in ["signed-by: none", "decryption-key: x", "decryption-passphrase: x"] {
            _ = try folder.write("export:\n  \(key)\n", to: "a.csv.settings.yaml")
            let result = try await Program.run(["check", export])
            #expect(result.status == 78 && result.errors.contains("does not say how an export is read"), "\(result)")
        }
    }

    @Test("what is wrong with one is told in the program's words, and a library adds nothing")
    func words() async throws {
        let folder = try TemporaryFolder()
        let secrets = try Self.secrets(folder)
        var locked = try Self.secrets(folder, "locked.key.asc")
        locked["CARTSYNC_EXPORT_DECRYPTION_PASSPHRASE"] = "sesame"
        let whole = try Data(contentsOf: URL(filePath: Self.fixture("plain.csv.gpg")))
        let cut = try folder.write(Array(whole.dropLast(20)), to: "cut.csv.gpg")
        let changed = try folder.write(Array(whole.dropLast(9)) + [0] + Array(whole.suffix(8)), to: "changed.csv.gpg")
        let passphrase = ["CARTSYNC_EXPORT_DECRYPTION_PASSPHRASE": "sesame"]
        let examples: [(path: String, environment: [String: String], words: String)] = [
            (Self.fixture("locked.csv.pgp"), locked, "export.decryption-passphrase is wrong"),
            (Self.fixture("symmetric.csv.gpg"), passphrase, "export.decryption-passphrase is wrong"),
            (Self.fixture("plain.csv.gpg"), [:], "export.decryption-key is not set"),
            (Self.fixture("plain.csv.gpg"), ["CARTSYNC_EXPORT_DECRYPTION_KEY": "x"], "is no private key"),
        ]
        for example in examples {
            let result = try await Program.run(["check", example.path], environment: example.environment)
            #expect(result.status == 65 && result.errors.contains(example.words), "\(result)")
            #expect(!result.errors.contains(".cpp:"), "\(result.errors)")
        }
        _ = try Self.secrets(folder)
        for (path, key) in [(cut, secrets), (changed, secrets), (Self.fixture("other.csv.gpg"), secrets)] {
            let result = try await Program.run(["check", path], environment: key)
            #expect(result.status == 65, "\(result)")
            #expect(!result.errors.contains(".cpp:"), "\(result.errors)")
        }
    }

    @Test("are read without a byte on a disk")
    func noDisk() async throws {
        let folder = try TemporaryFolder()
        // A process that may write no byte to any file; what it says goes through a pipe.
        let script = "(ulimit -f 0; \"$0\" check --output json \"$1\" 2>&1) | cat"
        let environment = try Self.secrets(folder)
        for (name, records) in [("rejected.csv.gpg", 31), ("packed.csv.gz.gpg", 2), ("workbook.xlsx.gpg", 203)] {
            let result = try await Program(
                ["-c", script, Program.path(), Self.fixture(name)], environment: environment, executable: "/bin/sh"
            ).result()
            #expect(result.output.filter { !$0.isWhitespace }.contains("\"records\":\(records),"), "\(name): \(result)")
        }
    }
}
