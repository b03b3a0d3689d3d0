/* gate_unread.c: what the words of a query forbid that is left to the server because its grammar is
 * newer than the library's. Far less than the tree says: no operator, cast or field is traced, and
 * what is not plain is refused. */
#include <string.h>

#include "base/buf.h"
#include "db/trust.h"
#include "sql/gate.h"
#include "sql/gate_names.h"
#include "sql/gate_scan.h"

#include "base/banned.h"

enum { BEFORE = 4, NEWEST = 990000 };

typedef struct {
    const nl_catalog *catalog;
    const nl_sql_policy *policy;
    nl_err *err;
    nl_scan last[BEFORE]; /* [0] is the one before, [1] the one before that */
    size_t n;
    bool over; /* there was a semicolon */
} reader;

/* Words before a parenthesis that call nothing. */
static const char *const calm[] = {
    "all",      "and",       "any",      "array",      "as",           "between",   "by",
    "cast",     "coalesce",  "columns",  "cube",       "default",      "distinct",  "else",
    "except",   "exists",    "extract",  "filter",     "from",         "greatest",  "group",
    "grouping", "having",    "ilike",    "in",         "intersect",    "is",        "join",
    "lateral",  "least",     "like",     "limit",      "materialized", "nested",    "not",
    "nullif",   "offset",    "on",       "or",         "over",         "overlay",   "partition",
    "passing",  "path",      "position", "rollup",     "row",          "select",    "sets",
    "some",     "substring", "then",     "treat",      "trim",         "union",     "using",
    "values",   "when",      "where",    "xmlelement", "xmlforest",    "xmlconcat", NULL,
};

/* Types that have something in parentheses. */
static const char *const types[] = { "bit",         "char",     "character", "dec",  "decimal",
                                     "float",       "interval", "numeric",   "time", "timestamp",
                                     "timestamptz", "varchar",  "varying",   NULL };

/* What only a statement that writes or locks begins with. */
static const char *const acts[] = {
    "delete", "insert", "into", "merge", "truncate", "update", NULL
};

static bool is_in(const char *const *list, const char *word) {
    for (; *list; list++) {
        if (strcmp(*list, word) == 0)
            return true;
    }
    return false;
}

static bool is(const nl_scan *one, const char *word) {
    return (one->kind == NL_SCAN_WORD || one->kind == NL_SCAN_MARK) && strcmp(one->word, word) == 0;
}

static bool names(const nl_scan *one) {
    return one->kind == NL_SCAN_WORD || one->kind == NL_SCAN_NAME;
}

/* The schema before the name in last[0]; NULL: none. */
static const char *schema_of(const reader *r) {
    return is(&r->last[1], ".") && names(&r->last[2]) ? r->last[2].word : NULL;
}

static bool listed(const reader *r, const char *schema, const char *name) {
    size_t size = schema ? strlen(schema) : 0;
    for (const char *const *f = r->policy ? r->policy->functions : NULL; f && *f; f++) {
        if (schema ? strncmp(*f, schema, size) == 0 && (*f)[size] == '.' &&
                         strcmp(*f + size + 1, name) == 0
                   : strcmp(*f, name) == 0)
            return true;
    }
    return false;
}

/* last[0] stands before a parenthesis. */
static bool check_call(const reader *r) {
    const nl_scan *name = &r->last[0];
    const char *schema = schema_of(r);
    bool plain = name->kind == NL_SCAN_WORD && !schema;
    if (plain && (is_in(calm, name->word) || is_in(types, name->word) ||
                  nl_sql_newer_function(name->word, NEWEST)))
        return true;
    /* a list of columns, a type */
    bool cast = is(&r->last[1], ":") && is(&r->last[2], ":");
    if (!schema &&
        (is(&r->last[1], "as") || is(&r->last[1], "with") || is(&r->last[1], "recursive") || cast))
        return true;
    if (listed(r, schema, name->word))
        return true;
    bool own = !schema || strcmp(schema, "pg_catalog") == 0;
    size_t n = 0;
    if (own && !schema)
        (void)nl_catalog_levers(r->catalog, 'f', name->word, &n);
    if (own && n == 0 && !nl_gate_function_denied(name->word) &&
        (nl_catalog_function_stable(r->catalog, name->word) ||
         nl_gate_function_harmless(name->word)))
        return true;
    return nl_err_set(r->err, NL_INVALID, "function %s is not allowed in newer grammar",
                      name->word);
}

