#ifndef CARTSYNC_PROCESS_H
#define CARTSYNC_PROCESS_H

/// Keeps other processes of the same user from reading this one's memory, and the kernel from dumping it (Linux:
/// PR_SET_DUMPABLE). Returns 0, also on systems without this, or -1 with `errno`.
int cartsync_hide_memory(void);

#endif
