import CRNP
import DurableFiles
import Foundation

/// What sealed exports are opened with, and who must have signed them.
package struct OpenPGPKeys: Sendable, Equatable {
    /// Private keys as text (`gpg --export-secret-keys --armor`); a secret.
    package var decryptionKey: String?
    /// The passphrase of those keys, or of an export that is sealed with a passphrase alone; a secret.
    package var passphrase: String?
    /// A file of the public keys of which one must have signed; nil: a signature is not asked for.
    package var signedBy: String?

    package init() {}
}

/// librnp with some keys loaded.
///
/// Unsafe storage: librnp's context is made in `init` and freed in `deinit`, and lives as long as this object. It asks for
/// the passphrase only during its functions, when `self` is alive.
@safe final class OpenPGPKeyring {
    let context: rnp_ffi_t
    /// The fingerprints of the keys of which one must have signed, and of their subkeys; nil if none is asked for.
    private(set) var signers: Set<String>?
    private let passphrase: [UInt8]?
    /// What was answered when a passphrase was asked for; nil if none was.
    private(set) var passphraseAnswer: PassphraseAnswer?

    enum PassphraseAnswer { case given, missing, tooLong }

    /// The public keys of which one must have signed; nil if a signature is not asked for.
    ///
    /// Throws a refusal of the export if they cannot be read.
    static func signers(of keys: OpenPGPKeys, name: String) throws -> [UInt8]? {
        guard let path = keys.signedBy else { return nil }
        do throws(FileError) {
            return try FileSystem.contents(path, limit: 1 << 20)
        } catch {
            throw ExportError(
                .sealed, file: name, problem: "the keys of export.signed-by cannot be read (\(path): \(error.reason))",
                advice: "correct the path, or give permission to read it")
        }
    }

    /// Throws a refusal of the export if a key cannot be used.
    ///
    /// - Parameter signers: the public keys of which one must have signed.
    init(_ keys: OpenPGPKeys, signers text: [UInt8]?, name: String) throws {
        var context: rnp_ffi_t?
        guard unsafe rnp_ffi_create(&context, "GPG", "GPG") == 0, let context = unsafe context else {
            throw ExportError(.sealed, file: name, problem: "librnp does not start", advice: "install librnp again")
        }
        unsafe self.context = context
        passphrase = keys.passphrase.map { Array($0.utf8) }
        _ = unsafe rnp_ffi_set_pass_provider(
            context,
            { _, keyring, _, _, buffer, size in
                guard let keyring = unsafe keyring, let buffer = unsafe buffer else { return false }
                return unsafe Unmanaged<OpenPGPKeyring>.fromOpaque(keyring)._withUnsafeGuaranteedRef {
                    unsafe $0.give(UnsafeMutableBufferPointer(start: buffer, count: size))
                }
            }, Unmanaged.passUnretained(self).toOpaque())
        if let key = keys.decryptionKey {
            let found = try load(Array(key.utf8)) { problem in
                ExportError(
                    .sealed, file: name, problem: "export.decryption-key is no private key (\(problem))",
                    advice: "set what gpg --export-secret-keys --armor prints for the key")
            }
            guard found.contains(where: { $0.secret != "none" }) else {
                throw ExportError(
                    .sealed, file: name, problem: "export.decryption-key is a public key, which opens nothing",
                    advice: "set what gpg --export-secret-keys --armor prints for the key")
            }
        }
        guard let text else { return }
        let found = try load(text) { problem in
            ExportError(
                .sealed, file: name,
                problem: "export.signed-by has no public key in it (\(keys.signedBy ?? ""): \(problem))",
                advice: "write there what gpg --export --armor prints for who signs")
        }
        signers = Set(found.map { $0.fingerprint.lowercased() })
    }

    deinit {
        _ = unsafe rnp_ffi_destroy(context)
    }

    private struct Loaded: Decodable {
        struct Key: Decodable {
            let fingerprint: String
            let secret: String
        }
        let keys: [Key]
    }

    /// Loads keys, armored or not; what was loaded.
    private func load(_ bytes: [UInt8], _ refusal: (String) -> ExportError) throws -> [Loaded.Key] {
        var input: rnp_input_t?
        // A copy is made, so that the bytes need not outlive the call.
        _ = unsafe rnp_input_from_memory(&input, bytes, bytes.count, true)
        defer { _ = unsafe rnp_input_destroy(input) }
        var text: UnsafeMutablePointer<CChar>?
        let status = unsafe rnp_import_keys(
            context, input, UInt32(RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_SECRET_KEYS), &text)
        defer { unsafe rnp_buffer_destroy(text) }
        guard status == 0, let text = unsafe text else { throw refusal(OpenPGP.words(status)) }
        let json = Data(unsafe String(cString: text).utf8)
        guard let loaded = try? JSONDecoder().decode(Loaded.self, from: json), !loaded.keys.isEmpty else {
            throw refusal("nothing is in it")
        }
        return loaded.keys
    }

    /// Writes the passphrase, with a zero behind it; false if it is not set.
    private func give(_ buffer: UnsafeMutableBufferPointer<CChar>) -> Bool {
        guard let passphrase, passphrase.count < buffer.count else {
            passphraseAnswer = passphrase == nil ? .missing : .tooLong
            return false
        }
        passphraseAnswer = .given
        // It fits, as was asked before.
        for (index, byte) in passphrase.enumerated() { unsafe buffer[index] = CChar(bitPattern: byte) }
        unsafe buffer[passphrase.count] = 0
        return true
    }
}

enum OpenPGP {
    /// What librnp says of a fault.
    static func words(_ status: rnp_result_t) -> String {
        unsafe rnp_result_to_string(status).map { unsafe String(cString: $0) } ?? "error \(status)"
    }

    /// What a text of OpenPGP is that is no message, in words; nil for anything else.
    static func document(_ start: ArraySlice<UInt8>) -> String? {
        let kinds = [
            ("SIGNATURE", "the signature of another file"), ("SIGNED", "a text with a signature below it"),
            ("PUBLIC", "a public key"), ("PRIVATE", "a private key"),
        ]
        let text = text(start)
        return kinds.first { text.starts(with: Array("-----BEGIN PGP \($0.0)".utf8)) }?.1
    }

    /// The bytes without blanks and a byte order mark before them.
    private static func text(_ start: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        start.drop { XMLSpace.contains($0) || [0xEF, 0xBB, 0xBF].contains($0) }
    }

    /// Whether bytes begin a message, in text or in packets (RFC 9580, sections 4.2 and 6.2).
    static func begins(_ start: ArraySlice<UInt8>) -> Bool {
        if text(start).starts(with: Array("-----BEGIN PGP MESSAGE-----".utf8)) { return true }
        guard let first = start.first, first & 0x80 != 0 else { return false }
        let rest = Array(start.dropFirst())
        // The number of the packet's kind, and how many bytes its length has.
        let kind = first & 0x40 == 0 ? first >> 2 & 0x0F : first & 0x3F
        let lengthSize: Int
        if first & 0x40 == 0 {
            lengthSize = [1, 2, 4, 0][Int(first & 3)]
        } else {
            guard let length = rest.first else { return false }
            lengthSize = length < 192 ? 1 : length < 224 ? 2 : length == 255 ? 5 : 1
        }
        guard rest.count > lengthSize else { return false }
        let version = rest[lengthSize]
        switch kind {
        case 1: return version == 3 || version == 6
        case 3: return (4...6).contains(version)
        case 4: return version == 3 || version == 6
        case 8: return (1...3).contains(version)
        default: return false
        }
    }
}
