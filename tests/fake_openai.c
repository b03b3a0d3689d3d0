/* fake_openai.c: a stand-in for a model's endpoint, as a real HTTP server on loopback.
 *
 * Serves POST …/chat/completions (whole or streamed) and GET …/models. What it answers: the first
 * matching rule of --script (tests/fake/rules.h), else the next pairs of --pairs
 * (tests/fake/pairs.h), else one fixed pair. One thread: the order of requests is the order of
 * arrival. Prints "listening PORT" when ready and its counts as one JSON line at SIGTERM.
 *
 *   --port N  --delay-ms N  --script FILE  --pairs FILE  --per-reply N  --cycle  --by-request
 *   --log FILE  --require-key KEY  --no-json-schema  --no-json-object  --max-tokens-only
 *   --max-completion-tokens-only  --ignore-stream  --no-tools  --tls-cert FILE  --tls-key FILE
 *   --as SERVER (tests/fake/servers.h)  --max-in-flight N  --rate REQUESTS-A-MINUTE  --burst N
 *   --random-usage (GET …/charged tells what was billed so far) */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fake/limits.h"
#include "fake/log.h"
#include "fake/options.h"
#include "fake/reply.h"
#include "fake/scan.h"
#include "fake/servers.h"
#include "fake/wire.h"

#include "base/banned.h"

enum { HUGE_SIZE = 100 * 1000 * 1000, MAX_CONNECTIONS = 8000 };

static struct {
    size_t requests, prompt_tokens, completion_tokens, in_flight, max_in_flight, slowed;
} counts;

/* One request, from its first header to the last byte of its reply. */
struct call {
    struct MHD_Connection *connection;
    nl_buf body;
    struct reply reply;
    bool counted, decided, waited, suspended;
    size_t sent, next_event;
    uint64_t due;
    struct call *next, *previous; /* all calls */
};

static struct call *calls;
static struct {
    struct call **list; /* a heap by `due` */
    size_t n, room;
} waiting;
static volatile sig_atomic_t stopping;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- waiting ------------------------------------------------------------------------------- */

static void swap_calls(size_t a, size_t b) {
    struct call *kept = waiting.list[a];
    waiting.list[a] = waiting.list[b];
    waiting.list[b] = kept;
}

static bool is_before(size_t a, size_t b) {
    return waiting.list[a]->due < waiting.list[b]->due;
}

static void suspend_for(struct call *call, long ms) {
    if (waiting.n == waiting.room) {
        size_t room = waiting.room ? waiting.room * 2 : 1024;
        struct call **list = realloc(waiting.list, room * sizeof *list);
        if (!list)
            abort();
        waiting.list = list;
        waiting.room = room;
    }
    call->due = now_ms() + (uint64_t)ms;
    size_t i = waiting.n++;
    waiting.list[i] = call;
    for (; i > 0 && is_before(i, (i - 1) / 2); i = (i - 1) / 2)
        swap_calls(i, (i - 1) / 2);
    call->suspended = true;
    MHD_suspend_connection(call->connection);
}

static void resume_due(uint64_t now) {
    while (waiting.n > 0 && waiting.list[0]->due <= now) {
        struct call *call = waiting.list[0];
        waiting.list[0] = waiting.list[--waiting.n];
        for (size_t i = 0;;) {
            size_t least = i, left = 2 * i + 1;
            if (left < waiting.n && is_before(left, least))
                least = left;
            if (left + 1 < waiting.n && is_before(left + 1, least))
                least = left + 1;
            if (least == i)
                break;
            swap_calls(i, least);
            i = least;
        }
        call->suspended = false;
        MHD_resume_connection(call->connection);
    }
}

/* --- what to answer ------------------------------------------------------------------------ */

