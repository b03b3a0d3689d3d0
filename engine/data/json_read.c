/* json_read.c: yajl's events into a tree of nodes in one arena. */
#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/arena.h"
#include "data/json.h"

#include "base/banned.h"

enum { DEFAULT_DEPTH = 512, SCRATCH = 4096 };

struct nl_json {
    nl_arena arena;
    const nl_json_node *root;
};

/* What the reader knows of each array or object that is open. */
struct level {
    nl_json_node *node, *last;
};

/* Memory that yajl asked for. */
struct block {
    struct block *next, *previous;
    size_t size;
    bool in_scratch;
    alignas(max_align_t) char bytes[];
};

struct reader {
    nl_json *json;
    yajl_handle parser;
    size_t end; /* of the whole value, once it is there */
    struct level *levels;
    unsigned depth, room, max_depth;
    const char *key; /* the next value's, in an object */
    uint32_t key_size;
    bool too_deep, nomem;
    jmp_buf full;         /* where a failed allocation of yajl's leads */
    struct block *blocks; /* those that are malloc's */
    size_t used;          /* of the scratch, which is enough for most texts */
    alignas(max_align_t) char scratch[SCRATCH];
};

/* --- yajl's memory -------------------------------------------------------------------------
 *
 * yajl 2.1 writes through what its allocator returns without looking. So the allocator never
 * returns NULL: it leaves the parser by longjmp, and run() gives back what the parser held. */

static void *yajl_take(void *ctx, size_t size) {
    struct reader *r = ctx;
    struct block *block = NULL;
    if (size > SIZE_MAX / 2)
        longjmp(r->full, 1);
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size + sizeof *block <= SCRATCH - r->used) {
        block = (struct block *)(void *)(r->scratch + r->used);
        r->used += sizeof *block + size;
        *block = (struct block){ .size = size, .in_scratch = true };
    } else {
        block = malloc(sizeof *block + size);
        if (!block)
            longjmp(r->full, 1);
        *block = (struct block){ .size = size, .next = r->blocks };
        if (r->blocks)
            r->blocks->previous = block;
        r->blocks = block;
    }
    return block->bytes;
}

static void yajl_drop(void *ctx, void *bytes) {
    struct reader *r = ctx;
    if (!bytes)
        return;
    struct block *block = (void *)((char *)bytes - offsetof(struct block, bytes));
    if (block->in_scratch)
        return;
    if (block->next)
        block->next->previous = block->previous;
    if (block->previous)
        block->previous->next = block->next;
    else
        r->blocks = block->next;
    free(block);
}

static void *yajl_resize(void *ctx, void *bytes, size_t size) {
    void *more = yajl_take(ctx, size);
    if (bytes) {
        const struct block *old = (void *)((char *)bytes - offsetof(struct block, bytes));
        memcpy(more, bytes, old->size < size ? old->size : size);
        yajl_drop(ctx, bytes);
    }
    return more;
}

/* --- the tree ------------------------------------------------------------------------------ */

static void note_end(struct reader *r) {
    if (r->depth == 0)
        r->end = yajl_get_bytes_consumed(r->parser);
}

/* A copy. yajl lets a lone \uDC00..\uDFFF through as three bytes that are not UTF-8: U+FFFD, as
 * long, takes their place. (It makes "?" of a lone high one.) */
static const char *keep(struct reader *r, const char *text, size_t size) {
    char *copy = nl_arena_copy(&r->json->arena, text, size);
    char *at = copy, *end = copy ? copy + size : NULL;
    for (; at && (at = memchr(at, 0xED, (size_t)(end - at))) != NULL; at++) {
        if (end - at > 2 && (unsigned char)at[1] >= 0xA0)
            memcpy(at, "\xEF\xBF\xBD", 3);
    }
    r->nomem = r->nomem || !copy;
    return copy;
}

