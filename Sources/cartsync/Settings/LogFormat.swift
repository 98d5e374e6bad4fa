/// How a line of the log is written.
enum LogFormat: String, CaseIterable, Sendable {
    /// `time=… level=… msg="…" key=value`, as Heroku and Go's slog write it.
    case logfmt
    /// One JSON object a line.
    case json
}
