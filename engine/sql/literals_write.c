/* literals_write.c: where a constant ends in the text, and how another is written there. */
#include "sql/literals.h"

#include <string.h>

#include "sql/canon.h"
#include "sql/tree.h"

#include "base/banned.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Could c be a part of an identifier or keyword? */
static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || (c & 0x80);
}

/* --- where a constant ends; 0: it is not what it seems ------------------------------------------
 */

static size_t dollar_end(const char *s, size_t size, size_t at) {
    const char *close = memchr(s + at + 1, '$', size - at - 1);
    if (!close)
        return 0;
    size_t tag = (size_t)(close - (s + at)) + 1;
    const char *end = memmem(s + at + tag, size - at - tag, s + at, tag);
    return end ? (size_t)(end - s) + tag : 0;
}

/* Behind white space that holds a line's end, a further quoted piece goes on: 'a'<newline>'b'. */
static size_t next_piece(const char *s, size_t size, size_t at) {
    bool line = false;
    while (at < size) {
        if (is_space(s[at])) {
            line |= s[at] == '\n' || s[at] == '\r';
            at++;
        } else if (at + 1 < size && s[at] == '-' && s[at + 1] == '-') {
            while (at < size && s[at] != '\n' && s[at] != '\r')
                at++;
        } else {
            break;
        }
    }
    return line && at < size && s[at] == '\'' ? at : 0;
}

/* The end of the quoted text whose first quote is at `at`. */
static size_t quoted_end(const char *s, size_t size, size_t at, bool escapes) {
    while (at != 0 || s[0] == '\'') {
        for (at++; at < size && s[at] != '\''; at++)
            at += escapes && s[at] == '\\';
        if (at >= size)
            return 0;
        at++;
        if (at < size && s[at] == '\'')
            continue; /* doubled */
        size_t more = next_piece(s, size, at);
        if (!more)
            return at;
        at = more;
    }
    return 0;
}

/* U&'…' may have UESCAPE '…' behind it. */
static size_t uescape_end(const char *s, size_t size, size_t end) {
    size_t at = end;
    while (at < size && is_space(s[at]))
        at++;
    if (size - at < 7 || strncasecmp(s + at, "UESCAPE", 7) != 0)
        return end;
    at += 7;
    while (at < size && is_space(s[at]))
        at++;
    return at + 3 <= size && s[at] == '\'' && s[at + 2] == '\'' ? at + 3 : 0;
}

static size_t string_end(const char *s, size_t size, size_t at) {
    char c = s[at];
    if (c == '\'')
        return quoted_end(s, size, at, false);
    if (c == '$')
        return dollar_end(s, size, at);
    if ((c == 'e' || c == 'E') && at + 1 < size && s[at + 1] == '\'')
        return quoted_end(s, size, at + 1, true);
    if ((c == 'u' || c == 'U') && at + 2 < size && s[at + 1] == '&' && s[at + 2] == '\'') {
        size_t end = quoted_end(s, size, at + 2, false);
        return end ? uescape_end(s, size, end) : 0;
    }
    return 0;
}

static size_t number_end(const char *s, size_t size, size_t at) {
    size_t from;
    while (at < size && (s[at] == '-' || is_space(s[at])))
        at++;
    for (from = at; at < size && (is_digit(s[at]) || s[at] == '.');)
        at++;
    if (at == from)
        return 0;
    if (at < size && (s[at] == 'e' || s[at] == 'E')) {
        size_t power = at + 1;
        power += power < size && (s[power] == '-' || s[power] == '+');
        while (power < size && is_digit(s[power]))
            at = ++power;
    }
    return at;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static bool is_number(const char *text) {
    bool point = false;
    text += *text == '-';
    if (!is_digit(*text))
        return false;
    for (; *text; text++) {
        if (*text == '.' && !point)
            point = true;
        else if (!is_digit(*text))
            return false;
    }
    return true;
}

/* With backslashes as E'…': a server with standard_conforming_strings off reads '…' in another way.
 */
static void put_string(nl_buf *out, const char *value) {
    bool escapes = strchr(value, '\\') != NULL;
    if (escapes && out->size > 0 && is_word(out->data[out->size - 1]))
        (void)nl_buf_char(out, ' '); /* SELECT'x' */
    (void)nl_buf_str(out, escapes ? "E'" : "'");
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            (void)nl_buf_char(out, *c);
        (void)nl_buf_char(out, *c);
    }
    (void)nl_buf_char(out, '\'');
}