static nl_json_node *add_node(struct reader *r, nl_json_type type) {
    nl_json_node *node = nl_arena_take(&r->json->arena, sizeof *node);
    if (!node) {
        r->nomem = true;
        return NULL;
    }
    *node = (nl_json_node){ .type = type, .key = r->key, .key_size = r->key_size };
    r->key = NULL;
    r->key_size = 0;
    if (r->depth == 0) {
        r->json->root = node;
        note_end(r);
    } else {
        struct level *level = &r->levels[r->depth - 1];
        if (level->last)
            level->last->next = node;
        else
            level->node->child = node;
        level->last = node;
        level->node->size++;
    }
    return node;
}

static int open_level(struct reader *r, nl_json_type type) {
    if (r->depth == r->max_depth) {
        r->too_deep = true;
        return 0;
    }
    nl_json_node *node = add_node(r, type);
    if (!node)
        return 0;
    if (r->depth == r->room) {
        unsigned room = r->room ? r->room * 2 : 16;
        struct level *levels = realloc(r->levels, room * sizeof *levels);
        if (!levels) {
            r->nomem = true;
            return 0;
        }
        r->levels = levels;
        r->room = room;
    }
    r->levels[r->depth++] = (struct level){ .node = node };
    return 1;
}

static int add_text(struct reader *r, nl_json_type type, const char *text, size_t size) {
    nl_json_node *node = add_node(r, type);
    if (!node)
        return 0;
    node->text = keep(r, text, size);
    node->size = (uint32_t)size;
    return node->text != NULL;
}

static int on_null(void *ctx) {
    return add_node(ctx, NL_JSON_NULL) != NULL;
}

static int on_bool(void *ctx, int value) {
    return add_node(ctx, value ? NL_JSON_TRUE : NL_JSON_FALSE) != NULL;
}

static int on_number(void *ctx, const char *text, size_t size) {
    return add_text(ctx, NL_JSON_NUMBER, text, size);
}

static int on_string(void *ctx, const unsigned char *text, size_t size) {
    return add_text(ctx, NL_JSON_STRING, (const char *)text, size);
}

static int on_key(void *ctx, const unsigned char *text, size_t size) {
    struct reader *r = ctx;
    r->key = keep(r, (const char *)text, size);
    r->key_size = (uint32_t)size;
    return r->key != NULL;
}

static int on_open_object(void *ctx) {
    return open_level(ctx, NL_JSON_OBJECT);
}

static int on_open_array(void *ctx) {
    return open_level(ctx, NL_JSON_ARRAY);
}

static int on_close(void *ctx) {
    struct reader *r = ctx;
    r->depth--;
    note_end(r);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close,
};

/* "line 3, column 9: why", where `at` bytes were good. */
static void complain(const char *text, size_t at, const char *why, size_t why_size, nl_err *err) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column++;
        if (text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    nl_err_set(err, NL_INVALID, "line %zu, column %zu: %.*s", line, column, (int)why_size, why);
}

static void explain(yajl_handle parser, const char *text, size_t size, nl_err *err) {
    size_t at = yajl_get_bytes_consumed(parser);
    unsigned char *why = yajl_get_error(parser, 0, (const unsigned char *)text, size);
    const char *words = why ? (const char *)why : "not JSON";
    complain(text, at < size ? at : size, words, strcspn(words, "\n"), err);
    if (why)
        yajl_free_error(parser, why);
}

/* Where text[from..size) has something other than white space; `size` where it has not. */
static size_t skip_space(const char *text, size_t from, size_t size) {
    while (from < size && memchr(" \t\r\n", text[from], 4))
        from++;
    return from;
}

