// These definitions stand in the place of those of the C library, for this program and for the libraries it loads.

#include "file_calls.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { WRITTEN, CREATED, RENAMED, REMOVED };

// A change that a power cut can still undo.
struct change {
    enum kind kind;
    ino_t inode;          // WRITTEN
    off_t offset, size;   // WRITTEN: where, and how long the file was
    char *before;         // WRITTEN: what stood there, up to the end of the file
    size_t length;
    char *path, *former;  // what was created, removed or got a name; its former name
    int replaced;         // a descriptor of the file that had the name; -1 if none had
};

static void (*observer)(void);
static char *watched;
static struct change *changes;
static size_t count, room;
static bool is_busy, is_paused;

bool worlds_observe(void (*function)(void)) {
    observer = function;
    return true;
}

void worlds_pause(bool pauses) { is_busy = is_paused = pauses; }

static void see(void) {
    if (!observer || is_busy) return;
    is_busy = true;
    observer();
    // The observer may have paused it.
    is_busy = is_paused;
}

static void forget(struct change *change) {
    free(change->before);
    free(change->path);
    free(change->former);
    if (change->replaced >= 0) syscall(SYS_close, change->replaced);
}

void worlds_watch(const char *folder) {
    for (size_t i = 0; i < count; i++) forget(&changes[i]);
    count = 0;
    free(watched);
    watched = folder ? strdup(folder) : NULL;
}

static bool is_watched(const char *path) {
    size_t length = watched ? strlen(watched) : 0;
    return length && strncmp(path, watched, length) == 0 && path[length] == '/';
}

// The path of a name in an open folder; an empty text if it cannot be told.
static void full(int folder, const char *name, char *path) {
    *path = 0;
    if (!watched || is_busy || !name) return;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    char link[64], target[PATH_MAX];
    if (folder == AT_FDCWD) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length < 0) return;
    target[length] = 0;
    if (strlen(target) + strlen(name) + 2 > PATH_MAX) return;
    strcpy(path, target);
    strcat(path, "/");
    strcat(path, name);
}

static struct change *add(enum kind kind) {
    if (count == room) {
        room = room ? room * 2 : 256;
        changes = realloc(changes, room * sizeof *changes);
    }
    struct change *change = &changes[count++];
    memset(change, 0, sizeof *change);
    change->kind = kind;
    change->replaced = -1;
    return change;
}

// Remembers what a write takes away. Every file is meant that is open for reading too, or can be opened again.
static void will_write(int file, off_t offset, size_t length, bool at_end) {
    if (!watched || is_busy) return;
    char path[PATH_MAX], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return;
    path[size] = 0;
    struct stat status;
    if (!is_watched(path) || fstat(file, &status) || !S_ISREG(status.st_mode)) return;
    if (at_end) offset = lseek(file, 0, SEEK_CUR);
    struct change *change = add(WRITTEN);
    change->inode = status.st_ino;
    change->offset = offset;
    change->size = status.st_size;
    if (offset >= status.st_size) return;
    change->length = (off_t)length < status.st_size - offset ? length : (size_t)(status.st_size - offset);
    change->before = malloc(change->length);
    int again = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    if (again < 0 || syscall(SYS_pread64, again, change->before, change->length, offset) != (ssize_t)change->length)
        change->length = 0;
    if (again >= 0) syscall(SYS_close, again);
}

static void was_synced(int file) {
    if (!watched || is_busy) return;
    struct stat status;
    char path[PATH_MAX], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0 || fstat(file, &status)) return;
    path[size] = 0;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct change *change = &changes[i];
        char *end = change->path ? strrchr(change->path, '/') : NULL;
        bool is_over = change->kind == WRITTEN ? change->inode == status.st_ino
            : S_ISDIR(status.st_mode) ? end && (size_t)(end - change->path) == (size_t)size && !strncmp(change->path, path, size)
            : change->kind == CREATED && change->inode == status.st_ino;
        if (is_over) forget(change);
        else changes[kept++] = *change;
    }
    count = kept;
}

static void will_change_name(enum kind kind, const char *path, const char *former) {
    if (!is_watched(path)) return;
    struct change *change = add(kind);
    change->path = strdup(path);
    change->former = former ? strdup(former) : NULL;
    if (kind != CREATED) change->replaced = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
}

// A call that has failed has changed nothing.
static long done(long result, size_t before) {
    if (result >= 0 || count <= before) return result;
    int error = errno;
    forget(&changes[--count]);
    errno = error;
    return result;
}

