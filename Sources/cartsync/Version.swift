import CBuildFacts

/// The version in one place.
enum Version {
    static let number = "0.1.0"

    /// What `--version` says: the version, and the commit and the Swift version it was built with.
    ///
    /// These two are known if `make release` built it; any other build says so.
    static let text = unsafe "\(number) (\(String(cString: cartsync_build())))"  // A literal with its final zero.
}
