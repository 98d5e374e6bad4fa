import CZlib
import CartAssociations

import struct Foundation.Data
import struct Foundation.Date

/// `latency.hlog`: the intervals of a run in HdrHistogram's log format, to be read by its own tools.
///
/// Version 1.3 of the log, histograms in the V2 compressed encoding and base64, values in microseconds
/// (HdrHistogram, HistogramLogWriter and AbstractHistogram.encodeIntoCompressedByteBuffer).
enum HistogramLog {
    private static let encodingCookie: UInt32 = 0x1c84_9303 | 0x10
    private static let compressionCookie: UInt32 = 0x1c84_9304 | 0x10

    static func text(_ snapshot: LatencySnapshot) -> String {
        let start = Figures.fixed(snapshot.started.timeIntervalSince1970, 3)
        let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(snapshot.started)
        var lines = [
            "#[Microseconds; tag OPERATION: response time, tag OPERATION-service: service time; "
                + "with .CLASS behind it: only answers of that class; Interval_Max in milliseconds]",
            "#[Histogram log format version 1.3]",
            "#[StartTime: \(start) (seconds since epoch), \(time)]",
            "#[BaseTime: \(start) (seconds since epoch)]",
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"",
        ]
        let contents = self.contents(snapshot)
        for interval in LatencyInterval.joined(snapshot.intervals, into: LatencyRecording.logInterval) {
            for (tag, histogram) in contents.map({ ($0.tag, $0.histogram(interval)) }) where histogram.total > 0 {
                let numbers = [
                    interval.start.inSeconds, interval.length.inSeconds, Double(histogram.maximum) / 1000,
                ].map { Figures.fixed($0, 3) }
                lines.append("Tag=\(tag),\(numbers.joined(separator: ",")),\(encoded(histogram))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The tags of a log and what each one holds: every operation and clock, and the classes of its answers where
    /// they were of more than one.
    private static func contents(
        _ snapshot: LatencySnapshot
    ) -> [(tag: String, histogram: (LatencyInterval) -> SparseHistogram)] {
        Operation.allCases.flatMap { operation in
            LatencyClock.allCases.flatMap { clock in
                let name = tag(operation, clock)
                let totals = snapshot.operationTotals(operation)
                let classes = AnswerClass.allCases.filter { totals.tally(clock, $0).count > 0 }
                let all = (
                    tag: name, histogram: { (interval: LatencyInterval) in interval.histogram(operation, clock) }
                )
                guard classes.count > 1 else { return [all] }
                return [all]
                    + classes.map { answer in
                        (
                            tag: "\(name).\(answer.rawValue.replacing(" ", with: "-"))",
                            histogram: { interval in interval.histogram(operation, clock, answer) }
                        )
                    }
            }
        }
    }

    static func tag(_ operation: Operation, _ clock: LatencyClock) -> String {
        clock == .response ? operation.rawValue : "\(operation.rawValue)-service"
    }

    private static func encoded(_ histogram: SparseHistogram) -> String {
        var payload: [UInt8] = []
        payload.append(bigEndian: encodingCookie)
        payload.append(bigEndian: UInt32(histogram.counts.count))
        // The normalizing index offset, which only shifted histograms have.
        payload.append(bigEndian: UInt32(0))
        payload.append(bigEndian: UInt32(LatencyRange.digits))
        payload.append(bigEndian: UInt64(1))
        payload.append(bigEndian: LatencyRange.highest)
        payload.append(bigEndian: 1.0.bitPattern)
        payload += histogram.counts
        let compressed = Deflate.zlib(payload)
        var whole: [UInt8] = []
        whole.append(bigEndian: compressionCookie)
        whole.append(bigEndian: UInt32(compressed.count))
        return Data(whole + compressed).base64EncodedString()
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

/// Compression in the zlib format (RFC 1950).
enum Deflate {
    static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        // `compressBound` is enough for any input, so that `compress2` has no way to fail but a lack of memory.
        let bound = Int(compressBound(uLong(bytes.count)))
        var target = [UInt8](repeating: 0, count: bound)
        var written = uLong(bound)
        // unsafe: zlib is C; it reads `bytes` and writes `target`, and is told the size of both.
        let status = unsafe compress2(&target, &written, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
        precondition(status == Z_OK, "zlib could not compress \(bytes.count) bytes: status \(status)")
        return Array(target.prefix(Int(written)))
    }
}
