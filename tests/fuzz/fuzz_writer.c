/* The writer of JSON: the input is a program of calls in any order. What it refuses stays refused;
 * what it finished is JSON, and holds what was given, in that order. */
#include <string.h>

#include "data/json.h"
#include "fuzz.h"

#include "base/banned.h"

enum { MOST = 512 };

struct given {
    char kind; /* s, k (text); i, d; t, f, n; [, {, ] (either end) */
    const char *text;
    size_t size;
    int64_t integer;
    double real;
};

struct input {
    const uint8_t *at;
    size_t left;
};

static struct given given[MOST];
static size_t n_given;

/* The next bytes, fewer at the end. */
static const char *take(struct input *in, size_t wanted, size_t *got) {
    const char *from = (const char *)in->at;
    *got = wanted < in->left ? wanted : in->left;
    in->at += *got;
    in->left -= *got;
    return from;
}

static void take_into(struct input *in, void *value, size_t size) {
    size_t got;
    const char *from = take(in, size, &got);
    memset(value, 0, size);
    memcpy(value, from, got);
}

static bool put_text(nl_json_writer *w, struct input *in, struct given *g, uint8_t operation) {
    g->text = take(in, operation >> 4, &g->size);
    g->kind = operation % 10 == 0 ? 'k' : 's';
    return g->kind == 'k' ? nl_json_key_n(w, g->text, g->size) : nl_json_str_n(w, g->text, g->size);
}

static bool put_one(nl_json_writer *w, struct input *in, struct given *g, uint8_t operation) {
    switch (operation % 10) {
    case 2:
        g->kind = '{';
        return nl_json_open_object(w);
    case 3:
        g->kind = ']';
        return nl_json_close_object(w);
    case 4:
        g->kind = '[';
        return nl_json_open_array(w);
    case 5:
        g->kind = ']';
        return nl_json_close_array(w);
    case 6:
        g->kind = 'i';
        take_into(in, &g->integer, sizeof g->integer);
        return nl_json_put_int(w, g->integer);
    case 7:
        g->kind = 'd';
        take_into(in, &g->real, sizeof g->real);
        return nl_json_put_double(w, g->real);
    case 8:
        g->kind = operation & 16 ? 't' : 'f';
        return nl_json_put_bool(w, g->kind == 't');
    case 9:
        g->kind = 'n';
        if (operation & 16) { /* a number in its own words, or what is none */
            g->kind = '#';
            g->text = take(in, operation >> 4, &g->size);
            return nl_json_put_number(w, g->text, g->size);
        }
        return nl_json_put_null(w);
    default:
        return put_text(w, in, g, operation);
    }
}

/* The next of what was given; brackets that close are no node. */
static const struct given *next_given(size_t *at) {
    while (*at < n_given && given[*at].kind == ']')
        (*at)++;
    MUST(*at < n_given);
    return &given[(*at)++];
}

static void compare(const nl_json_node *node, size_t *at) {
    static const char kinds[] = {
        [NL_JSON_NULL] = 'n',   [NL_JSON_FALSE] = 'f',  [NL_JSON_TRUE] = 't',
        [NL_JSON_NUMBER] = '#', [NL_JSON_STRING] = 's', [NL_JSON_ARRAY] = '[',
        [NL_JSON_OBJECT] = '{'
    };
    const struct given *g = next_given(at);
    int64_t integer;
    if (g->kind == 'i') {
        MUST(nl_json_int(node, &integer) && integer == g->integer);
    } else if (g->kind == 'd') {
        MUST(node->type == NL_JSON_NUMBER && strtod(node->text, NULL) == g->real);
    } else {
        MUST(kinds[node->type] == g->kind);
    }
    if (g->kind == 's' || g->kind == '#')
        MUST(node->size == g->size && memcmp(node->text, g->text, g->size) == 0);
    for (const nl_json_node *child = node->child; child; child = child->next) {
        if (node->type == NL_JSON_OBJECT) {
            const struct given *key = next_given(at);
            MUST(key->kind == 'k' && key->size == child->key_size);
            MUST(memcmp(key->text, child->key, key->size) == 0);
        }
        compare(child, at);
    }
}

static void check(const nl_buf *out) {
    nl_err err = { .code = NL_OK };
    nl_json *json = nl_json_read(out->data, out->size, 0, &err);
    size_t at = 0;
    MUST(json);
    compare(nl_json_root(json), &at);

    nl_json_writer w;
    nl_buf again;
    nl_buf_init(&again);
    nl_json_writer_init(&w, &again);
    MUST(nl_json_put_node(&w, nl_json_root(json)) && nl_json_writer_done(&w, NULL));
    MUST(again.size == out->size && memcmp(again.data, out->data, again.size) == 0);
    nl_buf_release(&again);
    nl_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    nl_err err = { .code = NL_OK };
    nl_json_writer w;
    nl_buf out;
    bool refused = false;
    nl_buf_init(&out);
    nl_json_writer_init(&w, &out);
    for (n_given = 0; in.left > 0 && n_given < MOST; n_given++) {
        uint8_t operation;
        take_into(&in, &operation, 1);
        given[n_given] = (struct given){ .kind = '\0' };
        bool ok = put_one(&w, &in, &given[n_given], operation);
        MUST(ok != w.failed);
        MUST(!refused || !ok);
        refused = !ok;
    }
    if (nl_json_writer_done(&w, &err))
        check(&out);
    else
        MUST(err.code == NL_INVALID && err.msg[0] != '\0');
    nl_buf_release(&out);
    return 0;
}
