import Testing

@testable import CallPacing

@Suite("what the quickest answer may take")
struct RecentMinimumTests {
    private func least(of values: [Int64]) -> Int64 {
        var minimum = RecentMinimum(unknown: 700)
        for (number, value) in values.enumerated() { minimum.add(value, now: Int64(number)) }
        return minimum.least
    }

    @Test(
        "is the less certain, the fewer values there are and the farther the smallest lie apart",
        arguments: [
            ([], 0), ([500], 0), ([4000], 3300), ([4000, 4010, 4020, 4030, 4040], 3300),
            ([4000, 4010, 4020, 4030, 4040, 4050], 3950), ([4050, 9000, 4040, 4030, 4010, 4020, 4000, 8000], 3950),
            ([4000, 4000, 4000, 4000, 4000, 4000, 9000], 4000), ([1000, 2000, 3000, 4000, 5000, 6000], 300),
        ] as [([Int64], Int64)])
    func distance(values: [Int64], expected: Int64) {
        #expect(least(of: values) == expected)
    }

    @Test("is forgotten after twenty minutes at the latest, where there are a thousand newer values")
    func forgetting() {
        var minimum = RecentMinimum(unknown: 700)
        for _ in 0..<6 { minimum.add(1000, now: 0) }
        for number in Int64(1)...3000 { minimum.add(5000, now: number * 200_000_000) }
        #expect(minimum.least == 1000, "ten minutes later")
        for number in Int64(3001)...6001 { minimum.add(5000, now: number * 200_000_000) }
        #expect(minimum.least == 5000, "twenty minutes later")
    }
}
