/* catalog_keys.c: rows into structs: keys, foreign keys, checks; the names that the gate asks for.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "db/catalog_priv.h"

#include "base/banned.h"

enum { MOST_KEY_COLUMNS = 64 }; /* PostgreSQL: 32 in an index */

/* --- columns of a key ------------------------------------------------------------------------ */

/* "{1,3}" or "1 3" into numbers; how many, at most MOST_KEY_COLUMNS. */
static size_t read_numbers(const char *text, int *numbers) {
    size_t n = 0;
    while (*text && n < MOST_KEY_COLUMNS) {
        char *end;
        if (!isdigit((unsigned char)*text) && *text != '-') {
            text++;
            continue;
        }
        numbers[n] = (int)strtol(text, &end, 10);
        if (end == text)
            break;
        n++;
        text = end;
    }
    return n;
}

static int by_number(const void *a, const void *b) {
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Index of the column with that attribute number, or -1. */
static int column_at(const table_place *place, int number) {
    const int *found = place->numbers ? bsearch(&number, place->numbers, place->table->n_columns,
                                                sizeof number, by_number)
                                      : NULL;
    return found ? (int)(found - place->numbers) : -1;
}

/* A key whose columns we may not all read is of no use to a query: it is left out. Fills
 * `columns` with indexes; 0 where it is to be left out. */
static size_t read_columns(const table_place *place, const char *text, uint16_t *columns) {
    int numbers[MOST_KEY_COLUMNS];
    size_t n = read_numbers(text, numbers);
    for (size_t i = 0; i < n; i++) {
        int at = column_at(place, numbers[i]);
        if (at < 0 || !place->table->columns[at].selectable)
            return 0;
        columns[i] = (uint16_t)at;
    }
    return n;
}

static const char **names_at(catalog_builder *b, const nl_table *t, const uint16_t *columns,
                             size_t n) {
    const char **names = nl_catalog_take(b, n, sizeof *names);
    for (size_t i = 0; i < n && names; i++)
        names[i] = t->columns[columns[i]].name;
    return names;
}

/* --- tables that are only referred to --------------------------------------------------------- */

/* They get a place with a table of names alone, so that a foreign key can say where it leads. */
static bool build_elsewhere(catalog_builder *b) {
    size_t n = nl_catalog_count(b, ROW_ELSEWHERE);
    b->others = nl_arena_take(&b->scratch, (n + 1) * sizeof *b->others);
    if (!b->others)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_ELSEWHERE, i);
        b->others[i].oid = nl_catalog_oid(b, r, 1);
        b->others[i].n_numbers = r;
    }
    /* one place for each column; a foreign key looks for all places of its oid */
    b->n_others = n;
    qsort(b->others, n, sizeof *b->others, nl_catalog_by_oid);
    return true;
}

/* Names of the columns with these numbers in the table `oid`; NULL with *n 0 where one is not
 * known. Sets the table's schema and name. */
static const char **names_elsewhere(catalog_builder *b, uint32_t oid, const char *text, size_t *n,
                                    nl_foreign_key *f) {
    int numbers[MOST_KEY_COLUMNS];
    table_place *found = nl_catalog_place(b->others, b->n_others, oid);
    const char **names = NULL;
    size_t wanted = read_numbers(text, numbers);
    *n = 0;
    if (!found)
        return NULL;
    while (found > b->others && found[-1].oid == oid)
        found--;
    f->referred_schema = nl_catalog_keep(b, nl_catalog_text(b, found->n_numbers, 2));
    f->referred_table = nl_catalog_keep(b, nl_catalog_text(b, found->n_numbers, 3));
    names = nl_catalog_take(b, wanted, sizeof *names);
    for (size_t i = 0; i < wanted && names; i++) {
        for (table_place *p = found; p < b->others + b->n_others && p->oid == oid; p++) {
            if (strtol(nl_catalog_text(b, p->n_numbers, 4), NULL, 10) == numbers[i]) {
                names[i] = nl_catalog_keep(b, nl_catalog_text(b, p->n_numbers, 5));
                break;
            }
        }
        if (!names[i])
            return NULL;
    }
    *n = wanted;
    return names;
}

