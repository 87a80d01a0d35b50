// Linux calls that Swift's Glibc module does not show, because it is built without _GNU_SOURCE.
#pragma once
#include <pthread.h>
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
