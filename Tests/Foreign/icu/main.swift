import Foundation

// What the program and its packages ask of ICU, and more: printed, to be compared between two ways of linking it.

/// About two years apart and in changing seasons, from 1935 on.
let instants: [Date] = (0..<65).map { number in
    Date(timeIntervalSince1970: -1_104_537_599 + Double(number) * 61_761_601)
}

func zones() {
    print(TimeZone.timeZoneDataVersion, TimeZone.current, TimeZone.abbreviationDictionary.count)
    let others = ["UTC", "GMT+3", "EST", "CET", "Etc/GMT-14", "Europe/Kiev", "Asia/Calcutta", "Nowhere/City"]
    for name in TimeZone.knownTimeZoneIdentifiers.sorted() + others {
        guard let zone = TimeZone(identifier: name) else {
            print(name, "is unknown")
            continue
        }
        print(name, zone.localizedName(for: .standard, locale: Locale(identifier: "en_US")) ?? "-")
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        for date in instants {
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .weekday, .weekOfYear], from: date)
            let next = calendar.nextDate(
                after: date, matching: DateComponents(hour: 2, minute: 30), matchingPolicy: .nextTime)
            print(
                zone.secondsFromGMT(for: date), zone.abbreviation(for: date) ?? "-", parts,
                next?.timeIntervalSince1970 ?? 0,
                zone.nextDaylightSavingTimeTransition(after: date)?.timeIntervalSince1970 ?? 0)
        }
    }
}

func dates() {
    let formats = [
        "yyyyMMdd'T'HHmmss'Z'", "EEE, dd MMM yyyy HH:mm:ss Z", "EEEE d MMMM y, h:mm:ss a zzzz",
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXXXX", "LLLL QQQ G ww",
    ]
    for format in formats {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "Europe/Berlin")
        formatter.dateFormat = format
        for date in instants {
            let text = formatter.string(from: date)
            print(text, formatter.date(from: text)?.timeIntervalSince1970 ?? 0)
        }
    }
    for date in instants {
        let text = Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date)
        let parsed = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text)
        print(text, parsed?.timeIntervalSince1970 ?? 0, ISO8601DateFormatter().string(from: date))
    }
}

func texts() throws {
    let words = [
        "Zebra", "ähnlich", "Äpfel", "apple", "Straße", "strasse", "İstanbul", "istanbul", "ﬁsh", "fish", "file10",
        "file9", "e\u{301}", "é", "Ω", "ω", "名前", "имя", "-a", "_a", "",
    ]
    print(words.sorted { $0.localizedStandardCompare($1) == .orderedAscending })
    print(words.sorted { $0.localizedCompare($1) == .orderedAscending })
    print(words.sorted { $0.localizedCaseInsensitiveCompare($1) == .orderedAscending })
    print(words.sorted { $0.caseInsensitiveCompare($1) == .orderedAscending })
    for word in words {
        print(
            word.lowercased(), word.uppercased(), word.capitalized, word.decomposedStringWithCompatibilityMapping,
            word.precomposedStringWithCanonicalMapping, word.lowercased(with: Locale(identifier: "tr")),
            word.folding(options: [.caseInsensitive, .diacriticInsensitive, .widthInsensitive], locale: nil))
    }
    let text = words.joined(separator: " ") + " don't 12"
    for pattern in [
        #"\b\w+\b"#, #"[\p{L}&&[^\p{Lu}]]+"#, "(?i)straSSe", #"^\s*(\d+)\s*$"#, #"\X"#, #"\p{Script=Greek}"#,
    ] {
        let expression = try NSRegularExpression(pattern: pattern)
        print(
            expression.stringByReplacingMatches(
                in: text, range: NSRange(text.startIndex..., in: text), withTemplate: "<$0>"))
    }
    print(String(format: "%14.2f %08x %@ %-9d|", 3.14159, 255, "text", 42))
    for encoding: String.Encoding in [.utf8, .utf16, .utf16LittleEndian, .utf32, .isoLatin1, .ascii, .windowsCP1252] {
        print(encoding.rawValue, Array("Grüße".data(using: encoding) ?? Data()))
    }
}

func figures() {
    for name in ["en_US_POSIX", "en_US"] {
        let formatter = NumberFormatter()
        formatter.locale = Locale(identifier: name)
        for style: NumberFormatter.Style in [.decimal, .percent, .spellOut, .scientific] {
            formatter.numberStyle = style
            print(formatter.string(from: 1_234_567.891) ?? "-", formatter.number(from: "1,234.5") ?? 0)
        }
        print(
            12_345.678.formatted(.number.locale(Locale(identifier: name))),
            5_000_000.formatted(.byteCount(style: .file)))
    }
    print(Calendar.current.identifier, Calendar.current.firstWeekday, Locale.current.identifier)
    print(
        NSError(domain: NSPOSIXErrorDomain, code: 2).localizedDescription,
        URL(string: "https://bücher.example/ä?q=ö") as Any)
}

zones()
dates()
try texts()
figures()
