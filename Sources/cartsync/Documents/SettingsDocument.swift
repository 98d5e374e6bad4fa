/// The guide of the settings, made of their definitions.
enum SettingsDocument {
    static let paragraphs = [
        "A setting is found in the first place that has it: a flag; the environment; a file in the secrets folder; the settings "
            + "file; the default.",
        "The settings file is the one that `--config` names, or `cartsync.yaml` in the current folder where there is one. It is "
            + "YAML or JSON, with sections or with dots: `rate: {limit: 10}` is the same as `rate.limit: 10`.",
        "In the environment `rate.limit` is `CARTSYNC_RATE_LIMIT`. The names of Elastic Path's own tools are known, too: "
            + "`EPCC_API_BASE_URL`, `EPCC_CLIENT_ID`, `EPCC_CLIENT_SECRET`.",
        "The secrets folder is `$CREDENTIALS_DIRECTORY` (systemd sets it) or `api.secrets-directory`. It has one file a secret, "
            + "named like the setting with `-` in the place of dots, for instance `api-client-secret`. Secrets are never flags, and "
            + "no output shows them.",
        "An unknown key, and a value that does not parse or is out of range, stop the program before it does anything, with all "
            + "problems listed at once and exit status 78.",
    ]

    static let example = [
        "api:", "  base-url: https://euwest.api.elasticpath.com", "  client-id: my-application-key", "rate:",
        "  limit: 10",
        "sync:", "  deletes: owned",
    ]

    /// The guide as Markdown.
    static var markdown: String {
        let rows = Setting.all.map { setting in
            "| `\(setting.key)` | \(setting.summary) | `\(setting.vendorVariable ?? setting.variable)` |"
        }
        return """
            # Settings

            Every setting there is, where it may stand, and what it is without one.

            <!-- Made by `make documents` of Sources/cartsync/Settings/AllSettings.swift: change it there. -->

            ## Where settings come from

            \(paragraphs.joined(separator: "\n\n"))

            ```yaml
            \(example.joined(separator: "\n"))
            ```

            ## All settings

            The default is in brackets. The last column is the name in the environment.

            | setting | meaning | environment |
            |---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }

    /// What a setting means, as a sentence.
    static func sentence(_ setting: Setting) -> String {
        setting.summary.prefix(1).uppercased() + setting.summary.dropFirst() + "."
    }
}
