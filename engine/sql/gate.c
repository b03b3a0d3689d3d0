/* gate.c: walks every node of the tree against the allow-list of gate_nodes.c, and looks closer at
 * those that name something: functions, operators, relations, types. Fields are gate_field.c's,
 * what hides behind a name gate_trust.c's. */
#include "sql/gate.h"

#include <string.h>

#include "sql/gate_names.h"
#include "sql/gate_nodes.h"
#include "sql/gate_priv.h"
#include "sql/tree.h"

#include "base/banned.h"

static bool check_struct(nl_gate *g, const char *type, const nl_json_node *body);

static bool refuse(nl_gate *g, const char *format, const char *what) __attribute__((nonnull));

static bool refuse(nl_gate *g, const char *format, const char *what) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return nl_err_set(g->err, NL_INVALID, format, what);
#pragma GCC diagnostic pop
}

static bool refuse_type(nl_gate *g, const char *type) {
    if (strcmp(type, "ParamRef") == 0)
        return refuse(g, "%s: write the value itself", "a parameter ($1) has no value here");
    if (strcmp(type, "SetToDefault") == 0)
        return refuse(g, "%s is not a value in a query", "DEFAULT");
    const char *name = nl_gate_statement_name(type);
    if (nl_gate_statement_writes(type))
        return refuse(g, "writes: %s", name);
    return refuse(g, "not a query: %s", name);
}

/* --- what a node names -------------------------------------------------------------------- */

bool nl_gate_listed(const nl_sql_policy *policy, const char *schema, size_t schema_size,
                    const char *name) {
    if (!policy || !policy->functions)
        return false;
    for (const char *const *f = policy->functions; *f; f++) {
        if (schema ? strncmp(*f, schema, schema_size) == 0 && (*f)[schema_size] == '.' &&
                         strcmp(*f + schema_size + 1, name) == 0
                   : strcmp(*f, name) == 0)
            return true;
    }
    return false;
}

bool nl_gate_builtin(const nl_gate *g, const char *name, bool special) {
    if (nl_gate_function_denied(name) &&
        !(g->whose == NL_GATE_POLICY && nl_gate_function_informs(name)))
        return false;
    if (nl_catalog_function_stable(g->catalog, name))
        return true;
    return nl_catalog_function_known(g->catalog, name) &&
           (special || nl_gate_function_harmless(name));
}

static bool refuse_function(nl_gate *g, const char *schema, const char *name) {
    if (schema && strcmp(schema, "pg_catalog") != 0)
        return NL_REFUSE(g, "function %s.%s is not allowed", schema, name);
    const char *newer = nl_sql_newer_function(name, nl_catalog_server_version_num(g->catalog));
    if (newer && g->policy && g->policy->newer_grammar)
        return true;
    if (newer)
        return refuse(g, NL_NEWER_GRAMMAR, newer);
    if (!nl_gate_function_denied(name) && !nl_catalog_function_known(g->catalog, name))
        return refuse(g, "function %s is not one of PostgreSQL's own, so it is not allowed", name);
    return refuse(g, "function %s is not allowed", name);
}

static bool check_function(nl_gate *g, const nl_json_node *body) {
    const char *schema;
    const nl_json_node *names = nl_tree_list(body, "funcname");
    const char *name = nl_tree_name(names, &schema);
    bool builtin = schema && strcmp(schema, "pg_catalog") == 0;
    /* the grammar put pg_catalog there itself, as for EXTRACT(… FROM …) */
    bool special = nl_tree_has(body, "funcformat", "COERCE_SQL_SYNTAX");
    if (!name)
        return refuse(g, "%s is not allowed", "a function name of three parts");
    if (special && strcmp(name, "extract") == 0 && !nl_catalog_function_known(g->catalog, name))
        name = "date_part"; /* which EXTRACT calls before version 14 */
    if (nl_gate_listed(g->policy, schema, schema ? strlen(schema) : 0, name))
        return true;
    if (g->whose != NL_GATE_QUERY &&
        ((schema && !builtin) || !nl_catalog_function_known(g->catalog, name)))
        return true; /* the catalog has said that this definition calls it */
    if ((schema && !builtin) || !nl_gate_builtin(g, name, special))
        return refuse_function(g, schema, name);
    if (nl_gate_function_coerces(name, nl_catalog_server_version_num(g->catalog)))
        g->coerces = true;
    g->makes_json = g->makes_json || strstr(name, "json");
    return nl_gate_levers(g, 'f', name, builtin);
}

