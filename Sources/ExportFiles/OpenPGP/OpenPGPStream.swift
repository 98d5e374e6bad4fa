import CProcess
import CRNP
import Foundation
import Synchronization

/// The content of an OpenPGP message, opened as it is read, in memory only.
///
/// librnp opens a message in one call that reads and writes through callbacks, so that call has a thread of its own, which
/// is held up while a few blocks wait to be read. Whether the message is whole, unchanged and signed shows at its end,
/// which throws then.
final class OpenPGPStream: ByteStream {
    private let handover = Handover()
    private let packed: Int
    private var limit = ExpansionLimit()
    private let name: String
    private var block: [UInt8] = []
    private var given = 0
    private var isOver = false

    /// Begins to open a message; throws a refusal if the keys of signers cannot be read. What is wrong with other keys shows
    /// when the message is read.
    init(_ sealed: any ByteStream, _ keys: OpenPGPKeys, name: String, size: Int) throws {
        // The thread below has no part in the task, whose files another process may open. Nothing waits for that thread if
        // this throws.
        let signers = try OpenPGPKeyring.signers(of: keys, name: name)
        self.name = name
        packed = size
        let opening = OpenPGPOpening(sealed, keys, signers: signers, handover, name: name)
        Thread.detachNewThread { opening.run() }
    }

    deinit {
        // librnp must have let go of everything before the process may end.
        handover.abandon()
    }

    func read(into buffer: inout [UInt8], range: Range<Int>) throws -> Int {
        var filled = range.lowerBound
        while filled < range.upperBound, !isOver {
            if given == block.count {
                given = 0
                guard let next = try handover.next() else {
                    block = []
                    isOver = true
                    break
                }
                block = next
                try limit.add(block.count, from: packed, of: name)
            }
            let count = min(range.upperBound - filled, block.count - given)
            for index in 0..<count { buffer[filled + index] = block[given + index] }
            filled += count
            given += count
        }
        return filled - range.lowerBound
    }
}

/// A few blocks on their way from the thread that opens a message to who reads it.
private final class Handover: Sendable {
    private struct State {
        var blocks: [[UInt8]] = []
        var end: Result<Void, any Error>?
        var isAbandoned = false
    }

    private static let most = 4
    private let state = Mutex(State())
    private let filled = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let room = DispatchSemaphore(value: 0)

    init() {
        // Dispatch ends the process if a semaphore goes with less than it was made with.
        for _ in 0..<Self.most { room.signal() }
    }

    /// Waits for room and hands a block over; false if nobody reads any more.
    func put(_ block: [UInt8]) -> Bool {
        room.wait()
        let isAbandoned = state.withLock { state in
            if !state.isAbandoned { state.blocks.append(block) }
            return state.isAbandoned
        }
        filled.signal()
        return !isAbandoned
    }

    /// Says how the message ended; comes last.
    func end(_ result: Result<Void, any Error>) {
        state.withLock { $0.end = result }
        filled.signal()
        ended.signal()
    }

    /// Waits for the next block; nil at the end of a message that can be believed.
    func next() throws -> [UInt8]? {
        filled.wait()
        let (block, end) = state.withLock { state in
            (state.blocks.isEmpty ? nil : state.blocks.removeFirst(), state.end)
        }
        if let block {
            room.signal()
            return block
        }
        // Who asks again gets the same answer.
        filled.signal()
        try end?.get()
        return nil
    }

    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Says that nobody reads any more, and waits until nobody writes.
    func abandon() {
        state.withLock { $0.isAbandoned = true }
        room.signal()
        ended.wait()
    }
}

/// The one call that opens a message.
///
/// Unchecked, because after `init` only the thread that runs it touches it.
private final class OpenPGPOpening: @unchecked Sendable {
    private static let blockSize = 1 << 18

    private let sealed: any ByteStream
    private let keys: OpenPGPKeys
    /// The public keys of signers; nil if a signature is not asked for.
    private let signers: [UInt8]?
    private let handover: Handover
    private let name: String
    private var input = [UInt8](repeating: 0, count: 1 << 17)
    private var inputStart = 0
    private var inputEnd = 0
    private var output: [UInt8] = []
    /// What reading the sealed bytes threw.
    private var failure: (any Error)?
    private var isAbandoned = false
    private var armor = ArmorEnd()

    init(_ sealed: any ByteStream, _ keys: OpenPGPKeys, signers: [UInt8]?, _ handover: Handover, name: String) {
        self.sealed = sealed
        self.keys = keys
        self.signers = signers
        self.handover = handover
        self.name = name
    }

    func run() {
        cartsync_mute_thread()
        // librnp has let go of everything before who reads knows that it is over.
        handover.end(Result { try open(try OpenPGPKeyring(keys, signers: signers, name: name)) })
    }

