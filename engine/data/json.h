/* json.h: one reader into a compact tree, and one ordered, validating writer.
 *
 * Reader: RFC 8259 by yajl (UTF-8 checked, numbers kept as they were written, so that bigints
 * and decimals lose nothing), into nodes of one arena that nl_json_free releases at once.
 * Depth and size are capped. Of duplicate keys the last one counts for nl_json_get.
 *
 * Writer: appends to an nl_buf; refuses invalid UTF-8; keys come out in the order written. */
#ifndef NL_DATA_JSON_H
#define NL_DATA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

typedef enum {
    NL_JSON_NULL,
    NL_JSON_FALSE,
    NL_JSON_TRUE,
    NL_JSON_NUMBER, /* `text` is the number as written */
    NL_JSON_STRING, /* `text` is decoded UTF-8, NUL-terminated; may hold NULs: see `size` */
    NL_JSON_ARRAY,
    NL_JSON_OBJECT
} nl_json_type;

typedef struct nl_json_node {
    nl_json_type type;
    uint32_t size;   /* bytes of text, or number of children */
    const char *key; /* in an object: the member's name; else NULL */
    uint32_t key_size;
    const char *text;                 /* strings and numbers */
    const struct nl_json_node *child; /* first child of an array or object */
    const struct nl_json_node *next;  /* next sibling */
} nl_json_node;

typedef struct nl_json nl_json; /* owns the nodes */

/* Reads exactly one JSON value with nothing but white space around it. NULL with
 * err->code NL_INVALID ("line 3, column 9: …"), NL_LIMIT (deeper than `max_depth`, 0: 512)
 * or NL_NOMEM. `text` may be freed afterwards. */
nl_json *nl_json_read(const char *text, size_t size, unsigned max_depth, nl_err *err);
void nl_json_free(nl_json *json); /* NULL is fine */
const nl_json_node *nl_json_root(const nl_json *json);

/* Length of the one JSON value (object or array) that starts at text[0], found by scanning
 * brackets and strings only; 0 where it does not end within `size`. Lets a reader pick values
 * out of prose. */
size_t nl_json_span(const char *text, size_t size);

/* The member `key` of an object, or NULL (also where node is NULL or no object). */
const nl_json_node *nl_json_get(const nl_json_node *node, const char *key);
/* The string member `key`, or NULL. */
const char *nl_json_get_str(const nl_json_node *node, const char *key);
/* The numeric member `key`; `otherwise` where it is missing or no number. */
double nl_json_get_num(const nl_json_node *node, const char *key, double otherwise);
/* False too where it is missing. */
bool nl_json_get_bool(const nl_json_node *node, const char *key);
/* A number node as int64, exactly; false where it has a fraction or does not fit. */
bool nl_json_int(const nl_json_node *node, int64_t *value);

typedef struct {
    nl_buf *out;
    unsigned depth;
    bool failed;        /* sticky: bad UTF-8, wrong nesting, or no memory */
    const char *why;    /* static text, once failed */
    uint8_t state[256]; /* what may come next at each depth */
} nl_json_writer;

void nl_json_writer_init(nl_json_writer *w, nl_buf *out);
bool nl_json_open_object(nl_json_writer *w);
bool nl_json_close_object(nl_json_writer *w);
bool nl_json_open_array(nl_json_writer *w);
bool nl_json_close_array(nl_json_writer *w);
bool nl_json_key(nl_json_writer *w, const char *key);
bool nl_json_key_n(nl_json_writer *w, const char *key, size_t size);
bool nl_json_str(nl_json_writer *w, const char *text);
bool nl_json_str_n(nl_json_writer *w, const char *text, size_t size);
bool nl_json_put_int(nl_json_writer *w, int64_t value);
/* The shortest decimal that reads back as the same double; fails on NaN and infinities. */
bool nl_json_put_double(nl_json_writer *w, double value);
bool nl_json_put_bool(nl_json_writer *w, bool value);
bool nl_json_put_null(nl_json_writer *w);
/* A number in its own words ("12345678901234567890.10"); refused unless it is JSON's grammar. */
bool nl_json_put_number(nl_json_writer *w, const char *text, size_t size);
/* JSON text made by this writer or checked by nl_json_read, copied as it is. */
bool nl_json_put_raw(nl_json_writer *w, const char *json, size_t size);
/* A node that was read, and all below it. */
bool nl_json_put_node(nl_json_writer *w, const nl_json_node *node);
/* True where exactly one whole value has been written; else *err says why not. */
bool nl_json_writer_done(const nl_json_writer *w, nl_err *err);

#endif