/* Parses into r->json; says in *err what is wrong with the text. All of yajl's life is in here. */
static bool run(struct reader *r, const char *text, size_t size, nl_err *err) {
    yajl_alloc_funcs memory = {
        .malloc = yajl_take, .realloc = yajl_resize, .free = yajl_drop, .ctx = r
    };
    if (setjmp(r->full)) {
        r->nomem = true;
        return false;
    }
    yajl_handle parser = yajl_alloc(&callbacks, &memory, r);
    r->parser = parser;
    yajl_config(parser, yajl_dont_validate_strings, 1); /* the caller did */
    yajl_status status = yajl_parse(parser, (const unsigned char *)text, size);
    /* yajl overlooks an unfinished string or word behind the value. */
    size_t rest = r->json->root && r->depth == 0 ? skip_space(text, r->end, size) : size;
    if (status == yajl_status_ok)
        status = yajl_complete_parse(parser);
    if (r->nomem || r->too_deep)
        return false;
    if (rest < size) {
        static const char why[] = "something follows the value";
        complain(text, rest, why, sizeof why - 1, err);
        return false;
    }
    if (status == yajl_status_ok && r->json->root)
        return true;
    explain(parser, text, size, err);
    return false;
}

nl_json *nl_json_read(const char *text, size_t size, unsigned max_depth, nl_err *err) {
    struct reader r;

    if (size > UINT32_MAX - 1) {
        nl_err_set(err, NL_LIMIT, "JSON text of over 4 GB");
        return NULL;
    }
    size_t good = nl_utf8_span(text, size); /* yajl lets overlong forms and surrogates through */
    if (good < size) {
        complain(text, good, "invalid UTF-8", strlen("invalid UTF-8"), err);
        return NULL;
    }
    memset(&r, 0, offsetof(struct reader, scratch));
    r.max_depth = max_depth ? max_depth : DEFAULT_DEPTH;
    r.json = calloc(1, sizeof *r.json);
    bool ok = r.json && run(&r, text, size, err);
    if (!r.json || r.nomem)
        nl_err_nomem(err);
    else if (r.too_deep)
        nl_err_set(err, NL_LIMIT, "JSON nested deeper than %u", r.max_depth);
    while (r.blocks) {
        struct block *next = r.blocks->next;
        free(r.blocks);
        r.blocks = next;
    }
    free(r.levels);
    if (!ok) {
        nl_json_free(r.json);
        return NULL;
    }
    return r.json;
}

void nl_json_free(nl_json *json) {
    if (!json)
        return;
    nl_arena_release(&json->arena);
    free(json);
}

const nl_json_node *nl_json_root(const nl_json *json) {
    return json->root;
}

size_t nl_json_span(const char *text, size_t size) {
    size_t depth = 0;
    bool in_string = false;
    if (size == 0 || (text[0] != '{' && text[0] != '['))
        return 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

const nl_json_node *nl_json_get(const nl_json_node *node, const char *key) {
    const nl_json_node *found = NULL;
    if (!node || node->type != NL_JSON_OBJECT)
        return NULL;
    size_t size = strlen(key);
    for (const nl_json_node *c = node->child; c; c = c->next) {
        if (c->key_size == size && memcmp(c->key, key, size) == 0)
            found = c;
    }
    return found;
}

const char *nl_json_get_str(const nl_json_node *node, const char *key) {
    const nl_json_node *found = nl_json_get(node, key);
    return found && found->type == NL_JSON_STRING ? found->text : NULL;
}

double nl_json_get_num(const nl_json_node *node, const char *key, double otherwise) {
    const nl_json_node *found = nl_json_get(node, key);
    return found && found->type == NL_JSON_NUMBER ? strtod(found->text, NULL) : otherwise;
}

bool nl_json_get_bool(const nl_json_node *node, const char *key) {
    const nl_json_node *found = nl_json_get(node, key);
    return found && found->type == NL_JSON_TRUE;
}

bool nl_json_int(const nl_json_node *node, int64_t *value) {
    char *end;
    if (!node || node->type != NL_JSON_NUMBER || strpbrk(node->text, ".eE"))
        return false;
    errno = 0;
    long long n = strtoll(node->text, &end, 10);
    if (errno || *end)
        return false;
    *value = n;
    return true;
}