/* BETWEEN and its like stand for two comparisons each. */
static bool check_between(nl_gate *g) {
    return nl_gate_levers(g, 'o', ">=", false) && nl_gate_levers(g, 'o', "<=", false) &&
           nl_gate_levers(g, 'o', "<", false) && nl_gate_levers(g, 'o', ">", false);
}

/* Names of operators: A_Expr "name", SubLink "operName", SortBy "useOp". */
static bool check_operator(nl_gate *g, const nl_json_node *body) {
    static const char *const fields[] = { "name", "operName", "useOp" };
    const char *schema;
    if (g->whose != NL_GATE_QUERY)
        return true; /* the catalog has said which functions are behind them */
    for (size_t i = 0; i < 3; i++) {
        const nl_json_node *names = nl_tree_list(body, fields[i]);
        if (!names)
            continue;
        const char *name = nl_tree_name(names, &schema);
        if (!name || (schema && strcmp(schema, "pg_catalog") != 0))
            return refuse(g, "operator %s of another schema is not allowed",
                          name ? name : "of a schema");
        if (name[0] >= 'A' && name[0] <= 'Z')
            return check_between(g);
        if (!nl_catalog_operator_known(g->catalog, name))
            return refuse(g, "operator %s is not one of PostgreSQL's own", name);
        if (!nl_gate_levers(g, 'o', name, schema != NULL))
            return false;
    }
    return true;
}

/* x IN (SELECT …), CASE x WHEN …, USING (x) and NATURAL compare by an = that nobody wrote. */
static bool check_equals(nl_gate *g, const nl_json_node *body) {
    bool equals = NL_GET(body, "usingClause") || nl_tree_flag(body, "isNatural") ||
                  NL_GET(body, "arg") || NL_GET(body, "testexpr");
    return (!equals || nl_gate_levers(g, 'o', "=", false)) && check_operator(g, body);
}

/* A CTE of that name is what is read, where there is one. */
static bool is_cte(nl_gate *g, const nl_json_node *body) {
    const nl_use *use = nl_scopes_use(g->scopes, body);
    /* not taken: resolving has met every relation of the statement, and has made its nl_rel */
    return use && use->rel && use->rel->kind == NL_REL_CTE;
}

static bool check_special(nl_gate *g, const nl_json_node *body, const char *schema,
                          const char *name) {
    const nl_special *special = nl_catalog_special(g->catalog, schema, name);
    const nl_table *table = nl_catalog_find(g->catalog, schema, name);
    g->loaded = g->loaded || (table && table->holds);
    if (!special)
        return true;
    return nl_gate_resolve(g) && ((!schema && is_cte(g, body)) || nl_gate_special(g, special));
}

static bool check_relation(nl_gate *g, const nl_json_node *body) {
    const char *schema = nl_tree_str(body, "schemaname");
    const char *name = nl_tree_str(body, "relname");
    const nl_table *table;
    /* not taken: the grammar names every relation */
    if (!name)
        return refuse(g, "%s is not allowed", "a relation without a name");
    if (schema && strncmp(schema, "pg_t", 4) == 0) /* pg_toast, pg_temp */
        return nl_err_set(g->err, NL_INVALID, "system relation %s.%s is not allowed", schema, name);
    if (g->policy && g->policy->system_catalogs)
        return check_special(g, body, schema, name);
    if (schema && nl_gate_schema_is_system(schema))
        return nl_err_set(g->err, NL_INVALID, "system catalog %s.%s is not allowed", schema, name);
    if (schema || strncmp(name, "pg_", 3) != 0)
        return check_special(g, body, schema, name);
    /* pg_catalog comes first on every search path: a bare pg_ name is the system's, unless it is
     * known to be visible (else the catalog does not find it without its schema). A CTE may not
     * borrow such a name. */
    table = nl_catalog_find(g->catalog, NULL, name);
    if (!table)
        return refuse(g, "system catalog %s is not allowed", name);
    return check_special(g, body, schema, name);
}

