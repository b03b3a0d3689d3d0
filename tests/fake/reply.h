/* reply.h: the bodies of an OpenAI-compatible endpoint: completions, events, errors. */
#ifndef NL_TESTS_FAKE_REPLY_H
#define NL_TESTS_FAKE_REPLY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "data/json.h"
#include "rules.h"
#include "scan.h"

struct completion {
    struct span model; /* as in the request, with its quotes */
    uint64_t id;
    const char *content; /* NULL: null, beside tool_calls */
    size_t content_size;
    const nl_json_node *tool_calls; /* from a rule; NULL: none */
    const char *finish_reason;
    const nl_json_node *usage; /* from a rule: an object, or false for none; NULL: counted */
    size_t prompt_tokens, completion_tokens;
    bool priced;
};

struct reply {
    unsigned status;
    const char *type;
    const nl_json_node *headers;
    nl_buf body;
    bool stream;
    size_t break_at; /* end the connection here; SIZE_MAX: never */
    long delay_ms, event_delay_ms;
    enum fault fault;
    bool dripping; /* its head went out by hand */
    bool slowed;   /* refused for its pace */
};

/* A rule's usage is written as it stands there: members that are numbers, and one level of
 * objects of numbers. */
static void put_numbers(nl_json_writer *w, const nl_json_node *object) {
    nl_json_open_object(w);
    for (const nl_json_node *member = object->child; member; member = member->next) {
        nl_json_key(w, member->key);
        if (member->type == NL_JSON_OBJECT)
            put_numbers(w, member);
        else if (member->type == NL_JSON_NUMBER)
            nl_json_put_number(w, member->text, member->size);
        else
            nl_json_put_null(w);
    }
    nl_json_close_object(w);
}

static void put_usage(nl_buf *out, const struct completion *c) {
    nl_json_writer w;
    if (c->usage && c->usage->type == NL_JSON_OBJECT) {
        nl_json_writer_init(&w, out);
        put_numbers(&w, c->usage);
        return;
    }
    nl_buf_printf(out, "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu",
                  c->prompt_tokens, c->completion_tokens, c->prompt_tokens + c->completion_tokens);
    if (c->priced) /* OpenRouter: a credit is a dollar */
        nl_buf_printf(out, ",\"cost\":%.7f",
                      1e-6 * (double)(c->prompt_tokens + c->completion_tokens));
    nl_buf_char(out, '}');
}

static bool has_usage(const struct completion *c) {
    return !c->usage || c->usage->type == NL_JSON_OBJECT;
}

static void put_string(nl_buf *out, const char *text, size_t size) {
    nl_json_writer w;
    nl_json_writer_init(&w, out);
    if (!nl_json_str_n(&w, text, size))
        nl_buf_str(out, "\"\"");
}

static void put_head(nl_buf *out, const struct completion *c, const char *object) {
    nl_buf_printf(out, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"%s\",\"created\":0,\"model\":",
                  (unsigned long long)c->id, object);
    nl_buf_add(out, c->model.at, c->model.size);
}

static void put_content(nl_buf *out, const struct completion *c) {
    if (c->content)
        put_string(out, c->content, c->content_size);
    else
        nl_buf_str(out, "null");
}

/* The id of a call: the rule's, or one that its place makes. */
static void put_call_id(nl_buf *out, const nl_json_node *call, unsigned index) {
    const char *id = nl_json_get_str(call, "id");
    nl_buf_str(out, "\"id\":");
    if (id)
        put_string(out, id, strlen(id));
    else
        nl_buf_printf(out, "\"call_%u\"", index + 1);
}

static void put_call_name(nl_buf *out, const nl_json_node *call) {
    const char *name = nl_json_get_str(call, "name");
    nl_buf_str(out, ",\"type\":\"function\",\"function\":{\"name\":");
    put_string(out, name, strlen(name));
    nl_buf_str(out, ",\"arguments\":");
}

static void put_calls(nl_buf *out, const nl_json_node *calls) {
    unsigned index = 0;
    nl_buf_str(out, ",\"tool_calls\":[");
    for (const nl_json_node *call = calls->child; call; call = call->next, index++) {
        const char *arguments = nl_json_get_str(call, "arguments");
        nl_buf_str(out, index ? ",{" : "{");
        put_call_id(out, call, index);
        put_call_name(out, call);
        put_string(out, arguments, strlen(arguments));
        nl_buf_str(out, "}}");
    }
    nl_buf_char(out, ']');
}

