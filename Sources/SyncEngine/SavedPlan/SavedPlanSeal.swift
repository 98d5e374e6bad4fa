import Crypto
import DurableFiles
import Foundation

/// The seal of a saved plan while its bytes go by.
struct SavedPlanSeal {
    private var code: HMAC<SHA256>

    /// - Parameter ledgerKey: the ledger's secret bytes, from which the seal's own key is derived.
    init(ledgerKey: [UInt8]) {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: ledgerKey), info: Data("cartsync saved plan".utf8),
            outputByteCount: 32)
        code = HMAC(key: key)
    }

    mutating func add(_ bytes: some DataProtocol) { code.update(data: bytes) }

    /// Lowercase hexadecimal.
    var text: String { Hex.text(code.finalize()) }
}
