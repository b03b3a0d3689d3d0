/* json_write.c: JSON in the order in which it is written, refusing what is not valid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"

#include "base/banned.h"

/* What may come next at one depth. */
enum { FIRST_VALUE, NEXT_VALUE, FIRST_KEY, NEXT_KEY, MEMBER, OVER };

void nl_json_writer_init(nl_json_writer *w, nl_buf *out) {
    *w = (nl_json_writer){ .out = out };
    w->state[0] = FIRST_VALUE;
}

static bool refuse(nl_json_writer *w, const char *why) {
    if (!w->failed) {
        w->failed = true;
        w->why = why;
    }
    return false;
}

static bool put(nl_json_writer *w, const char *text, size_t size) {
    return nl_buf_add(w->out, text, size) || refuse(w, "out of memory");
}

/* What stands before a value: a comma where one is due. */
static bool before_value(nl_json_writer *w) {
    uint8_t *state = &w->state[w->depth];
    if (w->failed)
        return false;
    switch (*state) {
    case FIRST_VALUE:
        *state = w->depth == 0 ? OVER : NEXT_VALUE;
        return true;
    case NEXT_VALUE:
        return put(w, ",", 1);
    case MEMBER:
        *state = NEXT_KEY;
        return true;
    default:
        return refuse(w,
                      *state == OVER ? "a second value behind the first" : "a value without a key");
    }
}

static bool open_level(nl_json_writer *w, char bracket, uint8_t state) {
    if (!before_value(w))
        return false;
    if (w->depth + 1 >= sizeof w->state)
        return refuse(w, "nested too deep");
    w->state[++w->depth] = state;
    return put(w, &bracket, 1);
}

static bool close_level(nl_json_writer *w, char bracket, uint8_t first, uint8_t next) {
    uint8_t state = w->state[w->depth];
    if (w->failed)
        return false;
    if (w->depth == 0 || (state != first && state != next))
        return refuse(w, "a bracket that closes nothing");
    w->depth--;
    return put(w, &bracket, 1);
}

bool nl_json_open_object(nl_json_writer *w) {
    return open_level(w, '{', FIRST_KEY);
}

bool nl_json_close_object(nl_json_writer *w) {
    return close_level(w, '}', FIRST_KEY, NEXT_KEY);
}

bool nl_json_open_array(nl_json_writer *w) {
    return open_level(w, '[', FIRST_VALUE);
}

bool nl_json_close_array(nl_json_writer *w) {
    return close_level(w, ']', FIRST_VALUE, NEXT_VALUE);
}

/* What a string's byte becomes: 0: itself; 'u': \u00XX; else a backslash and this letter. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b',
    ['\f'] = 'f', [0x00] = 'u',  [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u',
    [0x05] = 'u', [0x06] = 'u',  [0x07] = 'u', [0x0B] = 'u', [0x0E] = 'u', [0x0F] = 'u',
    [0x10] = 'u', [0x11] = 'u',  [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',
    [0x16] = 'u', [0x17] = 'u',  [0x18] = 'u', [0x19] = 'u', [0x1A] = 'u', [0x1B] = 'u',
    [0x1C] = 'u', [0x1D] = 'u',  [0x1E] = 'u', [0x1F] = 'u', [0x7F] = 'u',
};

/* Bytes that text[0..size) grows by when escaped. */
static size_t growth(const char *text, size_t size) {
    size_t more = 0;
    for (size_t i = 0; i < size;
         i++) { /* without a branch: escapes come thick in JSON within JSON */
        char e = escapes[(unsigned char)text[i]];
        more += (size_t)(e != 0) + ((size_t)(e == 'u') << 2);
    }
    return more;
}

/* Writes text[0..size) with its escapes at `to`, which has room; returns its end. */
static char *escape(char *to, const char *text, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!escapes[c]) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        *to++ = escapes[c];
        if (escapes[c] == 'u') {
            memcpy(to, "00", 2);
            to[2] = digits[c >> 4];
            to[3] = digits[c & 15];
            to += 4;
        }
    }
    return to;
}

/* "text", and `after` behind it ('\0': nothing), in one reservation. */
static bool quoted(nl_json_writer *w, const char *text, size_t size, char after) {
    nl_buf *out = w->out;
    if (!nl_utf8_valid(text, size))
        return refuse(w, "invalid UTF-8");
    size_t more = growth(text, size);
    if (size > SIZE_MAX / 8 || !nl_buf_reserve(out, size + more + 3))
        return refuse(w, "out of memory");
    char *at = out->data + out->size;
    *at++ = '"';
    if (more > 0)
        at = escape(at, text, size);
    else if (size > 0)
        at = (char *)memcpy(at, text, size) + size;
    *at++ = '"';
    if (after)
        *at++ = after;
    *at = '\0';
    out->size = (size_t)(at - out->data);
    return true;
}

