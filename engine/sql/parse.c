/* parse.c: text to tree. libpg_query sets up its memory context for each thread by itself and
 * frees it when the thread exits; results are copied out and freed here. */
#include "sql/parse.h"

#include <stdlib.h>
#include <string.h>

#include <pg_query.h>

#include "sql/tree.h"

#include "base/banned.h"

/* Nested arrays and objects of the tree. One operator of a chain (a + b + c …) takes two, so this
 * allows 900 of them, and keeps the recursive walks over it far from the stack's end. */
enum { MAX_DEPTH = 2000 };

/* Far from what overflows the library's stack as well: the server puts every operation into
 * parentheses, and 10,000 of those are an error. */
enum { MAX_DEFINITION = 128 << 10 };

struct nl_sql {
    char *source; /* as given, which locations count in */
    size_t source_size;
    char *text; /* less what surrounds the statement */
    nl_json *json;
    const nl_json_node *statement;
};

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The error with its place as line and column; the library counts characters from 1. */
static void syntax_error(const char *text, size_t size, const PgQueryError *error, nl_err *err) {
    int line = 1, column = 0, left = error->cursorpos;
    for (size_t i = 0; i < size && left > 0; i++) {
        if (((unsigned char)text[i] & 0xC0) == 0x80)
            continue; /* inside a character */
        if (--left == 0) {
            column++;
        } else if (text[i] == '\n') {
            line++;
            column = 0;
        } else {
            column++;
        }
    }
    if (error->cursorpos > 0)
        nl_err_set(err, NL_INVALID, "%s (line %d, column %d)", error->message, line, column);
    else
        nl_err_set(err, NL_INVALID, "%s", error->message);
}

static bool check_text(const char *text, size_t size, size_t most, nl_err *err) {
    if (size > most)
        return nl_err_set(err, NL_LIMIT, "the SQL is %zu bytes long, the limit is %zu", size, most);
    if (memchr(text, '\0', size))
        return nl_err_set(err, NL_INVALID, "the SQL contains a NUL byte");
    if (!nl_utf8_valid(text, size))
        return nl_err_set(err, NL_INVALID, "the SQL is not valid UTF-8");
    return true;
}

/* Reads the library's JSON and finds the one statement in it; *from and *to are set to the bytes
 * of the source that the statement takes. */
static bool take_tree(nl_sql *sql, const char *json, size_t *from, size_t *to, nl_err *err) {
    nl_err why = { .code = NL_OK };
    int64_t at = 0, len = 0;

    sql->json = nl_json_read(json, strlen(json), MAX_DEPTH, &why);
    if (!sql->json) {
        if (why.code == NL_NOMEM)
            return nl_err_nomem(err);
        if (why.code == NL_LIMIT)
            return nl_err_set(err, NL_LIMIT, "the SQL is nested too deeply");
        return nl_err_set(err, NL_INVALID, "the parser's answer could not be read: %s", why.msg);
    }
    const nl_json_node *stmts = nl_tree_list(nl_json_root(sql->json), "stmts");
    if (!stmts)
        return nl_err_set(err, NL_INVALID, "there is no statement in the text");
    if (stmts->next)
        return nl_err_set(err, NL_INVALID, "%zu statements where one was expected",
                          nl_tree_count(stmts));
    sql->statement = NL_GET(stmts, "stmt");
    if (nl_tree_open(sql->statement).body == NULL)
        return nl_err_set(err, NL_INVALID, "there is no statement in the text");
    (void)nl_json_int(NL_GET(stmts, "stmt_location"), &at);
    (void)nl_json_int(NL_GET(stmts, "stmt_len"), &len);
    *from = (size_t)at;
    *to = len ? (size_t)(at + len) : sql->source_size;
    return (*from <= *to && *to <= sql->source_size) ||
           nl_err_set(err, NL_INVALID, "the parser's answer could not be read");
}

static nl_sql *parse(const char *text, size_t size, size_t most, nl_err *err) {
    PgQueryParseResult result = { 0 };
    nl_sql *sql = NULL;
    size_t from = 0, to = 0;
    bool ok = false;

    if (!check_text(text, size, most, err))
        return NULL;
    sql = calloc(1, sizeof *sql);
    if (!sql || !(sql->source = malloc(size + 1))) {
        nl_err_nomem(err);
        goto out;
    }
    if (size)
        memcpy(sql->source, text, size);
    sql->source[size] = '\0';
    sql->source_size = size;

    result = pg_query_parse(sql->source);
    if (result.error) {
        syntax_error(text, size, result.error, err);
        goto out;
    }
    if (!take_tree(sql, result.parse_tree, &from, &to, err))
        goto out;
    while (from < to && is_space(text[from]))
        from++;
    while (to > from && is_space(text[to - 1]))
        to--;
    sql->text = strndup(text + from, to - from);
    if (!sql->text) {
        nl_err_nomem(err);
        goto out;
    }
    ok = true;
out:
    pg_query_free_parse_result(result);
    if (!ok) {
        nl_sql_free(sql);
        return NULL;
    }
    return sql;
}

nl_sql *nl_sql_parse(const char *text, size_t size, nl_err *err) {
    return parse(text, size, NL_SQL_MAX_BYTES, err);
}

nl_sql *nl_sql_parse_definition(const char *text, size_t size, nl_err *err) {
    return parse(text, size, MAX_DEFINITION, err);
}

void nl_sql_free(nl_sql *sql) {
    if (!sql)
        return;
    nl_json_free(sql->json);
    free(sql->source);
    free(sql->text);
    free(sql);
}

const char *nl_sql_text(const nl_sql *sql) {
    return sql->text;
}

const char *nl_sql_source(const nl_sql *sql, size_t *size) {
    *size = sql->source_size;
    return sql->source;
}

const nl_json_node *nl_sql_statement(const nl_sql *sql) {
    return sql->statement;
}
