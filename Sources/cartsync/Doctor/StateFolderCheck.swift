import CartAssociations
import DurableFiles
import Foundation
import Ledger
import SyncEngine
import SyncReporting

/// Looks at the state folder and the ledger in it; makes neither.
struct StateFolderCheck {
    /// Less free space than this is too little for a large plan: a journal of five million changes takes about 1 GB.
    static let enoughBytes = 2_000_000_000

    let folder: String
    let settings: Settings

    func findings() -> [DoctorFinding] {
        var isFolder: ObjCBool = false
        // Unsafe because Foundation writes the answer through the pointer, and only during the call.
        guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            return [
                DoctorFinding("state folder", .note, "\(folder): not there yet; the first sync makes it"), sqlite,
            ]
        }
        guard isFolder.boolValue else {
            return [
                .failed(
                    "state folder", .stateUnwritable, "\(folder) is a file", advice: "choose another with --state")
            ]
        }
        return [folderFinding, spaceFinding, sizeFinding, ledgerFinding, sqlite]
    }

    /// What takes how much of the folder.
    private var sizeFinding: DoctorFinding {
        let runs = FolderSize(of: folder + "/runs")
        let fetched = FolderSize(of: folder + "/sources")
        let all = FolderSize(of: folder)
        let ledger = Ledger.fileNames.reduce(0) { sum, name in
            sum + (((try? FileSystem.status("\(folder)/\(name)")) ?? nil)?.size ?? 0)
        }
        let words =
            "\(FolderSize.words(all.bytes)): ledger \(FolderSize.words(ledger)), reports of \(Count.text(runs.count, "run")) "
            + "\(FolderSize.words(runs.bytes)), fetched exports \(FolderSize.words(fetched.bytes))"
        guard all.bytes > settings.stateMaxSize else { return DoctorFinding("state size", .ok, words) }
        return DoctorFinding(
            "state size", .warning, "\(words); more than state.max-size", advice: "lower state.keep or state.keep-runs")
    }

    private var folderFinding: DoctorFinding {
        let attributes = (try? FileManager.default.attributesOfItem(atPath: folder)) ?? [:]
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        let owner = (attributes[.ownerAccountID] as? NSNumber)?.uint32Value
        let octal = String(mode, radix: 8)
        let words = "\(folder): mode \(octal)"
        guard FileManager.default.isWritableFile(atPath: folder) else {
            return .failed(
                "state folder", .stateUnwritable, "\(words), and it cannot be written to",
                advice: "run as the user it belongs to, or choose another with --state")
        }
        if mode & 0o002 != 0 {
            return .failed(
                "state folder", .stateUnwritable, "\(words): everybody may write to it",
                advice: "run 'chmod o-w \(ShellWord.quoted(folder))'")
        }
        if let owner, owner != geteuid() {
            return DoctorFinding(
                "state folder", .warning, "\(words), and it belongs to another user, number \(owner)",
                advice: "run as that user: the files of two users cannot be written by each other")
        }
        if mode & 0o077 != 0 {
            return DoctorFinding(
                "state folder", .warning, "\(words): others may read who owns which cart",
                advice: "run 'chmod 700 \(ShellWord.quoted(folder))'")
        }
        return DoctorFinding("state folder", .ok, "\(words), yours alone")
    }

    private var spaceFinding: DoctorFinding {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue else {
            return DoctorFinding("free space", .skipped, "the file system does not say")
        }
        let words = "\(Count.text(free / 1_000_000)) MB free"
        if free < 50_000_000 {
            return .failed("free space", .stateUnwritable, words, advice: "make room before the next run")
        }
        if free < Self.enoughBytes {
            return DoctorFinding(
                "free space", .warning, words,
                advice: "make room: a plan of five million changes takes about 1 GB, and twice that while it is applied"
            )
        }
        return DoctorFinding("free space", .ok, words)
    }

    private var ledgerFinding: DoctorFinding {
        do {
            let ledger = try Ledger.openForReading(
                folder: folder, store: try LedgerAccess.store(settings), now: Date())
            defer { try? ledger.close() }
            let problems = try ledger.check()
            if let first = problems.first {
                return .failed(
                    "ledger", .stateUnwritable, "damaged: \(first)", advice: LedgerError.rebuildAdvice(folder))
            }
            let stopped = try ledger.runs(in: [.stopped, .applying]).last { $0.isResumable }
            let contents = try ledger.contents()
            let count =
                Count.text(try ledger.associationCount(), "association")
                + " and \(Count.text(contents.runs, "run")) with "
                + "\(Count.text(contents.changes, "change"))"
            if let stopped {
                return DoctorFinding(
                    "ledger", .note, "sound, \(count) of \(ledger.store); run \(stopped.id) was stopped",
                    advice: "cartsync runs resume \(stopped.id)")
            }
            return DoctorFinding("ledger", .ok, "sound, \(count) of \(ledger.store)")
        } catch let error as LedgerError {
            switch error.kind {
            case .locked: return DoctorFinding("ledger", .skipped, "\(error.problem); not checked meanwhile")
            case .absent: return DoctorFinding("ledger", .note, "none yet; the first sync makes it")
            default: return .failed("ledger", error.exitStatus, error.problem, advice: error.advice)
            }
        } catch let ending as Ending {
            return .failed("ledger", ending.status, ending.details, advice: ending.next ?? "correct it")
        } catch {
            return .failed("ledger", .bug, "\(error)", advice: "report this")
        }
    }

    private var sqlite: DoctorFinding {
        let version = Ledger.sqliteVersion
        guard let fault = SQLiteFault.sentence(of: version) else {
            return DoctorFinding("SQLite", .ok, version)
        }
        return DoctorFinding(
            "SQLite", .note, "\(version): \(fault); cartsync has one connection, and a lock on the folder",
            advice: "open the ledger with no other program while cartsync runs, or use SQLite 3.51.3 or later")
    }
}

/// What is known of a version of SQLite.
enum SQLiteFault {
    /// What can happen to a ledger with this version, in a sentence; nil if no fault of it is known.
    ///
    /// From 3.7.0 until 3.51.3 two connections that write and checkpoint at once could damage a database with a
    /// write-ahead log; 3.44.6 and 3.50.7 have the correction too (SQLite, release history, 3.51.3).
    static func sentence(of version: String) -> String? {
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        guard numbers.count >= 2 else { return nil }
        let release = (numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
        guard release >= (3, 7, 0), release < (3, 51, 3) else { return nil }
        let corrected = (release.1 == 44 && release.2 >= 6) || (release.1 == 50 && release.2 >= 7)
        if corrected { return nil }
        return "two programs that write a database at once can damage it"
    }
}
