import CallPacing
import CartAssociations
import CommerceAPI
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

/// Reads the values of settings from text, strictly: the whole text, in range, or an `UnusableValue`.
enum SettingValue {
    static func integer(_ text: String, in range: ClosedRange<Int>) throws(UnusableValue) -> Int {
        guard let value = Int(text) else {
            throw UnusableValue("not a whole number; use one from \(range.lowerBound) to \(range.upperBound)")
        }
        guard range.contains(value) else {
            throw UnusableValue("out of range; use \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    static func flag(_ text: String) throws(UnusableValue) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw UnusableValue("neither true nor false")
        }
    }

    static func choice<Choice>(_ text: String) throws(UnusableValue) -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let choice = Choice(rawValue: text.lowercased()) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw UnusableValue("not one of \(names)")
        }
        return choice
    }

    /// A duration with its unit, for instance `500ms`, `10s`, `5m` or `2h`.
    static func duration(_ text: String, in range: ClosedRange<Duration>) throws(UnusableValue) -> Duration {
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
    }

    static func schedule(_ text: String) throws(UnusableValue) -> RateSchedule {
        do {
            return try RateSchedule(text)
        } catch {
            throw UnusableValue(error.reason)
        }
    }

    static func timeZone(_ text: String) throws(UnusableValue) -> TimeZone {
        guard let zone = TimeZone(identifier: text) else {
            throw UnusableValue("not a time zone; use a name such as Europe/Berlin or UTC")
        }
        return zone
    }

    /// A time of the day, a date with its time and zone, or a duration.
    static func deadline(_ text: String) throws(UnusableValue) -> Deadline {
        if let match = text.wholeMatch(of: #/(\d\d):(\d\d)/#), let hour = Int(match.1), let minute = Int(match.2),
            hour < 24, minute < 60
        {
            return .clock(hour: hour, minute: minute)
        }
        if let date = try? Date(text, strategy: .iso8601) { return .at(date) }
        if let duration = try? duration(text, in: .seconds(1)...Duration.seconds(31_536_000)) {
            return .after(duration)
        }
        throw UnusableValue(
            "not a time; use a time of the day (06:30), a date (2026-11-22T06:30:00Z) or a duration (2h)")
    }

    static func objectives(_ text: String) throws(UnusableValue) -> [ServiceObjective] {
        do {
            return try ServiceObjective.list(text)
        } catch {
            throw UnusableValue(error.description)
        }
    }

    static func proxy(_ text: String) throws(UnusableValue) -> ProxyChoice {
        if text == "off" { return .off }
        do {
            return .through(try HTTPProxy(text))
        } catch {
            throw UnusableValue(error.description)
        }
    }

    static func headers(_ text: String) throws(UnusableValue) -> [ExtraHeader] {
        do {
            return try text.split(separator: ",").map { try ExtraHeader(String($0)) }
        } catch let error as InvalidConnectionSetting {
            throw UnusableValue(error.description)
        } catch {
            throw UnusableValue("\(error)")
        }
    }

    /// HTTP statuses with commas between them, or `none`.
    static func statuses(_ text: String, among known: Set<Int>) throws(UnusableValue) -> Set<Int> {
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
    }

    /// Names of hosts, with commas between.
    static func hostNames(_ text: String) throws(UnusableValue) -> [String] {
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

    /// A secret that cannot be guessed and can stand in a header.
    static func token(_ text: String) throws(UnusableValue) -> String {
        guard text.utf8.count >= ApprovalToken.shortest, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw UnusableValue(
                "too easy to guess or not fit for a header; use \(ApprovalToken.shortest) or more characters of ASCII "
                    + "without spaces, for instance what openssl rand -hex 20 prints")
        }
        return text
    }

    static func limit(_ text: String) throws(UnusableValue) -> Limit {
        guard let limit = Limit(text) else {
            throw UnusableValue("neither a number such as 412 nor a share such as 20%")
        }
        return limit
    }

    /// A name that can stand in a file name, a metric label and a log line.
    static func name(_ text: String) throws(UnusableValue) -> String {
        guard SourceName.isValid(text.utf8) else {
            throw UnusableValue("not a name; use 1 to 64 letters, digits, '.', '_' or '-'")
        }
        return text
    }

    static func delimiter(_ text: String) throws(UnusableValue) -> Character {
        switch text {
        case ",", "comma": return ","
        case ";", "semicolon": return ";"
        case "\t", "tab": return "\t"
        case "|", "vertical bar": return "|"
        default: throw UnusableValue("not one of comma, semicolon, tab, vertical bar, nor the character itself")
        }
    }

    static func text(_ text: String) throws(UnusableValue) -> String {
        guard !text.isEmpty else { throw UnusableValue("empty") }
        return text
    }
}
