#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Swift has no form for the macros that carry descriptors, nor for SO_PEERCRED.

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static int close_on_exec(int descriptor) {
    if (descriptor >= 0) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return descriptor;
}

static int fail(int descriptor, int code) {
    if (descriptor >= 0) close(descriptor);
    errno = code;
    return -1;
}

/// Calls bind or connect with the address of a name in a folder. An address has room for about 100 bytes; a folder whose
/// path is longer is named by a descriptor of it.
static int with_address(const char *folder, const char *name, int socket,
                        int (*call)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    const size_t room = sizeof address.sun_path;
    int opened = -1;
    int length = snprintf(address.sun_path, room, "%s/%s", folder, name);
#ifdef __linux__
    if (length >= (int)room) {
        opened = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (opened < 0) return -1;
        length = snprintf(address.sun_path, room, "/proc/self/fd/%d/%s", opened, name);
    }
#endif
    if (length < 0 || length >= (int)room) return fail(opened, ENAMETOOLONG);
    int answer = call(socket, (const struct sockaddr *)&address, sizeof address);
    int code = errno;
    if (opened >= 0) close(opened);
    errno = code;
    return answer;
}

int cartsync_listen(const char *folder, const char *name) {
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    int listener = close_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
    if (listener < 0) return fail(directory, errno);
    if (unlinkat(directory, name, 0) != 0 && errno != ENOENT) {
        close(directory);
        return fail(listener, errno);
    }
    // Nobody connects before it listens, and by then it is this user's alone.
    if (with_address(folder, name, listener, bind) != 0 || fchmodat(directory, name, 0600, 0) != 0 ||
        fcntl(listener, F_SETFL, O_NONBLOCK) != 0 || listen(listener, 64) != 0) {
        int code = errno;
        close(directory);
        return fail(listener, code);
    }
    close(directory);
    return listener;
}

int cartsync_connect(const char *folder, const char *name) {
    int descriptor = close_on_exec(socket(AF_UNIX, SOCK_STREAM, 0));
    if (descriptor < 0) return -1;
    if (with_address(folder, name, descriptor, connect) != 0) return fail(descriptor, errno);
    return descriptor;
}

int cartsync_accept(int listener) { return close_on_exec(accept(listener, NULL, NULL)); }

int cartsync_peer(int socket, uid_t *user) {
#ifdef __linux__
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *user = peer.uid;
    return 0;
#else
    gid_t group;
    return getpeereid(socket, user, &group);
#endif
}

ssize_t cartsync_send(int socket, const void *bytes, size_t count, int descriptor, int waits) {
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    for (;;) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
        if (sent >= 0 || errno != EINTR) return sent;
    }
}

ssize_t cartsync_receive(int socket, void *bytes, size_t count, int *descriptor) {
    *descriptor = -1;
    struct iovec part = {bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(16 * sizeof(int))];
    } control;
    message.msg_control = &control;
    message.msg_controllen = sizeof control.room;
    int flags = MSG_DONTWAIT;
#ifdef MSG_CMSG_CLOEXEC
    flags |= MSG_CMSG_CLOEXEC;
#endif
    ssize_t received;
    do {
        received = recvmsg(socket, &message, flags);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t all = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < all; index++) {
            int one;
            memcpy(&one, CMSG_DATA(header) + index * sizeof one, sizeof one);
            // One belongs to a message; who sends more is not of this program.
            if (*descriptor >= 0) {
                close(one);
            } else {
                *descriptor = close_on_exec(one);
            }
        }
    }
    return received;
}
