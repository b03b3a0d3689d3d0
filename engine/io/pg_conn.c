/* pg_conn.c: one connection: resolving, connecting, idling, cancelling, closing. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/pg_priv.h"

#include "base/banned.h"

/* --- names: libpq would resolve them in place --------------------------------------------------
 */

enum { MAX_ADDRESSES = 16 };

struct resolve {
    pg_conn *conn; /* NULL once the connection was closed meanwhile */
    char *host, *port;
    char hosts[1024], addresses[1024], ports[256]; /* libpq's comma-separated lists */
    int code;
};

static const char *setting(const nl_pg *pg, const char *keyword) {
    for (size_t i = 0; pg->keywords[i]; i++) {
        if (strcmp(pg->keywords[i], keyword) == 0)
            return pg->values[i];
    }
    return NULL;
}

/* A socket folder, an address, a list of hosts: left to libpq. */
static bool needs_resolving(const nl_pg *pg) {
    unsigned char address[sizeof(struct in6_addr)];
    const char *host = setting(pg, "host");
    return host && host[0] && host[0] != '/' && host[0] != '@' && !strchr(host, ',') &&
           !setting(pg, "hostaddr") && inet_pton(AF_INET, host, address) != 1 &&
           inet_pton(AF_INET6, host, address) != 1;
}

static void append(char *list, size_t room, const char *word) {
    size_t n = strlen(list);
    if (n + strlen(word) + 2 <= room &&
        snprintf(list + n, room - n, "%s%s", n ? "," : "", word) < 0)
        list[n] = '\0';
}

static void resolve_name(void *ctx) {
    struct resolve *r = ctx;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    unsigned n = 0;
    r->code = getaddrinfo(r->host, NULL, &hints, &found);
    if (r->code != 0)
        return;
    for (struct addrinfo *a = found; a && n < MAX_ADDRESSES; a = a->ai_next, n++) {
        char text[64];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        append(r->addresses, sizeof r->addresses, text);
        append(r->hosts, sizeof r->hosts, r->host);
        append(r->ports, sizeof r->ports, r->port);
    }
    freeaddrinfo(found);
}

static void free_resolve(struct resolve *r) {
    free(r->host);
    free(r->port);
    free(r);
}

static void connect_now(pg_conn *conn, const struct resolve *r);

static void connect_failed(pg_conn *conn, const nl_err *err, bool full) {
    nl_pg *pg = conn->pg;
    pg_conn_close(conn);
    pg_connect_failed(pg, err, full);
}

static void name_resolved(void *ctx) {
    struct resolve *r = ctx;
    pg_conn *conn = r->conn;
    if (conn) {
        conn->resolve = NULL;
        if (r->code == 0) {
            connect_now(conn, r);
        } else {
            nl_err err;
            nl_err_set(&err, NL_NET, "cannot connect to %s: host \"%s\": %s", conn->pg->name,
                       r->host, gai_strerror(r->code));
            connect_failed(conn, &err, false);
        }
    }
    free_resolve(r);
}

/* --- connecting --------------------------------------------------------------------------------
 */

void pg_say(const PGconn *pq, char *text, size_t room) {
    const char *said = PQerrorMessage(pq), *at = said;
    for (const char *next = said; (next = strstr(next, "failed: ")) != NULL;)
        at = next += strlen("failed: "); /* the last of several addresses */
    static const char *const preambles[] = { "FATAL:", "ERROR:", "error:" };
    for (size_t i = 0; i < sizeof preambles / sizeof *preambles; i++) {
        if (strncmp(at, preambles[i], strlen(preambles[i])) == 0)
            at += strlen(preambles[i]);
    }
    at += strspn(at, " ");
    size_t n = strcspn(at, "\n");
    if (snprintf(text, room, "%.*s", (int)n, n ? at : "") < 0 || n == 0)
        (void)snprintf(text, room, "the connection was lost");
}

static bool server_is_full(const char *said) {
    return strstr(said, "too many c") || strstr(said, "remaining connection slots") ||
           strstr(said, "no more connections allowed");
}

static bool server_is_changing(const char *said) {
    return strstr(said, "starting up") || strstr(said, "shutting down") ||
           strstr(said, "in recovery mode") || strstr(said, "not yet accepting");
}

