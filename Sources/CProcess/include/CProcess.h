#ifndef CARTSYNC_PROCESS_H
#define CARTSYNC_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/// Keeps other processes of the same user from reading this one's memory, and the kernel from dumping it (Linux:
/// PR_SET_DUMPABLE). Returns 0, also on systems without this, or -1 with `errno`.
int cartsync_hide_memory(void);

/// Has blocks of a megabyte and more go back to the system when they are free (glibc, which else keeps blocks of the sizes
/// that it has seen freed). Does nothing on other systems.
void cartsync_give_back_blocks(void);

/// Gives back memory that is free, and the pages of the program's code and constants that are in memory now: those that are
/// needed again are read again, most of them from the system's cache. Does nothing on systems other than Linux.
void cartsync_give_back_memory(void);

/// Leaves out what the calling thread writes to C's `stderr` from now on; its descriptor still takes everything. Does nothing
/// on systems whose `stderr` cannot be replaced.
void cartsync_mute_thread(void);

/// Listens at a name in a folder, in the place of what is there, for this user and root alone; the folder's path may be of any
/// length. Returns a descriptor, or -1 with `errno`.
int cartsync_listen(const char *folder, const char *name);

/// Connects to what listens at a name in a folder. Returns a descriptor, or -1 with `errno`.
int cartsync_connect(const char *folder, const char *name);

/// Takes the next who connects; never waits. Returns a descriptor, or -1 with `errno`.
int cartsync_accept(int listener);

/// Learns which user is at the other end. Returns 0, or -1 with `errno`.
int cartsync_peer(int socket, uid_t *user);

/// Sends bytes, and with the first of them a descriptor if it is not negative. Returns how many bytes were sent, or -1
/// with `errno`.
ssize_t cartsync_send(int socket, const void *bytes, size_t count, int descriptor, int waits);

/// Receives bytes, and the descriptor that came with them, else -1. Never waits. Returns how many bytes there were, 0 at
/// the end, or -1 with `errno`.
ssize_t cartsync_receive(int socket, void *bytes, size_t count, int *descriptor);

/// Gives an entry of a folder another name, in another folder too, unless that name is taken. Returns 0, or -1 with `errno`:
/// EEXIST if it is taken, EINVAL, ENOSYS or ENOTSUP if the file system cannot do both at once.
int cartsync_move(int folder, const char *name, int other, const char *target);

#endif
