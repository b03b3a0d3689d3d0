/* http.h: HTTP requests by libcurl's multi interface on the loop.
 *
 * Bodies are collected whole (capped); a stream of events is read from the body afterwards,
 * also where it broke off. No redirects; TLS verified (against the file that CURL_CA_BUNDLE or
 * SSL_CERT_FILE names, where set); plain http only to loopback unless the client was told
 * otherwise; no proxy to loopback. At most `max_connections` calls are under way, the others wait
 * their turn; connections are reused. Credentials stay here: see nl_http_auth.
 *
 * A call sends its request at most once: libcurl's own second try on a reused connection that
 * turns out dead is suppressed, since the first may have been served, and paid for.
 *
 * HTTP/1.1 only. Over HTTP/2, libcurl 7.88 dropped about one request in a thousand on its way out
 * and would have sent it again by itself (measured with 50 at once), which cannot be told from the
 * case above; and 1,000 at once opened as many connections there too. */
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

/* Raises the process's soft limit of open files towards the hard one where `max_connections` needs
 * that. */
nl_http *nl_http_new(nl_loop *loop, const nl_http_options *options, nl_err *err);
/* Cancels what is under way. Not from a `done` callback. NULL is fine. */
void nl_http_free(nl_http *http);

/* Requests whose URL starts with `base_url` (same scheme, host and port, path prefix that ends at a
 * slash) get the header "Authorization: Bearer KEY", unless they bring an Authorization of their
 * own. The key is copied, made a log secret, and never appears in an error or a reply: where an
 * endpoint repeats it, it reads "***". The same base_url again replaces its key (""
 * takes it away). */
bool nl_http_auth(nl_http *http, const char *base_url, const char *key, nl_err *err);
/* The same with another header, such as "api-key: ", to the end of which the key is added. */
bool nl_http_auth_as(nl_http *http, const char *base_url, const char *header, const char *key,
                     nl_err *err);

/* Keeps a text about `url` for as long as the client lives, in place of an earlier one: scripts
 * come and go, and what one learnt about an endpoint serves the next. Copied. False with NL_LIMIT
 * where it is longer than 64 KiB or there are 64 already, which changes nothing. */
bool nl_http_remember(nl_http *http, const char *url, const char *text, nl_err *err);
/* That text, borrowed until the next nl_http_remember; NULL where there is none. */
const char *nl_http_remembered(const nl_http *http, const char *url);

/* True where `url`'s host is 127.0.0.0/8, ::1 or localhost. */
bool nl_http_is_loopback(const char *url);

typedef struct {
    const char *method; /* NULL: POST with a body, GET without */
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; NULL for none */
    const char *body;           /* copied, unless `body_stays` */
    size_t body_size;
    bool body_stays;     /* `body` outlives the call: not copied */
    uint32_t connect_ms; /* 0: 10,000 */
    uint32_t idle_ms;    /* no byte either way for so long; 0: 120,000 */
    uint32_t total_ms;   /* from when its turn came; 0: 600,000 */
    size_t max_reply;    /* bytes of body after decoding; 0: 16 MiB */
} nl_http_request;

typedef struct {
    long status;    /* 0 where no status line arrived */
    nl_buf headers; /* "name: value\n" each, names in lower case, of the last response */
    nl_buf body;    /* what arrived, also where err is set */
    double seconds; /* from when its turn came to the end */
    nl_err err;     /* NL_OK: whole response; NL_NET, NL_TIMEOUT (connect, idle, total), NL_LIMIT */
    bool sent;      /* the request may have reached the server (so it may have been paid for) */
} nl_http_reply;

/* `reply` is borrowed for the call; detach the bodies to keep them. The nl_http_call is gone: it
 * must not be cancelled any more. Other calls may be started and cancelled. */
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