/* --- constraints ----------------------------------------------------------------------------- */

static bool add_index_key(catalog_builder *b, const table_place *place, size_t r, bool primary) {
    uint16_t columns[MOST_KEY_COLUMNS];
    nl_table *t = place->table;
    size_t n = read_columns(place, nl_catalog_text(b, r, 4), columns);
    const char *limit = nl_catalog_cell(b, r, 5); /* INCLUDE columns come last and do not count */
    if (limit && strtoul(limit, NULL, 10) < n)
        n = strtoul(limit, NULL, 10);
    if (n == 0)
        return true;
    uint16_t *kept = nl_catalog_take(b, n, sizeof *kept);
    nl_index_key key = { nl_catalog_keep(b, nl_catalog_text(b, r, 2)), kept, n };
    if (!kept || !key.name)
        return nl_err_nomem(b->err);
    memcpy(kept, columns, n * sizeof *kept);
    if (!primary) {
        ((nl_index_key *)t->uniques)[t->n_uniques++] = key;
        return true;
    }
    nl_index_key *own = nl_catalog_take(b, 1, sizeof *own);
    if (!own)
        return nl_err_nomem(b->err);
    *own = key;
    t->primary = own;
    return true;
}

static bool add_check(catalog_builder *b, const table_place *place, size_t r) {
    uint16_t columns[MOST_KEY_COLUMNS];
    const char *list = nl_catalog_text(b, r, 4);
    nl_table *t = place->table;
    if (!nl_catalog_cell(b, r, 8) ||
        (strpbrk(list, "0123456789") && !read_columns(place, list, columns)))
        return true;
    nl_check check = { nl_catalog_keep(b, nl_catalog_text(b, r, 2)),
                       nl_catalog_keep(b, nl_catalog_text(b, r, 8)) };
    if (!check.name || !check.expression)
        return nl_err_nomem(b->err);
    ((nl_check *)t->checks)[t->n_checks++] = check;
    return true;
}

static bool add_foreign(catalog_builder *b, const table_place *place, size_t r) {
    uint16_t columns[MOST_KEY_COLUMNS], theirs[MOST_KEY_COLUMNS];
    nl_table *t = place->table;
    uint32_t oid = nl_catalog_oid(b, r, 6);
    const char *list = nl_catalog_text(b, r, 7);
    const table_place *to = nl_catalog_place(b->places, b->n_places, oid);
    size_t n = read_columns(place, nl_catalog_text(b, r, 4), columns), n_theirs;
    nl_foreign_key f = { .n_columns = n };
    if (n == 0)
        return true;
    if (to) {
        n_theirs = read_columns(to, list, theirs);
        f.referred = to->table;
        f.referred_schema = to->table->schema;
        f.referred_table = to->table->name;
        f.referred_columns = (const char *const *)names_at(b, to->table, theirs, n_theirs);
    } else {
        f.referred_columns = (const char *const *)names_elsewhere(b, oid, list, &n_theirs, &f);
    }
    if (n_theirs != n) /* cannot be read there, or went away meanwhile */
        return true;
    f.name = nl_catalog_keep(b, nl_catalog_text(b, r, 2));
    f.columns = (const char *const *)names_at(b, t, columns, n);
    if (!f.name || !f.columns || !f.referred_columns || !f.referred_schema || !f.referred_table)
        return nl_err_nomem(b->err);
    ((nl_foreign_key *)t->foreign)[t->n_foreign++] = f;
    return true;
}

static int by_check_name(const void *a, const void *b) {
    return strcmp(((const nl_check *)a)->name, ((const nl_check *)b)->name);
}

static int by_key_name(const void *a, const void *b) {
    return strcmp(((const nl_index_key *)a)->name, ((const nl_index_key *)b)->name);
}

static int by_foreign_name(const void *a, const void *b) {
    return strcmp(((const nl_foreign_key *)a)->name, ((const nl_foreign_key *)b)->name);
}