    private func open(_ keyring: OpenPGPKeyring) throws {
        var input: rnp_input_t?
        var output: rnp_output_t?
        // librnp calls back only during `rnp_op_verify_execute`, when `self` is alive.
        let own = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe rnp_input_from_callback(
            &input,
            { own, buffer, size, count in
                guard let own = unsafe own, let buffer = unsafe buffer, let count = unsafe count else { return false }
                return unsafe Unmanaged<OpenPGPOpening>.fromOpaque(own)._withUnsafeGuaranteedRef {
                    guard let read = unsafe $0.read(UnsafeMutableRawBufferPointer(start: buffer, count: size)) else {
                        return false
                    }
                    unsafe count.pointee = read
                    return true
                }
            }, nil, own)
        defer { _ = unsafe rnp_input_destroy(input) }
        _ = unsafe rnp_output_to_callback(
            &output,
            { own, bytes, size in
                guard let own = unsafe own, let bytes = unsafe bytes else { return false }
                return unsafe Unmanaged<OpenPGPOpening>.fromOpaque(own)._withUnsafeGuaranteedRef {
                    unsafe $0.write(UnsafeRawBufferPointer(start: bytes, count: size))
                }
            }, nil, own)
        defer { _ = unsafe rnp_output_destroy(output) }
        var operation: rnp_op_verify_t?
        guard unsafe rnp_op_verify_create(&operation, keyring.context, input, output) == 0,
            let operation = unsafe operation
        else { throw refusal("librnp does not start", "install librnp again") }
        defer { _ = unsafe rnp_op_verify_destroy(operation) }
        // Who must have signed is judged below.
        _ = unsafe rnp_op_verify_set_flags(operation, UInt32(RNP_VERIFY_IGNORE_SIGS_ON_DECRYPT))
        let status = Int(unsafe rnp_op_verify_execute(operation))
        if let failure { throw failure }
        if isAbandoned { return }
        try unsafe judge(status, operation, keyring)
        try checkEnd()
        if !self.output.isEmpty { _ = handover.put(self.output) }
    }

