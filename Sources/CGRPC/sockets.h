// Linux calls that Swift's Glibc module does not show, because it is built without _GNU_SOURCE.
#pragma once
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

extern int accept4(int, struct sockaddr *restrict, socklen_t *restrict, int);
extern int flock(int, int);
extern int pthread_setname_np(pthread_t, const char *);

// struct ucred, as unix(7) gives it.
typedef struct {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} daypass_peer;

// An accepted connection, close-on-exec and non-blocking; -1 and errno.
static inline int daypass_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

static inline int daypass_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

// Locks an open file or directory against others who lock it, without waiting; its close is the end of that.
static inline int daypass_lock(int descriptor) { return flock(descriptor, 2 /* LOCK_EX */ | 4 /* LOCK_NB */); }

static inline int daypass_wakeup_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline int daypass_wakeup(int descriptor) { return eventfd_write(descriptor, 1); }

static inline void daypass_name_thread(pthread_t thread, const char *name) { pthread_setname_np(thread, name); }

// Sends bytes with an open descriptor beside them (unix(7), SCM_RIGHTS); the count of bytes, or -1 and errno.
static inline ssize_t daypass_send_descriptor(int connection, const void *bytes, size_t count, int descriptor) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    return sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Receives bytes, and the descriptor that came with them, close-on-exec; -1 when none did. More than one never fits.
static inline ssize_t daypass_receive_descriptor(int connection, void *bytes, size_t capacity, int *descriptor) {
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    *descriptor = -1;
    ssize_t count = recvmsg(connection, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0) return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        if (header->cmsg_len == CMSG_LEN(sizeof(int))) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    }
    return count;
}
