import AssociationDiff
import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import Ledger

/// Shoppers' own tokens, read from the exports when they are needed and kept in memory only.
struct ShopperTokens: Sendable {
    /// Shoppers that are listed one by one unless a person asks for more: more would keep a store at its limit for
    /// minutes only to learn what exists.
    static let mostListed = 1_000
    /// The most bytes of tokens that a run keeps.
    static let mostBytes = 256 << 20

    private var tokens: [Owner: ShopperToken] = [:]
    /// Owners that the run is about and that have no token.
    private(set) var withoutToken: Set<Owner> = []

    subscript(owner: Owner) -> ShopperToken? { tokens[owner] }

    /// Whether an owner that the run is about has no token.
    var hasGaps: Bool { !withoutToken.isEmpty }

    /// The owners with a token, in their order.
    var all: [(owner: Owner, token: ShopperToken?)] { tokens.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    /// Reads the tokens of the owners that are wanted; of several of one owner the first that can be used.
    ///
    /// Throws `ExportError` if an export is refused, or the tokens are more than a run keeps.
    init(_ exports: RunExports, wanted isWanted: (OwnerKind, Span<UInt8>) -> Bool) throws {
        var found: [Owner: ShopperToken] = [:]
        var missing: Set<Owner> = []
        var bytes = 0
        var reading = exports.read()
        while let batch = try reading.next() {
            let text = batch.text.span
            let chosen = batch.records.filter { record in
                record.statement.map { isWanted($0.kind, text.extracting($0.owner.range)) } ?? false
            }
            for case .usable(let record) in batch.decode(chosen) {
                let owner = record.association.owner
                guard found[owner] == nil else { continue }
                guard let text = record.shopperToken, let token = ShopperToken(owner.kind, text) else {
                    missing.insert(owner)
                    continue
                }
                bytes += text.utf8.count + owner.id.text.utf8.count
                guard bytes <= Self.mostBytes else {
                    throw ExportError(
                        .tooLarge, file: exports.files[reading.export].name,
                        problem: "the shoppers' tokens of the changes take more than \(Self.mostBytes >> 20) MiB",
                        advice: "sync it in shares, with --shard 0/4 to --shard 3/4 and a state folder for each")
                }
                missing.remove(owner)
                found[owner] = token
            }
        }
        tokens = found
        withoutToken = missing.subtracting(found.keys)
    }

    /// Notes an owner that the run is about too.
    mutating func require(_ kind: OwnerKind, _ owner: Span<UInt8>) {
        var bytes: [UInt8] = []
        for index in owner.indices { bytes.append(owner[index]) }
        guard let id = OwnerID(String(decoding: bytes, as: UTF8.self)) else { return }
        let owner = Owner(kind: kind, id: id)
        if tokens[owner] == nil { withoutToken.insert(owner) }
    }
}

extension ShopperTokens {
    /// The tokens of all owners that the run is about: those of its exports, and those of whom the source asserted
    /// something before; nil if they are too many to be asked one by one.
    static func toList(_ exports: RunExports, _ options: RunOptions, _ ledger: Ledger) throws -> ShopperTokens? {
        guard [.api, .auto].contains(options.current) else { return nil }
        let key = ledger.fingerprintKey
        let most = options.current == .auto ? ShopperTokens.mostListed : .max
        var owners = FingerprintSet()
        var tokens = try ShopperTokens(exports) { kind, owner in
            if owners.count <= most { owners.insert(key.fingerprint(kind, owner: owner)) }
            return owners.count <= most
        }
        guard owners.count <= most else { return nil }
        let kinds = exports.ownerKinds
        try ledger.forEachOwner(from: options.source) {
            $0.isAsserted && kinds.contains($0.ownerKind)
        } visit: {
            tokens.require($0, $1)
        }
        return tokens
    }

    /// The tokens of the owners whose changes are pending.
    ///
    /// They are read from the exports as these are now: an export that was written again with fresh tokens serves a
    /// run that is resumed.
    ///
    /// - Parameter open: the exports of the run, if they are open.
    static func toApply(_ options: RunOptions, _ tools: RunTools, _ open: RunExports?) throws -> ShopperTokens {
        let ledger = tools.ledger
        let key = ledger.fingerprintKey
        var pending = FingerprintSet()
        try ledger.forEachEntry(of: tools.run) { entry in
            if entry.outcome == nil { pending.insert(key.fingerprint(entry.change.association.owner)) }
        }
        let exports = try open ?? RunExports(exports(options, tools), tools)
        return try ShopperTokens(exports) { pending.contains(key.fingerprint($0, owner: $1)) }
    }

    /// The run's options with the exports that it, or the run that it takes back, was made from.
    private static func exports(_ options: RunOptions, _ tools: RunTools) throws -> RunOptions {
        var options = options
        if options.exports.isEmpty, let undone = try tools.ledger.run(tools.run)?.undone {
            options.exports = try tools.ledger.run(undone)?.exports.map(\.path) ?? []
        }
        if options.exports.contains(ExportFile.standardInput) {
            throw ExportError(
                .missing, file: ExportFile.standardInput,
                problem: "the export with the shoppers' tokens came from there, and tokens are never kept",
                advice: "give the export as a file")
        }
        return options
    }
}
