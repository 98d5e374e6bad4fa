import CallPacing
import CartAssociations
import Foundation
import TestSupport

@testable import CommerceAPI
@testable import ExportSources
@testable import SyncEngine

/// A reader of bytes that come from outside, with what it promises for all of them.
enum Parser: String, CaseIterable {
    /// Exports as they are stored, in any form.
    case exports
    /// Exports that are packed after they were changed, for a checksum lets nothing else through.
    case packed
    case listings, answers, tokens, plans, sftp, buckets, settings

    /// Throws if the bytes break a promise.
    func check(_ bytes: [UInt8], _ exports: Promises) throws {
        switch self {
        case .exports: try exports.check(bytes)
        case .packed: try exports.check(Self.packed(bytes))
        case .listings: try Self.checkListing(bytes)
        case .answers: try Self.checkAnswer(bytes)
        case .tokens: try Self.checkToken(bytes)
        case .plans: try Self.checkPlan(bytes, path: exports.inputPath)
        case .sftp: try Self.checkSFTP(bytes)
        case .buckets: Self.checkBucket(bytes)
        case .settings: try SettingsPromises.check(bytes, path: exports.inputPath)
        }
    }

    /// The first byte says how the others are packed.
    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        let rest = Array(bytes.dropFirst())
        switch (bytes.first ?? 0) % 4 {
        case 0: return gzip(rest)
        case 1: return storedZip([("a", rest)])
        case 2:
            let middle = rest.count / 2
            return storedZip([("a/b.csv", Array(rest[..<middle])), ("c", Array(rest[middle...]))])
        default: return StoredWorkbook.bytes(rows: rest)
        }
    }

    private static func checkListing(_ bytes: [UInt8]) throws {
        guard let page = ListingPage(bytes) else { return }
        // The other reader refuses raw control characters in texts, which the page's passes over.
        guard let document = try? JSONSerialization.jsonObject(with: Data(bytes)) else { return }
        guard let carts = (document as? [String: Any])?["data"] as? [Any], carts.count == page.carts.count else {
            throw Promises.Broken(description: "a page of \(page.carts.count) carts, and another reader finds others")
        }
    }

    private static func checkAnswer(_ bytes: [UInt8]) throws {
        guard let owner = OwnerID("c-1"), let cart = CartID("cart-1") else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        for status in [200, 201, 204, 400, 404, 422, 500] {
            let answer = Answer(status: status, body: bytes)
            for kind in ChangeKind.allCases {
                let change = ChangeAnswer(answer, to: .change(kind, Association(.customer, owner, cart)), APISettings())
                if change == .made, status != 204, !text.contains("c-1") {
                    throw Promises.Broken(description: "\(status) is believed and does not name the owner")
                }
                if change == .alreadySo, status != 204, !text.contains("errors") {
                    throw Promises.Broken(description: "\(status) is believed without the vendor's errors")
                }
            }
            let sentence = FailureSentence(.answer(answer), for: .create, isUnknown: status == 200).text
            guard sentence.utf8.count < 4096,
                sentence.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
            else { throw Promises.Broken(description: "an error's sentence is endless, or has control characters") }
        }
    }

    private static func checkToken(_ bytes: [UInt8]) throws {
        if let token = IssuedToken(bytes) {
            let life = token.life(now: Date(timeIntervalSince1970: 1_800_000_000))
            guard life >= .seconds(1), token.text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Promises.Broken(description: "a token with a life of \(life)")
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let wait = RetryAfter.wait(text, answerDate: text, now: Date(timeIntervalSince1970: 1_800_000_000))
        if let wait, wait < .zero { throw Promises.Broken(description: "a wait of \(wait)") }
    }

    /// A file that the ledger's key has not sealed is refused; the first byte asks for the right seal over the others.
    private static func checkPlan(_ bytes: [UInt8], path: String) throws {
        let key = [UInt8](repeating: 7, count: 32)
        var file = Array(bytes.dropFirst())
        let isSealed = (bytes.first ?? 0) & 1 == 1
        if isSealed {
            if let last = file.last, last != UInt8(ascii: "\n") { file.append(UInt8(ascii: "\n")) }
            var seal = Seal(key: Seal.key(for: .savedPlan, ledgerKey: key))
            seal.add(file)
            let lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count - 2
            file += Array(#"{"lines":\#(lines),"seal":"\#(seal.text)"}"#.utf8) + [UInt8(ascii: "\n")]
        }
        try Data(file).write(to: URL(filePath: path))
        do {
            var reader = try SavedPlanReader(path)
            try reader.read(ledgerKey: key) { _ in }
        } catch is SavedPlanError {
            return
        }
        if !isSealed { throw Promises.Broken(description: "a plan without a seal is read") }
    }

    private static func checkSFTP(_ bytes: [UInt8]) throws {
        let whole = packets(bytes, at: bytes.count)
        guard packets(bytes, at: 1) == whole else {
            throw Promises.Broken(description: "packets are others if their bytes come one by one")
        }
        for packet in whole.packets {
            var id: UInt32 = 0
            guard case .names(let names)? = try? SFTPAnswer(packet, id: &id) else { continue }
            let exports = SFTPListing(names).exports.map(\.name)
            guard Set(exports).count == exports.count else {
                throw Promises.Broken(description: "two exports of one name: \(exports)")
            }
        }
    }

    private static func packets(_ bytes: [UInt8], at size: Int) -> Packets {
        var framer = SFTPFramer()
        var found = Packets()
        var rest = bytes[...]
        while !rest.isEmpty {
            framer.append(rest.prefix(max(1, size)))
            rest = rest.dropFirst(max(1, size))
            do {
                while let packet = try framer.next() { found.packets.append(packet) }
            } catch {
                found.isBroken = true
                return found
            }
        }
        return found
    }

    private struct Packets: Equatable {
        var packets: [[UInt8]] = []
        var isBroken = false
    }

    private static func checkBucket(_ bytes: [UInt8]) {
        // A key that stands twice, or is empty, is told by the source; here nothing may crash or hang.
        _ = BucketListing(s3: bytes)
        _ = BucketListing(azure: bytes)
    }
}
