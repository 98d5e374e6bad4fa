#if os(Linux)
    import Foundation
    import TestSupport
    import Testing

    @Suite("the program's memory")
    struct MemoryTests {
        @Test("leaves no core dump, and another process of the same user cannot look into it")
        func hidden() async throws {
            let process = Process()
            let program = try Program.path()
            let user = geteuid() == 0 ? uid_t(65_534) : geteuid()
            let sandbox = [program, "sandbox", "--port", "0"]
            // Root may look into every process: the program is run as somebody else.
            process.executableURL = URL(filePath: geteuid() == 0 ? "/usr/bin/setpriv" : program)
            process.arguments =
                geteuid() == 0
                ? ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"] + sandbox : Array(sandbox.dropFirst())
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            defer { process.terminate() }
            let folder = "/proc/\(process.processIdentifier)"
            let limit = await eventually {
                let limits = (try? String(contentsOfFile: folder + "/limits", encoding: .utf8)) ?? ""
                return limits.contains(#/Max core file size +0 +0 /#)
            }
            #expect(limit)
            // The kernel gives these files to root if the process lets nobody look into it (proc(5)).
            let isHidden = await eventually {
                let file = try? FileManager.default.attributesOfItem(atPath: folder + "/environ")
                return (file?[.ownerAccountID] as? NSNumber)?.uint32Value == 0
            }
            #expect(isHidden)
            guard geteuid() == 0 else { return }
            let reader = Process()
            reader.executableURL = URL(filePath: "/usr/bin/setpriv")
            reader.arguments = [
                "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "cat", folder + "/environ",
            ]
            reader.standardError = FileHandle.nullDevice
            reader.standardOutput = FileHandle.nullDevice
            try reader.run()
            reader.waitUntilExit()
            #expect(reader.terminationStatus != 0)
        }
    }
#endif
