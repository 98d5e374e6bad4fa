import AsyncHTTPClient
import Foundation
import NIOCore
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A state folder on a small disk: a file system of its own, which only the program sees.
@Suite(
    "a full disk",
    .enabled(
        if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare"), "needs root and unshare"
    ))
struct FullDiskTests {
    /// Starts a script for which the folder `disk` is a file system of so many bytes.
    private func start(_ script: String, megabytes: Int, _ shop: Shop) throws -> Program {
        try shop.folder.createFolder("disk")
        var environment = shop.environment
        environment["CARTSYNC_STATE_DIRECTORY"] = shop.folder.path("disk/state")
        environment["CARTSYNC_GUARD_MAX_REJECTED"] = "100%"
        environment["CARTSYNC"] = try Program.path()
        return try Program(
            ["-m", "/bin/bash", "-c", "mount -t tmpfs -o size=\(megabytes)m,mode=700 disk disk && " + script],
            environment: environment, in: shop.folder.path, executable: "/usr/bin/unshare")
    }

    @Test("a command for which there is no room says how much is missing, writes nothing and leaves nothing")
    func command() async throws {
        try await withShop { shop in
            _ = try shop.folder.write(numbered(1...2000), to: "a.csv")
            let result = try await start(
                "\"$CARTSYNC\" sync --yes a.csv; status=$?; ls disk/state/runs >&2; exit $status", megabytes: 8, shop
            ).result()
            #expect(result.status == 74, "\(result.errors)")
            #expect(result.errors.contains("MB are needed; make room"))
            #expect(shop.associations.isEmpty)
            #expect(!result.errors.contains(#/\d{8}-\d{6}-/#), "no folder of a run is left")
        }
    }

    @Test("identifiers of rejected records end a run before they fill the disk, and leave nothing")
    func doubts() async throws {
        try await withShop { shop in
            // 24 MB, of which the identifiers take twice as much on the disk, and its size tells nothing of it.
            let rest = (0..<60).map { "word\($0)" }.joined(separator: " ")
            let rejected = (0..<60_000).map { "customer-\($0),\(rest),\n" }.joined()
            _ = try shop.folder.write(
                "customer_id,cart_id,action\n" + rejected + "customer-1,cart-1,add\n", to: "a.csv")
            let result = try await start(
                """
                mkdir -m 700 disk/state
                "$CARTSYNC" sync --yes a.csv; status=$?
                ls disk/state/runs >&2
                du -sk disk/state >&2
                exit $status
                """, megabytes: 30, shop
            ).result()
            #expect(result.status == 74, "\(result.errors)")
            #expect(result.errors.contains("MB are needed; make room"), "\(result.errors)")
            #expect(shop.associations.isEmpty && !result.errors.contains(#/\d{8}-\d{6}-/#), "\(result.errors)")
            let kilobytes = result.errors.firstMatch(of: #/(\d+)\tdisk\/state/#).flatMap { Int($0.1) }
            #expect(try #require(kilobytes) < 2000)
        }
    }

    /// An export of 15 MB of which every record but one is rejected: 23 MB are written down of it.
    private static let large: String = {
        let rest = String(repeating: String(repeating: "x", count: 110) + " ", count: 2)
        let rejected = (0..<60_000).map { "customer-\($0),\(rest),add\n" }.joined()
        return "customer_id,cart_id,action\n" + rejected + "customer-1,cart-1,add\n"
    }()

    /// A service whose state folder has so many bytes left, and later 40 MB more or so; it ends when the large export is done.
    private func serve(megabytesFree: Int, _ shop: Shop) throws -> Program {
        try start(
            """
            mkdir -m 700 disk/state
            head -c \(64 - megabytesFree)MB /dev/zero > disk/ballast
            "$CARTSYNC" serve --inbox inbox --poll 100ms --settle 0s --http 127.0.0.1:0 --rate 500 &
            service=$!
            until [ -e room ] || [ $SECONDS -gt 400 ]; do sleep 0.05; done
            ls disk/state/runs >&2
            du -sk disk/state >&2
            rm disk/ballast
            while [ -e inbox/working/large.csv ] && [ $SECONDS -lt 500 ]; do sleep 0.05; done
            kill $service
            wait $service
            """, megabytes: 62, shop)
    }

    private func put(_ text: String, as name: String, _ shop: Shop) throws {
        try shop.folder.write(text, to: name)
        try FileManager.default.moveItem(
            atPath: shop.folder.path(name), toPath: shop.folder.path("inbox/" + name))
    }

    private func readiness(_ url: String) async throws -> String {
        let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(60))
        return String(buffer: try await answer.body.collect(upTo: 1 << 20))
    }

    @Test(
        "an export that fills the disk, before its run, while its records are rejected or before its first write, leaves nothing, others pass, and it is synced when there is room",
        .timeLimit(.minutes(10)),
        arguments: [
            (10, "MB are needed; make room"), (16, "No space left on device"), (27, "MB are needed; make room"),
        ])
    func service(megabytesFree: Int, reason: String) async throws {
        try await withShop { shop in
            try shop.folder.createFolder("inbox")
            let program = try serve(megabytesFree: megabytesFree, shop)
            let url = try await program.pageURL()
            try put(Self.large, as: "large.csv", shop)
            #expect(try await eventually { try await readiness(url).contains("large.csv is tried again: ") })
            try put("customer_id,cart_id,action\ncustomer-2,cart-2,add\n", as: "small.csv", shop)
            #expect(await eventually { shop.folder.names(in: "inbox/done").contains("small.csv") })
            #expect(shop.folder.names(in: "inbox/working") == ["large.csv"])
            #expect(shop.associations == ["customer-2 cart-2"])
            try shop.folder.write("", to: "room")
            let result = try await program.result()
            #expect(result.status == 0, "\(result.errors)")
            #expect(shop.folder.names(in: "inbox/done").contains("large.csv"))
            #expect(result.errors.contains(reason), "\(result.errors)")
            #expect(shop.associations == ["customer-1 cart-1", "customer-2 cart-2"])
            // Before there was room, there was the folder of one run: the small one's.
            let lines = result.errors.split(separator: "\n")
            #expect(lines.count { $0.contains(#/^\d{8}-\d{6}-[a-z0-9]{4}$/#) } == 1, "\(result.errors)")
            let kilobytes = lines.compactMap { $0.firstMatch(of: #/^(\d+)\tdisk\/state$/#) }.compactMap { Int($0.1) }
            #expect(kilobytes.count == 1 && kilobytes[0] < 2000, "\(result.errors)")
        }
    }
}
