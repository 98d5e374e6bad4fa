import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A member of the inbox's group against the service, as two users of one machine.
@Suite(
    "a member of the inbox's group who means harm",
    .enabled(
        if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"), "needs root and setpriv"
    ))
struct InboxAttackTests {
    // No users of this machine; the group is of both.
    private static let (service, member, group) = (54_321, 54_322, 54_323)

    /// Runs a command as one of the two.
    private func run(_ command: [String], as user: Int, _ shop: Shop) throws -> Program {
        try Program(
            ["--reuid", "\(user)", "--regid", "\(user)", "--groups", "\(Self.group)"] + command,
            environment: shop.environment, in: shop.folder.path, executable: "/usr/bin/setpriv")
    }

    /// Runs a script as the member; returns its exit status.
    private func attack(_ script: String, _ shop: Shop) async throws -> Int32 {
        try await run(["/bin/bash", "-c", script], as: Self.member, shop).result().status
    }

    /// A shop whose inbox and state folder are the service's, as the package makes them.
    private func withInbox(mode: Int, _ body: (Shop) async throws -> Void) async throws {
        try await withShop { shop in
            for (name, mode, group) in [("inbox", mode, Self.group), ("state", 0o700, Self.service)] {
                try shop.folder.createFolder(name)
                let path = shop.folder.path(name)
                let given = unsafe chown(path, uid_t(Self.service), gid_t(group))
                let set = unsafe chmod(path, mode_t(mode))
                #expect(given == 0 && set == 0)
            }
            try await body(shop)
        }
    }

    /// Serves until the body returns.
    private func serving(_ shop: Shop, _ body: (Program, String) async throws -> Void) async throws {
        let service = try run(
            [
                Program.path(), "serve", "--inbox", shop.folder.path("inbox"), "--poll", "100ms", "--settle", "0s",
                "--http",
                "127.0.0.1:0",
            ], as: Self.service, shop)
        let page = try await service.pageURL()
        try await body(service, page)
        service.send(signal: SIGTERM)
        let result = try await service.result()
        #expect(result.status == 0, "\(result.errors)")
    }

    private func readiness(_ page: String) async throws -> String {
        let answer = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: page + "/readyz"), timeout: .seconds(60))
        return "\(answer.status.code) \(String(buffer: try await answer.body.collect(upTo: 1 << 16)))"
    }

    private func isReady(_ page: String) async throws -> Bool { try await readiness(page).hasPrefix("200") }

    @Test("a link in the place of failed/ moves nothing into the state folder, is told, and the job goes on without it")
    func link() async throws {
        try await withInbox(mode: 0o2770) { shop in
            try await serving(shop) { service, page in
                _ = try await eventually { try await isReady(page) }
                let inbox = shop.folder.path("inbox")
                let state = shop.folder.path("state")
                // An approval that is taken for a broken export, and would lie where approvals are believed.
                #expect(
                    try await attack(
                        """
                        set -e
                        ln -s \(state)/approvals \(inbox)/.link
                        # The service makes it anew if it looks in between.
                        until mv -T \(inbox)/.link \(inbox)/failed 2>/dev/null; do mv \(inbox)/failed \(inbox)/.failed-$RANDOM; done
                        echo '{"run":"r-1","deletes":400}' > \(inbox)/.r && mv \(inbox)/.r \(inbox)/r-1.approval.csv
                        """, shop) == 0)
                #expect(try await eventually { try await !isReady(page) })
                #expect(
                    try await readiness(page).contains(
                        "inbox/failed: is a symbolic link, and nothing is moved through it"))
                #expect(!shop.folder.names(in: "state").contains("approvals"))
                #expect(shop.folder.names(in: "inbox").contains("r-1.approval.csv"))
                #expect(try await attack("rm \(inbox)/failed", shop) == 0)
                #expect(await eventually { shop.folder.names(in: "inbox/failed").contains("r-1.approval.csv") })
                let told = try service.errorsSoFar().split(separator: "\n").filter { $0.contains("is a symbolic link") }
                #expect(told.count == 1, "\(told)")
            }
            #expect(!shop.folder.names(in: "state").contains("approvals"))
        }
    }

    @Test("a folder of the member's own in the place of working/ or done/ is not used", arguments: ["working", "done"])
    func ownFolder(name: String) async throws {
        try await withInbox(mode: 0o2770) { shop in
            try await serving(shop) { _, page in
                _ = try await eventually { try await isReady(page) }
                let inbox = shop.folder.path("inbox")
                #expect(
                    try await attack(
                        """
                        set -e
                        mkdir -m 777 \(inbox)/.mine
                        mv \(inbox)/\(name) \(inbox)/.gone
                        mv -T \(inbox)/.mine \(inbox)/\(name)
                        printf 'customer_id,cart_id\\nc-1,cart-1\\n' > \(inbox)/a.csv
                        """, shop) == 0)
                #expect(try await eventually { try await !isReady(page) })
                #expect(try await readiness(page).contains("belongs to another user, number \(Self.member)"))
                #expect(shop.folder.names(in: "inbox/\(name)").isEmpty)
                #expect(shop.associations.isEmpty)
            }
        }
    }

    @Test("with the sticky bit, as the package and the units set it, the folders cannot be taken away at all")
    func sticky() async throws {
        try await withInbox(mode: 0o3770) { shop in
            try await serving(shop) { service, page in
                _ = try await eventually { try await isReady(page) }
                let inbox = shop.folder.path("inbox")
                for name in ["working", "done", "failed", "superseded", "waiting"] {
                    #expect(try await attack("mv \(inbox)/\(name) \(inbox)/.gone", shop) != 0)
                    #expect(try await attack("rmdir \(inbox)/\(name)", shop) != 0)
                    #expect(try await attack("touch \(inbox)/\(name)/x", shop) != 0)
                }
                #expect(
                    try await attack("printf 'customer_id,cart_id\\nc-1,cart-1\\n' > \(inbox)/a.csv", shop) == 0)
                #expect(await eventually { shop.folder.names(in: "inbox/done").contains("a.csv") })
                #expect(shop.associations == ["c-1 cart-1"])
                #expect(try !service.errorsSoFar().contains("others may do more"))
            }
        }
    }

    @Test("an inbox without the sticky bit, or that everybody may write, is named at the start and by doctor")
    func named() async throws {
        try await withInbox(mode: 0o2777) { shop in
            try await serving(shop) { service, page in
                _ = try await eventually { try await isReady(page) }
                let told = try service.errorsSoFar()
                #expect(told.contains("chmod +t") && told.contains("chmod o-w"))
            }
            let inbox = shop.folder.path("inbox")
            let named = try await Program(
                [
                    "--reuid", "\(Self.service)", "--clear-groups", "--regid", "\(Self.service)", Program.path(),
                    "doctor",
                ],
                environment: shop.environment.merging(["CARTSYNC_SOURCE_FOLDER": inbox]) { $1 }, in: shop.folder.path,
                executable: "/usr/bin/setpriv"
            ).result()
            #expect(named.output.contains("chmod +t \(inbox)") && named.output.contains("chmod o-w \(inbox)"))
        }
    }
}
