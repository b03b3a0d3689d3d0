#include "sql/canon_token.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

void nl_canon_put(nl_canon *c, const char *bytes, size_t size) {
    (void)nl_buf_add(&c->exact, bytes, size);
    (void)nl_buf_add(&c->masked, bytes, size);
}

void nl_canon_tag(nl_canon *c, char tag) {
    nl_canon_put(c, &tag, 1);
}

void nl_canon_text(nl_canon *c, const char *text) {
    nl_canon_put(c, text ? text : "", text ? strlen(text) + 1 : 1);
}

void nl_canon_number(nl_canon *c, size_t number) {
    char digits[24];
    nl_canon_put(c, digits, (size_t)snprintf(digits, sizeof digits, "%zu", number) + 1);
}

/* --- parts whose order does not count ----------------------------------------------------- */

void nl_canon_take(nl_canon *c, nl_canon_keys *list, size_t exact_mark, size_t masked_mark) {
    nl_key *exact = nl_pool_grow(&c->pool, list->exact, list->n, &list->room, sizeof *exact);
    nl_key *masked =
        nl_pool_grow(&c->pool, list->masked, list->n, &list->masked_room, sizeof *masked);
    if (!exact || !masked || c->exact.failed || c->masked.failed)
        return;
    list->exact = exact;
    list->masked = masked;
    exact[list->n] = nl_key_of(c->exact.data + exact_mark, c->exact.size - exact_mark);
    masked[list->n] = nl_key_of(c->masked.data + masked_mark, c->masked.size - masked_mark);
    list->n++;
    c->exact.size = exact_mark;
    c->masked.size = masked_mark;
}

static int by_key(const void *a, const void *b) {
    const nl_key *x = a, *y = b;
    if (x->hi != y->hi)
        return x->hi < y->hi ? -1 : 1;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

void nl_canon_sorted(nl_canon *c, nl_canon_keys *list, bool once) {
    if (list->n == 0)
        return;
    qsort(list->exact, list->n, sizeof *list->exact, by_key);
    qsort(list->masked, list->n, sizeof *list->masked, by_key);
    nl_canon_tag(c, '(');
    for (size_t i = 0; i < list->n; i++) {
        (void)nl_buf_add(&c->exact, &list->exact[i], sizeof *list->exact);
        if (!once || i == 0 || by_key(&list->masked[i], &list->masked[i - 1]) != 0)
            (void)nl_buf_add(&c->masked, &list->masked[i], sizeof *list->masked);
    }
    nl_canon_tag(c, ')');
}

/* --- literals ----------------------------------------------------------------------------- */

/* 1.50 and 1.5, 01 and 1, 1E3 and 1e3; a point stays, since 7/2 is not 7/2.0. */
static void put_decimal(nl_buf *out, const char *text, size_t size) {
    if (size && *text == '-') {
        (void)nl_buf_char(out, '-');
        text++;
        size--;
    }
    while (size > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
        text++;
        size--;
    }
    if (size > 1 && text[0] == '0' && text[1] == '.') {
        text++;
        size--;
    }
    if (memchr(text, 'e', size) || memchr(text, 'E', size)) {
        for (size_t i = 0; i < size; i++)
            (void)nl_buf_char(out, text[i] == 'E' ? 'e' : text[i]);
        return;
    }
    if (memchr(text, '.', size)) {
        while (size > 1 && text[size - 1] == '0')
            size--;
    }
    (void)nl_buf_add(out, text, size);
}

void nl_canon_const(nl_canon *c, const nl_json_node *body) {
    const char *text;
    size_t size;
    char room[32];
    nl_const_kind kind = nl_tree_const(c->sql, body, &text, &size, room);
    static const char tags[] = {
        [NL_CONST_NULL] = 'N',  [NL_CONST_BOOL] = 'b',   [NL_CONST_INT] = 'n',
        [NL_CONST_FLOAT] = 'n', [NL_CONST_STRING] = 's', [NL_CONST_BITS] = 'x'
    };
    nl_canon_tag(c, tags[kind]);
    if (kind == NL_CONST_INT || kind == NL_CONST_FLOAT)
        put_decimal(&c->exact, text, size);
    else
        (void)nl_buf_add(&c->exact, text, size);
    (void)nl_buf_char(&c->exact, '\0');
    if (c->keep_literals)
        (void)nl_buf_add(&c->masked, text, size);
    (void)nl_buf_char(&c->masked, '\0');
}

/* --- names
 * ----------------------------------------------------------------------------------------- */

void nl_canon_name(nl_canon *c, const nl_json_node *names) {
    const char *first = nl_tree_string(names);
    if (first && names->next && strcmp(first, "pg_catalog") == 0)
        names = names->next;
    for (; names; names = names->next) {
        nl_canon_text(c, nl_tree_string(names));
    }
    nl_canon_tag(c, ';');
}
