import CallPacing
import CartAssociations
import CommerceAPI
import ExportFiles
import ExportSources
import Foundation
import SyncEngine
import SyncReporting
import SyncService

/// Why the text of a setting is not a value of it; completes the sentence "KEY is 'TEXT', …".
struct UnusableValue: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// How the text of a setting becomes a value, strictly: the whole text, in range, or an `UnusableValue`.
struct SettingKind<Value>: Sendable {
    let read: @Sendable (_ text: String) throws(UnusableValue) -> Value
    /// A value as a person writes it; nil if no default of it is worth showing.
    let text: @Sendable (_ value: Value) -> String?

    init(
        _ read: @escaping @Sendable (_ text: String) throws(UnusableValue) -> Value,
        text: @escaping @Sendable (_ value: Value) -> String? = { _ in nil }
    ) {
        self.read = read
        self.text = text
    }

    /// A kind that is read by a type's own rules, whose error says what is wrong.
    init<Problem: Error>(
        _ read: @escaping @Sendable (_ text: String) throws(Problem) -> Value,
        reason: @escaping @Sendable (Problem) -> String
    ) {
        self.init { text throws(UnusableValue) in
            do throws(Problem) {
                return try read(text)
            } catch {
                throw UnusableValue(reason(error))
            }
        }
    }
}

extension SettingKind where Value == String {
    /// Any text that is not empty.
    static var text: SettingKind {
        .init { text throws(UnusableValue) in
            guard !text.isEmpty else { throw UnusableValue("empty") }
            return text
        }
    }

    /// A name that can stand in a file name, a metric label and a log line.
    static var name: SettingKind {
        .init { text throws(UnusableValue) in
            guard SourceName.isValid(text.utf8) else {
                throw UnusableValue("not a name; use 1 to 64 letters, digits, '.', '_' or '-'")
            }
            return text
        } text: {
            $0
        }
    }

    /// Characters that a cart's id can have.
    static var ofCartID: SettingKind {
        .init { text throws(UnusableValue) in
            guard CartID.isValid(text.utf8), text.utf8.count <= 64 else {
                throw UnusableValue("not the beginning of a cart's id; use 1 to 64 letters, digits, '_' or '-'")
            }
            return text
        }
    }

    /// A text that can stand in a header.
    static var headerText: SettingKind {
        .init { text throws(UnusableValue) in
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw UnusableValue("empty, or not of ASCII without spaces")
            }
            return text
        }
    }

    /// A user of HTTP's basic authentication, which ends at the first colon.
    static var userName: SettingKind {
        .init { text throws(UnusableValue) in
            guard !text.isEmpty, !text.contains(":") else { throw UnusableValue("empty, or has a colon") }
            return text
        }
    }

    static var region: SettingKind {
        .init { text throws(UnusableValue) in
            guard text.wholeMatch(of: #/[a-z0-9-]{1,40}/#) != nil else {
                throw UnusableValue("not a region; write it as in eu-central-1")
            }
            return text
        } text: {
            $0
        }
    }

    /// A secret that is hard to guess and can stand in a header.
    static var token: SettingKind {
        .init { text throws(UnusableValue) in
            guard text.utf8.count >= ApprovalToken.shortest, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw UnusableValue(
                    "too easy to guess or not fit for a header; use \(ApprovalToken.shortest) or more characters of "
                        + "ASCII without spaces, for instance what openssl rand -hex 20 prints")
            }
            return text
        }
    }
}

extension SettingKind where Value == String? {
    /// Any text; `off` is nil.
    static var textOrOff: SettingKind {
        .init { text in
            text == "off" ? nil : text
        } text: {
            $0 ?? "off"
        }
    }
}

extension SettingKind where Value == Double {
    static func share(in range: ClosedRange<Double>) -> SettingKind {
        .init { text throws(UnusableValue) in
            guard case .share(let share)? = Limit(text) else {
                throw UnusableValue("not a share; write it as in 60%")
            }
            guard range.contains(share) else {
                throw UnusableValue("out of range; use \(percent(range.lowerBound)) to \(percent(range.upperBound))")
            }
            return share
        } text: {
            Limit.share($0).typed
        }
    }
}

