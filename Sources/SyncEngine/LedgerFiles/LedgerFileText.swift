import CartAssociations
import Foundation
import Ledger

/// The cells of a ledger file that repeat from row to row, made once.
struct LedgerFileText {
    private var lastSources: (names: [String], text: String) = ([], "")
    private var lastTime: (date: Date, text: String)?

    mutating func sources(_ names: [String]) -> String {
        if names != lastSources.names { lastSources = (names, names.joined(separator: " ")) }
        return lastSources.text
    }

    mutating func time(_ date: Date) -> String {
        if let lastTime, lastTime.date == date { return lastTime.text }
        let text = date.formatted(.iso8601)
        lastTime = (date, text)
        return text
    }
}

/// Understands the cells of a ledger file, those that repeat from row to row once.
struct LedgerFileWords {
    private var lastSources: (bytes: [UInt8], number: Int)?

    private static let kinds = OwnerKind.allCases.map { ($0, Array($0.rawValue.utf8)) }
    private static let confirmations: [(Ledger.Confirmation?, [UInt8])] =
        [(nil, [])] + Ledger.Confirmation.allCases.map { ($0, Array($0.words.utf8)) }

    /// Nil if it is not a kind of owner.
    func ownerKind(_ cell: Span<UInt8>) -> OwnerKind? {
        Self.kinds.first { cell.equals($0.1) }?.0
    }

    /// Nil if the word is invalid; nil within that if the association is not known to exist.
    func confirmation(_ cell: Span<UInt8>) -> Ledger.Confirmation?? {
        Self.confirmations.first { cell.equals($0.1) }?.0
    }

    /// The draft's number for the sources; nil if one is not a name.
    mutating func set(_ cell: Span<UInt8>, of draft: ImportDraft) -> Int? {
        if let lastSources, cell.equals(lastSources.bytes) { return lastSources.number }
        let bytes = cell.copy()
        let names = bytes.split(separator: LedgerFile.sourceSeparator, omittingEmptySubsequences: false)
        guard bytes.isEmpty || names.allSatisfy(SourceName.isValid) else { return nil }
        let sources = bytes.isEmpty ? [] : Set(names.map { String(decoding: $0, as: UTF8.self) }).sorted()
        let number = draft.set(of: sources)
        lastSources = (bytes, number)
        return number
    }
}

extension Span<UInt8> {
    func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    func copy() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for index in indices { bytes.append(self[index]) }
        return bytes
    }
}
