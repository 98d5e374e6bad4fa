import SyncReporting

extension DoctorReport {
    var text: String {
        var lines = ["Settings"]
        let width = settings.map(\.name.count).max() ?? 0
        for setting in settings {
            let name = setting.name.padding(to: width)
            lines.append(
                "  \(name)  \(setting.value ?? "not set")\(setting.origin == "default" ? "" : "  (\(setting.origin))")")
        }
        lines += ["", "Checks"]
        let topics = checks.map(\.topic.count).max() ?? 0
        for check in checks {
            let state = check.state == .failed ? "FAILED" : check.state.rawValue
            lines.append("  \(state.padding(to: 7))  \(check.topic.padding(to: topics))  \(check.found)")
            if let advice = check.advice { lines.append("\(String(repeating: " ", count: topics + 13))→ \(advice)") }
        }
        if let probe { lines += ["", "Probe"] + probe.lines.map { "  " + $0 } }
        return lines.map(TerminalText.printable).joined(separator: "\n") + "\n"
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
