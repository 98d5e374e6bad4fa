#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "CProcess.h"

#include <stdint.h>
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
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int cartsync_hide_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static int give_back_segments(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size;
    (void)unused;
    // The kernel's own page has no file behind it.
    if (strncmp(object->dlpi_name, "linux-vdso", 10) == 0) return 0;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int number = 0; number < object->dlpi_phnum; number++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[number];
        // What is never written is the same in the file.
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void cartsync_give_back_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    dl_iterate_phdr(give_back_segments, NULL);
}

int cartsync_move(int folder, const char *name, int other, const char *target) {
    return renameat2(folder, name, other, target, RENAME_NOREPLACE);
}
#else
int cartsync_hide_memory(void) { return 0; }

void cartsync_give_back_memory(void) {}

int cartsync_move(int folder, const char *name, int other, const char *target) {
    return renameatx_np(folder, name, other, target, RENAME_EXCL);
}
#endif