static void put_completion(nl_buf *out, const struct completion *c) {
    put_head(out, c, "chat.completion");
    nl_buf_str(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    put_content(out, c);
    if (c->tool_calls)
        put_calls(out, c->tool_calls);
    nl_buf_printf(out, "},\"finish_reason\":\"%s\"}]", c->finish_reason);
    if (has_usage(c)) {
        nl_buf_str(out, ",\"usage\":");
        put_usage(out, c);
    }
    nl_buf_char(out, '}');
}

/* Ends a piece of at most `wanted` bytes at a character's edge. */
static size_t piece_size(const char *text, size_t left, size_t wanted) {
    size_t n = wanted < left ? wanted : left;
    while (n < left && ((unsigned char)text[n] & 0xC0) == 0x80)
        n++;
    return n;
}

struct events {
    nl_buf *out;
    const struct completion *c;
    long n, break_after;
    size_t break_at;
};

static void open_event(struct events *e) {
    if (e->n++ == e->break_after)
        e->break_at = e->out->size;
    nl_buf_str(e->out, "data: ");
    put_head(e->out, e->c, "chat.completion.chunk");
}

static void put_delta(struct events *e, const char *before, const char *text, size_t size) {
    open_event(e);
    nl_buf_printf(e->out, ",\"choices\":[{\"index\":0,\"delta\":{%s\"content\":", before);
    put_string(e->out, text, size);
    nl_buf_str(e->out, "},\"finish_reason\":null}]}\n\n");
}

/* One call of a tool, as endpoints stream it: id and name first, then the arguments in pieces. */
static void put_call_events(struct events *e, const nl_json_node *call, unsigned index) {
    const char *text = nl_json_get_str(call, "arguments");
    size_t left = strlen(text), wanted = left / 3 + 1;

    open_event(e);
    nl_buf_printf(e->out, ",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,",
                  index);
    put_call_id(e->out, call, index);
    put_call_name(e->out, call);
    nl_buf_str(e->out, "\"\"}}]},\"finish_reason\":null}]}\n\n");
    while (left > 0) {
        size_t n = piece_size(text, left, wanted);
        open_event(e);
        nl_buf_printf(e->out,
                      ",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,"
                      "\"function\":{\"arguments\":",
                      index);
        put_string(e->out, text, n);
        nl_buf_str(e->out, "}}]},\"finish_reason\":null}]}\n\n");
        text += n;
        left -= n;
    }
}

/* Role, content in about eight deltas, calls of tools, finish reason, usage where it was asked for,
 * [DONE]. Returns where the event number `break_after` ends; SIZE_MAX where there are not so many.
 */
static size_t put_events(nl_buf *out, const struct completion *c, bool usage, long break_after) {
    struct events e = { .out = out, .c = c, .break_after = break_after, .break_at = SIZE_MAX };
    size_t wanted = c->content_size / 8, left = c->content_size;
    const char *text = c->content;

    wanted = wanted < 16 ? 16 : wanted > 512 ? 512 : wanted;
    put_delta(&e, "\"role\":\"assistant\",", "", 0);
    while (left > 0) {
        size_t n = piece_size(text, left, wanted);
        put_delta(&e, "", text, n);
        text += n;
        left -= n;
    }
    unsigned index = 0;
    for (const nl_json_node *call = c->tool_calls ? c->tool_calls->child : NULL; call;
         call = call->next)
        put_call_events(&e, call, index++);
    open_event(&e);
    nl_buf_printf(out, ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n",
                  c->finish_reason);
    if (usage && has_usage(c)) {
        open_event(&e);
        nl_buf_str(out, ",\"choices\":[],\"usage\":");
        put_usage(out, c);
        nl_buf_str(out, "}\n\n");
    }
    if (e.n == break_after)
        e.break_at = out->size;
    nl_buf_str(out, "data: [DONE]\n\n");
    return e.break_at;
}

static void put_quoted(nl_buf *out, const char *word) {
    if (word)
        nl_buf_printf(out, "\"%s\"", word);
    else
        nl_buf_str(out, "null");
}

/* OpenAI's error shape. */
static void put_error(struct reply *reply, unsigned status, const char *type, const char *param,
                      const char *code, const char *message) {
    nl_buf *out = &reply->body;
    reply->status = status;
    reply->type = "application/json";
    nl_buf_str(out, "{\"error\":{\"message\":");
    put_string(out, message, strlen(message));
    nl_buf_printf(out, ",\"type\":\"%s\",\"param\":", type);
    put_quoted(out, param);
    nl_buf_str(out, ",\"code\":");
    put_quoted(out, code);
    nl_buf_str(out, "}}");
}

#endif
