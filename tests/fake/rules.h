/* rules.h: what a script tells the endpoint to answer.
 *
 * One JSON object a line; the first rule whose "match" (and "also") is found in the request's body
 * (as it was sent: JSON text) and that has "times" left answers. */
#ifndef NL_TESTS_FAKE_RULES_H
#define NL_TESTS_FAKE_RULES_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "data/json.h"

enum fault {
    NO_FAULT,
    RESET_BEFORE,   /* the request is read, then the connection reset */
    RESET_MID,      /* the same in the middle of the reply's body */
    HALF_OPEN,      /* half of the reply's body, then silence */
    GARBAGE,        /* bytes that are not HTTP */
    HANG,           /* silence */
    EMPTY,          /* no body */
    HTML,           /* a proxy's page */
    TRUNCATED_JSON, /* a whole response whose JSON is cut in the middle */
    HUGE_REPLY,     /* a reply of 100 MB */
    DRIP_HEAD,      /* a head that never ends, a line at a time */
    DRIP_BODY,      /* a stream of comments that never ends */
    LONG_LENGTH,    /* a Content-Length beyond the body */
    SHORT_LENGTH,   /* one that cuts it */
    BAD_CHUNKS,     /* a chunk whose size is no number */
    GZIP_BOMB,      /* a body that unpacks to 159 times its size, 124 MB */
    EXIT,           /* the endpoint goes away for good, without a word */
    N_FAULTS
};

static const char *const fault_names[] = {
    "",          "reset_before", "reset_mid",   "half_open",      "garbage",
    "hang",      "empty",        "html",        "truncated_json", "huge",
    "drip_head", "drip_body",    "long_length", "short_length",   "bad_chunks",
    "gzip_bomb", "exit",
};

struct rule {
    nl_json *json; /* owns the texts */
    const char *match, *also;
    long times; /* left; -1: always */
    unsigned status;
    const nl_json_node *headers;
    const char *body;
    const char *hex; /* the body's bytes, where they are no text */
    char *content;   /* owned */
    const nl_json_node *tool_calls;
    const nl_json_node *usage;
    const char *finish_reason;
    long break_after; /* events; -1: does not break */
    long delay_ms, event_delay_ms;
    enum fault fault;
};

struct rules {
    struct rule *list;
    size_t n;
};

/* "pairs" as a model writes them: one object a line. */
static char *pairs_text(const nl_json_node *pairs) {
    nl_buf out;
    nl_buf_init(&out);
    for (const nl_json_node *pair = pairs->child; pair; pair = pair->next) {
        nl_json_writer w;
        nl_json_writer_init(&w, &out);
        nl_json_open_object(&w);
        for (const nl_json_node *member = pair->child; member; member = member->next) {
            if (member->type != NL_JSON_STRING)
                continue;
            nl_json_key(&w, member->key);
            nl_json_str_n(&w, member->text, member->size);
        }
        nl_json_close_object(&w);
        if (pair->next)
            nl_buf_char(&out, '\n');
    }
    char *text = out.failed ? NULL : nl_buf_detach(&out, NULL);
    nl_buf_release(&out);
    return text;
}

static bool known_member(const char *key) {
    static const char *const keys[] = { "match",
                                        "also",
                                        "times",
                                        "status",
                                        "headers",
                                        "body",
                                        "content",
                                        "pairs",
                                        "usage",
                                        "finish_reason",
                                        "stream_break_after",
                                        "delay_ms",
                                        "event_delay_ms",
                                        "fault",
                                        "tool_calls",
                                        "hex" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* A list of {"name", "arguments" (text, which may be anything), "id"?}. */
static bool check_calls(const nl_json_node *calls, nl_err *err) {
    bool ok = !calls || (calls->type == NL_JSON_ARRAY && calls->child);
    for (const nl_json_node *c = calls ? calls->child : NULL; c && ok; c = c->next)
        ok = nl_json_get_str(c, "name") && nl_json_get_str(c, "arguments");
    return ok || nl_err_set(err, NL_INVALID,
                            "tool_calls: expected a list of {\"name\", \"arguments\"}, both text");
}

static bool read_fault(struct rule *rule, const char *name, nl_err *err) {
    for (int i = 1; name && i < N_FAULTS; i++) {
        if (strcmp(name, fault_names[i]) == 0) {
            rule->fault = (enum fault)i;
            return true;
        }
    }
    return !name || nl_err_set(err, NL_INVALID, "unknown fault \"%s\"", name);
}

static bool read_rule(struct rule *rule, nl_err *err) {
    const nl_json_node *root = nl_json_root(rule->json);
    const nl_json_node *pairs = nl_json_get(root, "pairs");
    const char *content = nl_json_get_str(root, "content");

    if (root->type != NL_JSON_OBJECT)
        return nl_err_set(err, NL_INVALID, "a rule is an object");
    for (const nl_json_node *member = root->child; member; member = member->next) {
        if (!known_member(member->key))
            return nl_err_set(err, NL_INVALID, "unknown member \"%s\"", member->key);
    }
    rule->match = nl_json_get_str(root, "match");
    rule->also = nl_json_get_str(root, "also");
    rule->times = (long)nl_json_get_num(root, "times", -1);
    rule->status = (unsigned)nl_json_get_num(root, "status", 200);
    rule->headers = nl_json_get(root, "headers");
    rule->body = nl_json_get_str(root, "body");
    rule->hex = nl_json_get_str(root, "hex");
    rule->tool_calls = nl_json_get(root, "tool_calls");
    rule->usage = nl_json_get(root, "usage");
    rule->finish_reason = nl_json_get_str(root, "finish_reason");
    rule->break_after = (long)nl_json_get_num(root, "stream_break_after", -1);
    rule->delay_ms = (long)nl_json_get_num(root, "delay_ms", -1);
    rule->event_delay_ms = (long)nl_json_get_num(root, "event_delay_ms", 0);
    if (content || pairs) {
        rule->content = content ? strdup(content) : pairs_text(pairs);
        if (!rule->content)
            return nl_err_nomem(err);
    }
    return check_calls(rule->tool_calls, err) &&
           read_fault(rule, nl_json_get_str(root, "fault"), err);
}

static bool rules_add(struct rules *rules, const char *line, size_t size, nl_err *err) {
    struct rule *list = realloc(rules->list, (rules->n + 1) * sizeof *list);
    if (!list)
        return nl_err_nomem(err);
    rules->list = list;
    struct rule *rule = &list[rules->n];
    *rule = (struct rule){ .json = nl_json_read(line, size, 0, err) };
    if (!rule->json)
        return false;
    rules->n++;
    return read_rule(rule, err);
}

static struct rule *rules_find(struct rules *rules, const char *body) {
    for (size_t i = 0; i < rules->n; i++) {
        struct rule *rule = &rules->list[i];
        if (rule->times == 0 || (rule->match && !strstr(body, rule->match)) ||
            (rule->also && !strstr(body, rule->also)))
            continue;
        if (rule->times > 0)
            rule->times--;
        return rule;
    }
    return NULL;
}

static void rules_free(struct rules *rules) {
    for (size_t i = 0; i < rules->n; i++) {
        nl_json_free(rules->list[i].json);
        free(rules->list[i].content);
    }
    free(rules->list);
}

#endif