static const char *header(struct call *call, const char *name) {
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

/* True where the request was refused, as real endpoints refuse what they do not know. */
static bool refuse(struct call *call, const char *path, struct span body) {
    struct span format, type, value;
    const char *given = header(call, "Authorization");

    if (options.key && options.server != AS_AZURE &&
        (!given || strncmp(given, "Bearer ", 7) != 0 || strcmp(given + 7, options.key) != 0)) {
        put_error(&call->reply, 401, "invalid_request_error", NULL, "invalid_api_key",
                  "Incorrect API key provided.");
        return true;
    }
    if (server_refuses(&call->reply, call->connection, path, body))
        return true;
    if (body.size == 0)
        return false;
    if ((options.no_json_schema || options.no_json_object) &&
        scan_member(body, "response_format", &format) && scan_member(format, "type", &type) &&
        ((options.no_json_schema && scan_is(type, "\"json_schema\"")) ||
         (options.no_json_object && scan_is(type, "\"json_object\"")))) {
        put_error(&call->reply, 400, "invalid_request_error", "response_format", NULL,
                  "Invalid parameter: 'response_format' of this type is not supported with this "
                  "model.");
        return true;
    }
    if (options.no_tools && scan_member(body, "tools", &value)) { /* in Ollama's words */
        put_error(&call->reply, 400, "api_error", NULL, NULL, "fake does not support tools");
        return true;
    }
    if (options.max_tokens_only && scan_member(body, "max_completion_tokens", &value)) {
        put_error(&call->reply, 400, "invalid_request_error", NULL, NULL,
                  "Unrecognized request argument supplied: max_completion_tokens");
        return true;
    }
    if (options.max_completion_tokens_only && scan_member(body, "max_tokens", &value)) {
        put_error(&call->reply, 400, "invalid_request_error", "max_tokens", "unsupported_parameter",
                  "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                  "'max_completion_tokens' instead.");
        return true;
    }
    return false;
}

/* Any number of tokens that an honest endpoint may bill: up to a token for each byte, and up to the
 * output limit, which is reached one time in four. */
static void random_usage(struct completion *c, struct span body) {
    struct span limit;
    size_t most = 16;
    if (scan_member(body, "max_tokens", &limit) ||
        scan_member(body, "max_completion_tokens", &limit))
        most = strtoul(limit.at, NULL, 10);
    c->prompt_tokens = 1 + (size_t)rand() % body.size;
    c->completion_tokens = rand() % 4 == 0 ? most : (size_t)rand() % (most + 1);
}

static void count_usage(struct completion *c, struct span body) {
    c->prompt_tokens = (body.size + 3) / 4;
    c->completion_tokens = (c->content_size + 3) / 4;
    if (options.random_usage)
        random_usage(c, body);
    counts.prompt_tokens +=
        (size_t)nl_json_get_num(c->usage, "prompt_tokens", (double)c->prompt_tokens);
    counts.completion_tokens +=
        (size_t)nl_json_get_num(c->usage, "completion_tokens", (double)c->completion_tokens);
}

static void complete(struct call *call, struct span body, const struct rule *rule) {
    struct reply *reply = &call->reply;
    struct completion c = { .model = { "\"fake\"", 6 },
                            .id = XXH3_64bits(body.at, body.size),
                            .content = rule ? rule->content : NULL,
                            .tool_calls = rule ? rule->tool_calls : NULL,
                            .finish_reason = "stop" };
    struct span stream_options;
    nl_buf content;

    nl_buf_init(&content);
    if (c.tool_calls) {
        c.finish_reason = "tool_calls";
    } else if (!c.content && options.pairs.n > 0) {
        if (!put_pairs(&content, &options.pairs, body))
            abort();
        c.content = content.data;
    } else if (!c.content) {
        c.content = "{\"question\":\"How many is one?\",\"sql\":\"SELECT 1\"}";
    }
    c.content_size = c.content ? strlen(c.content) : 0;
    if (rule && rule->usage)
        c.usage = rule->usage;
    if (rule && rule->finish_reason)
        c.finish_reason = rule->finish_reason;
    struct span model;
    if (scan_member(body, "model", &model) && model.at[0] == '"')
        c.model = model;
    reply->stream = !options.ignore_stream && scan_true(body, "stream");
    reply->type = reply->stream ? "text/event-stream" : "application/json";
    c.priced = options.server == AS_OPENROUTER;
    count_usage(&c, body);
    bool usage = reply->stream && scan_member(body, "stream_options", &stream_options) &&
                 scan_true(stream_options, "include_usage");
    usage = usage || (reply->stream && c.priced); /* comes unasked there, behind comments */
    if (reply->stream && c.priced)
        nl_buf_str(&reply->body, ": OPENROUTER PROCESSING\n\n");
    if (reply->stream)
        reply->break_at = put_events(&reply->body, &c, usage, rule ? rule->break_after : -1);
    else
        put_completion(&reply->body, &c);
    nl_buf_release(&content);
}

/* Faults that only change what is said. */
static void spoil(struct reply *reply) {
    switch (reply->fault) {
    case EMPTY:
        nl_buf_clear(&reply->body);
        break;
    case HTML:
        nl_buf_clear(&reply->body);
        nl_buf_str(&reply->body, "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"
                                 "<body><h1>502 Bad gateway</h1></body></html>\n");
        reply->type = "text/html; charset=utf-8";
        break;
    case TRUNCATED_JSON:
        reply->body.size /= 2;
        break;
    case GZIP_BOMB:
        nl_buf_clear(&reply->body);
        put_bomb(&reply->body);
        break;
    case RESET_MID:
    case HALF_OPEN:
        reply->break_at = reply->body.size / 2;
        break;
    default:
        break;
    }
}

static void put_hex(nl_buf *out, const char *hex) {
    unsigned byte;
    for (; hex[0] && hex[1] && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        nl_buf_char(out, (char)byte);
}

static void decide_chat(struct call *call, const char *path) {
    struct reply *reply = &call->reply;
    struct span body = { call->body.data, call->body.size };

    counts.requests++;
    if (refuse(call, path, body))
        return;
    if (too_fast(reply, now_ms(), counts.in_flight)) {
        counts.slowed++;
        return;
    }
    struct rule *rule = rules_find(&options.rules, call->body.data);
    if (rule) {
        reply->status = rule->status;
        reply->headers = rule->headers;
        reply->fault = rule->fault;
        reply->event_delay_ms = rule->event_delay_ms;
        if (rule->delay_ms >= 0)
            reply->delay_ms = rule->delay_ms;
    }
    if (rule && rule->hex) {
        put_hex(&reply->body, rule->hex);
    } else if (rule && rule->body) {
        reply->type = rule->body[0] == '{' ? "application/json" : "text/plain";
        nl_buf_str(&reply->body, rule->body);
    } else {
        complete(call, body, rule);
    }
    spoil(reply);
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void decide(struct call *call, const char *method, const char *path) {
    struct reply *reply = &call->reply;
    reply->status = 200;
    reply->type = "application/json";
    reply->delay_ms = options.delay_ms;
    reply->break_at = SIZE_MAX;
    call->decided = true;
    if (ends_with(path, "/chat/completions") && strcmp(method, "POST") == 0) {
        decide_chat(call, path);
    } else if (ends_with(path, "/charged") && strcmp(method, "GET") == 0) {
        /* what was billed so far, whether the replies were read or not */
        nl_buf_printf(&reply->body,
                      "{\"requests\":%zu,\"prompt_tokens\":%zu,\"completion_tokens\":%zu,"
                      "\"in_flight\":%zu,\"max_in_flight\":%zu}",
                      counts.requests, counts.prompt_tokens, counts.completion_tokens,
                      counts.in_flight, counts.max_in_flight);
        reply->delay_ms = 0;
    } else if (ends_with(path, "/models") && strcmp(method, "GET") == 0) {
        counts.requests++;
        if (!refuse(call, path, (struct span){ "", 0 }))
            nl_buf_str(&reply->body,
                       "{\"object\":\"list\",\"data\":[{\"id\":\"fake\",\"object\":\"model\","
                       "\"created\":0,\"owned_by\":\"tests\"}]}");
    } else {
        put_error(reply, 404, "invalid_request_error", NULL, NULL, "Unknown request URL.");
    }
    if (reply->body.failed)
        abort();
}

/* --- answering ----------------------------------------------------------------------------- */

static void print_counts(void) {
    (void)printf("{\"requests\":%zu,\"completion_tokens\":%zu,\"prompt_tokens\":%zu,"
                 "\"max_in_flight\":%zu,\"slowed\":%zu}\n",
                 counts.requests, counts.completion_tokens, counts.prompt_tokens,
                 counts.max_in_flight, counts.slowed);
    (void)fflush(stdout);
}

static int socket_of(struct call *call) {
    return MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* The connection's end will reach the client as a reset. */
static void arm_reset(struct call *call) {
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(socket_of(call), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Where the next event of a stream ends. */
static size_t event_end(const nl_buf *body, size_t from) {
    const char *end = from < body->size ? strstr(body->data + from, "\n\n") : NULL;
    return end ? (size_t)(end - body->data) + 2 : body->size;
}

static ssize_t read_reply(void *ctx, uint64_t pos, char *buf, size_t max) {
    struct call *call = ctx;
    struct reply *reply = &call->reply;
    size_t end = reply->body.size;

    if (reply->fault == HUGE_REPLY) {
        if (pos >= HUGE_SIZE)
            return MHD_CONTENT_READER_END_OF_STREAM;
        size_t n = HUGE_SIZE - pos < max ? HUGE_SIZE - (size_t)pos : max;
        memset(buf, ' ', n);
        return (ssize_t)n;
    }
    if (end > reply->break_at)
        end = reply->break_at;
    if (pos >= end && end == reply->body.size)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (pos >= end && reply->fault == HALF_OPEN) {
        suspend_for(call, 3600 * 1000);
        return 0;
    }
    if (pos >= end)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (reply->event_delay_ms > 0) {
        if (pos == call->next_event && !call->waited) {
            call->waited = true;
            suspend_for(call, reply->event_delay_ms);
            return 0;
        }
        call->waited = false;
        size_t event = event_end(&reply->body, pos);
        end = event < end ? event : end;
        call->next_event = end;
    }
    size_t n = end - (size_t)pos < max ? end - (size_t)pos : max;
    memcpy(buf, reply->body.data + pos, n);
    return (ssize_t)n;
}

/* A rule's header; "@SECONDS" is the date then. */
static void add_header(struct MHD_Response *response, const char *name, const char *value) {
    char date[64];
    if (value[0] == '@') {
        time_t then = time(NULL) + strtol(value + 1, NULL, 10);
        struct tm parts;
        gmtime_r(&then, &parts);
        (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        value = date;
    }
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *make_response(struct call *call) {
    struct reply *reply = &call->reply;
    struct MHD_Response *response;

    if (reply->stream || reply->break_at != SIZE_MAX || reply->fault == HUGE_REPLY)
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_reply, call, NULL);
    else
        response = MHD_create_response_from_buffer(reply->body.size, reply->body.data,
                                                   MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->fault == GZIP_BOMB)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    add_rate_headers(response);
    for (const nl_json_node *one = reply->headers ? reply->headers->child : NULL; one;
         one = one->next)
        add_header(response, one->key, one->text);
    return response;
}

static enum MHD_Result answer(struct call *call) {
    struct reply *reply = &call->reply;
    static const char garbage[] = "\x16\x03\x01 this is not HTTP\r\n\r\n";

    switch (reply->fault) {
    case HANG:
        suspend_for(call, 3600 * 1000);
        return MHD_YES;
    case GARBAGE:
        if (send(socket_of(call), garbage, sizeof garbage - 1, MSG_NOSIGNAL) < 0)
            return MHD_NO;
        return MHD_NO;
    case RESET_BEFORE:
        arm_reset(call);
        return MHD_NO;
    case RESET_MID:
        arm_reset(call);
        break;
    case DRIP_HEAD:
    case DRIP_BODY:
        if (!put_drip(socket_of(call), reply))
            return MHD_NO;
        suspend_for(call, DRIP_MS);
        return MHD_YES;
    case LONG_LENGTH:
        put_with_length(socket_of(call), &reply->body, reply->body.size + 1000);
        return MHD_NO;
    case SHORT_LENGTH:
        put_with_length(socket_of(call), &reply->body, reply->body.size / 2);
        return MHD_NO;
    case BAD_CHUNKS:
        put_bad_chunks(socket_of(call));
        return MHD_NO;
    case EXIT:
        print_counts();
        _exit(0);
    default:
        break;
    }
    struct MHD_Response *response = make_response(call);
    if (!response)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(call->connection, reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct call *new_call(struct MHD_Connection *connection) {
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->connection = connection;
    nl_buf_init(&call->body);
    nl_buf_init(&call->reply.body);
    call->next = calls;
    if (calls)
        calls->previous = call;
    calls = call;
    return call;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state) {
    struct call *call = *state;
    (void)ctx;
    (void)version;
    if (!call) {
        *state = call = new_call(connection);
        return call ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        nl_buf_add(&call->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!call->decided) {
        call->counted = true;
        if (++counts.in_flight > counts.max_in_flight)
            counts.max_in_flight = counts.in_flight;
        decide(call, method, path);
        if (options.log)
            write_log(options.log, connection, counts.requests, now_ms(), path, &call->body);
        if (call->reply.delay_ms > 0) {
            suspend_for(call, call->reply.delay_ms);
            return MHD_YES;
        }
    }
    return answer(call);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    struct call *call = *state;
    (void)ctx;
    (void)connection;
    (void)code;
    if (!call)
        return;
    counts.in_flight -= call->counted;
    if (call->previous)
        call->previous->next = call->next;
    else
        calls = call->next;
    if (call->next)
        call->next->previous = call->previous;
    nl_buf_release(&call->body);
    nl_buf_release(&call->reply.body);
    free(call);
    *state = NULL;
}

static void on_signal(int signum) {
    (void)signum;
    stopping = 1;
}

static struct MHD_Daemon *start(void) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)options.port) };
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool tls = options.tls_cert.size > 0;
    struct MHD_OptionItem secure[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, options.tls_cert.data },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, options.tls_key.data },
        { MHD_OPTION_END, 0, NULL },
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : MHD_USE_TURBO), 0, NULL,
        NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_LISTEN_BACKLOG_SIZE,
        4096U, MHD_OPTION_ARRAY, tls ? secure : &secure[2], MHD_OPTION_END);
}

static void serve(struct MHD_Daemon *daemon) {
    while (!stopping) {
        int wait = 50; /* a signal may come right before the wait */
        uint64_t now = now_ms();
        if (waiting.n > 0 && waiting.list[0]->due < now + (uint64_t)wait)
            wait = waiting.list[0]->due > now ? (int)(waiting.list[0]->due - now) : 0;
        MHD_run_wait(daemon, wait);
        resume_due(now_ms());
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    struct MHD_Daemon *daemon = start();
    if (!daemon)
        die("fake_openai: cannot listen on 127.0.0.1%s%s\n", "", "");
    (void)printf("listening %u\n",
                 (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)fflush(stdout);
    serve(daemon);
    resume_due(UINT64_MAX);
    MHD_stop_daemon(daemon);
    print_counts();
    free(waiting.list);
    free_options();
    return fflush(stdout) == 0 ? 0 : 1;
}
