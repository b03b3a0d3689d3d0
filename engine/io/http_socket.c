/* http_socket.c: libcurl's descriptors on the loop.
 *
 * A descriptor's watch stays armed while its connection idles between two requests: re-arming costs
 * two system calls each time, and a reused connection is asked for the same events again. Where
 * something happens on an idle connection its watch is paused, and libcurl finds out by itself
 * before it uses that connection again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/http_priv.h"

#include "base/banned.h"

static void on_ready(void *ctx, int events) {
    struct nl_http_socket *sock = ctx;
    if (sock->wanted == 0) { /* an idle connection was closed, or spoke unasked */
        nl_watch_set(sock->watch, 0);
        sock->armed = 0;
        return;
    }
    /* After an error of the descriptor the watch is off: set it again below, whatever it was. */
    if (events == (NL_READABLE | NL_WRITABLE))
        sock->armed = 0;
    nl_http_drive(sock->http, sock->fd,
                  (events & NL_READABLE ? CURL_CSELECT_IN : 0) |
                      (events & NL_WRITABLE ? CURL_CSELECT_OUT : 0));
    if (sock->watch && sock->wanted != 0 && sock->armed != sock->wanted &&
        nl_watch_set(sock->watch, sock->wanted))
        sock->armed = sock->wanted;
}

static void unwatch(struct nl_http_socket *sock) {
    nl_watch_free(sock->watch);
    sock->watch = NULL;
    sock->wanted = sock->armed = 0;
}

/* The entry of descriptor `fd`, made where there is none; NULL where memory ran out. */
static struct nl_http_socket *socket_of(nl_http *http, curl_socket_t fd) {
    size_t i = (size_t)fd;
    if (i >= http->n_sockets) {
        size_t n = http->n_sockets ? http->n_sockets : 64;
        while (n <= i)
            n *= 2;
        struct nl_http_socket **sockets = realloc(http->sockets, n * sizeof(*sockets));
        if (!sockets)
            return NULL;
        memset(sockets + http->n_sockets, 0, (n - http->n_sockets) * sizeof(*sockets));
        http->sockets = sockets;
        http->n_sockets = n;
    }
    if (!http->sockets[i]) {
        http->sockets[i] = calloc(1, sizeof *http->sockets[i]);
        if (http->sockets[i])
            *http->sockets[i] = (struct nl_http_socket){ .http = http, .fd = fd };
    }
    return http->sockets[i];
}

int nl_http_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *data) {
    nl_http *http = ctx;
    struct nl_http_socket *sock = socket_of(http, fd);
    (void)easy;
    (void)data;
    if (!sock)
        return -1; /* libcurl fails its transfers with out of memory */
    sock->wanted = (what & CURL_POLL_IN && what != CURL_POLL_REMOVE ? NL_READABLE : 0) |
                   (what & CURL_POLL_OUT && what != CURL_POLL_REMOVE ? NL_WRITABLE : 0);
    if (sock->wanted == 0) {
        if (!sock->ours) /* a resolver's: will be closed without a word */
            unwatch(sock);
        return 0;
    }
    if (!sock->watch)
        sock->watch = nl_watch_new(http->loop, fd, on_ready, sock, NULL);
    if (!sock->watch)
        return -1;
    if (sock->armed != sock->wanted) {
        if (!nl_watch_set(sock->watch, sock->wanted))
            return -1;
        sock->armed = sock->wanted;
    }
    return 0;
}

curl_socket_t nl_http_on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    nl_http *http = ctx;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct nl_http_socket *sock = socket_of(http, fd);
    if (!sock) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    unwatch(sock); /* nothing can be left of an earlier life, but nothing must */
    sock->ours = true;
    return fd;
}

int nl_http_on_close(void *ctx, curl_socket_t fd) {
    nl_http *http = ctx;
    struct nl_http_socket *sock = socket_of(http, fd);
    if (sock) {
        unwatch(sock);
        sock->ours = false;
    }
    return close(fd);
}

void nl_http_sockets_free(nl_http *http) {
    for (size_t i = 0; i < http->n_sockets; i++) {
        if (http->sockets[i])
            unwatch(http->sockets[i]);
        free(http->sockets[i]);
    }
    free(http->sockets);
}
