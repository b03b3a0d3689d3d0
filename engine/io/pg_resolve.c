/* pg_resolve.c: host names to addresses, in the worker pool: libpq would look them up in place. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "io/pg_priv.h"

#include "base/banned.h"

enum { MAX_ADDRESSES = 16 }; /* of one name */

struct pg_resolve {
    pg_conn *conn;                  /* NULL once it was forgotten */
    char *host, *port;              /* lists, with commas, as the URL gives them */
    nl_buf hosts, addresses, ports; /* the same with each name repeated for each of its addresses */
    nl_err err;
};

static bool is_address(const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_name(const char *host) {
    return host[0] && host[0] != '/' && host[0] != '@' && !is_address(host);
}

/* The next element of a list, copied; *at moves behind its comma, to NULL at the end. */
static char *next_of(const char **at) {
    size_t n = strcspn(*at, ",");
    char *word = strndup(*at, n);
    *at = (*at)[n] ? *at + n + 1 : NULL;
    return word;
}

bool pg_needs_resolving(const nl_pg *pg) {
    const char *at = pg_setting(pg, "host");
    bool found = false;
    if (pg_setting(pg, "hostaddr"))
        return false;
    while (at && !found) {
        char *host = next_of(&at);
        found = !host || is_name(host); /* without memory it fails where it can be reported */
        free(host);
    }
    return found;
}

static bool add(nl_buf *list, bool first, const char *word) {
    return (first || nl_buf_char(list, ',')) && nl_buf_str(list, word);
}

/* Adds one place to connect to. An empty address: libpq takes the host as it is. */
static void add_place(struct pg_resolve *r, const char *host, const char *address, const char *port,
                      bool *first) {
    if (!add(&r->hosts, *first, host) || !add(&r->addresses, *first, address) ||
        !add(&r->ports, *first, port))
        nl_err_nomem(&r->err);
    *first = false;
}

/* A name that is unknown counts only where no other host is known. */
static void add_name(struct pg_resolve *r, const char *host, const char *port, bool *first,
                     nl_err *unknown) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) {
        nl_err_set(unknown, NL_NET, "host \"%s\": %s", host, gai_strerror(code));
        return;
    }
    unsigned n = 0;
    for (const struct addrinfo *a = found; a && n < MAX_ADDRESSES; a = a->ai_next, n++) {
        char text[NI_MAXHOST];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            add_place(r, host, text, port, first);
    }
    freeaddrinfo(found);
}

static void look_up(void *ctx) {
    struct pg_resolve *r = ctx;
    const char *hosts = r->host, *ports = r->port;
    char *port = NULL;
    bool first = true;
    nl_err unknown = { .code = NL_OK };

    while (hosts && r->err.code == NL_OK) {
        char *host = next_of(&hosts);
        if (ports) { /* one port serves all hosts */
            free(port);
            port = next_of(&ports);
        }
        if (!host || !port)
            nl_err_nomem(&r->err);
        else if (is_name(host))
            add_name(r, host, port, &first, &unknown);
        else
            add_place(r, host, is_address(host) ? host : "", port, &first);
        free(host);
    }
    free(port);
    if (first && r->err.code == NL_OK)
        r->err = unknown;
}

static void free_resolve(struct pg_resolve *r) {
    nl_buf_release(&r->hosts);
    nl_buf_release(&r->addresses);
    nl_buf_release(&r->ports);
    free(r->host);
    free(r->port);
    free(r);
}

static void looked_up(void *ctx) {
    struct pg_resolve *r = ctx;
    pg_conn *conn = r->conn;
    if (conn) {
        conn->resolve = NULL;
        pg_conn_resolved(conn, r->hosts.data, r->addresses.data, r->ports.data,
                         r->err.code == NL_OK ? NULL : &r->err);
    }
    free_resolve(r);
}

bool pg_resolve_start(pg_conn *conn, nl_err *err) {
    const char *host = pg_setting(conn->pg, "host"), *port = pg_setting(conn->pg, "port");
    struct pg_resolve *r = calloc(1, sizeof *r);
    if (!r)
        return nl_err_nomem(err);
    r->conn = conn;
    nl_buf_init(&r->hosts);
    nl_buf_init(&r->addresses);
    nl_buf_init(&r->ports);
    r->host = strdup(host ? host : "");
    r->port = strdup(port ? port : "");
    if (!r->host || !r->port) {
        free_resolve(r);
        return nl_err_nomem(err);
    }
    if (!nl_loop_work(conn->pg->loop, look_up, looked_up, r, err)) {
        free_resolve(r);
        return false;
    }
    conn->resolve = r;
    return true;
}

void pg_resolve_forget(struct pg_resolve *resolve) {
    if (resolve)
        resolve->conn = NULL;
}
