/* http.c: the client: calls that wait their turn, clocks, keys, and how all of it ends. */
#include "io/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "io/http_priv.h"

#include "base/banned.h"

enum {
    MAX_CONNECTIONS = 1024,
    SPARE_FILES = 256,     /* for the database, the store, files */
    DEADLINE_GRAIN_MS = 5, /* clocks are looked at no more often */
    FAR = 3600 * 1000,     /* a timer that has nothing to do */
};

/* --- lists --------------------------------------------------------------------------------- */

void nl_http_list_add(struct nl_http_list *list, nl_http_call *call) {
    call->next = NULL;
    call->previous = list->last;
    if (list->last)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
    list->n++;
}

void nl_http_list_drop(struct nl_http_list *list, nl_http_call *call) {
    if (call->previous)
        call->previous->next = call->next;
    else
        list->first = call->next;
    if (call->next)
        call->next->previous = call->previous;
    else
        list->last = call->previous;
    call->next = call->previous = NULL;
    list->n--;
}

static struct nl_http_list *list_of(nl_http_call *call) {
    nl_http *http = call->http;
    return call->stage == NL_HTTP_QUEUED   ? &http->queued
           : call->stage == NL_HTTP_ACTIVE ? &http->active
                                           : &http->failed;
}

/* --- ends and turns ------------------------------------------------------------------------ */

/* Takes the handle back from libcurl, which closes the connection where the transfer is unfinished.
 */
static void return_slot(nl_http_call *call) {
    struct nl_http_slot *slot = call->slot;
    nl_http *http = call->http;
    if (!slot)
        return;
    curl_multi_remove_handle(http->multi, slot->easy);
    slot->call = NULL;
    slot->next = http->free_slots;
    http->free_slots = slot;
    call->slot = NULL;
}

static bool activate(nl_http_call *call, nl_err *err) {
    nl_http *http = call->http;
    struct nl_http_slot *slot = http->free_slots;

    if (slot)
        http->free_slots = slot->next;
    else
        slot = nl_http_slot_new(http);
    if (!slot)
        return nl_err_nomem(err);
    slot->next = NULL;
    slot->call = call;
    call->slot = slot;
    call->started = call->last = nl_loop_now(http->loop);
    bool ok = nl_http_call_prepare(call, err);
    if (ok && curl_multi_add_handle(http->multi, slot->easy) != CURLM_OK)
        ok = nl_err_nomem(err);
    if (!ok) {
        return_slot(call);
        return false;
    }
    call->stage = NL_HTTP_ACTIVE;
    nl_http_list_add(&http->active, call);
    nl_http_mind_deadline(http, call);
    return true;
}

/* Gives free places to those that wait. One that cannot start fails from the loop's next turn. */
static void start_queued(nl_http *http) {
    while (http->queued.first && http->active.n < http->max_connections) {
        nl_http_call *call = http->queued.first;
        nl_http_list_drop(&http->queued, call);
        if (!activate(call, &call->reply.err)) {
            call->stage = NL_HTTP_FAILED;
            nl_http_list_add(&http->failed, call);
            nl_loop_post(http->loop, &http->failed_task);
        }
    }
}

static void end_call(nl_http_call *call, CURLcode result) {
    nl_http *http = call->http;
    nl_http_list_drop(list_of(call), call);
    if (call->stage == NL_HTTP_ACTIVE)
        nl_http_call_conclude(call, result);
    return_slot(call);
    call->done(call->ctx, &call->reply);
    nl_http_call_free(call);
    start_queued(http);
}

static void report_failed(void *ctx) {
    nl_http *http = ctx;
    while (http->failed.first)
        end_call(http->failed.first, CURLE_OUT_OF_MEMORY);
}

static void read_ends(nl_http *http) {
    const CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct nl_http_slot *slot = NULL;
        CURLcode result = message->data.result; /* the message dies with the handle's removal */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
        if (slot && slot->call)
            end_call(slot->call, result);
    }
}

void nl_http_drive(nl_http *http, curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(http->multi, fd, events, &running);
    read_ends(http);
}

/* --- clocks -------------------------------------------------------------------------------- */

static void set_deadline(nl_http *http, uint64_t when) {
    uint64_t now = nl_loop_now(http->loop);
    http->deadline = when;
    nl_timer_again(http->deadline_timer, when > now ? when - now : 0);
}

void nl_http_mind_deadline(nl_http *http, const nl_http_call *call) {
    uint64_t when = nl_http_call_deadline(call);
    if (when < http->deadline)
        set_deadline(http, when);
}

