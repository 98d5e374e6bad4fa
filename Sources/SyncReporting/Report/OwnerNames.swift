package import CartAssociations
import Crypto
import DurableFiles

import struct Foundation.Data

/// Owners as a report may show them: by their ids, or by names that do not tell these.
///
/// A hidden name is the start of an HMAC-SHA-256 of the owner's kind and id, with a key that never leaves the state
/// folder: whoever has a report can neither guess ids and try them, nor tell which owners of two state folders are
/// the same; within one state folder an owner has the same name in every report.
package struct OwnerNames: Sendable {
    /// Owners by their ids.
    package static let shown = OwnerNames(key: nil)

    private static let purpose = "cartsync report.redact"
    /// Bytes of a name: enough for owners in the millions to have names of their own.
    private static let length = 8

    private let key: SymmetricKey?

    private init(key: SymmetricKey?) { self.key = key }

    /// Owners by names that do not tell their ids.
    ///
    /// - Parameter secret: random bytes that only the state folder has, at least 16.
    package static func hidden(secret: [UInt8]) -> OwnerNames {
        // A key of its own: nothing follows from one use of the secret for another.
        let key = HMAC<SHA256>.authenticationCode(for: Data(purpose.utf8), using: SymmetricKey(data: secret))
        return OwnerNames(key: SymmetricKey(data: Data(key)))
    }

    var areHidden: Bool { key != nil }

    /// The owner's name, for instance `hidden-5f0c2a91b7e4d386`.
    package func text(_ owner: Owner) -> String {
        guard let key else { return owner.id.text }
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("\(owner.kind.rawValue) \(owner.id.text)".utf8), using: key)
        return Self.prefix + Hex.text(code.prefix(Self.length))
    }

    private static let prefix = "hidden-"
    private static let forgottenPrefix = "forgotten-"

    /// A new name for an owner who is to be forgotten, from which nothing follows.
    package static func forgotten() -> String {
        forgottenPrefix + Hex.text((0..<length).map { _ in UInt8.random(in: .min ... .max) })
    }

    /// Whether a text is the name of an owner who was forgotten.
    package static func isForgotten(_ text: String) -> Bool {
        text.hasPrefix(forgottenPrefix) && text.utf8.count == forgottenPrefix.utf8.count + 2 * length
            && text.dropFirst(forgottenPrefix.count).allSatisfy(\.isHexDigit)
    }

    /// Whether a text is the name of a hidden owner.
    package static func isHidden(_ text: String) -> Bool {
        text.hasPrefix(prefix) && text.utf8.count == prefix.utf8.count + 2 * length
            && text.dropFirst(prefix.count).allSatisfy(\.isHexDigit)
    }

    /// A plan with its owners as they may be shown.
    fileprivate func shown(_ plan: PlanView) -> PlanView {
        var plan = plan
        plan.creates = plan.creates.map(shown)
        plan.deletes = plan.deletes.map(shown)
        if let examples = plan.withheld?.examples { plan.withheld?.examples = examples.map(shown) }
        plan.hardestHit = plan.hardestHit.map { .init(owner: shown($0.owner), deletes: $0.deletes) }
        return plan
    }

    /// A change with its owner as it may be shown.
    private func shown(_ change: Change) -> Change {
        Change(
            change.kind, Association(owner: shown(change.association.owner), cart: change.association.cart),
            place: change.place, withheld: change.withheld.map { hiding(change.association.owner, in: $0) })
    }

    /// The owner as it may be shown.
    private func shown(_ owner: Owner) -> Owner {
        guard areHidden, let id = OwnerID(text(owner)) else { return owner }
        return Owner(kind: owner.kind, id: id)
    }

    /// What the store said, in which it may have named the owner.
    package func hiding(_ owner: Owner, in message: String) -> String {
        areHidden ? message.replacing(owner.id.text, with: text(owner)) : message
    }
}

extension PlanView {
    /// The plan with its owners as they may be shown.
    package func shown(with names: OwnerNames) -> PlanView { names.shown(self) }
}