extension SettingKind where Value == Int {
    static func integer(in range: ClosedRange<Int>) -> SettingKind {
        .init { text throws(UnusableValue) in
            guard let value = Int(text) else {
                throw UnusableValue("not a whole number; use one from \(range.lowerBound) to \(range.upperBound)")
            }
            guard range.contains(value) else {
                throw UnusableValue("out of range; use \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        } text: {
            "\($0)"
        }
    }

    /// A number of bytes with a unit: B, kB, MB, GB (1000) or KiB, MiB, GiB (1024); bytes without one.
    static var bytes: SettingKind {
        .init { text throws(UnusableValue) in
            let units = [
                "": 1, "B": 1, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20,
                "GiB": 1 << 30,
            ]
            guard let match = text.wholeMatch(of: #/(\d{1,12}) ?([A-Za-z]*)/#), let number = Int(match.1),
                let unit = units[String(match.2)]
            else { throw UnusableValue("not a size; write it with its unit, for instance 500MB or 4GiB") }
            let bytes = number.multipliedReportingOverflow(by: unit)
            guard !bytes.overflow, (1...(1 << 44)).contains(bytes.partialValue) else {
                throw UnusableValue("out of range; use 1B to 16384GiB")
            }
            return bytes.partialValue
        } text: { bytes in
            if bytes.isMultiple(of: 1 << 30) {
                "\(bytes >> 30)GiB"
            } else if bytes.isMultiple(of: 1000) {
                "\(bytes / 1000)kB"
            } else {
                "\(bytes)B"
            }
        }
    }
}

extension SettingKind where Value == Bool {
    static var bool: SettingKind {
        .init { text throws(UnusableValue) in
            switch text.lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw UnusableValue("neither true nor false")
            }
        } text: {
            "\($0)"
        }
    }
}

extension SettingKind where Value: RawRepresentable<String> & CaseIterable & SendableMetatype {
    /// One of the words of an enumeration.
    static var choice: SettingKind {
        .init { text throws(UnusableValue) in
            guard let choice = Value(rawValue: text.lowercased()) else {
                let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw UnusableValue("not one of \(names)")
            }
            return choice
        } text: {
            $0.rawValue
        }
    }
}

extension SettingKind where Value == Duration {
    /// A duration with its unit, for instance `500ms`, `10s`, `5m` or `2h`.
    static func duration(in range: ClosedRange<Duration>) -> SettingKind {
        .init { text throws(UnusableValue) in
            let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            let milliseconds: Double? =
                switch text.dropFirst(number.count) {
                case "ms": 1
                case "s": 1000
                case "m", "min": 60_000
                case "h": 3_600_000
                default: nil
                }
            guard let unit = milliseconds, let value = Double(number) else {
                throw UnusableValue("not a duration; write it with its unit, for instance 500ms, 10s, 5m or 2h")
            }
            let duration = Duration.milliseconds(value * unit)
            guard range.contains(duration) else {
                throw UnusableValue("out of range; use \(range.lowerBound) to \(range.upperBound)")
            }
            return duration
        } text: { duration in
            let (seconds, rest) = duration.components
            return rest == 0 ? "\(seconds)s" : "\(Int(duration / .milliseconds(1)))ms"
        }
    }
}

extension SettingKind where Value == Duration {
    /// Whole days, for instance `400d`.
    static func days(in range: ClosedRange<Int>) -> SettingKind {
        .init { text throws(UnusableValue) in
            guard let match = text.wholeMatch(of: #/(\d{1,6})d/#), let days = Int(match.1) else {
                throw UnusableValue("not a number of days; write it as in 400d")
            }
            guard range.contains(days) else {
                throw UnusableValue("out of range; use \(range.lowerBound)d to \(range.upperBound)d")
            }
            return .seconds(days * 86_400)
        } text: { duration in
            "\(duration.components.seconds / 86_400)d"
        }
    }
}

extension SettingKind where Value == Deadline {
    /// A time of the day, a date with its time and zone, or a duration.
    static var deadline: SettingKind {
        .init { text throws(UnusableValue) in
            if let match = text.wholeMatch(of: #/(\d\d):(\d\d)/#), let hour = Int(match.1), let minute = Int(match.2),
                hour < 24, minute < 60
            {
                return .clock(hour: hour, minute: minute)
            }
            if let date = try? Date(text, strategy: .iso8601) { return .at(date) }
            let longest = SettingKind<Duration>.duration(in: .seconds(1)...Duration.seconds(31_536_000))
            if let duration = try? longest.read(text) { return .after(duration) }
            throw UnusableValue(
                "not a time; use a time of the day (06:30), a date (2026-11-22T06:30:00Z) or a duration (2h)")
        }
    }
}

extension SettingKind where Value == TimeZone {
    static var timeZone: SettingKind {
        .init { text throws(UnusableValue) in
            guard let zone = TimeZone(identifier: text) else {
                throw UnusableValue("not a time zone; use a name such as Europe/Berlin or UTC")
            }
            return zone
        }
    }
}

extension SettingKind where Value == RateSchedule {
    static var schedule: SettingKind { .init(RateSchedule.init(_:)) { $0.reason } }
}

extension SettingKind where Value == [ServiceObjective] {
    static var objectives: SettingKind { .init(ServiceObjective.list) { $0.description } }
}

extension SettingKind where Value == ProxyChoice {
    static var proxy: SettingKind {
        .init { text throws(InvalidConnectionSetting) in
            text == "off" ? .off : .through(try HTTPProxy(text))
        } reason: {
            $0.description
        }
    }
}

extension SettingKind where Value == [ExtraHeader] {
    static var headers: SettingKind {
        .init { text throws(InvalidConnectionSetting) in
            var headers: [ExtraHeader] = []
            for header in text.split(separator: ",") { headers.append(try ExtraHeader(String(header))) }
            return headers
        } reason: {
            $0.description
        }
    }
}

extension SettingKind where Value == Set<Int> {
    /// HTTP statuses with commas between them, or `none`.
    static func statuses(among known: Set<Int>) -> SettingKind {
        .init { text throws(UnusableValue) in
            if text == "none" { return [] }
            var statuses: Set<Int> = []
            for word in text.split(separator: ",") {
                guard let status = Int(word.drop { $0 == " " }), known.contains(status) else {
                    let names = known.sorted().map(String.init).joined(separator: ", ")
                    throw UnusableValue("not a list of \(names), nor none")
                }
                statuses.insert(status)
            }
            guard !statuses.isEmpty else { throw UnusableValue("empty") }
            return statuses
        } text: { statuses in
            statuses.isEmpty ? "none" : statuses.sorted().map(String.init).joined(separator: ",")
        }
    }
}

extension SettingKind where Value == [String] {
    /// Globs of names, with commas between.
    static var globs: SettingKind {
        .init { text throws(UnusableValue) in
            let globs = try words(text)
            guard globs.allSatisfy({ !$0.contains("/") }) else {
                throw UnusableValue("not names with * ? and [...]; a source is one folder, without those in it")
            }
            return globs
        } text: { globs in
            globs.isEmpty ? nil : globs.joined(separator: ",")
        }
    }

    /// Endings with a dot in front and names, with commas between.
    static var triggers: SettingKind {
        .init { text throws(UnusableValue) in
            let triggers = try words(text)
            guard triggers.allSatisfy({ $0.wholeMatch(of: #/[.A-Za-z0-9_-]{2,64}/#) != nil }) else {
                throw UnusableValue("not an ending such as .ok or a name such as _SUCCESS")
            }
            return triggers
        }
    }

    private static func words(_ text: String) throws(UnusableValue) -> [String] {
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        guard words.allSatisfy({ !$0.isEmpty }) else { throw UnusableValue("empty") }
        return words
    }

    /// Names of hosts, with commas between.
    static var hostNames: SettingKind {
        .init { text throws(UnusableValue) in
            var names: [String] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let name = part.trimmingCharacters(in: .whitespaces)
                guard let host = HostName(name), host.text == name.lowercased() else {
                    throw UnusableValue("not names of hosts; write them without port, for instance sync.example.com")
                }
                names.append(host.text)
            }
            return names
        }
    }
}

extension SettingKind where Value == Limit {
    static var limit: SettingKind {
        .init { text throws(UnusableValue) in
            guard let limit = Limit(text) else {
                throw UnusableValue("neither a number such as 412 nor a share such as 20%")
            }
            return limit
        } text: {
            $0.typed
        }
    }
}

extension SettingKind where Value == Shard {
    static var shard: SettingKind {
        .init { text throws(UnusableValue) in
            guard let shard = Shard(text) else {
                throw UnusableValue("not a shard; write I/N with I from 0 to N-1, for instance 0/4")
            }
            return shard
        }
    }
}

extension SettingKind where Value == Character {
    static var delimiter: SettingKind {
        .init { text throws(UnusableValue) in
            switch text {
            case ",", "comma": return ","
            case ";", "semicolon": return ";"
            case "\t", "tab": return "\t"
            case "|", "vertical bar": return "|"
            default: throw UnusableValue("not one of comma, semicolon, tab, vertical bar, nor the character itself")
            }
        }
    }
}

extension SettingKind where Value == [String: ChangeKind] {
    /// `WORD=create` or `WORD=delete`, with commas between.
    static var actions: SettingKind {
        .init { text throws(UnusableValue) in
            var actions: [String: ChangeKind] = [:]
            for pair in text.split(separator: ",") {
                let parts = pair.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
                guard parts.count == 2, !parts[0].isEmpty, let kind = ChangeKind(rawValue: parts[1].lowercased()) else {
                    throw UnusableValue("not a list such as assign=create, drop=delete")
                }
                actions[parts[0]] = kind
            }
            return actions
        }
    }
}

extension SettingKind where Value == ExportTrailer {
    /// `auto`, `none`, or a line with `{count}` in it.
    static var trailer: SettingKind {
        .init { text throws(UnusableValue) in
            switch text.lowercased() {
            case "auto": return .found
            case "none": return .missing
            default:
                guard let line = TrailerLine(text) else {
                    throw UnusableValue("not auto, none, or a line with {count} in the place of the number of records")
                }
                return .line(line)
            }
        } text: {
            switch $0 {
            case .found: "auto"
            case .missing: "none"
            case .line(let line): line.text
            }
        }
    }
}

extension SettingKind where Value == TextEncoding? {
    /// `auto` is UTF-8, or UTF-16 if a byte order mark or the bytes say so.
    static var encoding: SettingKind {
        .init { text throws(UnusableValue) in
            if text.lowercased() == "auto" { return nil }
            guard let encoding = TextEncoding(named: text) else {
                let names = TextEncoding.allCases.map(\.rawValue).joined(separator: ", ")
                throw UnusableValue("not one of auto, \(names)")
            }
            return encoding
        } text: {
            $0?.rawValue ?? "auto"
        }
    }
}

extension SettingKind where Value == WebAddress {
    static var webAddress: SettingKind { .init(WebAddress.init(_:)) { $0.reason } }
}

extension SettingKind where Value == [WebAddress] {
    static var webAddresses: SettingKind {
        .init { text throws(UnusableValue) in
            var addresses: [WebAddress] = []
            for part in text.split(separator: ",") {
                do throws(InvalidAddress) {
                    addresses.append(try WebAddress(part.trimmingCharacters(in: .whitespaces)))
                } catch {
                    throw UnusableValue(error.reason)
                }
            }
            return addresses
        }
    }
}

extension SettingKind where Value == [String] {
    /// Keys that can stand in a body and in a header.
    static var keys: SettingKind {
        .init { text throws(UnusableValue) in
            let keys = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            guard !keys.isEmpty, keys.allSatisfy({ $0.wholeMatch(of: #/[A-Za-z0-9_-]{1,100}/#) != nil }) else {
                throw UnusableValue("not a key of letters and digits")
            }
            return keys
        }
    }

    static var mailAddresses: SettingKind {
        .init { text throws(UnusableValue) in
            let addresses = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            guard !addresses.isEmpty, addresses.allSatisfy(MailReceiver.isAddress) else {
                throw UnusableValue("not addresses; write them as in ops@example.com")
            }
            return addresses
        }
    }
}

extension SettingKind where Value == String {
    static var mailAddress: SettingKind {
        .init { text throws(UnusableValue) in
            guard MailReceiver.isAddress(text) else {
                throw UnusableValue("not an address; write it as in cartsync@example.com")
            }
            return text
        }
    }
}

extension SettingKind where Value == MailServer {
    static var mailServer: SettingKind {
        .init { text throws(UnusableValue) in
            guard let server = MailServer(text) else {
                throw UnusableValue("not a mail server; write it as in smtp://mail.example.com:587")
            }
            return server
        }
    }
}

extension SettingKind where Value == SFTPAddress {
    static var sftpAddress: SettingKind { .init(SFTPAddress.init(_:)) { $0.reason } }
}

extension SettingKind where Value == ContainerAddress {
    static var containerAddress: SettingKind { .init(ContainerAddress.init(_:)) { $0.reason } }
}

extension SettingKind where Value == BucketAddress {
    static var bucketAddress: SettingKind { .init(BucketAddress.init(_:)) { $0.reason } }
}

extension SettingKind where Value == (name: String, value: String) {
    /// `NAME: VALUE`, of one line.
    static var header: SettingKind {
        .init { text throws(UnusableValue) in
            guard let match = text.wholeMatch(of: #/([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]+)/#) else {
                throw UnusableValue("not a header; write NAME: VALUE, for instance Authorization: Bearer TOKEN")
            }
            return (String(match.1), String(match.2))
        }
    }
}