/* Makes room for as many constraints of each kind as a table has rows. */
static bool make_room(catalog_builder *b) {
    size_t n = nl_catalog_count(b, ROW_KEY);
    size_t *counts = nl_arena_take(&b->scratch, (b->n_places + 1) * 3 * sizeof *counts);
    if (!counts)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_KEY, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        const char *kind = strchr("ufc", nl_catalog_text(b, r, 3)[0]);
        if (place && kind && *kind)
            counts[(size_t)(place - b->places) * 3 + (size_t)(*kind == 'f') +
                   (size_t)(*kind == 'c') * 2]++;
    }
    for (size_t i = 0; i < b->n_places; i++) {
        nl_table *t = b->places[i].table;
        t->uniques = nl_catalog_take(b, counts[i * 3], sizeof *t->uniques);
        t->foreign = nl_catalog_take(b, counts[i * 3 + 1], sizeof *t->foreign);
        t->checks = nl_catalog_take(b, counts[i * 3 + 2], sizeof *t->checks);
        if (!t->uniques || !t->foreign || !t->checks)
            return nl_err_nomem(b->err);
    }
    return true;
}

static bool add_key(catalog_builder *b, const table_place *place, size_t r) {
    switch (nl_catalog_text(b, r, 3)[0]) {
    case 'p':
        return add_index_key(b, place, r, true);
    case 'u':
        return add_index_key(b, place, r, false);
    case 'c':
        return add_check(b, place, r);
    case 'f':
        return add_foreign(b, place, r);
    default:
        return true;
    }
}

bool nl_catalog_build_keys(catalog_builder *b) {
    if (!build_elsewhere(b) || !make_room(b))
        return false;
    for (size_t i = 0; i < nl_catalog_count(b, ROW_KEY); i++) {
        size_t r = nl_catalog_row(b, ROW_KEY, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        if (place && !add_key(b, place, r))
            return false;
    }
    for (size_t i = 0; i < b->n_places; i++) {
        nl_table *t = b->places[i].table;
        qsort((void *)t->uniques, t->n_uniques, sizeof *t->uniques, by_key_name);
        qsort((void *)t->foreign, t->n_foreign, sizeof *t->foreign, by_foreign_name);
        qsort((void *)t->checks, t->n_checks, sizeof *t->checks, by_check_name);
    }
    return true;
}

/* --- names for the SQL gate ------------------------------------------------------------------ */

static int by_fact_name(const void *a, const void *b) {
    return strcmp(((const name_facts *)a)->name, ((const name_facts *)b)->name);
}

static bool build_facts(catalog_builder *b, row_kind kind, name_facts **list, size_t *n) {
    *n = nl_catalog_count(b, kind);
    *list = nl_catalog_take(b, *n, sizeof **list);
    if (!*list)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < *n; i++) {
        size_t r = nl_catalog_row(b, kind, i);
        bool known = nl_catalog_flag(b, r, 2, 't');
        (*list)[i] = (name_facts){ nl_catalog_keep(b, nl_catalog_text(b, r, 1)), known,
                                   known && nl_catalog_flag(b, r, 3, 't') };
        if (!(*list)[i].name)
            return nl_err_nomem(b->err);
    }
    qsort(*list, *n, sizeof **list, by_fact_name);
    return true;
}

static int by_type_name(const void *a, const void *b) {
    const type_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->schema, y->schema);
}

bool nl_catalog_build_names(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    size_t n = nl_catalog_count(b, ROW_TYPE);
    c->types = nl_catalog_take(b, n, sizeof *c->types);
    if (!c->types)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_TYPE, i);
        c->types[i] = (type_name){ nl_catalog_keep(b, nl_catalog_text(b, r, 1)),
                                   nl_catalog_keep(b, nl_catalog_text(b, r, 2)) };
        if (!c->types[i].schema || !c->types[i].name)
            return nl_err_nomem(b->err);
    }
    c->n_types = n;
    qsort(c->types, n, sizeof *c->types, by_type_name);
    return build_facts(b, ROW_FUNCTION, &c->functions, &c->n_functions) &&
           build_facts(b, ROW_OPERATOR, &c->operators, &c->n_operators);
}
