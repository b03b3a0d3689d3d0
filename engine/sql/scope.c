/* scope.c: what the resolver keeps, and how a name is found among relations. */
#include "sql/scope.h"

#include <stdint.h>
#include <stdlib.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

/* --- uses, by node ------------------------------------------------------------------------ */

static size_t slot_of(const nl_json_node *node, size_t n_slots) {
    uint64_t x = (uint64_t)(uintptr_t)node * 0x9E3779B97F4A7C15u;
    return (size_t)(x >> 32) & (n_slots - 1);
}

static bool index_uses(nl_scopes *r) {
    size_t n = r->n_slots ? r->n_slots * 2 : 64;
    unsigned *slots = nl_pool_take(&r->pool, n * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < r->n_uses; i++) {
        size_t at = slot_of(r->uses[i].node, n);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = (unsigned)i + 1;
    }
    r->slots = slots;
    r->n_slots = n;
    return true;
}

nl_use *nl_scopes_record(nl_scopes *r, const nl_json_node *node, nl_use_kind kind,
                         const nl_rel *rel, long location) {
    nl_use *uses = nl_pool_grow(&r->pool, r->uses, r->n_uses, &r->uses_room, sizeof *uses);
    if (!uses)
        return NULL;
    r->uses = uses;
    if ((r->n_uses + 1) * 2 > r->n_slots && !index_uses(r))
        return NULL;
    nl_use *use = &uses[r->n_uses++];
    *use = (nl_use){ .node = node, .kind = kind, .rel = rel, .location = location };
    size_t at = slot_of(node, r->n_slots);
    while (r->slots[at])
        at = (at + 1) & (r->n_slots - 1);
    r->slots[at] = (unsigned)r->n_uses;
    return use;
}

const nl_use *nl_scopes_use(const nl_scopes *r, const nl_json_node *body) {
    if (!r->n_slots)
        return NULL;
    for (size_t at = slot_of(body, r->n_slots); r->slots[at]; at = (at + 1) & (r->n_slots - 1)) {
        const nl_use *use = &r->uses[r->slots[at] - 1];
        if (use->node == body)
            return use;
    }
    return NULL;
}

/* --- relations and their columns ---------------------------------------------------------- */

nl_rel *nl_scope_push(nl_scopes *r, nl_scope *scope, nl_rel_kind kind, const nl_json_node *node,
                      size_t where) {
    nl_rel **rels = nl_pool_grow(&r->pool, scope->rels, scope->n_rels, &scope->room, sizeof *rels);
    nl_rel *rel = rels ? nl_pool_take(&r->pool, sizeof *rel) : NULL;
    if (!rel)
        return NULL;
    rel->kind = kind;
    rel->id = r->n_rels++;
    rel->node = node;
    rel->shown = true;
    rel->location = -1;
    scope->rels = rels;
    memmove(rels + where + 1, rels + where, (scope->n_rels - where) * sizeof *rels);
    rels[where] = rel;
    scope->n_rels++;
    return rel;
}

nl_col *nl_output_add(nl_scopes *r, nl_output *out, const char *name) {
    nl_col *cols =
        name ? nl_pool_grow(&r->pool, out->cols, out->n, &out->room, sizeof *cols) : NULL;
    if (!cols)
        return NULL;
    out->cols = cols;
    cols[out->n] = (nl_col){ .name = name, .at = SIZE_MAX };
    return &cols[out->n++];
}

size_t nl_rel_width(const nl_rel *rel) {
    return rel->table && rel->table->n_columns > rel->n_cols ? rel->table->n_columns : rel->n_cols;
}

const char *nl_rel_column(const nl_rel *rel, size_t at) {
    return at < rel->n_cols ? rel->cols[at].name : rel->table->columns[at].name;
}

size_t nl_rel_find(const nl_rel *rel, const char *name, nl_found *found) {
    size_t sure = 0, guesses = 0;
    for (size_t i = 0; i < rel->n_cols; i++) {
        const nl_col *col = &rel->cols[i];
        if (strcmp(col->name, name) != 0)
            continue;
        size_t *n = col->maybe ? &guesses : &sure;
        if ((*n)++ == 0 && (!col->maybe || sure == 0))
            *found = (nl_found){ rel, col, i, col->maybe };
    }
    if (rel->table) {
        int at = nl_table_column(rel->table, name);
        if (at >= 0 && (size_t)at >= rel->n_cols && sure++ == 0)
            *found = (nl_found){ rel, NULL, (size_t)at, false };
    }
    return sure ? sure : guesses;
}

