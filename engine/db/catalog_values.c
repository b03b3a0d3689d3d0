/* catalog_values.c: rows into structs: security labels and statistics of columns, labels of enums.
 */
#include <stdlib.h>
#include <string.h>

#include "db/catalog_priv.h"

#include "base/banned.h"

struct labels {
    uint32_t oid;
    size_t row;
    const char **names; /* read when first needed */
};

static int labels_by_oid(const void *a, const void *b) {
    const struct labels *x = a, *y = b;
    return (x->oid > y->oid) - (x->oid < y->oid);
}

static bool label_column(catalog_builder *b, nl_column *column, struct labels *all, size_t n) {
    struct labels key = { .oid = column->enum_oid };
    struct labels *found =
        column->enum_oid && n ? bsearch(&key, all, n, sizeof *all, labels_by_oid) : NULL;
    if (!found)
        return true;
    if (!found->names)
        found->names = nl_catalog_names(b, nl_catalog_cell(b, found->row, 2));
    column->labels = (const char *const *)found->names;
    return found->names != NULL;
}

bool nl_catalog_build_labels(catalog_builder *b) {
    size_t n = nl_catalog_count(b, ROW_LABELS);
    struct labels *all = nl_arena_take(&b->scratch, (n + 1) * sizeof *all);
    if (!all)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        all[i].row = nl_catalog_row(b, ROW_LABELS, i);
        all[i].oid = nl_catalog_oid(b, all[i].row, 1);
    }
    qsort(all, n, sizeof *all, labels_by_oid);
    for (size_t i = 0; i < b->catalog->n_tables; i++) {
        nl_table *t = &b->catalog->tables[i];
        for (size_t k = 0; k < t->n_columns; k++) {
            if (!label_column(b, (nl_column *)&t->columns[k], all, n))
                return false;
        }
    }
    return true;
}

bool nl_catalog_build_masks(catalog_builder *b) {
    for (size_t i = 0; i < nl_catalog_count(b, ROW_MASK); i++) {
        size_t r = nl_catalog_row(b, ROW_MASK, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        int number = (int)strtol(nl_catalog_text(b, r, 2), NULL, 10);
        for (size_t k = 0; place && k < place->n_numbers; k++) {
            nl_column *column = (nl_column *)&place->table->columns[k];
            if (column->number != number)
                continue;
            column->label = nl_catalog_keep(b, nl_catalog_text(b, r, 3));
            if (!column->label)
                return nl_err_nomem(b->err);
        }
    }
    return true;
}

/* Long values are of no use to anybody, and a part of one would be a value that does not exist. */
static void drop_long(const char **names) {
    enum { LONGEST = 160 };
    const char **to = names;
    for (; *names; names++) {
        if (strlen(*names) <= LONGEST)
            *to++ = *names;
    }
    *to = NULL;
}

bool nl_catalog_build_stats(catalog_builder *b) {
    for (size_t i = 0; i < nl_catalog_count(b, ROW_STATS); i++) {
        size_t r = nl_catalog_row(b, ROW_STATS, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        const char *name = nl_catalog_text(b, r, 2);
        int at = place ? nl_table_column(place->table, name) : -1;
        nl_column *column = at < 0 ? NULL : (nl_column *)&place->table->columns[at];
        /* a query on the table sees what inherits from it too */
        if (!column || (column->null_fraction >= 0 && !nl_catalog_flag(b, r, 6, 'h')))
            continue;
        column->null_fraction = strtod(nl_catalog_text(b, r, 3), NULL);
        column->distinct = strtod(nl_catalog_text(b, r, 4), NULL);
        column->common = NULL;
        if (nl_catalog_cell(b, r, 5)) {
            const char **common = nl_catalog_names(b, nl_catalog_cell(b, r, 5));
            if (!common)
                return false;
            drop_long(common);
            column->common = common[0] ? (const char *const *)common : NULL;
        }
    }
    return true;
}
