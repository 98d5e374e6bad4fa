import CartAssociations

extension TextReport {
    /// The response times of the writes as bars; of the listing where nothing was written.
    func histogram(_ latency: LatencyReport) -> [String] {
        let writes = latency.operations.filter { $0.operation == .create || $0.operation == .delete }
        let shown = writes.isEmpty ? latency.operations.filter { $0.operation == .list } : writes
        var blocks: [[String]] = []
        for operation in shown where operation.response.count > 0 {
            blocks.append(bars(operation))
        }
        return Array(blocks.joined(separator: [""]))
    }

    private func bars(_ operation: OperationLatency) -> [String] {
        let buckets = operation.response.buckets
        guard let first = buckets.firstIndex(where: { $0.count > 0 }),
            let last = buckets.lastIndex(where: { $0.count > 0 }),
            let largest = buckets.map(\.count).max()
        else { return [] }
        var rows: [(bound: String, count: Int)] = []
        for bucket in buckets[first...last] {
            rows.append((bucket.upTo.map { "up to \(Figures.bound($0))" } ?? "longer", bucket.count))
        }
        let total = operation.response.count
        let boundWidth = rows.reduce(0) { max($0, $1.bound.count) }
        let countWidth = Figures.count(largest).count
        let barWidth = max(4, min(50, width - boundWidth - countWidth - 14))
        var lines = sentence("\(operation.operation.rawValue), response time", .faint, indent: 2)
        for (bound, count) in rows {
            let bar = Self.bar(Double(count) / Double(largest), columns: barWidth)
            let line =
                "  \(TerminalText.padded(bound, to: boundWidth, right: true))  "
                + "\(TerminalText.padded(Figures.count(count), to: countWidth, right: true))  "
                + "\(TerminalText.padded(count == 0 ? "" : Figures.share(count, of: total), to: 7, right: true))"
            lines.append(count == 0 ? line.trimmedRight : line + " " + bar)
        }
        return lines
    }

    /// A bar in eighths of a column; something is never drawn as nothing.
    static func bar(_ share: Double, columns: Int) -> String {
        let eighths = max(share > 0 ? 1 : 0, Int((share * Double(columns) * 8).rounded()))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return String(repeating: "█", count: eighths / 8) + partial
    }
}

extension String {
    fileprivate var trimmedRight: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
