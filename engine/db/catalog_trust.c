/* catalog_trust.c: rows about trust into structs, and looking them up. */
#include <stdlib.h>
#include <string.h>

#include "db/catalog_priv.h"

#include "base/banned.h"

/* --- building -------------------------------------------------------------------------------- */

/* A list of names, NULL for none. */
static bool take_list(catalog_builder *b, size_t r, size_t cell, const char *const **list) {
    const char *text = nl_catalog_cell(b, r, cell);
    *list = text ? nl_catalog_names(b, text) : NULL;
    return !text || *list;
}

static bool keep(catalog_builder *b, size_t r, size_t cell, const char **text) {
    *text = nl_catalog_keep(b, nl_catalog_text(b, r, cell));
    return *text || nl_err_nomem(b->err);
}

static int by_kind(const void *a, const void *b) {
    const nl_lever *x = a, *y = b;
    int order = (x->kind > y->kind) - (x->kind < y->kind);
    return order ? order : strcmp(x->name, y->name);
}

static bool build_levers(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    size_t n = nl_catalog_count(b, ROW_LEVER);
    c->levers = nl_catalog_take(b, n, sizeof *c->levers);
    if (!c->levers)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_LEVER, i);
        nl_lever *lever = &c->levers[i];
        lever->kind = nl_catalog_text(b, r, 1)[0];
        lever->implicit = nl_catalog_flag(b, r, 5, 'i');
        if (!keep(b, r, 2, &lever->name) || !keep(b, r, 3, &lever->calls) ||
            !take_list(b, r, 4, &lever->needs) || !take_list(b, r, 6, &lever->domains))
            return false;
    }
    c->n_levers = n;
    qsort(c->levers, n, sizeof *c->levers, by_kind);
    return true;
}

static int by_oid(const void *a, const void *b) {
    const nl_loaded *x = a, *y = b;
    return (x->oid > y->oid) - (x->oid < y->oid);
}

static bool build_loaded(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    size_t n = nl_catalog_count(b, ROW_LOADED);
    c->loaded = nl_catalog_take(b, n, sizeof *c->loaded);
    if (!c->loaded)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_LOADED, i);
        nl_loaded *type = &c->loaded[i];
        type->oid = nl_catalog_oid(b, r, 1);
        type->visible = nl_catalog_flag(b, r, 4, 'v');
        if (!keep(b, r, 2, &type->schema) || !keep(b, r, 3, &type->name) ||
            !take_list(b, r, 5, &type->holds) || !take_list(b, r, 6, &type->calls) ||
            !take_list(b, r, 7, &type->checks))
            return false;
    }
    c->n_loaded = n;
    for (size_t i = 0; i < n; i++)
        c->loaded_inputs = c->loaded_inputs || (c->loaded[i].calls && !c->loaded[i].checks);
    qsort(c->loaded, n, sizeof *c->loaded, by_oid);
    return true;
}

static bool build_held(catalog_builder *b) {
    for (size_t i = 0; i < nl_catalog_count(b, ROW_HELD); i++) {
        size_t r = nl_catalog_row(b, ROW_HELD, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        int at = place ? nl_table_column(place->table, nl_catalog_text(b, r, 2)) : -1;
        nl_column *column = at >= 0 ? (nl_column *)&place->table->columns[at] : NULL;
        if (!column)
            continue;
        if (!take_list(b, r, 3, &column->holds))
            return false;
        place->table->holds = true;
    }
    return true;
}

static int by_name(const void *a, const void *b) {
    const nl_special *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->schema, y->schema);
}

static bool build_special(catalog_builder *b, size_t r, nl_special *s) {
    s->kind = nl_catalog_text(b, r, 3)[0];
    s->visible = nl_catalog_flag(b, r, 3, '+');
    s->foreign = nl_catalog_flag(b, r, 3, '>');
    s->secured = nl_catalog_flag(b, r, 3, '#');
    s->unknown = nl_catalog_flag(b, r, 3, '?');
    s->definition = nl_catalog_keep(b, nl_catalog_cell(b, r, 4));
    if (nl_catalog_cell(b, r, 4) && !s->definition)
        return nl_err_nomem(b->err);
    return keep(b, r, 1, &s->schema) && keep(b, r, 2, &s->name) && take_list(b, r, 5, &s->calls) &&
           take_list(b, r, 6, &s->holds) && take_list(b, r, 7, &s->policies) &&
           take_list(b, r, 8, &s->policy_calls) && take_list(b, r, 9, &s->folded);
}

static bool build_specials(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    size_t n = nl_catalog_count(b, ROW_SPECIAL);
    c->specials = nl_catalog_take(b, n, sizeof *c->specials);
    if (!c->specials)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        if (!build_special(b, nl_catalog_row(b, ROW_SPECIAL, i), &c->specials[i]))
            return false;
    }
    c->n_specials = n;
    qsort(c->specials, n, sizeof *c->specials, by_name);
    return true;
}

bool nl_catalog_build_trust(catalog_builder *b) {
    return build_levers(b) && build_loaded(b) && build_held(b) && build_specials(b);
}

/* --- looking up ------------------------------------------------------------------------------ */

const nl_lever *nl_catalog_levers(const nl_catalog *catalog, char kind, const char *name,
                                  size_t *n) {
    const nl_lever key = { .kind = kind, .name = name };
    size_t from = 0, to = catalog->n_levers;
    while (from < to) { /* the first that is not before the key */
        size_t mid = from + (to - from) / 2;
        if (by_kind(&catalog->levers[mid], &key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    for (*n = 0; from + *n < catalog->n_levers; ++*n) {
        if (by_kind(&catalog->levers[from + *n], &key) != 0)
            break;
    }
    return catalog->levers + from;
}

const nl_lever *nl_catalog_casts(const nl_catalog *catalog, size_t *n) {
    for (*n = 0; *n < catalog->n_levers && catalog->levers[*n].kind == 'c';) /* they come first */
        ++*n;
    return catalog->levers;
}

bool nl_catalog_loaded_inputs(const nl_catalog *catalog) {
    return catalog->loaded_inputs;
}

const nl_loaded *nl_catalog_loaded(const nl_catalog *catalog, const char *schema,
                                   const char *name) {
    for (size_t i = 0; i < catalog->n_loaded; i++) {
        const nl_loaded *type = &catalog->loaded[i];
        if (strcmp(type->name, name) == 0 &&
            (schema ? strcmp(type->schema, schema) == 0 : type->visible))
            return type;
    }
    return NULL;
}

const nl_loaded *nl_catalog_loaded_type(const nl_catalog *catalog, const char *oid) {
    nl_loaded key = { .oid = (unsigned)strtoul(oid, NULL, 10) };
    return catalog->n_loaded ? bsearch(&key, catalog->loaded, catalog->n_loaded, sizeof key, by_oid)
                             : NULL;
}

const nl_special *nl_catalog_special(const nl_catalog *catalog, const char *schema,
                                     const char *name) {
    size_t from = 0, to = catalog->n_specials;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (strcmp(catalog->specials[mid].name, name) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    for (; from < catalog->n_specials && strcmp(catalog->specials[from].name, name) == 0; from++) {
        const nl_special *s = &catalog->specials[from];
        if (schema ? strcmp(s->schema, schema) == 0 : s->visible)
            return s;
    }
    return NULL;
}

bool nl_catalog_on_path(const nl_catalog *catalog, const char *schema, size_t size) {
    for (const char **s = catalog->path; s && *s; s++) {
        if (strlen(*s) == size && memcmp(*s, schema, size) == 0)
            return true;
    }
    return false;
}
