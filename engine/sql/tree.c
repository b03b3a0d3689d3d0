#include "sql/tree.h"

#include <stdio.h>

#include "base/banned.h"

nl_tree nl_tree_open(const nl_json_node *wrapped) {
    nl_tree none = { .type = "" };
    if (!wrapped || wrapped->type != NL_JSON_OBJECT || wrapped->size != 1)
        return none;
    const nl_json_node *only = wrapped->child;
    if (only->type != NL_JSON_OBJECT || only->key[0] < 'A' || only->key[0] > 'Z')
        return none;
    return (nl_tree){ only->key, only->key_size, only };
}

const nl_json_node *nl_tree_find(const nl_json_node *node, const char *key, size_t size) {
    if (!node || node->type != NL_JSON_OBJECT)
        return NULL;
    for (const nl_json_node *c = node->child; c; c = c->next) {
        if (c->key_size == size && memcmp(c->key, key, size) == 0)
            return c;
    }
    return NULL;
}

const char *nl_tree_str(const nl_json_node *node, const char *key) {
    const nl_json_node *found = nl_tree_find(node, key, strlen(key));
    return found && found->type == NL_JSON_STRING ? found->text : NULL;
}

bool nl_tree_has(const nl_json_node *node, const char *key, const char *value) {
    const char *text = nl_tree_str(node, key);
    return text && strcmp(text, value) == 0;
}

bool nl_tree_flag(const nl_json_node *node, const char *key) {
    const nl_json_node *found = nl_tree_find(node, key, strlen(key));
    return found && found->type == NL_JSON_TRUE;
}

long nl_tree_location(const nl_json_node *body) {
    int64_t at;
    if (!body)
        return -1;
    const nl_json_node *found = NL_GET(body, "location");
    if (!found)
        return 0; /* zero is a default value, and left out */
    return nl_json_int(found, &at) ? (long)at : -1;
}

const char *nl_tree_string(const nl_json_node *wrapped) {
    nl_tree tree = nl_tree_open(wrapped);
    if (!NL_IS(tree, "String"))
        return NULL;
    const nl_json_node *text = NL_GET(tree.body, "sval");
    return text && text->type == NL_JSON_STRING ? text->text : "";
}

const nl_json_node *nl_tree_list(const nl_json_node *node, const char *key) {
    const nl_json_node *found = nl_tree_find(node, key, strlen(key));
    return found && found->type == NL_JSON_ARRAY ? found->child : NULL;
}

size_t nl_tree_count(const nl_json_node *first) {
    size_t n = 0;
    for (; first; first = first->next)
        n++;
    return n;
}

const nl_json_node *nl_tree_last(const nl_json_node *first) {
    while (first && first->next)
        first = first->next;
    return first;
}

const char *nl_tree_last_name(const nl_json_node *names) {
    return nl_tree_string(nl_tree_last(names));
}

const char *nl_tree_name(const nl_json_node *names, const char **schema) {
    size_t n = nl_tree_count(names);
    *schema = NULL;
    if (n < 1 || n > 2)
        return NULL;
    if (n == 2) {
        *schema = nl_tree_string(names);
        names = names->next;
        if (!*schema)
            return NULL;
    }
    return nl_tree_string(names);
}

/* Digits of the integer that starts at `at` behind signs, parentheses, white space and comments:
 * what the grammar folds into one negative constant. */
static size_t digits_at(const char *source, size_t size, size_t at, size_t *end) {
    unsigned comment = 0; /* depth of open comments: they nest */
    for (; at < size; at++) {
        const char *c = source + at;
        bool two = at + 1 < size;
        if (two && c[0] == '/' && c[1] == '*') {
            comment++;
            at++;
        } else if (comment && two && c[0] == '*' && c[1] == '/') {
            comment--;
            at++;
        } else if (!comment && two && c[0] == '-' && c[1] == '-') {
            while (at < size && source[at] != '\n' && source[at] != '\r')
                at++;
        } else if (!comment && *c >= '0' && *c <= '9') {
            break;
        }
    }
    for (*end = at; *end < size && source[*end] >= '0' && source[*end] <= '9';)
        ++*end;
    return at;
}

/* An integer constant without its value is zero or negative: its digits are in the source. */
static size_t small_int(const nl_sql *sql, const nl_json_node *a_const, char room[32]) {
    size_t size, end, at;
    long location = nl_tree_location(a_const);
    const char *source = nl_sql_source(sql, &size);
    int n = 0;
    if (location >= 0 && (size_t)location < size) {
        at = digits_at(source, size, (size_t)location, &end);
        while (at < end && source[at] == '0')
            at++;
        if (at < end && end - at <= 10)
            n = snprintf(room, 32, "-%.*s", (int)(end - at), source + at);
    }
    if (n == 0)
        n = snprintf(room, 32, "0");
    return (size_t)n;
}

nl_const_kind nl_tree_const(const nl_sql *sql, const nl_json_node *a_const, const char **text,
                            size_t *size, char room[32]) {
    static const struct {
        const char *key;
        size_t size;
        nl_const_kind kind;
    } kinds[] = {
        { "ival", 4, NL_CONST_INT },     { "sval", 4, NL_CONST_STRING },
        { "fval", 4, NL_CONST_FLOAT },   { "bsval", 5, NL_CONST_BITS },
        { "boolval", 7, NL_CONST_BOOL },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const nl_json_node *holder = nl_tree_find(a_const, kinds[i].key, kinds[i].size);
        if (!holder)
            continue;
        const nl_json_node *value = nl_tree_find(holder, kinds[i].key, kinds[i].size);
        *text = value && value->text ? value->text : "";
        *size = value && value->text ? value->size : 0;
        if (kinds[i].kind == NL_CONST_BOOL) {
            *text = value && value->type == NL_JSON_TRUE ? "true" : "false";
            *size = strlen(*text);
        } else if (kinds[i].kind == NL_CONST_INT && !value) {
            *size = small_int(sql, a_const, room);
            *text = room;
        }
        return kinds[i].kind;
    }
    *text = "NULL";
    *size = 4;
    return NL_CONST_NULL;
}