static void refused(pg_conn *conn) {
    nl_err err;
    char said[300];
    const char *whole = PQerrorMessage(conn->pq);
    bool full = server_is_full(whole);
    bool by_server = strstr(whole, "FATAL:") && !full && !server_is_changing(whole);
    pg_say(conn->pq, said, sizeof said);
    nl_err_set(&err, by_server ? NL_DB : NL_NET, "cannot connect to %s: %s", conn->pg->name, said);
    connect_failed(conn, &err, full);
}

static void on_ready(void *ctx, int events);

static bool watch(pg_conn *conn, nl_watch_fn fn, int events, nl_err *err) {
    nl_watch_free(conn->watch);
    conn->watch = nl_watch_new(conn->pg->loop, PQsocket(conn->pq), fn, conn, err);
    if (!conn->watch)
        return false;
    return nl_watch_set(conn->watch, events) || nl_err_set(err, NL_IO, "cannot watch a connection");
}

static void connected(pg_conn *conn) {
    nl_err err;
    nl_pg *pg = conn->pg;
    if (PQsetnonblocking(conn->pq, 1) != 0 || PQenterPipelineMode(conn->pq) != 1) {
        nl_err_set(&err, NL_NET, "%s: %s", pg->name, "the connection cannot be used");
        connect_failed(conn, &err, false);
        return;
    }
    if (!watch(conn, on_ready, NL_READABLE, &err)) {
        connect_failed(conn, &err, false);
        return;
    }
    nl_timer_stop(conn->timer);
    conn->timer = NULL;
    conn->state = PG_IDLE;
    pg->failures = 0;
    pg->stats.connects++;
    pg_pump(pg);
}

static void on_connecting(void *ctx, int events) {
    pg_conn *conn = ctx;
    nl_err err;
    (void)events;
    /* libpq may close the socket and open another: the watch must not outlive it */
    nl_watch_free(conn->watch);
    conn->watch = NULL;
    PostgresPollingStatusType status = PQconnectPoll(conn->pq);
    if (status == PGRES_POLLING_OK) {
        connected(conn);
    } else if (status == PGRES_POLLING_FAILED) {
        refused(conn);
    } else if (!watch(conn, on_connecting,
                      status == PGRES_POLLING_READING ? NL_READABLE : NL_WRITABLE, &err)) {
        connect_failed(conn, &err, false);
    }
}

static void connect_now(pg_conn *conn, const struct resolve *r) {
    enum { MAX_SETTINGS = 64 };
    const char *keywords[MAX_SETTINGS], *values[MAX_SETTINGS];
    nl_pg *pg = conn->pg;
    nl_err err;
    size_t n = 0;

    for (size_t i = 0; pg->keywords[i] && n < MAX_SETTINGS - 6; i++) {
        bool replaced =
            r && (strcmp(pg->keywords[i], "host") == 0 || strcmp(pg->keywords[i], "port") == 0);
        if (!replaced) {
            keywords[n] = pg->keywords[i];
            values[n++] = pg->values[i];
        }
    }
    if (r) {
        keywords[n] = "host";
        values[n++] = r->hosts;
        keywords[n] = "hostaddr";
        values[n++] = r->addresses;
        if (r->port[0]) {
            keywords[n] = "port";
            values[n++] = r->ports;
        }
    }
    keywords[n] = "fallback_application_name";
    values[n++] = "nlsql";
    keywords[n] = "client_encoding";
    values[n++] = "UTF8";
    keywords[n] = values[n] = NULL;
    conn->state = PG_CONNECTING;
    conn->pq = PQconnectStartParams(keywords, values, 0);
    if (!conn->pq) {
        nl_err_nomem(&err);
        connect_failed(conn, &err, false);
    } else if (PQstatus(conn->pq) == CONNECTION_BAD) {
        refused(conn);
    } else if (!watch(conn, on_connecting, NL_WRITABLE, &err)) {
        connect_failed(conn, &err, false);
    }
}

static void connect_expired(void *ctx) {
    pg_conn *conn = ctx;
    nl_err err;
    nl_err_set(&err, NL_NET, "cannot connect to %s: no answer within %u s", conn->pg->name,
               conn->pg->connect_ms / 1000);
    connect_failed(conn, &err, false);
}

