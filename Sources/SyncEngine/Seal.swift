import Crypto
import DurableFiles
import Foundation

/// A seal over bytes, made while they go by: only who has the ledger's secret bytes can make it.
struct Seal {
    /// What is sealed; the seal of one kind is none of another.
    enum Purpose: String {
        case savedPlan = "cartsync saved plan"
        case approvals = "cartsync approvals"
    }

    private var code: HMAC<SHA256>

    /// - Parameter key: a key that `Seal.key` has derived.
    init(key: [UInt8]) {
        code = HMAC(key: SymmetricKey(data: key))
    }

    /// The key for one purpose: 32 bytes, from which the ledger's own secret cannot be found.
    static func key(for purpose: Purpose, ledgerKey: [UInt8]) -> [UInt8] {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: ledgerKey), info: Data(purpose.rawValue.utf8), outputByteCount: 32)
        // Unsafe because the bytes belong to the key, which lives until the closure returns; they are copied.
        return unsafe key.withUnsafeBytes { unsafe Array($0) }
    }

    mutating func add(_ bytes: some DataProtocol) { code.update(data: bytes) }

    /// Lowercase hexadecimal.
    var text: String { Hex.text(code.finalize()) }

    /// Whether a text is this seal; takes as long for one that is nearly right as for any other of its length.
    func matches(_ text: String) -> Bool {
        let own = Array(self.text.utf8)
        let given = Array(text.utf8)
        guard own.count == given.count else { return false }
        return zip(own, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
