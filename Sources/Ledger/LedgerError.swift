package import CartAssociations
import Foundation
import GRDB

/// Why the ledger cannot be used, with what to do about it.
package struct LedgerError: Error, Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Another process uses the state folder; exit status 75.
        case locked
        /// The ledger belongs to another store; exit status 78.
        case otherStore = "other store"
        /// The ledger is there and cannot be trusted; exit status 74.
        case damaged
        /// There is no ledger, and the command makes none; exit status 64.
        case absent
        /// The ledger should be there and is not, or is empty; exit status 74.
        case missing
        /// A newer version of the program wrote the ledger; exit status 74.
        case newer
        /// The disk is full, read-only, or failing; exit status 74.
        case storage
    }

    package let kind: Kind
    /// The file or folder that the error is about.
    let path: String
    /// What is wrong, without the path.
    package let problem: String
    /// What a person should do next.
    package let advice: String

    package init(_ kind: Kind, path: String, problem: String, advice: String) {
        self.kind = kind
        self.path = path
        self.problem = problem
        self.advice = advice
    }
}

extension LedgerError: CustomStringConvertible {
    package var description: String { "\(path): \(problem); \(advice)" }
}

extension LedgerError: LocalizedError {
    package var errorDescription: String? { description }
}

extension LedgerError {
    /// Sorts any error of the database or the disk by what a person can do about it.
    ///
    /// A full disk may surface as SQLite's IOERR as well as FULL, so both are the same to a person.
    init(_ error: any Error, doing action: String, folder: String) {
        let path = LedgerFiles(folder: folder).database
        if let error = error as? LedgerError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(
                .storage, path: path, problem: "could not \(action): \(error)", advice: "report this as a bug")
            return
        }
        let reason = "\(error.message ?? "no reason given") (SQLite \(error.extendedResultCode.rawValue))"
        let problem = "could not \(action): \(reason)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.damaged, path: path, problem: "damaged: \(problem)", advice: Self.rebuildAdvice(folder))
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .locked, path: path, problem: problem,
                advice: "close the program that has the file open and run the command again")
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_NOMEM:
            self.init(
                .storage, path: path, problem: problem,
                advice: "make sure that \(folder) is writable and has free space, then run the command again; "
                    + "nothing that was recorded is lost")
        default:
            self.init(.storage, path: path, problem: problem, advice: "report this as a bug")
        }
    }

    /// There never was a ledger in a folder.
    static func absent(_ folder: String) -> LedgerError {
        LedgerError(
            .absent, path: folder, problem: "there is no ledger in this folder",
            advice: "name the folder with --state, or sync first")
    }

    /// The ledger's file is there and holds nothing.
    static func emptied(_ files: LedgerFiles) -> LedgerError {
        LedgerError(
            .missing, path: files.database, problem: "the ledger is empty, and it was not before",
            advice: rebuildAdvice(files.folder))
    }

    /// The way back from a ledger that is gone or cannot be trusted.
    package static func rebuildAdvice(_ folder: String) -> String {
        "restore the whole folder from a backup, or make a new ledger with 'cartsync ledger rebuild --state "
            + "\(ShellWord.quoted(folder)) --listing', which keeps the old files ('cartsync ledger rebuild --help' says "
            + "how to do it from exports or from the results of runs)"
    }
}

extension LedgerError {
    /// The exit status of a command that this error ends.
    package var exitStatus: ExitStatus {
        switch kind {
        case .locked: .stoppedEarly
        case .otherStore: .badSettings
        case .absent: .usage
        case .damaged, .missing, .newer, .storage: .stateUnwritable
        }
    }
}
