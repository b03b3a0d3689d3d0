/* wire.h: replies that no HTTP library would send: written to the socket as they are. */
#ifndef NL_TESTS_FAKE_WIRE_H
#define NL_TESTS_FAKE_WIRE_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "reply.h"

enum { DRIP_MS = 20, BOMB_BLOCKS = 60000 };

static bool put_on_wire(int fd, const char *data, size_t size) {
    return send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

/* A head that promises `promised` bytes, then the body. */
static void put_with_length(int fd, const nl_buf *body, size_t promised) {
    nl_buf out;
    nl_buf_init(&out);
    nl_buf_printf(
        &out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        promised);
    nl_buf_add(&out, body->data, body->size);
    (void)put_on_wire(fd, out.data, out.size);
    nl_buf_release(&out);
}

static void put_bad_chunks(int fd) {
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"cho\r\nno number\r\nices\r\n";
    (void)put_on_wire(fd, text, sizeof text - 1);
}

/* One more line of a head that never ends, or one more comment of a stream that never does. */
static bool put_drip(int fd, struct reply *reply) {
    static const char head[] = "HTTP/1.1 200 OK\r\n";
    static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    bool body = reply->fault == DRIP_BODY;
    bool first = !reply->dripping;
    reply->dripping = true;
    if (first)
        return put_on_wire(fd, body ? stream : head, strlen(body ? stream : head));
    return body ? put_on_wire(fd, ": still here\n\n", 14) : put_on_wire(fd, "X-Wait: a\r\n", 11);
}

/* A gzip stream of zeros by hand: one literal, then matches of 258 bytes at distance 1, each 13
 * bits in deflate's fixed code: length 285 is 11000101, distance 0 is 00000. 13 bytes make 2,064.
 */
static void put_bomb(nl_buf *out) {
    static const unsigned char head[] = { 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3 };
    unsigned long bits = 0;
    unsigned n = 0;
    nl_buf_add(out, (const char *)head, sizeof head);
#define PUT_BIT(bit)                                                                               \
    do {                                                                                           \
        bits |= (unsigned long)(bit) << n++;                                                       \
        if (n == 8) {                                                                              \
            nl_buf_char(out, (char)bits);                                                          \
            bits = 0;                                                                              \
            n = 0;                                                                                 \
        }                                                                                          \
    } while (0)
    PUT_BIT(1); /* the last block */
    PUT_BIT(1); /* of the fixed code: 01, least bit first */
    PUT_BIT(0);
    for (int i = 7; i >= 0; i--) /* the literal 0 is 00110000 */
        PUT_BIT(0x30 >> i & 1);
    for (int k = 0; k < BOMB_BLOCKS * 8; k++) {
        for (int i = 7; i >= 0; i--)
            PUT_BIT(0xC5 >> i & 1);
        for (int i = 0; i < 5; i++)
            PUT_BIT(0);
    }
#undef PUT_BIT
}

#endif