    /// The next sealed bytes; nil if they cannot be read.
    private func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        isAbandoned = isAbandoned || handover.isAbandoned
        guard !isAbandoned else { return nil }
        if inputStart == inputEnd {
            do {
                try refill()
            } catch {
                failure = error
                return nil
            }
        }
        let count = min(buffer.count, inputEnd - inputStart)
        // No more than either side has.
        for index in 0..<count { unsafe buffer[index] = input[inputStart + index] }
        inputStart += count
        return count
    }

    private func refill() throws {
        (inputStart, inputEnd) = (0, try sealed.read(into: &input, range: 0..<input.count))
        armor.feed(input[..<inputEnd])
    }

    /// Throws a refusal if something stands behind the message, which librnp does not look at.
    private func checkEnd() throws {
        var isMore = false
        repeat {
            try refill()
            isMore = isMore || !armor.isOver && inputEnd > 0
        } while inputEnd > 0
        guard !isMore, !armor.hasMore else {
            throw refusal(
                "the message is whole, and bytes stand behind it", "have each message sent as a file of its own")
        }
    }

    /// Takes opened bytes; false if nobody wants them any more.
    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isAbandoned else { return false }
        unsafe output.append(contentsOf: bytes)
        guard output.count >= Self.blockSize else { return true }
        isAbandoned = !handover.put(output)
        output = []
        output.reserveCapacity(Self.blockSize + (1 << 16))
        return !isAbandoned
    }

    // MARK: Whether the message can be believed

    private func judge(_ status: Int, _ operation: rnp_op_verify_t, _ keyring: OpenPGPKeyring) throws {
        let signatures = unsafe signatures(operation)
        // Without a key nobody can say whether a signature of something that is not encrypted is right.
        let isUnknown =
            status == RNP_ERROR_SIGNATURE_INVALID && keyring.signers == nil
            && signatures.allSatisfy { $0.status == RNP_ERROR_KEY_NOT_FOUND }
        guard status == RNP_SUCCESS || isUnknown || status == RNP_ERROR_SIGNATURE_INVALID else {
            throw unsafe fault(status, operation, keyring)
        }
        var mode: UnsafeMutablePointer<CChar>?
        var isProtected = false
        _ = unsafe rnp_op_verify_get_protection_info(operation, &mode, nil, &isProtected)
        defer { unsafe rnp_buffer_destroy(mode) }
        let words = unsafe mode.map { unsafe String(cString: $0) } ?? "none"
        guard isProtected || words == "none" else {
            throw refusal(
                "the message has nothing that would show a change (\(words), without MDC or AEAD)",
                "have it encrypted by a newer program: gpg protects by itself")
        }
        try judge(signatures, by: keyring)
    }

    private struct Signature {
        let status: Int
        let signer: String
    }

    private func signatures(_ operation: rnp_op_verify_t) -> [Signature] {
        var count = 0
        _ = unsafe rnp_op_verify_get_signature_count(operation, &count)
        return (0..<count).compactMap { index in
            var signature: rnp_op_verify_signature_t?
            guard unsafe rnp_op_verify_get_signature_at(operation, index, &signature) == 0 else { return nil }
            var key: rnp_key_handle_t?
            _ = unsafe rnp_op_verify_signature_get_key(signature, &key)
            defer { _ = unsafe rnp_key_handle_destroy(key) }
            var text: UnsafeMutablePointer<CChar>?
            if unsafe key != nil { _ = unsafe rnp_key_get_fprint(key, &text) }
            defer { unsafe rnp_buffer_destroy(text) }
            return Signature(
                status: Int(unsafe rnp_op_verify_signature_get_status(signature)),
                signer: unsafe text.map { unsafe String(cString: $0).lowercased() } ?? "")
        }
    }

    private func judge(_ signatures: [Signature], by keyring: OpenPGPKeyring) throws {
        guard let signers = keyring.signers else {
            // Nobody asked for one, but a signature that is wrong says that something was changed.
            guard !signatures.contains(where: { $0.status == RNP_ERROR_SIGNATURE_INVALID }) else {
                throw refusal("the signature is wrong: the export was changed", "have it signed and sent again")
            }
            return
        }
        let file = keys.signedBy ?? ""
        guard !signatures.isEmpty else {
            throw refusal("it is not signed, and export.signed-by asks for it", "have it signed by a key of \(file)")
        }
        let own = signatures.filter { signers.contains($0.signer) }
        guard !own.isEmpty else {
            throw refusal(
                "it is signed by none of the keys of export.signed-by", "have it signed by a key of \(file)")
        }
        guard own.contains(where: { $0.status == RNP_SUCCESS }) else {
            let isExpired = own.contains { $0.status == RNP_ERROR_SIGNATURE_EXPIRED }
            throw refusal(
                isExpired ? "its signature has expired" : "its signature is wrong, or its key was not valid then",
                "have it signed and sent again")
        }
    }

    private func fault(_ status: Int, _ operation: rnp_op_verify_t, _ keyring: OpenPGPKeyring) -> ExportError {
        switch status {
        case RNP_ERROR_NO_SUITABLE_KEY, RNP_ERROR_KEY_NOT_FOUND, RNP_ERROR_BAD_PASSWORD:
            switch keyring.passphraseAnswer {
            case .missing:
                return refusal(
                    "it is sealed, and export.decryption-passphrase is not set",
                    "put the passphrase into the secrets folder, as export-decryption-passphrase")
            case .given:
                return refusal("export.decryption-passphrase is wrong", "correct it in the secrets folder")
            case .tooLong:
                return refusal(
                    "export.decryption-passphrase is longer than librnp takes", "choose one of at most 255 bytes")
            case nil: break
            }
            if keys.decryptionKey == nil {
                return refusal(
                    "it is sealed, and export.decryption-key is not set",
                    "put the private key into the secrets folder, as export-decryption-key")
            }
            return refusal(
                "it is sealed for other keys than that of export.decryption-key (\(unsafe recipients(operation)))",
                "have it sealed for yours, or set the key that it is for")
        default:
            return refusal(
                "the sealed export is cut or was changed (\(OpenPGP.words(rnp_result_t(status))))",
                "have it sealed and sent again, all of it")
        }
    }

    /// The keys that the message is sealed for.
    private func recipients(_ operation: rnp_op_verify_t) -> String {
        var count = 0
        _ = unsafe rnp_op_verify_get_recipient_count(operation, &count)
        let ids = (0..<min(count, 5)).compactMap { index -> String? in
            var recipient: rnp_recipient_handle_t?
            var text: UnsafeMutablePointer<CChar>?
            _ = unsafe rnp_op_verify_get_recipient_at(operation, index, &recipient)
            _ = unsafe rnp_recipient_get_keyid(recipient, &text)
            defer { unsafe rnp_buffer_destroy(text) }
            return unsafe text.map { unsafe String(cString: $0) }
        }
        return ids.isEmpty ? "for no key" : ids.joined(separator: ", ")
    }

    private func refusal(_ problem: String, _ advice: String) -> ExportError {
        ExportError(.sealed, file: name, problem: problem, advice: advice)
    }
}

/// Looks for what stands behind a message in text.
private struct ArmorEnd {
    private static let mark = Array("-----END PGP MESSAGE-----".utf8)

    /// Whether the message is in packets, which have no such line; nil before its first byte.
    private var isBinary: Bool?
    private var matched = 0
    /// Whether the line that ends a message was met.
    private(set) var isOver = false
    /// Whether more than blanks stands behind it.
    private(set) var hasMore = false

    mutating func feed(_ bytes: ArraySlice<UInt8>) {
        // A byte order mark begins no packet.
        isBinary = isBinary ?? bytes.first.map { $0 >= 0x80 && $0 != 0xEF }
        if isBinary == true { return }
        for byte in bytes {
            if isOver {
                hasMore = hasMore || !XMLSpace.contains(byte)
            } else if byte == Self.mark[matched] {
                matched += 1
                isOver = matched == Self.mark.count
            } else if byte != UInt8(ascii: "-") {
                matched = 0
            } else if matched != 5 {
                // Of more dashes than five the last five may begin it.
                matched = 1
            }
        }
    }
}