ssize_t write(int file, const void *bytes, size_t length) {
    if (file > 2) { see(); will_write(file, 0, length, true); }
    return syscall(SYS_write, file, bytes, length);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    see();
    will_write(file, offset, length, false);
    return syscall(SYS_pwrite64, file, bytes, length, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return pwrite64(file, bytes, length, offset); }

int ftruncate64(int file, off64_t size) {
    see();
    will_write(file, size, SIZE_MAX / 2, false);
    return (int)syscall(SYS_ftruncate, file, size);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) {
    see();
    was_synced(file);
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    see();
    was_synced(file);
    return (int)syscall(SYS_fdatasync, file);
}

int renameat2(int folder, const char *name, int other, const char *target, unsigned int flags) {
    see();
    char from[PATH_MAX], to[PATH_MAX];
    full(folder, name, from);
    full(other, target, to);
    size_t before = count;
    will_change_name(RENAMED, to, from);
    return (int)done(syscall(SYS_renameat2, folder, name, other, target, flags), before);
}

int renameat(int folder, const char *name, int other, const char *target) {
    return renameat2(folder, name, other, target, 0);
}

int rename(const char *name, const char *target) { return renameat2(AT_FDCWD, name, AT_FDCWD, target, 0); }

int unlinkat(int folder, const char *name, int flags) {
    see();
    char path[PATH_MAX];
    full(folder, name, path);
    size_t before = count;
    if (!(flags & AT_REMOVEDIR)) will_change_name(REMOVED, path, NULL);
    return (int)done(syscall(SYS_unlinkat, folder, name, flags), before);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int linkat(int folder, const char *name, int other, const char *target, int flags) {
    see();
    char path[PATH_MAX];
    full(other, target, path);
    size_t before = count;
    will_change_name(CREATED, path, NULL);
    return (int)done(syscall(SYS_linkat, folder, name, other, target, flags), before);
}

static int open_named(int folder, const char *name, int flags, mode_t mode) {
    bool may_create = flags & O_CREAT;
    char path[PATH_MAX] = "";
    bool is_new = false;
    if (may_create) {
        see();
        full(folder, name, path);
        struct stat status;
        is_new = is_watched(path) && lstat(path, &status) != 0;
    }
    int file = (int)syscall(SYS_openat, folder, name, flags, mode);
    if (file >= 0 && is_new) {
        struct stat status;
        if (fstat(file, &status)) return file;
        // What was written to a file that is gone is not of the one that has its number now.
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            if (changes[i].kind == WRITTEN && changes[i].inode == status.st_ino) forget(&changes[i]);
            else changes[kept++] = changes[i];
        }
        count = kept;
        will_change_name(CREATED, path, NULL);
        changes[count - 1].inode = status.st_ino;
    }
    return file;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *name, int flags, ...) { MODE(flags) return open_named(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return open_named(AT_FDCWD, name, flags | O_LARGEFILE, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE(flags) return open_named(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE(flags) return open_named(folder, name, flags | O_LARGEFILE, mode); }

// MARK: - The cut

static uint64_t next(uint64_t *seed) {
    uint64_t mixed = (*seed += 0x9E3779B97F4A7C15);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

// The path in the copy; false for what is not in the watched folder.
static bool copied(const char *copy, const char *path, char *to) {
    if (!path || !is_watched(path)) return false;
    return snprintf(to, PATH_MAX, "%s%s", copy, path + strlen(watched)) < PATH_MAX;
}

// The file of an inode below a folder; false if it has no name any more.
static bool find(const char *folder, ino_t inode, char *found) {
    DIR *open = opendir(folder);
    if (!open) return false;
    bool is_found = false;
    struct dirent *entry;
    while (!is_found && (entry = readdir(open))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char path[PATH_MAX];
        struct stat status;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= PATH_MAX || lstat(path, &status)) continue;
        if (S_ISDIR(status.st_mode)) is_found = find(path, inode, found);
        else if (status.st_ino == inode) {
            strcpy(found, path);
            is_found = true;
        }
    }
    closedir(open);
    return is_found;
}

static bool restore(int file, const char *path) {
    int target = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char bytes[65536];
    ssize_t length = 0;
    off_t offset = 0;
    while (target >= 0 && (length = syscall(SYS_pread64, file, bytes, sizeof bytes, offset)) > 0) {
        if (syscall(SYS_write, target, bytes, length) != length) break;
        offset += length;
    }
    if (target >= 0) syscall(SYS_close, target);
    return target >= 0 && length == 0;
}

static void undo_write(const struct change *change, const char *path) {
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    if (change->length) syscall(SYS_pwrite64, file, change->before, change->length, change->offset);
    syscall(SYS_ftruncate, file, change->size);
    syscall(SYS_close, file);
}

static void undo_name(const struct change *change, const char *copy) {
    char path[PATH_MAX], former[PATH_MAX];
    if (!copied(copy, change->path, path)) return;
    if (change->kind == CREATED) syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (change->kind == RENAMED && copied(copy, change->former, former))
        syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, former, 0);
    struct stat status;
    if (change->replaced >= 0 && !fstat(change->replaced, &status) && S_ISREG(status.st_mode))
        restore(change->replaced, path);
}

// Whether two changes are of one file, or of one folder, so that the later one is not kept without the earlier one.
static bool are_together(const struct change *one, const struct change *other) {
    if ((one->kind == WRITTEN) != (other->kind == WRITTEN)) return false;
    if (one->kind == WRITTEN) return one->inode == other->inode;
    return strrchr(one->path, '/') - one->path == strrchr(other->path, '/') - other->path
        && !strncmp(one->path, other->path, strrchr(one->path, '/') - one->path);
}

int worlds_cut(const char *copy, uint64_t seed) {
    bool was_busy = is_busy;
    is_busy = true;
    bool *is_lost = calloc(count + 1, sizeof *is_lost);
    for (size_t i = 0; i < count; i++) {
        // What follows something that is lost is lost.
        is_lost[i] = next(&seed) % 3 == 0;
        for (size_t j = 0; j < i && !is_lost[i]; j++) is_lost[i] = is_lost[j] && are_together(&changes[j], &changes[i]);
    }
    int lost = 0;
    for (size_t i = count; i-- > 0;) {
        char path[PATH_MAX], to[PATH_MAX];
        if (!is_lost[i] || changes[i].kind != WRITTEN || !find(watched, changes[i].inode, path)) continue;
        if (copied(copy, path, to)) undo_write(&changes[i], to);
        lost++;
    }
    for (size_t i = count; i-- > 0;) {
        if (!is_lost[i] || changes[i].kind == WRITTEN) continue;
        undo_name(&changes[i], copy);
        lost++;
    }
    free(is_lost);
    is_busy = was_busy;
    return lost;
}

// MARK: - Copies

// Calls a function with each name in a folder, but for itself and its parent, until one returns false.
static bool each(const char *folder, const char *target, bool (*visit)(const char *, const char *)) {
    DIR *open = opendir(folder);
    if (!open) return false;
    bool is_done = true;
    struct dirent *entry;
    while (is_done && (entry = readdir(open))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        char from[PATH_MAX], to[PATH_MAX] = "";
        is_done = snprintf(from, sizeof from, "%s/%s", folder, entry->d_name) < PATH_MAX
            && (!target || snprintf(to, sizeof to, "%s/%s", target, entry->d_name) < PATH_MAX) && visit(from, to);
    }
    closedir(open);
    return is_done;
}

static bool copy(const char *from, const char *to) {
    struct stat status;
    if (lstat(from, &status)) return false;
    bool is_done;
    if (S_ISDIR(status.st_mode)) {
        is_done = !mkdir(to, 0700) && each(from, to, copy);
    } else {
        // What is neither a file nor a folder is of a process, and ends with it.
        if (!S_ISREG(status.st_mode)) return true;
        int source = (int)syscall(SYS_openat, AT_FDCWD, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
        if (source < 0) return false;
        is_done = restore(source, to);
        syscall(SYS_close, source);
    }
    struct timespec times[2] = {status.st_atim, status.st_mtim};
    return is_done && !chmod(to, status.st_mode & 07777) && !utimensat(AT_FDCWD, to, times, 0);
}

static bool take_away(const char *path, const char *none) {
    struct stat status;
    if (lstat(path, &status)) return errno == ENOENT;
    if (!S_ISDIR(status.st_mode)) return !syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    return each(path, NULL, take_away) && !syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

bool worlds_is_folder(const char *path) {
    struct stat status;
    return !lstat(path, &status) && S_ISDIR(status.st_mode);
}

bool worlds_copy(const char *folder, const char *target) { return take_away(target, NULL) && copy(folder, target); }

bool worlds_remove(const char *folder) { return take_away(folder, NULL); }

#else

bool worlds_observe(void (*observer)(void)) { return false; }
void worlds_pause(bool pauses) {}
void worlds_watch(const char *folder) {}
int worlds_cut(const char *copy, uint64_t seed) { return 0; }
bool worlds_is_folder(const char *path) { return false; }
bool worlds_copy(const char *folder, const char *target) { return false; }
bool worlds_remove(const char *folder) { return false; }

#endif
