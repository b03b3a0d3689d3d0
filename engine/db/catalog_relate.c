/* catalog_relate.c: foreign keys that somebody wrote by hand, since the database declares none. */
#include <string.h>

#include "db/catalog_priv.h"

#include "base/banned.h"

/* The columns as the table itself spells them, so that they live as long as it does. */
static const char **own_names(nl_catalog *c, const nl_table *t, const char *const *columns,
                              size_t n, nl_err *err) {
    const char **names = nl_arena_take(&c->arena, (n + 1) * sizeof *names);
    if (!names) {
        nl_err_nomem(err);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        int at = nl_table_column(t, columns[i]);
        if (at < 0 || !t->columns[at].selectable) {
            nl_err_set(err, NL_INVALID, "%s has no column \"%s\" that can be read", t->reference,
                       columns[i]);
            return NULL;
        }
        names[i] = t->columns[at].name;
    }
    return names;
}

static bool same_names(const char *const *a, const char *const *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return true;
}

static bool is_there(const nl_table *t, const nl_foreign_key *key) {
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        if (f->referred == key->referred && f->n_columns == key->n_columns &&
            same_names(f->columns, key->columns, key->n_columns) &&
            same_names(f->referred_columns, key->referred_columns, key->n_columns))
            return true;
    }
    return false;
}

bool nl_catalog_relate(nl_catalog *catalog, const nl_table *table, const char *const *columns,
                       const nl_table *referred, const char *const *referred_columns, size_t n,
                       bool *fresh, nl_err *err) {
    nl_table *t = &catalog->tables[table - catalog->tables];
    nl_foreign_key key = {
        .name = "by hand",
        .referred = referred,
        .referred_schema = referred->schema,
        .referred_table = referred->name,
        .columns = own_names(catalog, table, columns, n, err),
        .n_columns = n,
        .by_hand = true,
    };
    if (!key.columns)
        return false;
    key.referred_columns = own_names(catalog, referred, referred_columns, n, err);
    if (!key.referred_columns)
        return false;
    *fresh = !is_there(t, &key);
    if (!*fresh)
        return true;
    /* the old list stays in the arena: these are few */
    nl_foreign_key *list = nl_arena_take(&catalog->arena, (t->n_foreign + 1) * sizeof *list);
    if (!list)
        return nl_err_nomem(err);
    if (t->n_foreign > 0)
        memcpy(list, t->foreign, t->n_foreign * sizeof *list);
    list[t->n_foreign] = key;
    t->foreign = list;
    t->n_foreign++;
    return true;
}