/* A type that a column of ours has ("citext", "geometry(Point,4326)"), or a table's row type. */
static bool is_in_use(const nl_gate *g, const char *schema, const char *name) {
    size_t n, size = strlen(name);
    if (nl_catalog_find(g->catalog, schema, name))
        return true;
    const nl_table *tables = nl_catalog_tables(g->catalog, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < tables[i].n_columns; j++) {
            const char *type = tables[i].columns[j].type;
            if (!schema && strncmp(type, name, size) == 0 &&
                (type[size] == '\0' || type[size] == '(' || type[size] == '['))
                return true;
        }
    }
    return false;
}

static bool check_type(nl_gate *g, const nl_json_node *body) {
    const char *schema;
    const char *name = nl_tree_name(nl_tree_list(body, "names"), &schema);
    if (!name)
        return refuse(g, "%s is not allowed", "a type name of three parts");
    if (g->whose != NL_GATE_QUERY)
        return true; /* the catalog has said which types are made */
    if (nl_gate_type_denied(name)) {
        bool table_name = g->of_tableoid && strcmp(name, "regclass") == 0;
        g->of_tableoid = false;
        if (!table_name)
            return refuse(g, "type %s is not allowed: it reads the system catalogs", name);
        return true;
    }
    const nl_loaded *loaded = nl_catalog_loaded(g->catalog, schema, name);
    g->loaded = g->loaded || loaded;
    g->makes_rows = g->makes_rows || nl_catalog_find(g->catalog, schema, name);
    if (loaded && !nl_gate_type(g, loaded))
        return false;
    if (!nl_catalog_type_known(g->catalog, schema, name) && !is_in_use(g, schema, name))
        return refuse(g, "type %s is not known", name);
    return true;
}

/* --- the rest ----------------------------------------------------------------------------- */

