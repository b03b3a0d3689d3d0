/* catalog_build.c: rows of the catalog queries into structs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "db/catalog_priv.h"

#include "base/banned.h"

static const char *cell(const nl_pg_rows *rows, size_t row, size_t column) {
    return rows->cells[row * rows->columns + column];
}

static bool is_true(const char *value) {
    return value && value[0] == 't';
}

static const char *keep(nl_catalog *c, const char *text) {
    return text ? nl_arena_copy(&c->arena, text, strlen(text)) : NULL;
}

static void *take(nl_catalog *c, size_t n, size_t size) {
    return nl_arena_take(&c->arena, n * size);
}

nl_catalog *nl_catalog_new(nl_err *err) {
    nl_catalog *c = calloc(1, sizeof *c);
    if (!c)
        nl_err_nomem(err);
    return c;
}

void nl_catalog_free(nl_catalog *catalog) {
    if (catalog) {
        nl_arena_release(&catalog->arena);
        free(catalog);
    }
}

/* A JSON array of strings as a list that ends with NULL; an empty one for NULL. NULL: no memory. */
static const char **names_of(nl_catalog *c, const char *text, size_t *n) {
    nl_json *json = text ? nl_json_read(text, strlen(text), 4, NULL) : NULL;
    const nl_json_node *root = json ? nl_json_root(json) : NULL;
    size_t count = root ? root->size : 0, i = 0;
    const char **names = take(c, count + 1, sizeof *names);
    for (const nl_json_node *node = root ? root->child : NULL; node && names; node = node->next) {
        names[i] = nl_arena_copy(&c->arena, node->text ? node->text : "", node->size);
        if (!names[i++])
            names = NULL;
    }
    nl_json_free(json);
    if (n)
        *n = count;
    return names;
}