bool nl_rel_hides(const nl_rel *rel, const char *name) {
    for (const nl_hidden *h = rel->hidden; h; h = h->next) {
        if (strcmp(h->name, name) == 0)
            return true;
    }
    return false;
}

size_t nl_scope_find(const nl_scope *scope, size_t from, size_t to, const char *name,
                     nl_found *found, size_t *open, const nl_rel **only) {
    size_t sure = 0, guesses = 0;
    nl_found here = { 0 }, guess = { 0 };
    *open = 0;
    *only = NULL;
    for (size_t i = from; i < to; i++) {
        const nl_rel *rel = scope->rels[i];
        if (!rel->shown || nl_rel_hides(rel, name))
            continue;
        size_t n = nl_rel_find(rel, name, &here);
        if (n && here.guessed) {
            if (guesses++ == 0)
                guess = here;
        } else if (n) {
            if (sure == 0)
                *found = here;
            sure += n;
        }
        if (rel->open && (!n || here.guessed)) {
            ++*open;
            *only = rel;
        }
    }
    if (sure == 0 && guesses)
        *found = guess;
    return sure ? sure : guesses > 0;
}

/* --- columns of base tables --------------------------------------------------------------- */

static void mention(nl_scopes *r, const nl_table *table, size_t at, long location) {
    nl_mention *list =
        nl_pool_grow(&r->pool, r->mentions, r->n_mentions, &r->mentions_room, sizeof *list);
    if (!list)
        return;
    r->mentions = list;
    list[r->n_mentions] = (nl_mention){ table, &table->columns[at], location, r->n_mentions };
    r->n_mentions++;
}

void nl_scopes_mention(nl_scopes *r, const nl_rel *rel, size_t at, long location) {
    if (at == SIZE_MAX)
        return;
    if (rel->kind == NL_REL_TABLE) {
        if (rel->table && at < rel->table->n_columns)
            mention(r, rel->table, at, location);
    } else if (rel->kind == NL_REL_JOIN && at < rel->n_cols) {
        for (const nl_col *col = &rel->cols[at]; col; col = col->also) {
            if (col->rel)
                nl_scopes_mention(r, col->rel, col->at, location);
        }
    }
}

void nl_scopes_mention_all(nl_scopes *r, const nl_rel *rel, bool bare, long location) {
    for (size_t i = 0, n = nl_rel_width(rel); i < n; i++) {
        if (!bare || !nl_rel_hides(rel, nl_rel_column(rel, i)))
            nl_scopes_mention(r, rel, i, location);
    }
}

void nl_output_expand(nl_scopes *r, nl_output *out, const nl_rel *rel, bool bare) {
    for (size_t i = 0, n = nl_rel_width(rel); i < n; i++) {
        const char *name = nl_rel_column(rel, i);
        if (bare && nl_rel_hides(rel, name))
            continue;
        nl_col *col = nl_output_add(r, out, name);
        if (!col)
            return;
        col->rel = rel;
        col->at = i;
        col->maybe = i < rel->n_cols && rel->cols[i].maybe;
    }
    out->open = out->open || rel->open;
}

/* --- the whole ---------------------------------------------------------------------------- */

nl_scopes *nl_scopes_of(const nl_sql *sql, const nl_catalog *catalog, nl_err *err) {
    nl_tree top = nl_tree_open(nl_sql_statement(sql));
    nl_output out = { 0 };
    if (!NL_IS(top, "SelectStmt")) {
        nl_err_set(err, NL_INVALID, "not a query");
        return NULL;
    }
    nl_scopes *r = calloc(1, sizeof *r);
    if (!r) {
        nl_err_nomem(err);
        return NULL;
    }
    r->sql = sql;
    r->catalog = catalog;
    nl_scope_select(r, NULL, NL_SCOPE_TOP, NULL, top.body, NULL, &out);
    r->output = out.cols;
    r->n_output = out.n;
    r->output_open = out.open;
    if (r->pool.failed) {
        nl_err_nomem(err);
        nl_scopes_free(r);
        return NULL;
    }
    return r;
}

void nl_scopes_free(nl_scopes *scopes) {
    if (!scopes)
        return;
    nl_pool_release(&scopes->pool);
    free(scopes);
}