static bool check_session(nl_gate *g, const nl_json_node *body) {
    static const struct {
        const char *op, *name;
    } refused[] = {
        { "SVFOP_CURRENT_ROLE", "CURRENT_ROLE" },
        { "SVFOP_CURRENT_USER", "CURRENT_USER" },
        { "SVFOP_USER", "USER" },
        { "SVFOP_SESSION_USER", "SESSION_USER" },
        { "SVFOP_CURRENT_CATALOG", "CURRENT_CATALOG" },
        { "SVFOP_CURRENT_SCHEMA", "CURRENT_SCHEMA" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused && g->whose == NL_GATE_QUERY; i++) {
        if (nl_tree_has(body, "op", refused[i].op))
            return refuse(g, "%s is not allowed: it tells about the session, not the data",
                          refused[i].name);
    }
    return true;
}

static bool check_sample(nl_gate *g, const nl_json_node *body) {
    const char *schema;
    const char *name = nl_tree_name(nl_tree_list(body, "method"), &schema);
    if (name && (!schema || strcmp(schema, "pg_catalog") == 0) &&
        (strcmp(name, "system") == 0 || strcmp(name, "bernoulli") == 0))
        return nl_gate_levers(g, 'f', name, schema != NULL);
    return refuse(g, "TABLESAMPLE %s is not allowed (system and bernoulli are)", name ? name : "");
}

static bool check_cte(nl_gate *g, const nl_json_node *body) {
    nl_tree query = nl_tree_open(NL_GET(body, "ctequery"));
    /* not taken: the grammar has InsertStmt, UpdateStmt and DeleteStmt there: of one length */
    if (NL_IS(query, "SelectStmt"))
        return true;
    return refuse(g, "writes: %s in a WITH query", nl_gate_statement_name(query.type));
}

static bool check_query(nl_gate *g, const nl_json_node *body) {
    const nl_json_node *locks = nl_tree_list(body, "lockingClause");
    if (NL_GET(body, "intoClause"))
        return refuse(g, "writes: %s", "SELECT INTO");
    if (!locks)
        return true;
    const nl_json_node *lock = nl_tree_open(locks).body;
    if (nl_tree_has(lock, "strength", "LCS_FORSHARE"))
        return refuse(g, "locks rows: %s", "FOR SHARE");
    if (nl_tree_has(lock, "strength", "LCS_FORKEYSHARE"))
        return refuse(g, "locks rows: %s", "FOR KEY SHARE");
    if (nl_tree_has(lock, "strength", "LCS_FORNOKEYUPDATE"))
        return refuse(g, "locks rows: %s", "FOR NO KEY UPDATE");
    return refuse(g, "locks rows: %s", "FOR UPDATE");
}

static bool look(nl_gate *g, nl_gate_look how, const nl_json_node *body) {
    /* not taken: gate_nodes.c has no other looks */
    switch (how) {
    case NL_LOOK_FUNCTION:
        return check_function(g, body);
    case NL_LOOK_OPERATOR:
        return check_operator(g, body);
    case NL_LOOK_EQUALS:
        return check_equals(g, body);
    case NL_LOOK_RELATION:
        return check_relation(g, body);
    case NL_LOOK_TYPE:
        return check_type(g, body);
    case NL_LOOK_COLUMN:
        return nl_gate_column(g, body);
    case NL_LOOK_FIELD:
        return nl_gate_field(g, body);
    case NL_LOOK_CAST:
        return nl_gate_cast(g, body);
    case NL_LOOK_SESSION:
        return check_session(g, body);
    case NL_LOOK_SAMPLE:
        return check_sample(g, body);
    case NL_LOOK_CTE:
        return check_cte(g, body);
    case NL_LOOK_QUERY:
        return check_query(g, body);
    case NL_LOOK_NONE:
        break;
    }
    return true;
}

static bool check_node(nl_gate *g, const nl_json_node *wrapped) {
    nl_tree tree = nl_tree_open(wrapped);
    if (tree.body)
        return check_struct(g, tree.type, tree.body);
    /* not taken: what is no node the library writes as {}, a NULL in a list */
    if (wrapped->type != NL_JSON_OBJECT || wrapped->size)
        return refuse(g, "%s is not understood", "a part of the parse tree");
    return true;
}

static bool check_nodes(nl_gate *g, const nl_json_node *value) {
    if (value->type != NL_JSON_ARRAY)
        return check_node(g, value);
    for (const nl_json_node *item = value->child; item; item = item->next) {
        if (!check_node(g, item))
            return false;
    }
    return true;
}

/* The depth of the recursion is bounded by the tree's, which parse.c caps. */
static bool check_struct(nl_gate *g, const char *type, const nl_json_node *body) {
    const nl_gate_node *node = nl_gate_node_find(type);
    if (!node)
        return refuse_type(g, type);
    if (!look(g, node->look, body))
        return false;
    for (const nl_json_node *m = body->child; m; m = m->next) {
        const nl_gate_member *member = nl_gate_member_find(node, m->key, m->key_size);
        if (!member)
            return nl_err_set(g->err, NL_INVALID, "%s of %s is not allowed", m->key, type);
        if (member->kind == NL_MEMBER_STRUCT) {
            if (!check_struct(g, member->of, m))
                return false;
        } else if (member->kind == NL_MEMBER_NODES) {
            if (!check_nodes(g, m))
                return false;
            /* not taken: what gate_nodes.c calls plain is a value in the library's trees */
        } else if (m->type == NL_JSON_OBJECT || m->type == NL_JSON_ARRAY) {
            return nl_err_set(g->err, NL_INVALID, "%s of %s is not allowed", m->key, type);
        }
    }
    return true;
}

bool nl_gate_resolve(nl_gate *g) {
    if (!g->scopes)
        g->scopes = nl_scopes_of(g->sql, g->catalog, g->err);
    return g->scopes != NULL;
}

bool nl_gate_walk(nl_gate *g) {
    nl_tree top = nl_tree_open(nl_sql_statement(g->sql));
    return NL_IS(top, "SelectStmt") ? check_struct(g, top.type, top.body)
                                    : refuse_type(g, top.type);
}

bool nl_sql_safe(const nl_sql *sql, const nl_catalog *catalog, const nl_sql_policy *policy,
                 nl_err *err) {
    nl_err unused;
    nl_gate g = { .sql = sql, .catalog = catalog, .policy = policy, .err = err ? err : &unused };
    g.root = &g;
    bool ok = nl_gate_walk(&g) && nl_gate_unnamed(&g);
    nl_scopes_free(g.scopes);
    return ok;
}
