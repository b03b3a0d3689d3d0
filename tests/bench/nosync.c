/* nosync: a library to preload, with which nothing is made durable: for ./dev bench durable, which
 * measures what durability costs. */
#include <unistd.h>

int fsync(int fd) {
    (void)fd;
    return 0;
}

int fdatasync(int fd) {
    (void)fd;
    return 0;
}