static bool contains(const char *const *names, const char *name) {
    for (; *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

/* --- schemas --------------------------------------------------------------------------------- */

static bool missing_schema(const char *name, const char *const *have, nl_err *err) {
    nl_buf list;
    nl_buf_init(&list);
    for (; *have; have++)
        nl_buf_printf(&list, "%s%s", list.size ? ", " : "", *have);
    nl_err_set(err, NL_NOTFOUND, "there is no schema \"%s\" (schemas with tables: %s)", name,
               list.size ? list.data : "none");
    nl_buf_release(&list);
    return false;
}

static bool build_server(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    const char *wanted = cell(rows, 0, 5);
    c->version = keep(c, cell(rows, 0, 0));
    c->version_num = atoi(cell(rows, 0, 1)); /* NOLINT(cert-err34-c): the server's own number */
    c->path = names_of(c, cell(rows, 0, 2), NULL);
    const char **filled = names_of(c, cell(rows, 0, 3), NULL);
    const char **all = names_of(c, cell(rows, 0, 4), NULL);
    size_t n_filled = 0, n = 0;
    c->schemas = wanted ? names_of(c, wanted, NULL) : c->path;
    if (!c->version || !c->path || !filled || !all || !c->schemas)
        return nl_err_nomem(err);
    for (const char **s = c->schemas; *s; s++) {
        if (!contains(all, *s))
            return missing_schema(*s, filled, err);
    }
    while (filled[n_filled])
        n_filled++;
    c->others = take(c, n_filled + 1, sizeof *c->others);
    if (!c->others)
        return nl_err_nomem(err);
    for (size_t i = 0; i < n_filled; i++) {
        if (!contains(c->schemas, filled[i]))
            c->others[n++] = filled[i];
    }
    return true;
}

/* --- tables ---------------------------------------------------------------------------------- */

/* schema.name for people. */
static const char *dotted(nl_catalog *c, const char *schema, const char *name) {
    size_t n = strlen(schema) + strlen(name) + 2;
    char *text = nl_arena_take(&c->arena, n);
    if (text && snprintf(text, n, "%s.%s", schema, name) < 0)
        text = NULL;
    return text;
}

static const char *reference_of(nl_catalog *c, const nl_table *t) {
    nl_buf text;
    nl_buf_init(&text);
    if (!t->visible) {
        nl_quote_ident(&text, t->schema);
        nl_buf_char(&text, '.');
    }
    nl_quote_ident(&text, t->name);
    const char *kept = text.failed ? NULL : nl_arena_copy(&c->arena, text.data, text.size);
    nl_buf_release(&text);
    return kept;
}

static bool build_tables(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    size_t denied = 0;
    c->tables = take(c, rows->rows + 1, sizeof *c->tables);
    c->oids = take(c, rows->rows + 1, sizeof *c->oids);
    c->denied = take(c, rows->rows + 1, sizeof *c->denied);
    if (!c->tables || !c->oids || !c->denied)
        return nl_err_nomem(err);
    for (size_t r = 0; r < rows->rows; r++) {
        if (!is_true(cell(rows, r, 7))) {
            c->denied[denied] = dotted(c, cell(rows, r, 1), cell(rows, r, 2));
            if (!c->denied[denied++])
                return nl_err_nomem(err);
            continue;
        }
        nl_table *t = &c->tables[c->n_tables];
        c->oids[c->n_tables++] = (uint32_t)strtoul(cell(rows, r, 0), NULL, 10);
        t->schema = keep(c, cell(rows, r, 1));
        t->name = keep(c, cell(rows, r, 2));
        t->kind = cell(rows, r, 3)[0];
        t->comment = keep(c, cell(rows, r, 4));
        t->rows = strtod(cell(rows, r, 5), NULL);
        t->visible = is_true(cell(rows, r, 6));
        if (!t->schema || !t->name)
            return nl_err_nomem(err);
        t->reference = reference_of(c, t);
        if (!t->reference)
            return nl_err_nomem(err);
    }
    return true;
}

/* Tables by oid, for the queries whose rows name them so. */
struct oid_place {
    uint32_t oid;
    size_t table;
};

static int by_oid(const void *a, const void *b) {
    const struct oid_place *x = a, *y = b;
    return (x->oid > y->oid) - (x->oid < y->oid);
}

static struct oid_place *places_by_oid(const nl_catalog *c, nl_err *err) {
    struct oid_place *places = calloc(c->n_tables + 1, sizeof *places);
    if (!places) {
        nl_err_nomem(err);
        return NULL;
    }
    for (size_t i = 0; i < c->n_tables; i++)
        places[i] = (struct oid_place){ c->oids[i], i };
    qsort(places, c->n_tables, sizeof *places, by_oid);
    return places;
}

static nl_table *table_of(const nl_catalog *c, const struct oid_place *places, const char *oid) {
    struct oid_place key = { .oid = (uint32_t)strtoul(oid, NULL, 10) };
    const struct oid_place *found = bsearch(&key, places, c->n_tables, sizeof *places, by_oid);
    return found ? &c->tables[found->table] : NULL;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool build_column(nl_catalog *c, nl_column *column, const nl_pg_rows *rows, size_t r) {
    const char *type = cell(rows, r, 2), *base = cell(rows, r, 3);
    *column = (nl_column){
        .name = keep(c, cell(rows, r, 1)),
        .type = keep(c, type),
        .category = cell(rows, r, 4)[0],
        .comment = keep(c, cell(rows, r, 5)),
        .default_expr = keep(c, cell(rows, r, 6)),
        .not_null = is_true(cell(rows, r, 7)),
        .identity = is_true(cell(rows, r, 8)),
        .generated = is_true(cell(rows, r, 9)),
        .selectable = is_true(cell(rows, r, 10)),
        .null_fraction = -1,
        .enum_oid = (unsigned)strtoul(cell(rows, r, 11), NULL, 10),
    };
    column->base_type = strcmp(type, base) == 0 ? column->type : keep(c, base);
    return column->name && column->type && column->base_type;
}

static bool build_columns(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    struct oid_place *places = places_by_oid(c, err);
    nl_column *columns = take(c, rows->rows + 1, sizeof *columns);
    bool ok = false;
    if (!places || !columns) {
        nl_err_nomem(err);
        goto out;
    }
    for (size_t r = 0; r < rows->rows; r++) {
        nl_table *t = table_of(c, places, cell(rows, r, 0));
        if (!t)
            continue; /* denied as a whole */
        if (!t->columns)
            t->columns = &columns[r];
        t->n_columns++;
        if (!build_column(c, &columns[r], rows, r)) {
            nl_err_nomem(err);
            goto out;
        }
    }
    ok = true;
out:
    free(places);
    return ok;
}

/* All labels of one enum lie together in the rows. */
static const char *const *labels_of(nl_catalog *c, const nl_pg_rows *rows, uint32_t oid,
                                    bool *nomem) {
    size_t from = 0, n = 0;
    char wanted[16];
    (void)snprintf(wanted, sizeof wanted, "%u", oid);
    while (from < rows->rows && strcmp(cell(rows, from, 0), wanted) != 0)
        from++;
    while (from + n < rows->rows && strcmp(cell(rows, from + n, 0), wanted) == 0)
        n++;
    if (n == 0)
        return NULL;
    const char **labels = take(c, n + 1, sizeof *labels);
    for (size_t i = 0; i < n && labels; i++) {
        labels[i] = keep(c, cell(rows, from + i, 1));
        if (!labels[i])
            labels = NULL;
    }
    *nomem = *nomem || !labels;
    return (const char *const *)labels;
}

struct known_enum {
    uint32_t oid;
    const char *const *labels;
};

static bool build_labels(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    bool nomem = false;
    size_t n_known = 0, room = rows->rows + 1;
    struct known_enum *known = calloc(room, sizeof *known);
    if (!known)
        return nl_err_nomem(err);
    for (size_t i = 0; i < c->n_tables && !nomem; i++) {
        nl_table *t = &c->tables[i];
        for (size_t k = 0; k < t->n_columns && !nomem; k++) {
            nl_column *column = (nl_column *)&t->columns[k];
            size_t e = 0;
            if (!column->enum_oid)
                continue;
            while (e < n_known && known[e].oid != column->enum_oid)
                e++;
            if (e == n_known && n_known < room) {
                known[n_known].oid = column->enum_oid;
                known[n_known++].labels = labels_of(c, rows, column->enum_oid, &nomem);
            }
            column->labels = known[e].labels;
        }
    }
    free(known);
    return !nomem || nl_err_nomem(err);
}

static bool build_stats(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    for (size_t r = 0; r < rows->rows; r++) {
        const nl_table *t = nl_catalog_find(c, cell(rows, r, 0), cell(rows, r, 1));
        int at = t ? nl_table_column(t, cell(rows, r, 2)) : -1;
        if (at < 0)
            continue;
        nl_column *column = (nl_column *)&t->columns[at];
        column->null_fraction = strtod(cell(rows, r, 3), NULL);
        column->distinct = strtod(cell(rows, r, 4), NULL);
        if (cell(rows, r, 5)) {
            column->common = (const char *const *)names_of(c, cell(rows, r, 5), NULL);
            if (!column->common)
                return nl_err_nomem(err);
        }
    }
    return true;
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool index_key(nl_catalog *c, nl_index_key *key, const nl_table *t, const char *name,
                      const char *const *names, size_t n) {
    uint16_t *columns = take(c, n + 1, sizeof *columns);
    if (!columns)
        return false;
    for (size_t i = 0; i < n; i++) {
        int at = nl_table_column(t, names[i]);
        columns[i] = (uint16_t)(at < 0 ? 0 : at);
    }
    *key = (nl_index_key){ .name = name, .columns = columns, .n_columns = n };
    return true;
}

/* One constraint into the arrays that were made for its table. */
static bool build_key(nl_catalog *c, nl_table *t, const nl_pg_rows *rows, size_t r) {
    const char *name = keep(c, cell(rows, r, 1));
    size_t n = 0;
    const char **names = names_of(c, cell(rows, r, 3), &n);
    if (!name || !names)
        return false;
    switch (cell(rows, r, 2)[0]) {
    case 'p':
        t->primary = take(c, 1, sizeof *t->primary);
        return t->primary && index_key(c, (nl_index_key *)t->primary, t, name, names, n);
    case 'u':
        return index_key(c, (nl_index_key *)&t->uniques[t->n_uniques++], t, name, names, n);
    case 'c':
        ((nl_check *)t->checks)[t->n_checks++] = (nl_check){ name, keep(c, cell(rows, r, 7)) };
        return t->checks[t->n_checks - 1].expression != NULL;
    default: {
        nl_foreign_key *f = (nl_foreign_key *)&t->foreign[t->n_foreign++];
        f->name = name;
        f->referred_schema = keep(c, cell(rows, r, 4));
        f->referred_table = keep(c, cell(rows, r, 5));
        f->columns = (const char *const *)names;
        f->referred_columns = (const char *const *)names_of(c, cell(rows, r, 6), NULL);
        f->n_columns = n;
        if (!f->referred_schema || !f->referred_table || !f->referred_columns)
            return false;
        f->referred = nl_catalog_find(c, f->referred_schema, f->referred_table);
        return true;
    }
    }
}

static bool build_keys(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    struct oid_place *places = places_by_oid(c, err);
    bool ok = places != NULL;
    /* a table's constraints lie together: make room for all of them, then fill */
    for (size_t r = 0; ok && r < rows->rows; r++) {
        nl_table *t = table_of(c, places, cell(rows, r, 0));
        if (!t)
            continue;
        if (r == 0 || strcmp(cell(rows, r, 0), cell(rows, r - 1, 0)) != 0) {
            size_t n = 0;
            while (r + n < rows->rows && strcmp(cell(rows, r + n, 0), cell(rows, r, 0)) == 0)
                n++;
            t->uniques = take(c, n, sizeof *t->uniques);
            t->foreign = take(c, n, sizeof *t->foreign);
            t->checks = take(c, n, sizeof *t->checks);
            ok = t->uniques && t->foreign && t->checks;
        }
        ok = ok && build_key(c, t, rows, r);
        if (!ok)
            nl_err_nomem(err);
    }
    free(places);
    return ok;
}

/* --- names for the SQL gate ------------------------------------------------------------------- */

static int by_fact_name(const void *a, const void *b) {
    return strcmp(((const name_facts *)a)->name, ((const name_facts *)b)->name);
}

static bool build_names(nl_catalog *c, name_facts **list, size_t *n, const nl_pg_rows *rows,
                        nl_err *err) {
    *list = take(c, rows->rows + 1, sizeof **list);
    if (!*list)
        return nl_err_nomem(err);
    for (size_t r = 0; r < rows->rows; r++) {
        (*list)[r] = (name_facts){ keep(c, cell(rows, r, 0)), is_true(cell(rows, r, 1)),
                                   is_true(cell(rows, r, 2)) };
        if (!(*list)[r].name)
            return nl_err_nomem(err);
    }
    *n = rows->rows;
    qsort(*list, *n, sizeof **list, by_fact_name);
    return true;
}

static int by_type_name(const void *a, const void *b) {
    const type_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->schema, y->schema);
}

static bool build_types(nl_catalog *c, const nl_pg_rows *rows, nl_err *err) {
    c->types = take(c, rows->rows + 1, sizeof *c->types);
    if (!c->types)
        return nl_err_nomem(err);
    for (size_t r = 0; r < rows->rows; r++) {
        c->types[r] = (type_name){ keep(c, cell(rows, r, 0)), keep(c, cell(rows, r, 1)) };
        if (!c->types[r].schema || !c->types[r].name)
            return nl_err_nomem(err);
    }
    c->n_types = rows->rows;
    qsort(c->types, c->n_types, sizeof *c->types, by_type_name);
    return true;
}

bool nl_catalog_build(nl_catalog *c, cq_kind kind, const nl_pg_rows *rows, nl_err *err) {
    switch (kind) {
    case CQ_SERVER:
        return build_server(c, rows, err);
    case CQ_TABLES:
        return build_tables(c, rows, err);
    case CQ_COLUMNS:
        return build_columns(c, rows, err);
    case CQ_LABELS:
        return build_labels(c, rows, err);
    case CQ_STATS:
        return build_stats(c, rows, err);
    case CQ_KEYS:
        return build_keys(c, rows, err);
    case CQ_FUNCTIONS:
        return build_names(c, &c->functions, &c->n_functions, rows, err);
    case CQ_OPERATORS:
        return build_names(c, &c->operators, &c->n_operators, rows, err);
    default:
        return build_types(c, rows, err);
    }
}
