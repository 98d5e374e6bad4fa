#define _GNU_SOURCE
#include "CProcess.h"

// Of a library that writes to stderr what it has also returned, and cannot be told not to: Debian builds librnp so.
#ifdef __GLIBC__
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static __thread int is_muted;

static ssize_t write_unless_muted(void *unused, const char *bytes, size_t count) {
    (void)unused;
    if (is_muted) return (ssize_t)count;
    ssize_t written = write(STDERR_FILENO, bytes, count);
    return written < 0 ? 0 : written;
}

static void replace_stderr(void) {
    cookie_io_functions_t functions = {.write = write_unless_muted};
    FILE *stream = fopencookie(NULL, "w", functions);
    if (stream == NULL) return;
    setvbuf(stream, NULL, _IONBF, 0);
    stderr = stream;
}

void cartsync_mute_thread(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, replace_stderr);
    is_muted = 1;
}
#else
void cartsync_mute_thread(void) {}
#endif