/* A view, a foreign table, row-level security: what a query of it alone may. */
static bool check_special(const reader *r, const nl_special *special) {
    nl_buf query;
    nl_sql *sql = NULL;
    bool ok = false;
    if (strchr(special->schema, '"') || strchr(special->name, '"'))
        return nl_err_set(r->err, NL_INVALID, "%s is not allowed in newer grammar", special->name);
    nl_buf_init(&query);
    if (!nl_buf_printf(&query, "SELECT * FROM \"%s\".\"%s\"", special->schema, special->name))
        nl_err_nomem(r->err);
    else if ((sql = nl_sql_parse(query.data, query.size, r->err)))
        ok = nl_sql_safe(sql, r->catalog, r->policy, r->err);
    nl_sql_free(sql);
    nl_buf_release(&query);
    return ok;
}

/* last[0] is a name of something else than a function. */
static bool check_name(const reader *r) {
    const char *name = r->last[0].word, *schema = schema_of(r);
    bool allowed = r->policy && r->policy->system_catalogs;
    bool system = strncmp(name, "pg_", 3) == 0 || (schema && nl_gate_schema_is_system(schema));
    if (system && !allowed)
        return nl_err_set(r->err, NL_INVALID, "%s is the system's own: not allowed", name);
    const nl_special *special = nl_catalog_special(r->catalog, schema, name);
    return !special || check_special(r, special);
}

static bool check_word(const reader *r, const nl_scan *now) {
    const nl_scan *before = &r->last[0];
    static const char *const begins[] = { "(", "select", "table", "values", "with", NULL };
    if (r->over)
        return nl_err_set(r->err, NL_INVALID, "there is more than one statement");
    if (r->n == 0 && (now->kind == NL_SCAN_NAME || !is_in(begins, now->word)))
        return nl_err_set(r->err, NL_INVALID, "not a query");
    if (now->kind == NL_SCAN_NAME && is(before, "&"))
        return nl_err_set(r->err, NL_INVALID, "a name with escapes is not allowed");
    if (now->kind != NL_SCAN_WORD || is(before, "."))
        return true;
    bool locks = strcmp(now->word, "share") == 0 && (is(before, "for") || is(before, "key"));
    if (locks || is_in(acts, now->word))
        return nl_err_set(r->err, NL_INVALID, "writes or locks: %s", now->word);
    return true;
}

static bool take(reader *r, const nl_scan *now) {
    if (r->n > 0 && names(&r->last[0]) &&
        !(is(now, "(") ? check_call(r) : is(now, ".") || check_name(r)))
        return false;
    memmove(&r->last[1], &r->last[0], sizeof r->last - sizeof *r->last);
    r->last[0] = *now;
    r->n++;
    return true;
}

bool nl_sql_unread_safe(const char *text, size_t size, const nl_catalog *catalog,
                        const nl_sql_policy *policy, nl_err *err) {
    nl_scan scan = { .at = text, .end = text + size, .kind = NL_SCAN_MARK };
    const nl_scan end = { .kind = NL_SCAN_MARK };
    reader r = { .catalog = catalog, .policy = policy, .err = err };
    while (nl_scan_next(&scan)) {
        if (!check_word(&r, &scan) || !take(&r, &scan))
            return false;
        r.over = r.over || is(&scan, ";");
    }
    return take(&r, &end);
}
