/* facts.c: gathers what the resolver (scope.c) and the walk (facts_walk.c) found. */
#include "sql/facts.h"

#include <stdlib.h>

#include "sql/facts_walk.h"
#include "sql/scope.h"
#include "sql/scope_priv.h"

#include "base/banned.h"

struct box {
    nl_sql_facts facts; /* first: what the caller holds */
    nl_scopes *scopes;  /* owns everything that the facts point to, but the catalog's */
};

static int by_place(const void *a, const void *b) {
    long x = (*(const nl_rel *const *)a)->location, y = (*(const nl_rel *const *)b)->location;
    return (x > y) - (x < y);
}

static bool given(const nl_table *table, const nl_table *const *scope, size_t n_scope) {
    for (size_t i = 0; i < n_scope; i++) {
        if (scope[i] == table)
            return true;
    }
    return scope == NULL;
}

static bool gather_tables(nl_sql_facts *facts, nl_scopes *r, const nl_table *const *scope,
                          size_t n_scope) {
    if (r->n_tables == 0)
        return true;
    facts->tables = nl_pool_take(&r->pool, r->n_tables * sizeof *facts->tables);
    if (!facts->tables)
        return false;
    qsort(r->tables, r->n_tables, sizeof *r->tables, by_place);
    for (size_t i = 0; i < r->n_tables; i++) {
        const nl_table *table = r->tables[i]->table;
        size_t j = 0;
        while (j < facts->n_tables && facts->tables[j] != table)
            j++;
        if (!table || j < facts->n_tables)
            continue;
        facts->tables[facts->n_tables++] = table;
        if (!given(table, scope, n_scope))
            nl_report_unknown(
                r, nl_pool_printf(&r->pool, "table \"%s\" is not among those given", table->name));
    }
    return true;
}

static int by_column(const void *a, const void *b) {
    const nl_mention *x = a, *y = b;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    if (x->location != y->location)
        return x->location < y->location ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int by_mention(const void *a, const void *b) {
    const nl_mention *x = a, *y = b;
    if (x->location != y->location)
        return x->location < y->location ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static bool gather_columns(nl_sql_facts *facts, nl_scopes *r) {
    size_t kept = 0;
    if (r->n_mentions == 0)
        return true;
    qsort(r->mentions, r->n_mentions, sizeof *r->mentions, by_column);
    for (size_t i = 0; i < r->n_mentions; i++) {
        if (kept == 0 || r->mentions[kept - 1].column != r->mentions[i].column)
            r->mentions[kept++] = r->mentions[i];
    }
    qsort(r->mentions, kept, sizeof *r->mentions, by_mention);
    facts->columns = nl_pool_take(&r->pool, kept * sizeof *facts->columns);
    if (!facts->columns)
        return false;
    for (size_t i = 0; i < kept; i++)
        facts->columns[i] = (nl_sql_column){ r->mentions[i].table, r->mentions[i].column };
    facts->n_columns = kept;
    return true;
}

static const char **texts(nl_pool *pool, const nl_word *words, size_t n) {
    const char **list = nl_pool_take(pool, (n + 1) * sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        list[i] = words[i].text;
    return list;
}

static bool gather_walk(nl_sql_facts *facts, nl_scopes *r) {
    nl_walk walk = { .pool = &r->pool, .sql = r->sql };
    if (!nl_facts_walk(&walk))
        return false;
    walk.constructs |= (uint64_t)r->correlated << NL_HAS_CORRELATED;
    walk.constructs |= (uint64_t)r->self_join << NL_HAS_SELF_JOIN;
    facts->functions = texts(&r->pool, walk.functions, walk.n_functions);
    facts->n_functions = walk.n_functions;
    facts->literals = texts(&r->pool, walk.literals, walk.n_literals);
    facts->n_literals = walk.n_literals;
    facts->constructs = nl_pool_take(&r->pool, NL_HAS_END * sizeof *facts->constructs);
    if (!facts->functions || !facts->literals || !facts->constructs)
        return false;
    for (size_t i = 0; i < NL_HAS_END; i++) {
        if (walk.constructs >> i & 1)
            facts->constructs[facts->n_constructs++] = nl_construct_names[i];
    }
    return true;
}

nl_sql_facts *nl_sql_facts_of(const nl_sql *sql, const nl_catalog *catalog,
                              const nl_table *const *scope, size_t n_scope, nl_err *err) {
    nl_scopes *r = nl_scopes_of(sql, catalog, err);
    struct box *box = r ? calloc(1, sizeof *box) : NULL;
    if (!box) {
        if (r)
            nl_err_nomem(err);
        nl_scopes_free(r);
        return NULL;
    }
    nl_sql_facts *facts = &box->facts;
    box->scopes = r;
    if (!gather_tables(facts, r, scope, n_scope) || !gather_columns(facts, r) ||
        !gather_walk(facts, r) || r->pool.failed) {
        nl_err_nomem(err);
        nl_sql_facts_free(facts);
        return NULL;
    }
    facts->max_joined = r->max_joined;
    facts->unknown = r->unknown;
    facts->n_unknown = r->n_unknown;
    facts->ambiguous = r->ambiguous;
    facts->ordered = NL_GET(nl_tree_open(nl_sql_statement(sql)).body, "sortClause") != NULL;
    facts->output_columns = r->output_open ? 0 : r->n_output;
    return facts;
}

void nl_sql_facts_free(nl_sql_facts *facts) {
    struct box *box = (struct box *)facts;
    if (!box)
        return;
    nl_scopes_free(box->scopes);
    free(box);
}
