/* http_priv.h: what the files of the HTTP client share. Only for engine/io/http*.c. */
#ifndef NL_IO_HTTP_PRIV_H
#define NL_IO_HTTP_PRIV_H

#include <curl/curl.h>

#include "io/http.h"

/* Where a URL leads, in parts that compare bytewise. */
struct nl_http_target {
    char scheme[8];
    char host[256]; /* lower case; IPv6 without brackets */
    char port[8];
    char path[512]; /* a prefix of it where it is longer */
};

/* Reads `url` as libcurl will. False with NL_INVALID: not http(s), no host, or it holds a name or
 * password. */
bool nl_http_target(const char *url, struct nl_http_target *target, nl_err *err);
bool nl_http_target_is_loopback(const struct nl_http_target *target);
/* Does `target` lie at or below `base`? */
bool nl_http_target_is_under(const struct nl_http_target *target,
                             const struct nl_http_target *base);

/* A key and where it may go. */
struct nl_http_key {
    struct nl_http_target base;
    char *header; /* "Authorization: Bearer KEY", or another that ends in the key */
    const char *key;
    struct nl_http_key *next;
};

/* What a caller noted of an address. */
struct nl_http_memo {
    char *url, *text;
    struct nl_http_memo *next;
};

/* An easy handle with what never changes set once; kept for the next call. */
struct nl_http_slot {
    CURL *easy;
    nl_http_call *call; /* NULL while it is free */
    char *url;          /* that it was last set to; NULL: unknown */
    char text[CURL_ERROR_SIZE];
    struct nl_http_slot *next;
};

/* A descriptor of libcurl's. Never freed before the client, so that callbacks can look at it after
 * libcurl closed the descriptor. */
struct nl_http_socket {
    nl_http *http;
    nl_watch *watch; /* NULL while there is none */
    int fd;
    int wanted; /* by libcurl: NL_READABLE, NL_WRITABLE */
    int armed;  /* what the watch is set to */
    bool ours;  /* opened through on_open, so its end comes through on_close */
};

enum { NL_HTTP_MAX_HEADERS = 64 << 10 }; /* bytes */

enum nl_http_stage { NL_HTTP_QUEUED, NL_HTTP_ACTIVE, NL_HTTP_FAILED };
enum nl_http_stop { NL_HTTP_NONE, NL_HTTP_CONNECT, NL_HTTP_IDLE, NL_HTTP_TOTAL, NL_HTTP_SIZE };

struct nl_http_call {
    nl_http *http;
    nl_http_call *next, *previous; /* in the list of its stage */
    enum nl_http_stage stage;
    enum nl_http_stop stop; /* why we ended it ourselves */
    struct nl_http_slot *slot;
    nl_http_done done;
    void *ctx;
    char *url;
    char *method; /* NULL: GET, or POST with a body */
    struct curl_slist *headers;
    const struct nl_http_key *key; /* sent with it; NULL for none */
    bool direct;                   /* never through a proxy */
    const char *body;
    char *own_body; /* NULL where it is borrowed, or there is none */
    size_t body_size, max_reply;
    uint32_t connect_ms, idle_ms, total_ms;
    uint64_t started, last; /* ms of the loop; last: of the last byte */
    curl_off_t moved;       /* bytes both ways when the idle time was last looked at */
    nl_http_reply reply;
};

struct nl_http_list {
    nl_http_call *first, *last;
    size_t n;
};

struct nl_http {
    nl_loop *loop;
    CURLM *multi;
    size_t max_connections;
    bool allow_insecure;
    bool global;    /* curl_global_init is to be undone */
    char *ca_file;  /* NULL: libcurl's own */
    char *last_url; /* whose target is last_target; NULL for none */
    struct nl_http_target last_target;
    struct nl_http_key *keys;
    struct nl_http_memo *memos;
    size_t n_memos;
    struct nl_http_slot *free_slots;
    struct nl_http_list queued, active, failed;
    struct nl_http_socket **sockets; /* by descriptor */
    size_t n_sockets;
    nl_timer *curl_timer, *deadline_timer;
    uint64_t deadline; /* for when deadline_timer is set */
    nl_task curl_task; /* libcurl wants to be called as soon as possible */
    nl_task failed_task;
};

void nl_http_list_add(struct nl_http_list *list, nl_http_call *call);
void nl_http_list_drop(struct nl_http_list *list, nl_http_call *call);

/* --- http_call.c: one call ----------------------------------------------------------------- */

nl_http_call *nl_http_call_new(nl_http *http, const nl_http_request *request, nl_err *err);
void nl_http_call_free(nl_http_call *call);
struct nl_http_slot *nl_http_slot_new(nl_http *http);
void nl_http_slot_free(struct nl_http_slot *slot);
/* Gives the call's particulars to its slot's handle. */
bool nl_http_call_prepare(nl_http_call *call, nl_err *err);
/* When the call is to be ended unless something happens; ms of the loop. */
uint64_t nl_http_call_deadline(const nl_http_call *call);
/* Looks at the clock: true, with `stop` set, where the call is over. */
bool nl_http_call_overdue(nl_http_call *call, uint64_t now);

/* --- http_known.c -------------------------------------------------------------------------- */

void nl_http_known_free(nl_http *http); /* keys and notes */

/* --- http_end.c ---------------------------------------------------------------------------- */

/* Fills status, seconds and err of an active call's reply; takes the key out of it. */
void nl_http_call_conclude(nl_http_call *call, CURLcode result);

/* --- http.c -------------------------------------------------------------------------------- */

/* The call's clocks changed. */
void nl_http_mind_deadline(nl_http *http, const nl_http_call *call);
/* Lets libcurl act on a descriptor or its timeouts, and ends what is finished. */
void nl_http_drive(nl_http *http, curl_socket_t fd, int events);

/* --- http_socket.c: callbacks for libcurl --------------------------------------------------- */

int nl_http_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *data);
curl_socket_t nl_http_on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address);
int nl_http_on_close(void *ctx, curl_socket_t fd);
void nl_http_sockets_free(nl_http *http);

#endif
