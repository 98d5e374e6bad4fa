import CProcess

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What others may see of the process's memory, which holds the secret and tokens, and how much of it the process keeps.
enum Memory {
    /// Leaves no memory behind on the disk, and lets no other process of the same user look into it. Best done first; the
    /// units and the image forbid dumps too, so that it is no error if the system refuses.
    static func hide() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        #if canImport(Glibc)
            // `setrlimit` reads the struct whose address it is given and keeps no reference to it.
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        #else
            _ = unsafe setrlimit(RLIMIT_CORE, &none)
        #endif
        _ = cartsync_hide_memory()
    }

    /// Has large blocks go back to the system when they are free, so that the tables of one stage of a run do not stay beside
    /// those of the next.
    static func giveBackBlocks() { cartsync_give_back_blocks() }

    /// Gives back what only the start of a service or a run needed, which is more than half of what it holds then.
    static func giveBack() { cartsync_give_back_memory() }
}
