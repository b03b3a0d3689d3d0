/* gate_unread.c: what the words of a query forbid that is left to the server because its grammar is
 * newer than the library's. Far less than the tree says: no operator and no cast that nobody wrote
 * is traced, and what is not plain is refused. */
#include <string.h>

#include "base/buf.h"
#include "db/trust.h"
#include "sql/gate.h"
#include "sql/gate_names.h"
#include "sql/gate_priv.h"
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
    "all",      "and",       "any",        "array",     "as",           "between",  "by",
    "cast",     "coalesce",  "columns",    "cube",      "default",      "distinct", "else",
    "except",   "exists",    "extract",    "filter",    "from",         "greatest", "group",
    "grouping", "having",    "ilike",      "in",        "intersect",    "is",       "join",
    "lateral",  "least",     "like",       "limit",     "materialized", "nested",   "not",
    "nullif",   "offset",    "on",         "or",        "over",         "overlay",  "partition",
    "passing",  "path",      "position",   "rollup",    "row",          "select",   "sets",
    "some",     "substring", "then",       "trim",      "union",        "using",    "values",
    "when",     "where",     "xmlelement", "xmlforest", "xmlconcat",    NULL,
};

/* Types that have something in parentheses. */
static const char *const types[] = { "bit",         "char",     "character", "dec",  "decimal",
                                     "float",       "interval", "numeric",   "time", "timestamp",
                                     "timestamptz", "varchar",  "varying",   NULL };

/* What stands before the name of a list of columns: "WITH big (n)", "AS t (a, b)". */
static const char *const heads[] = { "as", "recursive", "with", NULL };

/* What stands before a table; else its name may be that of its row type. */
static const char *const places[] = { "by", "from", "join", "select", "table", NULL };
static const char *const prefixes[] = { "b", "e", "n", "u", "x", NULL }; /* of strings */

/* Calls without parentheses, as nl_sql_safe has them. */
static const char *const tells[] = {
    "current_catalog", "current_role", "current_schema", "current_user",
    "session_user",    "system_user",  "user",           NULL
};

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
    return nl_gate_listed(r->policy, schema, schema ? strlen(schema) : 0, name);
}

/* May the name find a function that is not PostgreSQL's own? */
static bool is_own(const reader *r, const char *name) {
    size_t n;
    (void)nl_catalog_levers(r->catalog, 'f', name, &n);
    return n > 0 || nl_catalog_function_foreign(r->catalog, name);
}

static bool is_builtin(const reader *r, const char *name) {
    if (nl_gate_function_denied(name))
        return false;
    return nl_catalog_function_stable(r->catalog, name) ||
           (nl_catalog_function_known(r->catalog, name) && nl_gate_function_harmless(name));
}

static bool refuse_function(const reader *r, const char *name) {
    return nl_err_set(r->err, NL_INVALID, "function %s is not allowed in newer grammar", name);
}

/* last[0] stands before a parenthesis. */
static bool check_call(const reader *r) {
    const char *name = r->last[0].word, *schema = schema_of(r);
    bool own = is_own(r, name);
    bool plain = r->last[0].kind == NL_SCAN_WORD && !schema && !own;
    if (plain && (is_in(calm, name) || is_in(types, name) || nl_sql_newer_function(name, NEWEST)))
        return true;
    if (r->last[1].kind == NL_SCAN_WORD && is_in(heads, r->last[1].word))
        return true;
    if (listed(r, schema, name))
        return true;
    bool builtin = schema ? strcmp(schema, "pg_catalog") == 0 : !own;
    if (builtin && is_builtin(r, name))
        return true;
    return refuse_function(r, name);
}

/* x.f calls f(x) where x has no column f. */
static bool check_field(const reader *r, const char *name) {
    bool calls =
        is_own(r, name) || (nl_catalog_function_known(r->catalog, name) && !is_builtin(r, name));
    if (!calls || listed(r, NULL, name))
        return true;
    return refuse_function(r, name);
}

/* What a query may that has nothing else in it: "SELECT * FROM" a view, a foreign table, one with
 * row-level security; "SELECT NULL::" a type that calls functions. */
static bool check_alone(const reader *r, const char *query, const char *schema, const char *name) {
    nl_buf text;
    nl_sql *sql = NULL;
    bool ok = false;
    if (strchr(schema, '"') || strchr(name, '"'))
        return nl_err_set(r->err, NL_INVALID, "%s is not allowed in newer grammar", name);
    nl_buf_init(&text);
    if (!nl_buf_printf(&text, "%s\"%s\".\"%s\"", query, schema, name))
        nl_err_nomem(r->err);
    else if ((sql = nl_sql_parse(text.data, text.size, r->err)))
        ok = nl_sql_safe(sql, r->catalog, r->policy, r->err);
    nl_sql_free(sql);
    nl_buf_release(&text);
    return ok;
}

