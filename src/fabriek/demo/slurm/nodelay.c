/* TCP_NODELAY on every IPv4 socket, loaded before Slurm's programs (LD_PRELOAD). Optional: it changes times only.
   Slurm 22.05 writes the header and the body of a message to slurmdbd apart; Nagle's algorithm and delayed
   acknowledgements then cost some 90 ms for each on loopback. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static void at_once(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    static int (*next)(int, const struct sockaddr *, socklen_t);
    if (!next) next = dlsym(RTLD_NEXT, "connect");
    if (address && address->sa_family == AF_INET) at_once(fd);
    return next(fd, address, length);
}

int accept(int fd, struct sockaddr *address, socklen_t *length) {
    static int (*next)(int, struct sockaddr *, socklen_t *);
    if (!next) next = dlsym(RTLD_NEXT, "accept");
    int taken = next(fd, address, length);
    if (taken >= 0) at_once(taken);
    return taken;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    static int (*next)(int, struct sockaddr *, socklen_t *, int);
    if (!next) next = dlsym(RTLD_NEXT, "accept4");
    int taken = next(fd, address, length, flags);
    if (taken >= 0) at_once(taken);
    return taken;
}
