import CallPacing
package import ExportSources
package import SyncEngine

/// What a job of the service is asked to do: the settings of the program, as far as the job needs them.
package struct JobOptions: Sendable {
    /// The name of the job.
    let name: String
    /// The options of each of its runs; exports, approved deletes and the rate limit are those of the moment.
    var run: RunOptions
    /// The time between two looks for exports.
    var poll: Duration
    /// How long a file must be still before it is taken.
    var settle: Duration
    /// What the source is remembered by.
    var rules: SourceMemory.Rules {
        .init(order: run.order, remember: remember, retry: .init(first: poll, longest: .seconds(86_400)))
    }
    /// How long a version of an export is remembered that is no longer there.
    var remember: Duration
    /// How long exports are kept that are over; nil for ever.
    package var keep: Duration?
    /// How old its last success may become before people are told; nil for any age.
    package var successWithin: Duration?
    /// What the names of files at the source mean.
    var names: NameRules
    /// Asked for after each good run; nil for nothing.
    var heartbeat: WebAddress?
    /// The file for the metrics of the last run; nil for none.
    var metricsFile: String?

    package init(
        name: String, run: RunOptions, poll: Duration, settle: Duration, remember: Duration,
        names: NameRules = NameRules(), heartbeat: WebAddress? = nil, metricsFile: String?
    ) {
        self.name = name
        self.run = run
        self.poll = poll
        self.settle = settle
        self.remember = remember
        self.names = names
        self.heartbeat = heartbeat
        self.metricsFile = metricsFile
    }
}

/// Where the exports of a job come from.
package enum JobSource: Sendable {
    /// A folder that other programs put them into.
    case folder(String)
    /// A place that they are fetched from, each of at most so many bytes; of those that are over, so many copies are kept.
    case remote(any ExportSource, mostBytes: Int, kept: Int)
}
