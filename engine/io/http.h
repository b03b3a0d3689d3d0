/* http.h: HTTP requests by libcurl's multi interface on the loop.
 *
 * Bodies are collected whole (capped); a stream of events is read from the body afterwards,
 * also where it broke off. No redirects; TLS verified; plain http only to loopback unless the
 * client was told otherwise. Up to `max_connections` in all, connections reused, HTTP/1.1 or 2.
 * Credentials stay here: see nl_http_auth. */
#ifndef NL_IO_HTTP_H
#define NL_IO_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "io/loop.h"

typedef struct nl_http nl_http;
typedef struct nl_http_call nl_http_call;

typedef struct {
    size_t max_connections; /* 0: 1024 */
    bool allow_insecure;    /* http:// to other than loopback */
} nl_http_options;

nl_http *nl_http_new(nl_loop *loop, const nl_http_options *options, nl_err *err);
void nl_http_free(nl_http *http); /* cancels what is under way */

/* Requests whose URL starts with `base_url` (same scheme, host and port, path prefix) get the
 * header "Authorization: Bearer KEY". The key is copied, made a log secret, and never appears
 * in an error or a reply. */
bool nl_http_auth(nl_http *http, const char *base_url, const char *key, nl_err *err);

/* True where `url`'s host is 127.0.0.0/8, ::1 or localhost. */
bool nl_http_is_loopback(const char *url);

typedef struct {
    const char *method; /* NULL: POST with a body, GET without */
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; NULL for none */
    const char *body;           /* copied */
    size_t body_size;
    uint32_t connect_ms; /* 0: 10,000 */
    uint32_t idle_ms;    /* no byte either way for so long; 0: 120,000 */
    uint32_t total_ms;   /* 0: 600,000 */
    size_t max_reply;    /* bytes of body after decoding; 0: 16 MiB */
} nl_http_request;

typedef struct {
    long status;    /* 0 where no status line arrived */
    nl_buf headers; /* "name: value\n" each, names in lower case, of the last response */
    nl_buf body;    /* what arrived, also where err is set */
    double seconds; /* from start to end */
    nl_err err;     /* NL_OK: whole response; NL_NET, NL_TIMEOUT (connect, idle, total), NL_LIMIT */
    bool sent;      /* the request may have reached the server (so it may have been paid for) */
} nl_http_reply;

/* `reply` is borrowed for the call; detach the bodies to keep them. */
typedef void (*nl_http_done)(void *ctx, nl_http_reply *reply);

/* NULL where the request cannot be made at all (bad URL, plain http, no memory). */
nl_http_call *nl_http_start(nl_http *http, const nl_http_request *request, nl_http_done done,
                            void *ctx, nl_err *err);
void nl_http_cancel(nl_http_call *call); /* `done` will not be called; frees the call */

/* The value of header `name` (lower case) copied into `value`, or false. */
bool nl_http_header(const nl_http_reply *reply, const char *name, char *value, size_t room);

/* Seconds that a Retry-After header asks for (a number, or an HTTP date less `now`, never
 * negative); -1 where there is none or it is unreadable. */
double nl_http_retry_after(const nl_http_reply *reply, long long now);

#endif
