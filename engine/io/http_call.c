/* http_call.c: one call: what is asked, what comes in, and when it has lasted too long. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/http_priv.h"

#include "base/banned.h"

enum {
    CONNECT_MS = 10000,
    IDLE_MS = 120000,
    TOTAL_MS = 600000,
    MAX_REPLY = 16 << 20,
    EXPECT_FROM = 1 << 20,  /* libcurl asks for leave to send larger bodies */
    RECEIVE_ROOM = 8 << 10, /* for each call under way; events come in small pieces */
};

/* --- what comes in ------------------------------------------------------------------------- */

static void touch(nl_http_call *call) {
    call->last = nl_loop_now(call->http->loop);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx) {
    const struct nl_http_slot *slot = ctx;
    nl_http_call *call = slot->call;
    size_t n = size * count, left = call->max_reply - call->reply.body.size;

    touch(call);
    if (!nl_buf_add(&call->reply.body, data, n < left ? n : left))
        return 0;
    if (n > left) {
        call->stop = NL_HTTP_SIZE;
        return 0;
    }
    return n;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx) {
    const struct nl_http_slot *slot = ctx;
    nl_http_call *call = slot->call;
    nl_buf *headers = &call->reply.headers;
    size_t n = size * count, used = n;

    touch(call);
    while (used > 0 && (data[used - 1] == '\r' || data[used - 1] == '\n'))
        used--;
    const char *colon = memchr(data, ':', used);
    if (used >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        nl_buf_clear(headers); /* of an interim response */
        return n;
    }
    if (!colon || used == 0)
        return n;
    if (headers->size + used > NL_HTTP_MAX_HEADERS) {
        call->stop = NL_HTTP_SIZE;
        return 0;
    }
    if (!nl_buf_reserve(headers, used + 1))
        return 0;
    char *line = headers->data + headers->size;
    nl_buf_add(headers, data, used);
    nl_buf_char(headers, '\n');
    for (char *c = line; *c != ':'; c++)
        *c = (char)tolower((unsigned char)*c);
    return n;
}

/* The connection stands, new or used before; what comes next is the request. */
static int on_connected(void *ctx, char *their_ip, char *our_ip, int their_port, int our_port) {
    const struct nl_http_slot *slot = ctx;
    nl_http_call *call = slot->call;
    (void)their_ip;
    (void)our_ip;
    (void)their_port;
    (void)our_port;
    if (call->reply.sent)
        return CURL_PREREQFUNC_ABORT; /* a second try: the first may have been served */
    call->reply.sent = true;
    touch(call);
    nl_http_mind_deadline(call->http, call);
    return CURL_PREREQFUNC_OK;
}

/* --- what is asked ------------------------------------------------------------------------- */

static bool set_constants(nl_http *http, struct nl_http_slot *slot) {
    CURL *easy = slot->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->text) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, nl_http_on_open) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, nl_http_on_close) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_ROOM) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           /* see http.h */
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "nlsql/" NL_VERSION) == CURLE_OK &&
           /* a cancelled call must not wait for a resolver's thread */
           curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           (!http->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file) == CURLE_OK);
}

void nl_http_slot_free(struct nl_http_slot *slot) {
    curl_easy_cleanup(slot->easy);
    free(slot->url);
    free(slot);
}

struct nl_http_slot *nl_http_slot_new(nl_http *http) {
    struct nl_http_slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->easy = curl_easy_init();
    if (!slot->easy || !set_constants(http, slot)) {
        nl_http_slot_free(slot);
        return NULL;
    }
    return slot;
}

static bool set_method(CURL *easy, const nl_http_call *call) {
    const char *method = call->method;
    bool head = method && strcmp(method, "HEAD") == 0;
    bool post = method ? strcmp(method, "POST") == 0 : call->body != NULL;
    bool plain = head || post || !method || strcmp(method, "GET") == 0;

    if (curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L) != CURLE_OK)
        return false;
    if (!head && curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) != CURLE_OK)
        return false;
    if (post || (call->body && !head)) {
        if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_size) !=
                CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body ? call->body : "") != CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK)
            return false;
    }
    /* a GET or HEAD with a body is still a GET or HEAD */
    bool custom = !plain || (method && call->body && !post && !head);
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom ? method : NULL) == CURLE_OK;
}

/* Where the call goes. Most calls of a program go where the handle's last one went. */
static bool set_target(struct nl_http_slot *slot, const nl_http_call *call) {
    CURL *easy = slot->easy;
    if (slot->url && strcmp(slot->url, call->url) == 0)
        return true;
    free(slot->url);
    slot->url = NULL; /* whatever fails below: the handle's target is unknown */
    if (curl_easy_setopt(easy, CURLOPT_URL, call->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROXY, call->direct ? "" : NULL) != CURLE_OK)
        return false;
    slot->url = strdup(call->url);
    return slot->url != NULL;
}

bool nl_http_call_prepare(nl_http_call *call, nl_err *err) {
    struct nl_http_slot *slot = call->slot;
    slot->text[0] = '\0';
    if (set_target(slot, call) &&
        curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
        set_method(slot->easy, call))
        return true;
    return nl_err_nomem(err);
}

static bool add_header(nl_http_call *call, const char *line) {
    struct curl_slist *headers = curl_slist_append(call->headers, line);
    if (!headers)
        return false;
    call->headers = headers;
    return true;
}

/* Does the line bring the header that the key would? */
static bool is_keys_own(const struct nl_http_key *key, const char *line, size_t name) {
    return key && strncasecmp(line, key->header, name) == 0 && key->header[name] == ':';
}

