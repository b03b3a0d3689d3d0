/* scope_report.c: sentences about what did not resolve, with what may have been meant. */
#include <stdint.h>

#include "sql/scope_priv.h"

#include "base/banned.h"

enum { MAX_REPORTS = 50, MAX_NAMED = 6 };

void nl_report_unknown(nl_scopes *r, const char *sentence) {
    if (!sentence || !r->catalog || r->n_unknown == MAX_REPORTS)
        return;
    for (size_t i = 0; i < r->n_unknown; i++) {
        if (strcmp(r->unknown[i], sentence) == 0)
            return;
    }
    const char **list =
        nl_pool_grow(&r->pool, r->unknown, r->n_unknown, &r->unknown_room, sizeof *list);
    if (!list)
        return;
    r->unknown = list;
    list[r->n_unknown++] = sentence;
}

static void report(nl_scopes *r, const char *sentence, const char *meant) {
    if (meant && sentence)
        sentence = nl_pool_printf(&r->pool, "%s (did you mean \"%s\"?)", sentence, meant);
    nl_report_unknown(r, sentence);
}

void nl_report_table(nl_scopes *r, const char *schema, const char *name) {
    size_t n, best = SIZE_MAX;
    const char *meant = NULL;
    const nl_table *tables;
    if (!r->catalog)
        return;
    tables = nl_catalog_tables(r->catalog, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tables[i].name, name) == 0) { /* in another schema, or behind the search path */
            nl_report_unknown(
                r,
                nl_pool_printf(&r->pool, "table \"%s%s%s\" does not exist (did you mean %s?)",
                               schema ? schema : "", schema ? "." : "", name, tables[i].reference));
            return;
        }
        if (nl_nearer(name, tables[i].name, &best))
            meant = tables[i].reference;
    }
    nl_report_unknown(r, nl_pool_printf(&r->pool, "table \"%s%s%s\" does not exist%s%s%s",
                                        schema ? schema : "", schema ? "." : "", name,
                                        meant ? " (did you mean " : "", meant ? meant : "",
                                        meant ? "?)" : ""));
}

static void nearest_column(const nl_rel *rel, const char *name, size_t *best, const char **meant) {
    for (size_t i = 0, n = nl_rel_width(rel); i < n; i++) {
        const char *candidate = nl_rel_column(rel, i);
        if (nl_nearer(name, candidate, best))
            *meant = candidate;
    }
}

static const char *shown_name(const nl_rel *rel) {
    return rel->alias ? rel->alias : rel->kind == NL_REL_QUERY ? "a subquery" : NULL;
}

void nl_report_bare(nl_scopes *r, const nl_scope *scope, const char *name) {
    const char *where = NULL, *meant = NULL;
    size_t best = SIZE_MAX, named = 0;
    if (!r->catalog)
        return;
    for (const nl_scope *s = scope; s && !where; s = s->parent) {
        for (size_t i = 0; i < s->n_rels; i++) {
            const nl_rel *rel = s->rels[i];
            nearest_column(rel, name, &best, &meant);
            const char *shown = shown_name(rel);
            if (!shown || named > MAX_NAMED)
                continue;
            if (named++ == MAX_NAMED)
                shown = "…";
            where = where ? nl_pool_printf(&r->pool, "%s, %s", where, shown) : shown;
        }
    }
    report(r,
           where ? nl_pool_printf(&r->pool, "column \"%s\" does not exist in %s", name, where)
                 : nl_pool_printf(&r->pool, "column \"%s\" does not exist: there is no FROM", name),
           meant);
}

void nl_report_column(nl_scopes *r, const nl_rel *rel, const char *name) {
    const char *meant = NULL;
    size_t best = SIZE_MAX;
    if (!r->catalog)
        return;
    nearest_column(rel, name, &best, &meant);
    bool other = rel->kind == NL_REL_TABLE && rel->name && strcmp(rel->name, rel->alias) != 0;
    report(r,
           other ? nl_pool_printf(&r->pool, "column \"%s\" does not exist in %s (table %s)", name,
                                  rel->alias, rel->table ? rel->table->reference : rel->name)
                 : nl_pool_printf(&r->pool, "column \"%s\" does not exist in %s", name, rel->alias),
           meant);
}

static bool names(const nl_scope *scope, const char *name) {
    for (size_t i = 0; i < scope->n_rels; i++) {
        const nl_rel *rel = scope->rels[i];
        if (rel->named && rel->alias && strcmp(rel->alias, name) == 0)
            return true;
    }
    return false;
}

/* A relation that goes by another name here, or that LATERAL would let in. */
void nl_report_relation(nl_scopes *r, const nl_scope *scope, const char *name) {
    const char *meant = NULL;
    size_t best = SIZE_MAX;
    if (!r->catalog)
        return;
    for (const nl_scope *s = scope; s; s = s->parent) {
        for (size_t i = 0; i < s->n_rels; i++) {
            const nl_rel *rel = s->rels[i];
            if (rel->aliased && rel->name && rel->named && strcmp(rel->name, name) == 0) {
                nl_report_unknown(r, nl_pool_printf(&r->pool, "table \"%s\" is called \"%s\" here",
                                                    name, rel->alias));
                return;
            }
            if (rel->named && rel->alias && nl_nearer(name, rel->alias, &best))
                meant = rel->alias;
        }
        if (s->blocked && names(s->blocked, name)) {
            const char *why = s->is_on ? "is not part of the join whose ON names it"
                                       : "cannot be seen from here without LATERAL";
            nl_report_unknown(r, nl_pool_printf(&r->pool, "\"%s\" %s", name, why));
            return;
        }
    }
    report(r, nl_pool_printf(&r->pool, "\"%s\" is not a table or alias in FROM", name), meant);
}

void nl_report_using(nl_scopes *r, const char *name, bool left) {
    if (r->catalog)
        nl_report_unknown(r, nl_pool_printf(&r->pool,
                                            "column \"%s\" of USING does not exist on the join's "
                                            "%s side",
                                            name, left ? "left" : "right"));
}

void nl_report_ambiguous(nl_scopes *r, const char *name) {
    if (r->catalog && !r->ambiguous)
        r->ambiguous =
            nl_pool_printf(&r->pool, "column \"%s\" is ambiguous: say which table's it is", name);
}
