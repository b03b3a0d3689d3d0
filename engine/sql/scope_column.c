/* scope_column.c: one column reference, outwards through the scopes: colNameToVar and
 * transformColumnRef. */
#include <stdint.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

/* Is a sub-select of an expression left on the way out from `from` to `to`? */
static bool leaves_expression(const nl_scope *from, const nl_scope *to) {
    for (; from && from != to; from = from->parent) {
        if (from->kind == NL_SCOPE_EXPRESSION)
            return true;
    }
    return false;
}

bool nl_is_system_column(const char *name) {
    static const char *const names[] = { "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", NULL };
    for (const char *const *n = names; *n; n++) {
        if (strcmp(*n, name) == 0)
            return true;
    }
    return false;
}

/* Functions that take a whole row: t.row_to_json means row_to_json(t). */
static bool takes_row(const char *name) {
    static const char *const names[] = {
        "row_to_json",    "to_json",     "to_jsonb",    "count",         "array_agg",
        "json_agg",       "jsonb_agg",   "pg_typeof",   "quote_literal", "quote_nullable",
        "pg_column_size", "hash_record", "first_value", "last_value",    "lag",
        "lead",           NULL
    };
    for (const char *const *n = names; *n; n++) {
        if (strcmp(*n, name) == 0)
            return true;
    }
    return false;
}

static void note(nl_scopes *r, nl_use *use, const nl_scope *from, const nl_scope *at) {
    if (use && leaves_expression(from, at))
        use->correlated = r->correlated = true;
}

static void record_column(nl_scopes *r, const nl_json_node *body, const nl_found *found,
                          const nl_scope *from, const nl_scope *at) {
    long location = nl_tree_location(body);
    nl_use *use = nl_scopes_record(r, body, NL_USE_COLUMN, found->rel, location);
    if (!use)
        return;
    use->col = found->col;
    use->at = found->at;
    use->guessed = found->guessed;
    note(r, use, from, at);
    nl_scopes_mention(r, found->rel, found->at, location);
}

static void record_row(nl_scopes *r, const nl_json_node *body, nl_use_kind kind, const nl_rel *rel,
                       const nl_scope *from, const nl_scope *at) {
    long location = nl_tree_location(body);
    note(r, nl_scopes_record(r, body, kind, rel, location), from, at);
    nl_scopes_mention_all(r, rel, false, location);
}

/* The relation that can be called `name` here; *at gets the scope that has it. */
static const nl_rel *find_relation(const nl_scope *scope, const char *schema, const char *name,
                                   const nl_scope **at) {
    for (; scope; scope = scope->parent) {
        for (size_t i = 0; i < scope->n_rels; i++) {
            const nl_rel *rel = scope->rels[i];
            if (!rel->named || !rel->alias || strcmp(rel->alias, name) != 0)
                continue;
            if (schema && (rel->aliased || rel->kind != NL_REL_TABLE ||
                           (rel->schema && strcmp(rel->schema, schema) != 0)))
                continue;
            *at = scope;
            return rel;
        }
    }
    return NULL;
}

/* A name that only open relations, or none, may have. */
static void record_open(nl_scopes *r, const nl_scope *scope, const nl_json_node *body,
                        const char *name, const nl_scope *open_at, const nl_rel *only) {
    const nl_scope *at;
    const nl_rel *rel = find_relation(scope, NULL, name, &at);
    if (rel) {
        record_row(r, body, NL_USE_ROW, rel, scope, at);
        return;
    }
    nl_use *use = nl_scopes_record(r, body, open_at ? NL_USE_OPEN : NL_USE_UNKNOWN, only,
                                   nl_tree_location(body));
    if (use)
        use->guessed = true;
    if (open_at || nl_is_system_column(name))
        return;
    nl_report_bare(r, scope, name);
}

static void bare(nl_scopes *r, const nl_scope *scope, const nl_json_node *body, const char *name) {
    const nl_scope *open_at = NULL;
    const nl_rel *open_only = NULL;
    for (const nl_scope *s = scope; s; s = s->parent) {
        nl_found found;
        size_t open;
        const nl_rel *only;
        size_t n = nl_scope_find(s, 0, s->n_rels, name, &found, &open, &only);
        if (n) {
            if (n > 1)
                nl_report_ambiguous(r, name);
            record_column(r, body, &found, scope, s);
            return;
        }
        if (open && !open_at) {
            open_at = s;
            open_only = open == 1 ? only : NULL;
        }
        /* Without a catalog every table is open: the nearest is the best guess. */
        if (open && !r->catalog)
            break;
    }
    record_open(r, scope, body, name, open_at, open_only);
}