/* Is the name in last[0] surely a table's, no type that something is cast to? */
static bool is_read(const reader *r, const nl_scan *now) {
    const nl_scan *place = &r->last[schema_of(r) ? 3 : 1];
    bool fits = place->kind == NL_SCAN_MARK
                    ? strcmp(place->word, ":") != 0
                    : place->kind == NL_SCAN_WORD && is_in(places, place->word);
    return fits && now->kind != NL_SCAN_STRING && !is_in(prefixes, now->word);
}

/* x.t casts x to the type t where x has no column t. */
static bool check_type(const reader *r, const nl_scan *now, const char *schema, const char *name) {
    const nl_loaded *type = nl_catalog_loaded(r->catalog, schema, name);
    if (nl_gate_type_denied(name) && nl_catalog_type_known(r->catalog, NULL, name))
        return nl_err_set(r->err, NL_INVALID,
                          "type %s is not allowed: it reads the system catalogs", name);
    if (!type)
        type = nl_catalog_loaded(r->catalog, NULL, name);
    if (type && nl_catalog_find(r->catalog, type->schema, type->name) && is_read(r, now))
        return true;
    return !type || check_alone(r, "SELECT NULL::", type->schema, type->name);
}

/* last[0] is a name of something else than a function. */
static bool check_name(const reader *r, const nl_scan *now) {
    const char *name = r->last[0].word, *schema = schema_of(r);
    bool system = strncmp(name, "pg_", 3) == 0 || (schema && nl_gate_schema_is_system(schema));
    if (system && !r->policy->system_catalogs)
        return nl_err_set(r->err, NL_INVALID, "%s is the system's own: not allowed", name);
    if ((is(&r->last[1], ".") && !check_field(r, name)) || !check_type(r, now, schema, name))
        return false;
    const nl_special *special = nl_catalog_special(r->catalog, schema, name);
    return !special || check_alone(r, "SELECT * FROM ", special->schema, special->name);
}

/* A string that goes on in the next line has escapes where its first part has. */
static bool check_form(const reader *r, const nl_scan *now) {
    const nl_scan *before = &r->last[0];
    if (now->kind == NL_SCAN_NAME && is(before, "&"))
        return nl_err_set(r->err, NL_INVALID, "a name with escapes is not allowed");
    if (now->kind == NL_SCAN_STRING && before->kind == NL_SCAN_STRING)
        return nl_err_set(r->err, NL_INVALID, "a string in two parts is not allowed");
    if (now->cut)
        return nl_err_set(r->err, NL_INVALID, "%s… is longer than a name may be", now->word);
    return true;
}

static bool check_word(const reader *r, const nl_scan *now) {
    const nl_scan *before = &r->last[0];
    static const char *const begins[] = { "(", "select", "table", "values", "with", NULL };
    if (r->over)
        return nl_err_set(r->err, NL_INVALID, "there is more than one statement");
    if (r->n == 0 && (now->kind == NL_SCAN_NAME || !is_in(begins, now->word)))
        return nl_err_set(r->err, NL_INVALID, "not a query");
    if (!check_form(r, now))
        return false;
    if (now->kind != NL_SCAN_WORD || is(before, "."))
        return true;
    bool locks = strcmp(now->word, "share") == 0 && (is(before, "for") || is(before, "key"));
    if (locks || is_in(acts, now->word))
        return nl_err_set(r->err, NL_INVALID, "writes or locks: %s", now->word);
    if (is_in(tells, now->word))
        return nl_err_set(r->err, NL_INVALID, "%s tells about the session: not allowed", now->word);
    return true;
}

static bool take(reader *r, const nl_scan *now) {
    if (r->n > 0 && names(&r->last[0]) &&
        !(is(now, "(") ? check_call(r) : is(now, ".") || check_name(r, now)))
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
    static const nl_sql_policy none = { .functions = NULL };
    reader r = { .catalog = catalog, .policy = policy ? policy : &none, .err = err };
    while (nl_scan_next(&scan)) {
        if (!check_word(&r, &scan) || !take(&r, &scan))
            return false;
        r.over = is(&scan, ";");
    }
    return take(&r, &end);
}
