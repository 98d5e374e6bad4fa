import CallPacing
import Foundation
import TestSupport
import Testing

@testable import ExportSources

@Suite("a program that leads to an SFTP server")
struct SFTPSourceTests {
    init() {
        // As the program does: a program that has ended is an error of the call.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    private func source(_ script: String, _ patience: FetchPatience = FetchPatience()) -> SFTPSource {
        SFTPSource(
            "sftp://host/exports", path: "/exports",
            SFTPProgram(name: "/bin/sh", arguments: ["-c", script], patience: patience, time: .system))
    }

    @Test(
        "what it says when it ends tells which setting to look at",
        arguments: [
            ("echo 'cartsync@host: Permission denied (publickey).' >&2; exit 255", "check source.sftp-key"),
            ("echo 'Host key verification failed.' >&2; exit 255", "source.sftp-known-hosts"),
            ("echo 'subsystem request failed on channel 0' >&2; exit 255", "let the server have its sftp subsystem"),
            ("exit 0", "the connection was closed; it is asked again later"),
            ("echo 'Welcome to files.example'; cat >/dev/null", "'Welcome to files.example' came in place of SFTP"),
            (#"printf '\000\000\000\005\002\000\000\000\006'; cat >/dev/null"#, "speaks version 6 of SFTP"),
        ])
    func ends(script: String, words: String) async throws {
        let error = await #expect(throws: SourceError.self) { try await source(script).list() }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix("sftp://host/exports: ") == true)
        #expect(error?.isOfOneExport == false)
    }

    @Test("one that cannot be started is named")
    func missing() async throws {
        let source = SFTPSource(
            "sftp://host/exports", path: "/exports",
            SFTPProgram(name: "/nonexistent/ssh", arguments: [], patience: FetchPatience(), time: .system))
        let error = await #expect(throws: SourceError.self) { try await source.list() }
        #expect(error?.description.contains("is OpenSSH's client installed?") == true)
    }

    @Test("one that says nothing is given up, with all that it started")
    func silent() async throws {
        let folder = try TemporaryFolder()
        var patience = FetchPatience()
        patience.silence = .milliseconds(150)
        let script = "sleep 600 & echo $! >'\(folder.path)/child'; cat >/dev/null"
        let error = await #expect(throws: SourceError.self) { try await source(script, patience).list() }
        #expect(error?.description.contains("says nothing for") == true, "\(error?.description ?? "")")
        let text = try String(contentsOfFile: folder.path("child"), encoding: .utf8)
        let child = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(await eventually { kill(child, 0) != 0 })
    }

    @Test("it gets five names of the environment")
    func environment() async throws {
        unsafe setenv("CARTSYNC_TEST_SECRET", "hush", 1)
        let folder = try TemporaryFolder()
        _ = try? await source("env >'\(folder.path)/env'").list()
        let text = try String(contentsOfFile: folder.path("env"), encoding: .utf8)
        let names = Set(text.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
        // The shell itself adds these.
        let added: Set = ["PWD", "SHLVL", "_", "OLDPWD"]
        #expect(names.subtracting(added).isSubset(of: ["PATH", "HOME", "LC_ALL", "TZ", "SSH_AUTH_SOCK"]))
        #expect(names.contains("PATH"))
    }

    @Test("ssh is told to ask nothing, forward nothing and believe no unknown host")
    func arguments() throws {
        let words = SFTPSource.arguments(
            try SFTPAddress("sftp://me@[::1]:2222/a b"), .init(key: "/k 1/100%", knownHosts: "/h 1"))
        for option in [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "ControlMaster=no", "ForwardAgent=no", "IdentitiesOnly=yes",
            "IdentityFile=\"/k 1/100%%\"", "UserKnownHostsFile=\"/h 1\"",
        ] { #expect(words.contains(option), "\(option)") }
        #expect(words.suffix(8) == ["-p", "2222", "-l", "me", "-s", "--", "::1", "sftp"])
        // What the configuration of ssh says of the host is not overruled.
        let plain = SFTPSource.arguments(try SFTPAddress("sftp://partner/exports"), .init())
        #expect(!plain.contains("-p") && !plain.contains("-l") && !plain.contains { $0.hasPrefix("Identit") })
    }

    @Test("a fetch that trickles is given up by its speed over a while, and one that takes hours by its end")
    func speed() {
        let start = ContinuousClock.now
        var gauge = SpeedGauge(FetchPatience(leastSpeed: 1000), now: start)
        #expect(gauge.problem(now: start + .seconds(59)) == nil)
        gauge.add(60_000)
        #expect(gauge.problem(now: start + .seconds(60)) == nil)
        // What came long ago does not count.
        gauge.add(59_000)
        #expect(gauge.problem(now: start + .seconds(120))?.contains("983 bytes a second") == true)
        var long = SpeedGauge(FetchPatience(), now: start)
        long.add(1 << 40)
        #expect(long.problem(now: start + .seconds(4 * 3600 + 1)) == "takes longer than 4 h")
    }
}