static void qualified(nl_scopes *r, const nl_scope *scope, const nl_json_node *body,
                      const char *schema, const char *relation, const char *name) {
    const nl_scope *at;
    nl_found found;
    const nl_rel *rel = find_relation(scope, schema, relation, &at);
    long location = nl_tree_location(body);
    if (!rel) {
        (void)nl_scopes_record(r, body, NL_USE_UNKNOWN, NULL, location);
        nl_report_relation(r, scope, relation);
        return;
    }
    size_t n = nl_rel_find(rel, name, &found);
    if (n > 1)
        nl_report_ambiguous(r, name);
    if (n) {
        record_column(r, body, &found, scope, at);
        return;
    }
    bool function = takes_row(name) && r->catalog && nl_catalog_function_known(r->catalog, name);
    if (rel->open || nl_is_system_column(name) || function) {
        nl_use *use = nl_scopes_record(r, body, NL_USE_FIELD, rel, location);
        if (use)
            use->guessed = true;
        note(r, use, scope, at);
        if (function)
            nl_scopes_mention_all(r, rel, false, location);
        return;
    }
    (void)nl_scopes_record(r, body, NL_USE_UNKNOWN, rel, location);
    nl_report_column(r, rel, name);
}

static void star(nl_scopes *r, const nl_scope *scope, const nl_json_node *body, const char *schema,
                 const char *relation) {
    const nl_scope *at;
    long location = nl_tree_location(body);
    if (!relation) {
        (void)nl_scopes_record(r, body, NL_USE_STAR, NULL, location);
        for (size_t i = 0; i < scope->n_rels; i++) {
            if (scope->rels[i]->shown)
                nl_scopes_mention_all(r, scope->rels[i], true, location);
        }
        return;
    }
    const nl_rel *rel = find_relation(scope, schema, relation, &at);
    if (rel) {
        record_row(r, body, NL_USE_ALL, rel, scope, at);
        return;
    }
    (void)nl_scopes_record(r, body, NL_USE_UNKNOWN, NULL, location);
    nl_report_relation(r, scope, relation);
}

void nl_scope_column(nl_scopes *r, const nl_scope *scope, const nl_json_node *body) {
    const nl_json_node *fields = nl_tree_list(body, "fields");
    size_t n = nl_tree_count(fields);
    const nl_json_node *last = nl_tree_last(fields);
    const char *name = nl_tree_string(last);
    if (n > 4 || n == 0)
        return;
    if (n == 4) { /* the database's name: only the current one is accepted by the server */
        fields = fields->next;
        n--;
    }
    const char *schema = n == 3 ? nl_tree_string(fields) : NULL;
    const char *relation = n == 3   ? nl_tree_string(fields->next)
                           : n == 2 ? nl_tree_string(fields)
                                    : NULL;
    if (!name)
        star(r, scope, body, schema, relation);
    else if (relation)
        qualified(r, scope, body, schema, relation, name);
    else
        bare(r, scope, body, name);
}

bool nl_scope_indirection(nl_scopes *r, const nl_scope *scope, const nl_json_node *body) {
    nl_tree arg = nl_tree_open(NL_GET(body, "arg"));
    const nl_json_node *fields = NL_IS(arg, "ColumnRef") ? nl_tree_list(arg.body, "fields") : NULL;
    const char *name = fields && !fields->next ? nl_tree_string(fields) : NULL;
    const char *field = nl_tree_string(nl_tree_list(body, "indirection"));
    const nl_scope *at;
    nl_found found;
    if (!name || !field)
        return false;
    for (const nl_scope *s = scope; s; s = s->parent) { /* a column of that name comes first */
        size_t open;
        const nl_rel *only;
        if (nl_scope_find(s, 0, s->n_rels, name, &found, &open, &only))
            return false;
    }
    const nl_rel *rel = find_relation(scope, NULL, name, &at);
    if (!rel || nl_rel_find(rel, field, &found) == 0)
        return false;
    record_column(r, body, &found, scope, at);
    nl_use *use = nl_scopes_record(r, arg.body, NL_USE_ROW, rel, nl_tree_location(arg.body));
    if (use)
        note(r, use, scope, at);
    return true;
}
