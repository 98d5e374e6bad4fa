import Foundation
import TestSupport
import Testing

/// `deploy/docker/image`, with a `docker` that says what a test lets it say.
@Suite("the bases of the image")
struct ImageBasesTests {
    private static let docker = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/docker")
    private static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["deploy/docker", "bin"] { try folder.createFolder(name) }
        for name in ["image", "Dockerfile"] {
            let text = try String(contentsOf: Self.docker.appending(path: name), encoding: .utf8)
            // In the commit of a release they are there.
            try folder.write(text.replacing(#/@sha256:[0-9a-f]{64}\n/#, with: "\n"), to: "deploy/docker/" + name)
        }
    }

    private func image(_ arguments: String..., registry: String) async throws -> Program.Result {
        let docker = try folder.write(
            "#!/bin/sh\n[ \"$1\" = build ] && { echo \"built $*\"; exit 0; }\n\(registry)\n", to: "bin/docker")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: docker)
        return try await Program(
            [folder.path("deploy/docker/image")] + arguments,
            environment: ["PATH": folder.path("bin") + ":/usr/bin:/bin"], in: folder.path, executable: "/bin/sh"
        ).result()
    }

    private var bases: [String] {
        get throws {
            try folder.read("deploy/docker/Dockerfile").split(separator: "\n").filter { $0.hasPrefix("ARG ") }
                .map(String.init).filter { $0.contains("=6") || $0.contains("=12") }
        }
    }

    @Test("no image is built from a base that is not fixed by digest, and what is none is not written down")
    func fixed() async throws {
        let before = try bases
        #expect(before.count == 2 && before.allSatisfy { !$0.contains("@") })
        let loose = try await image("build", "cartsync:1", registry: "exit 1")
        #expect(loose.status == 1 && loose.output.isEmpty)
        #expect(loose.errors.contains("a base is not fixed by digest") && loose.errors.contains("make image-bases"))

        for registry in ["exit 1", "echo latest", "echo \(Self.digest)0", "echo \(Self.digest) && echo x"] {
            let refused = try await image("resolve", registry: registry)
            #expect(refused.status == 1, "\(registry): \(refused.output)")
            #expect(try bases == before)
        }

        // The second one cannot be had: that is not enough.
        let half = "case $4 in swift:*) echo \(Self.digest);; *) exit 1;; esac"
        #expect(try await image("resolve", registry: half).status == 1)
        #expect(try await image("build", "cartsync:1", registry: half).status == 1)

        let resolved = try await image("resolve", registry: "echo \(Self.digest)")
        #expect(resolved.status == 0, "\(resolved.errors)")
        #expect(try bases == before.map { "\($0)@\(Self.digest)" })
        let built = try await image("build", "cartsync:1", registry: "exit 1")
        #expect(built.status == 0, "\(built.errors)")
        #expect(built.output.contains("built build -f deploy/docker/Dockerfile -t cartsync:1"))
        // Once more, for the tags of that day.
        #expect(try await image("resolve", registry: "echo \(Self.digest)").status == 0)
        #expect(try bases == before.map { "\($0)@\(Self.digest)" })
    }
}