bool nl_json_key_n(nl_json_writer *w, const char *key, size_t size) {
    uint8_t *state = &w->state[w->depth];
    if (w->failed)
        return false;
    if (*state != FIRST_KEY && *state != NEXT_KEY)
        return refuse(w, "a key outside an object");
    if (*state == NEXT_KEY && !put(w, ",", 1))
        return false;
    *state = MEMBER;
    return quoted(w, key, size, ':');
}

bool nl_json_key(nl_json_writer *w, const char *key) {
    return nl_json_key_n(w, key, strlen(key));
}

bool nl_json_str_n(nl_json_writer *w, const char *text, size_t size) {
    return before_value(w) && quoted(w, text, size, '\0');
}

bool nl_json_str(nl_json_writer *w, const char *text) {
    return nl_json_str_n(w, text, strlen(text));
}

bool nl_json_put_raw(nl_json_writer *w, const char *json, size_t size) {
    return before_value(w) && put(w, json, size);
}

bool nl_json_put_int(nl_json_writer *w, int64_t value) {
    char text[32];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    return before_value(w) && put(w, text, (size_t)n);
}

bool nl_json_put_double(nl_json_writer *w, double value) {
    char text[40];
    int n = 0;
    if (!isfinite(value))
        return refuse(w, "a number that is not finite");
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return before_value(w) && put(w, text, (size_t)n);
}

bool nl_json_put_bool(nl_json_writer *w, bool value) {
    return before_value(w) && put(w, value ? "true" : "false", value ? 4 : 5);
}

bool nl_json_put_null(nl_json_writer *w) {
    return before_value(w) && put(w, "null", 4);
}

static size_t digits(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

/* RFC 8259's grammar of numbers. */
static bool is_number(const char *s, size_t size) {
    const char *end = s + size;
    if (s < end && *s == '-')
        s++;
    size_t n = digits(s, (size_t)(end - s));
    if (n == 0 || (n > 1 && *s == '0'))
        return false;
    s += n;
    if (s < end && *s == '.') {
        n = digits(s + 1, (size_t)(end - s - 1));
        if (n == 0)
            return false;
        s += n + 1;
    }
    if (s < end && (*s == 'e' || *s == 'E')) {
        s++;
        if (s < end && (*s == '+' || *s == '-'))
            s++;
        n = digits(s, (size_t)(end - s));
        if (n == 0)
            return false;
        s += n;
    }
    return s == end;
}

bool nl_json_put_number(nl_json_writer *w, const char *text, size_t size) {
    if (!is_number(text, size))
        return refuse(w, "not a JSON number");
    return before_value(w) && put(w, text, size);
}

bool nl_json_put_node(nl_json_writer *w, const nl_json_node *node) {
    switch (node->type) {
    case NL_JSON_NULL:
        nl_json_put_null(w);
        break;
    case NL_JSON_FALSE:
    case NL_JSON_TRUE:
        nl_json_put_bool(w, node->type == NL_JSON_TRUE);
        break;
    case NL_JSON_NUMBER:
        nl_json_put_number(w, node->text, node->size);
        break;
    case NL_JSON_STRING:
        nl_json_str_n(w, node->text, node->size);
        break;
    case NL_JSON_ARRAY:
    case NL_JSON_OBJECT:
        if (node->type == NL_JSON_ARRAY)
            nl_json_open_array(w);
        else
            nl_json_open_object(w);
        for (const nl_json_node *c = node->child; c; c = c->next) {
            if (c->key)
                nl_json_key_n(w, c->key, c->key_size);
            nl_json_put_node(w, c);
        }
        if (node->type == NL_JSON_ARRAY)
            nl_json_close_array(w);
        else
            nl_json_close_object(w);
        break;
    }
    return !w->failed;
}

bool nl_json_writer_done(const nl_json_writer *w, nl_err *err) {
    if (w->failed)
        return nl_err_set(err, w->out->failed ? NL_NOMEM : NL_INVALID, "cannot write JSON: %s",
                          w->why);
    if (w->depth > 0 || w->state[0] != OVER)
        return nl_err_set(err, NL_INVALID, "cannot write JSON: it is not complete");
    return true;
}
