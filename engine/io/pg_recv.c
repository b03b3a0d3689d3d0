/* pg_recv.c: a bound on what one PQconsumeInput reads.
 *
 * libpq has none: while its buffer is above 32 kB it calls recv for as long as there is something,
 * so a server that sends a large value as fast as we read is read to the end in one call (100 MB
 * were seen where FIONREAD had said 196 kB). Its recv is therefore ours: dynamic linking looks in
 * the program first, static linking in the libraries named first. Within pg_consume it gives out no
 * more than an allowance and says "would block" behind that, which libpq and OpenSSL understand;
 * what is left makes the descriptor readable again. Everywhere else it is recv. */
#undef _FORTIFY_SOURCE /* which would make recv an inline function */
#include <errno.h>
#include <sys/socket.h>

#include "io/pg_priv.h"

#include "base/banned.h"

enum {
    ALLOWANCE = 256 << 10
}; /* a socket's buffer, about; also what one connection may delay others */

static _Thread_local struct {
    bool on;
    size_t left, taken;
} guard;

ssize_t recv(int fd, void *buf, size_t size, int flags) {
    if (!guard.on)
        return recvfrom(fd, buf, size, flags, NULL, NULL);
    if (guard.left == 0) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t n = recvfrom(fd, buf, size < guard.left ? size : guard.left, flags, NULL, NULL);
    if (n > 0) {
        guard.left -= (size_t)n;
        guard.taken += (size_t)n;
    }
    return n;
}

bool pg_consume(PGconn *pq, size_t *taken) {
    guard.on = true;
    guard.left = ALLOWANCE;
    guard.taken = 0;
    int ok = PQconsumeInput(pq);
    guard.on = false;
    *taken = guard.taken;
    return ok == 1;
}
