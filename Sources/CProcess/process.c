#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void cartsync_give_back_blocks(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

// Swift cannot call functions with a variable number of arguments, which prctl is, and does not see what only the GNU
// headers declare, which renameat2 is.
#ifdef __linux__
#include <sys/prctl.h>

int cartsync_hide_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int cartsync_move(int folder, const char *name, int other, const char *target) {
    return renameat2(folder, name, other, target, RENAME_NOREPLACE);
}
#else
int cartsync_hide_memory(void) { return 0; }

int cartsync_move(int folder, const char *name, int other, const char *target) {
    return renameatx_np(folder, name, other, target, RENAME_EXCL);
}
#endif
