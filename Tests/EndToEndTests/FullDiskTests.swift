import Foundation
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
}
