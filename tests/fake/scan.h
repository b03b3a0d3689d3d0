/* scan.h: looking into a request's JSON without building a tree.
 *
 * The endpoint must be much faster than the clients that it measures; finding "stream" in 4 kB
 * takes a fraction of a microsecond this way. Only for requests: what they hold is trusted to be
 * JSON, and a text that is not gives "no such member". */
#ifndef NL_TESTS_FAKE_SCAN_H
#define NL_TESTS_FAKE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at;
    size_t size;
};

static const char *scan_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Behind the string that starts at p; NULL where it does not end. A quote behind an odd number of
 * backslashes does not end it. */
static const char *scan_string(const char *p, const char *end) {
    const char *quote = p;
    while ((quote = memchr(quote + 1, '"', (size_t)(end - quote) - 1)) != NULL) {
        const char *slash = quote;
        while (slash[-1] == '\\')
            slash--;
        if ((quote - slash) % 2 == 0)
            return quote + 1;
    }
    return NULL;
}

/* Behind the value that starts at p; NULL where it does not end. */
static const char *scan_value(const char *p, const char *end) {
    unsigned depth = 0;
    while (p && p < end) {
        switch (*p) {
        case '"':
            p = scan_string(p, end);
            break;
        case '{':
        case '[':
            depth++;
            p++;
            break;
        case '}':
        case ']':
            if (depth == 0)
                return p;
            depth--;
            p++;
            break;
        case ',':
            if (depth == 0)
                return p;
            p++;
            continue;
        case ':':
            p++;
            continue;
        default: /* white space, numbers, words */
            p++;
            if (depth == 0 && p < end && strchr(",]} \n\r\t", *p))
                return p;
            continue;
        }
        if (depth == 0)
            return p;
    }
    return depth == 0 ? p : NULL;
}

/* The next member of an object, or element of an array (then key->size is 0). *at starts at the
 * opening bracket and is moved on. */
static bool scan_next(const char **at, const char *end, struct span *key, struct span *value) {
    const char *p = scan_space(*at, end);
    bool object = false;

    if (p < end && (*p == '{' || *p == '[' || *p == ','))
        p = scan_space(p + 1, end);
    if (p >= end || *p == '}' || *p == ']')
        return false;
    *key = (struct span){ p, 0 };
    if (*p == '"') { /* a key, or an array's string */
        const char *behind = scan_string(p, end);
        const char *colon = behind ? scan_space(behind, end) : end;
        object = colon < end && *colon == ':';
        if (object) {
            *key = (struct span){ p + 1, (size_t)(behind - p) - 2 };
            p = scan_space(colon + 1, end);
        }
    }
    const char *behind = p < end ? scan_value(p, end) : NULL;
    if (!behind)
        return false;
    *value = (struct span){ p, (size_t)(behind - p) };
    *at = scan_space(behind, end);
    return true;
}

/* The member `name` of the object. Keys are compared as they are written. */
static bool scan_member(struct span object, const char *name, struct span *value) {
    const char *at = scan_space(object.at, object.at + object.size);
    size_t size = strlen(name);
    struct span key;

    while (scan_next(&at, object.at + object.size, &key, value)) {
        if (key.size == size && memcmp(key.at, name, size) == 0)
            return true;
    }
    return false;
}

static bool scan_is(struct span value, const char *text) {
    return value.size == strlen(text) && memcmp(value.at, text, value.size) == 0;
}

static bool scan_true(struct span object, const char *name) {
    struct span value;
    return scan_member(object, name, &value) && scan_is(value, "true");
}

#endif
