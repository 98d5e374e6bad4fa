#ifndef WORLDS_FILE_CALLS_H
#define WORLDS_FILE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/// Has a function called before each call of this process that changes a file; NULL ends it.
///
/// The calls of all code are seen, SQLite's too. Returns false on systems that do not allow it.
bool worlds_observe(void (*observer)(void));

/// Neither sees nor remembers calls, until it is told to go on.
void worlds_pause(bool is_paused);

/// Remembers from now on what is changed below a folder and not yet synced; NULL forgets it.
void worlds_watch(const char *folder);

/// Takes from a copy of the watched folder what a power cut at this moment may lose: of each file some of the last writes
/// since it was synced, of each folder some of its last changes of names.
///
/// Returns what was lost, in calls.
int worlds_cut(const char *copy, uint64_t seed);

/// Whether there is a folder at a path.
bool worlds_is_folder(const char *path);

/// Copies a folder with the times and modes of its files, in the place of what is there; returns whether it could.
bool worlds_copy(const char *folder, const char *target);

/// Removes a folder with all that is in it; returns whether it is gone.
bool worlds_remove(const char *folder);

#endif