static void put_number(nl_buf *out, const char *value) {
    if (out->size > 0 && (is_word(out->data[out->size - 1]) || out->data[out->size - 1] == '-'))
        (void)nl_buf_char(out, ' '); /* two minus signs begin a comment */
    (void)nl_buf_str(out, value);
}

/* Writes text[0..size) of the source with the values; false: a constant is not what it seems. */
static bool write_all(const char *source, size_t from, size_t to, const nl_literals *literals,
                      const char *const *values, nl_buf *out) {
    for (size_t i = 0; i < literals->n; i++) {
        const nl_literal *one = &literals->list[i];
        if (!values[i])
            continue;
        if (one->location < from || one->location >= to)
            return false;
        (void)nl_buf_add(out, source + from, one->location - from);
        bool string = one->kind == NL_LITERAL_STRING;
        from = (string ? string_end : number_end)(source, to, one->location);
        if (from == 0 || (!string && !is_number(values[i])))
            return false;
        (string ? put_string : put_number)(out, values[i]);
    }
    return nl_buf_add(out, source + from, to - from) || out->failed;
}

/* Are the two statements the same but for what they compare with? */
static bool same_but_for_literals(const nl_sql *a, const nl_sql *b, nl_err *err) {
    nl_sql_keys x, y;
    return nl_sql_canon(a, &x, err) && nl_sql_canon(b, &y, err) &&
           memcmp(&x.masked, &y.masked, sizeof x.masked) == 0;
}

/* Does the new text say the same but for the new values? */
static bool says_the_same(const nl_sql *before, const char *text, size_t size,
                          const nl_literals *old, const char *const *values, nl_err *err) {
    nl_err why = { .code = NL_INVALID };
    nl_sql *sql = nl_sql_parse(text, size, &why);
    nl_literals *now = sql ? nl_literals_of(sql, NULL, &why) : NULL;
    bool same = now && now->n == old->n && same_but_for_literals(before, sql, &why);
    for (size_t i = 0; same && i < old->n; i++) {
        const char *wanted = values[i] ? values[i] : old->list[i].text;
        same = now->list[i].kind == old->list[i].kind && strcmp(now->list[i].text, wanted) == 0;
    }
    if (!same && why.code != NL_INVALID)
        nl_err_set(err, why.code, "%s", why.msg);
    else if (!same)
        nl_err_set(err, NL_INVALID, "the values of this query cannot be replaced");
    nl_literals_free(now);
    nl_sql_free(sql);
    return same;
}

bool nl_literals_replace(const nl_sql *sql, const nl_literals *literals, const char *const *values,
                         nl_buf *out, nl_err *err) {
    size_t size, mark = out->size, lead = 0;
    const char *source = nl_sql_source(sql, &size);
    size_t length = strlen(nl_sql_text(sql));
    const char *start = memmem(source, size, nl_sql_text(sql), length);
    bool ok = false;
    if (start)
        lead = (size_t)(start - source);
    bool written = start && write_all(source, lead, lead + length, literals, values, out);
    if (out->failed)
        nl_err_nomem(err);
    else if (!written)
        nl_err_set(err, NL_INVALID, "the values of this query cannot be replaced");
    else
        ok = says_the_same(sql, out->data + mark, out->size - mark, literals, values, err);
    if (!ok && mark < out->size) {
        out->size = mark;
        out->data[mark] = '\0';
    }
    return ok;
}
