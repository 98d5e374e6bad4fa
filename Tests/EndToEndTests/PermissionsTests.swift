import Foundation
import TestSupport
import Testing

@Suite("permissions")
struct PermissionsTests {
    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("only its owner may read what cartsync writes, whatever the umask: state folder, plans, copies in the inbox")
    func modes() async throws {
        try await withShop { shop in
            try FileManager.default.createDirectory(
                atPath: shop.folder.path("inbox"), withIntermediateDirectories: true)
            let export = try shop.folder.write("customer_id,cart_id\nc-1,cart-1\nc-2,\n", to: "export.csv")
            _ = try shop.folder.write("customer_id,cart_id\nc-3,cart-3\nc-4,\n", to: "inbox/other.csv")
            // The widest umask there is.
            let script = """
                umask 000
                "$0" plan --out tonight.plan "$1"
                "$0" sync --yes "$1"
                "$0" serve --inbox inbox --settle 0s --http off --once
                "$0" ledger export --out ledger.csv
                """
            _ = try await Program(
                ["-c", script, Program.path(), export], environment: shop.environment, in: shop.folder.path,
                executable: "/bin/bash"
            ).result()
            // Half of the second export was not understood, so that it deletes nothing.
            #expect(shop.associations == ["c-1 cart-1", "c-3 cart-3"])
            var seen = 0
            for folder in ["state", "inbox/done"] {
                for name in try FileManager.default.subpathsOfDirectory(atPath: shop.folder.path(folder)) {
                    let path = shop.folder.path("\(folder)/\(name)")
                    let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
                    let wanted = type == .typeDirectory ? 0o700 : 0o600
                    // The export itself is as its writer made it.
                    guard name != "other.csv" else { continue }
                    let mode = try mode(path)
                    #expect(mode == wanted, "\(folder)/\(name) is \(String(mode, radix: 8))")
                    seen += 1
                }
            }
            #expect(seen > 20)
            for folder in ["working", "done", "failed", "superseded", "waiting"] {
                #expect(try [0o700, 0o750].contains(mode(shop.folder.path("inbox/\(folder)"))), "\(folder)")
            }
            #expect(try mode(shop.folder.path("state")) == 0o700)
            for name in ["tonight.plan", "ledger.csv"] {
                #expect(try mode(shop.folder.path(name)) == 0o600, "\(name)")
            }
        }
    }
}