/* The timer is set for the earliest that any call can be overdue; most will have moved on. */
static void on_deadline(void *ctx) {
    nl_http *http = ctx;
    uint64_t now = nl_loop_now(http->loop), earliest;
    nl_http_call *overdue;

    /* `done` may start and cancel any call: look again from the start after each */
    do {
        overdue = NULL;
        earliest = now + FAR;
        for (nl_http_call *call = http->active.first; call && !overdue; call = call->next) {
            if (nl_http_call_overdue(call, now)) {
                overdue = call;
            } else {
                uint64_t when = nl_http_call_deadline(call);
                earliest = when < earliest ? when : earliest;
            }
        }
        if (overdue)
            end_call(overdue, CURLE_OPERATION_TIMEDOUT);
    } while (overdue);
    if (earliest < now + DEADLINE_GRAIN_MS)
        earliest = now + DEADLINE_GRAIN_MS;
    set_deadline(http, earliest);
}

static int on_curl_timer(CURLM *multi, long ms, void *ctx) {
    nl_http *http = ctx;
    (void)multi;
    if (ms == 0) {
        nl_loop_post(http->loop, &http->curl_task); /* libcurl must not be called from here */
        ms = -1;
    } else if (http->curl_task.posted) {
        nl_loop_unpost(http->loop, &http->curl_task);
    }
    nl_timer_again(http->curl_timer, ms > 0 ? (uint64_t)ms : FAR);
    return 0;
}

static void on_curl_time(void *ctx) {
    nl_http *http = ctx;
    nl_http_drive(http, CURL_SOCKET_TIMEOUT, 0);
}

/* --- the client ---------------------------------------------------------------------------- */

static void raise_file_limit(size_t wanted) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &files); /* where it fails, connecting will say so */
}

static bool set_up_multi(nl_http *http) {
    long most = (long)http->max_connections;
    return curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, nl_http_on_socket) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, most) == CURLM_OK &&
           curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most) == CURLM_OK;
}

nl_http *nl_http_new(nl_loop *loop, const nl_http_options *options, nl_err *err) {
    nl_http *http = calloc(1, sizeof *http);
    if (!http) {
        nl_err_nomem(err);
        return NULL;
    }
    http->loop = loop;
    http->max_connections =
        options && options->max_connections ? options->max_connections : MAX_CONNECTIONS;
    http->allow_insecure = options && options->allow_insecure;
    const char *ca_file = getenv("CURL_CA_BUNDLE");
    if (!ca_file)
        ca_file = getenv("SSL_CERT_FILE");
    if (ca_file && ca_file[0] && !(http->ca_file = strdup(ca_file))) {
        nl_err_nomem(err);
        free(http);
        return NULL;
    }
    http->curl_task = (nl_task){ .fn = on_curl_time, .ctx = http };
    http->failed_task = (nl_task){ .fn = report_failed, .ctx = http };
    http->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    http->multi = http->global ? curl_multi_init() : NULL;
    http->curl_timer = nl_timer_start(loop, FAR, 0, on_curl_time, http, NULL);
    http->deadline_timer = nl_timer_start(loop, FAR, 0, on_deadline, http, NULL);
    http->deadline = nl_loop_now(loop) + FAR;
    if (!http->multi || !http->curl_timer || !http->deadline_timer || !set_up_multi(http)) {
        nl_err_nomem(err);
        nl_http_free(http);
        return NULL;
    }
    raise_file_limit(http->max_connections + SPARE_FILES);
    return http;
}

static void drop_all(struct nl_http_list *list) {
    while (list->first)
        nl_http_cancel(list->first);
}

void nl_http_free(nl_http *http) {
    if (!http)
        return;
    drop_all(&http->queued); /* first, or they would take the places of the active ones */
    drop_all(&http->failed);
    drop_all(&http->active);
    while (http->free_slots) {
        struct nl_http_slot *next = http->free_slots->next;
        nl_http_slot_free(http->free_slots);
        http->free_slots = next;
    }
    if (http->multi)
        curl_multi_cleanup(http->multi);
    if (http->global)
        curl_global_cleanup();
    nl_loop_unpost(http->loop, &http->curl_task);
    nl_loop_unpost(http->loop, &http->failed_task);
    nl_timer_stop(http->curl_timer);
    nl_timer_stop(http->deadline_timer);
    nl_http_sockets_free(http);
    free(http->last_url);
    free(http->ca_file);
    nl_http_known_free(http);
    free(http);
}

nl_http_call *nl_http_start(nl_http *http, const nl_http_request *request, nl_http_done done,
                            void *ctx, nl_err *err) {
    nl_http_call *call = nl_http_call_new(http, request, err);
    if (!call)
        return NULL;
    call->done = done;
    call->ctx = ctx;
    if (http->active.n >= http->max_connections || http->queued.first) {
        call->stage = NL_HTTP_QUEUED;
        nl_http_list_add(&http->queued, call);
        return call;
    }
    if (!activate(call, err)) {
        nl_http_call_free(call);
        return NULL;
    }
    return call;
}

void nl_http_cancel(nl_http_call *call) {
    nl_http *http = call->http;
    nl_http_list_drop(list_of(call), call);
    return_slot(call);
    nl_http_call_free(call);
    start_queued(http);
}
