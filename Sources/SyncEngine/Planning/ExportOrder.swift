import Foundation

/// What tells the order in which the exports of a source were made.
package enum ExportOrder: String, Sendable, Hashable, CaseIterable {
    /// The time of their last change.
    case modified
    /// The date in their names, with the time of the day if it is there.
    case name

    /// The time that an export states of itself, since 1970; that of its last change if its name has no date.
    package func stated(_ name: String, modified: Duration?) -> Duration? {
        switch self {
        case .modified: modified
        case .name: NameDate(name)?.time ?? modified
        }
    }

    /// The time that counts for an export's place in the order: what is stated, but not a time that was the future when
    /// it was first seen, since nothing that comes later could be newer than that.
    package static func counting(_ stated: Duration?, firstSeen: Duration) -> Duration {
        min(stated ?? firstSeen, firstSeen)
    }
}

/// The date in the name of an export.
struct NameDate: Hashable {
    /// Since 1970, in UTC; the beginning of the day if the name has no time of the day.
    let time: Duration

    /// Takes the last date of the name, since that of a period is its end; nil if there is none.
    ///
    /// A date is `20261127`, `2026-11-27` (also with `_` or `.`) or `27.11.2026`. The time of the day may follow it:
    /// `221500`, `2215` or `22-15-00`, with one character between. Without a date, ten or thirteen digits by themselves
    /// are seconds or milliseconds since 1970.
    init?(_ name: String) {
        let runs = Self.runs(name)
        var found: Duration?
        var place = 0
        while place < runs.count {
            if let (time, used) = Self.time(runs[place...]) {
                found = time
                place += used
            } else {
                place += 1
            }
        }
        guard let time = found ?? runs.lazy.compactMap(Self.sinceEpoch).last else { return nil }
        self.time = time
    }

    /// Digits that follow each other, with what stands between them and those before.
    private struct Run {
        let gap: Substring
        let digits: Substring

        func part(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= digits.count else { return nil }
            return Int(digits.dropFirst(range.lowerBound).prefix(range.count))
        }

        var number: Int? { Int(digits) }
    }

    private static func runs(_ name: String) -> [Run] {
        var runs: [Run] = []
        var rest = name[...]
        while let start = rest.firstIndex(where: { ("0"..."9").contains($0) }) {
            let digits = rest[start...].prefix { ("0"..."9").contains($0) }
            runs.append(Run(gap: rest[..<start], digits: digits))
            rest = rest[digits.endIndex...]
        }
        return runs
    }

    /// The date that the runs begin with, and how many of them it takes; nil if they begin with none.
    private static func time(_ runs: ArraySlice<Run>) -> (Duration, used: Int)? {
        guard let first = runs.first else { return nil }
        if [8, 12, 14, 17].contains(first.digits.count) {
            guard let day = day(first.part(0..<4), first.part(4..<6), first.part(6..<8)) else { return nil }
            if first.digits.count == 8 { return withTime(day, after: runs.dropFirst(), used: 1) }
            let second = first.digits.count >= 14 ? first.part(12..<14) : 0
            guard let clock = clock(first.part(8..<10), first.part(10..<12), second) else { return nil }
            return (day + clock + .milliseconds(first.part(14..<17) ?? 0), 1)
        }
        let three = Array(runs.prefix(3))
        guard three.count == 3, three[1].gap == three[2].gap, three[1].digits.count == 2 else { return nil }
        var date: Duration?
        if first.digits.count == 4, three[2].digits.count == 2, ["-", "_", "."].contains(three[1].gap) {
            date = day(first.number, three[1].number, three[2].number)
        } else if first.digits.count == 2, three[2].digits.count == 4, three[1].gap == "." {
            date = day(three[2].number, three[1].number, first.number)
        }
        return date.flatMap { withTime($0, after: runs.dropFirst(3), used: 3) }
    }

    /// A day with the time that follows it, if one does.
    private static func withTime(_ day: Duration, after runs: ArraySlice<Run>, used: Int) -> (Duration, used: Int) {
        guard let first = runs.first, first.gap.count == 1, "Tt_-. ".contains(first.gap) else { return (day, used) }
        if [4, 6].contains(first.digits.count) {
            let second = first.digits.count == 6 ? first.part(4..<6) : 0
            guard let clock = clock(first.part(0..<2), first.part(2..<4), second) else { return (day, used) }
            return (day + clock, used + 1)
        }
        let parts = Array(runs.prefix(3))
        guard parts.count >= 2, parts[0].digits.count == 2, parts[1].digits.count == 2,
            ["-", "_", ".", ":"].contains(parts[1].gap)
        else { return (day, used) }
        let hasSecond = parts.count == 3 && parts[2].digits.count == 2 && parts[2].gap == parts[1].gap
        guard let clock = clock(parts[0].number, parts[1].number, hasSecond ? parts[2].number : 0) else {
            return (day, used)
        }
        return (day + clock, used + (hasSecond ? 3 : 2))
    }

    private static func day(_ year: Int?, _ month: Int?, _ day: Int?) -> Duration? {
        guard let year, let month, let day, (1990..<2200).contains(year) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = DateComponents(calendar: calendar, year: year, month: month, day: day)
        guard parts.isValidDate, let date = parts.date else { return nil }
        return .seconds(Int64(date.timeIntervalSince1970))
    }

    private static func clock(_ hour: Int?, _ minute: Int?, _ second: Int?) -> Duration? {
        guard let hour, let minute, let second, hour < 24, minute < 60, second < 60 else { return nil }
        return .seconds(hour * 3600 + minute * 60 + second)
    }

    private static func sinceEpoch(_ run: Run) -> Duration? {
        guard run.digits.first == "1", let number = run.number else { return nil }
        switch run.digits.count {
        case 10: return .seconds(number)
        case 13: return .milliseconds(number)
        default: return nil
        }
    }
}