static void start_connecting(void *ctx) {
    pg_conn *conn = ctx;
    nl_err err;
    nl_timer_stop(conn->timer);
    conn->timer =
        nl_timer_start(conn->pg->loop, conn->pg->connect_ms, 0, connect_expired, conn, &err);
    if (conn->timer)
        connect_now(conn, NULL);
    else
        connect_failed(conn, &err, false);
}

static bool start_resolving(pg_conn *conn, nl_err *err) {
    const char *port = setting(conn->pg, "port");
    struct resolve *r = calloc(1, sizeof *r);
    if (!r)
        return nl_err_nomem(err);
    r->conn = conn;
    r->host = strdup(setting(conn->pg, "host"));
    r->port = strdup(port ? port : "");
    if (!r->host || !r->port) {
        free_resolve(r);
        return nl_err_nomem(err);
    }
    if (!nl_loop_work(conn->pg->loop, resolve_name, name_resolved, r, err)) {
        free_resolve(r);
        return false;
    }
    conn->resolve = r;
    return true;
}

pg_conn *pg_conn_open(nl_pg *pg, nl_err *err) {
    pg_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        nl_err_nomem(err);
        return NULL;
    }
    conn->pg = pg;
    conn->next = pg->conns;
    if (pg->conns)
        pg->conns->previous = conn;
    pg->conns = conn;
    pg->n_conns++;
    conn->state = PG_RESOLVING;
    conn->timer = nl_timer_start(pg->loop, pg->connect_ms, 0, connect_expired, conn, err);
    if (!conn->timer || (needs_resolving(pg) && !start_resolving(conn, err))) {
        pg_conn_close(conn);
        return NULL;
    }
    if (!conn->resolve) { /* on the next turn: a failure must not call back from here */
        nl_timer_stop(conn->timer);
        conn->timer = nl_timer_start(pg->loop, 0, 0, start_connecting, conn, err);
        if (!conn->timer) {
            pg_conn_close(conn);
            return NULL;
        }
    }
    return conn;
}

void pg_conn_close(pg_conn *conn) {
    nl_pg *pg = conn->pg;
    if (conn->resolve)
        conn->resolve->conn = NULL;
    nl_timer_stop(conn->timer);
    nl_watch_free(conn->watch);
    if (conn->pq)
        PQfinish(conn->pq);
    if (conn->previous)
        conn->previous->next = conn->next;
    else
        pg->conns = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    pg->n_conns--;
    free(conn);
}

/* --- connected ---------------------------------------------------------------------------------
 */

bool pg_conn_flush(pg_conn *conn) {
    int left = PQflush(conn->pq);
    if (left < 0)
        return false;
    return nl_watch_set(conn->watch, NL_READABLE | (left ? NL_WRITABLE : 0));
}

/* Nothing should arrive on an idle connection: a notice, or its end. */
static void idle_event(pg_conn *conn) {
    if (PQconsumeInput(conn->pq) == 1 && PQstatus(conn->pq) == CONNECTION_OK)
        return;
    nl_pg *pg = conn->pg;
    pg->stats.retired++;
    pg_conn_close(conn);
    pg_pump(pg);
}

static void on_ready(void *ctx, int events) {
    pg_conn *conn = ctx;
    if (conn->state == PG_IDLE)
        idle_event(conn);
    else if (events & NL_READABLE)
        pg_op_readable(conn->op);
    else if (!pg_conn_flush(conn))
        pg_op_readable(conn->op); /* finds the loss itself */
}

struct cancel {
    PGcancel *handle;
};

static void send_cancel(void *ctx) {
    struct cancel *cancel = ctx;
    char why[256];
    (void)PQcancel(cancel->handle, why, sizeof why); /* the deadline behind it closes the socket */
}

static void free_cancel(void *ctx) {
    struct cancel *cancel = ctx;
    PQfreeCancel(cancel->handle);
    free(cancel);
}

void pg_conn_cancel(pg_conn *conn) {
    struct cancel *cancel = calloc(1, sizeof *cancel);
    if (!cancel)
        return;
    cancel->handle = PQgetCancel(conn->pq);
    if (!cancel->handle || !nl_loop_work(conn->pg->loop, send_cancel, free_cancel, cancel, NULL))
        free_cancel(cancel);
}