static bool copy_headers(nl_http_call *call, const nl_http_request *request, nl_err *err) {
    bool own = false;
    for (const char *const *line = request->headers; line && *line; line++) {
        size_t name = strcspn(*line, ":");
        if (name == 0 || (*line)[name] == '\0' || strpbrk(*line, "\r\n") ||
            strcspn(*line, " \t") < name)
            return nl_err_set(err, NL_INVALID, "a header must read \"Name: value\" on one line");
        own = own || (name == 13 && strncasecmp(*line, "authorization", 13) == 0) ||
              is_keys_own(call->key, *line, name);
        if (!add_header(call, *line))
            return nl_err_nomem(err);
    }
    if (own)
        call->key = NULL;
    if ((call->key && !add_header(call, call->key->header)) ||
        (call->body_size >= EXPECT_FROM && !add_header(call, "Expect:")))
        return nl_err_nomem(err);
    return true;
}

/* The call's target, read once for all calls with the same URL in a row. */
static const struct nl_http_target *target_of(nl_http_call *call, nl_err *err) {
    nl_http *http = call->http;
    if (http->last_url && strcmp(http->last_url, call->url) == 0)
        return &http->last_target;
    free(http->last_url);
    http->last_url = NULL;
    if (!nl_http_target(call->url, &http->last_target, err))
        return NULL;
    http->last_url = strdup(call->url);
    return &http->last_target;
}

static bool check_target(nl_http_call *call, nl_err *err) {
    const nl_http *http = call->http;
    const struct nl_http_target *target = target_of(call, err);

    if (!target)
        return false;
    call->direct = nl_http_target_is_loopback(target);
    if (!call->direct && !http->allow_insecure && strcmp(target->scheme, "https") != 0)
        return nl_err_set(err, NL_INVALID,
                          "plain http to %s is refused: prompts and keys would be readable on the "
                          "way; use https, or allow_insecure",
                          target->host);
    for (const struct nl_http_key *key = http->keys; key && !call->key; key = key->next) {
        if (nl_http_target_is_under(target, &key->base))
            call->key = key;
    }
    return true;
}

static bool copy_request(nl_http_call *call, const nl_http_request *request, nl_err *err) {
    if (!request->url)
        return nl_err_set(err, NL_INVALID, "a request needs a URL");
    if (request->method && (!request->method[0] ||
                            request->method[strspn(request->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]))
        return nl_err_set(err, NL_INVALID, "a method is a word in capitals");
    call->url = strdup(request->url);
    call->method = request->method ? strdup(request->method) : NULL;
    if (!call->url || (request->method && !call->method))
        return nl_err_nomem(err);
    call->body_size = request->body ? request->body_size : 0;
    call->body = request->body;
    if (request->body && !request->body_stays) {
        call->own_body = malloc(request->body_size + 1);
        if (!call->own_body)
            return nl_err_nomem(err);
        memcpy(call->own_body, request->body, request->body_size);
        call->body = call->own_body;
    }
    return check_target(call, err) && copy_headers(call, request, err);
}

nl_http_call *nl_http_call_new(nl_http *http, const nl_http_request *request, nl_err *err) {
    nl_http_call *call = calloc(1, sizeof *call);
    if (!call) {
        nl_err_nomem(err);
        return NULL;
    }
    call->http = http;
    call->connect_ms = request->connect_ms ? request->connect_ms : CONNECT_MS;
    call->idle_ms = request->idle_ms ? request->idle_ms : IDLE_MS;
    call->total_ms = request->total_ms ? request->total_ms : TOTAL_MS;
    call->max_reply = request->max_reply ? request->max_reply : MAX_REPLY;
    nl_buf_init(&call->reply.headers);
    nl_buf_init(&call->reply.body);
    if (!copy_request(call, request, err)) {
        nl_http_call_free(call);
        return NULL;
    }
    return call;
}

void nl_http_call_free(nl_http_call *call) {
    nl_buf_release(&call->reply.headers);
    nl_buf_release(&call->reply.body);
    curl_slist_free_all(call->headers);
    free(call->own_body);
    free(call->method);
    free(call->url);
    free(call);
}

/* --- clocks -------------------------------------------------------------------------------- */

uint64_t nl_http_call_deadline(const nl_http_call *call) {
    uint64_t total = call->started + call->total_ms;
    uint64_t next =
        call->reply.sent ? call->last + call->idle_ms : call->started + call->connect_ms;
    return next < total ? next : total;
}

/* Something of the reply is there, so the request is out: from here on silence is silence. */
static bool has_begun(const nl_http_call *call) {
    return call->reply.headers.size > 0 || call->reply.body.size > 0;
}

/* Bytes sent and received so far. What is sent shows nowhere else. */
static curl_off_t bytes_moved(const nl_http_call *call) {
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(call->slot->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(call->slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return up + down;
}

bool nl_http_call_overdue(nl_http_call *call, uint64_t now) {
    if (now >= call->started + call->total_ms) {
        call->stop = NL_HTTP_TOTAL;
    } else if (!call->reply.sent && now >= call->started + call->connect_ms) {
        call->stop = NL_HTTP_CONNECT;
    } else if (call->reply.sent && now >= call->last + call->idle_ms) {
        curl_off_t moved = bytes_moved(call);
        if (has_begun(call) || moved == call->moved)
            call->stop = NL_HTTP_IDLE;
        call->moved = moved;
        call->last = now;
    }
    return call->stop != NL_HTTP_NONE;
}
