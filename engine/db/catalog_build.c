/* catalog_build.c: rows into structs: the server, tables, columns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/json.h"
#include "db/catalog_priv.h"

#include "base/banned.h"

/* --- rows and cells -------------------------------------------------------------------------- */

size_t nl_catalog_count(const catalog_builder *b, row_kind kind) {
    return b->first[kind + 1] - b->first[kind];
}

size_t nl_catalog_row(const catalog_builder *b, row_kind kind, size_t i) {
    return b->order[b->first[kind] + i];
}

const char *nl_catalog_cell(const catalog_builder *b, size_t row, size_t cell) {
    return b->rows->cells[row * b->rows->columns + cell];
}

const char *nl_catalog_text(const catalog_builder *b, size_t row, size_t cell) {
    const char *text = nl_catalog_cell(b, row, cell);
    return text ? text : "";
}

bool nl_catalog_flag(const catalog_builder *b, size_t row, size_t cell, char flag) {
    return strchr(nl_catalog_text(b, row, cell), flag) != NULL;
}

uint32_t nl_catalog_oid(const catalog_builder *b, size_t row, size_t cell) {
    return (uint32_t)strtoul(nl_catalog_text(b, row, cell), NULL, 10);
}

void *nl_catalog_take(catalog_builder *b, size_t n, size_t size) {
    return nl_arena_take(&b->catalog->arena, (n + 1) * size);
}

const char *nl_catalog_keep(catalog_builder *b, const char *text) {
    return text ? nl_arena_copy(&b->catalog->arena, text, strlen(text)) : NULL;
}

const char **nl_catalog_names(catalog_builder *b, const char *text) {
    size_t i = 0;
    const char *list = text ? text : "[]";
    nl_json *json = nl_json_read(list, strlen(list), 4, b->err);
    const nl_json_node *root = json ? nl_json_root(json) : NULL;
    const char **names = root ? nl_catalog_take(b, root->size, sizeof *names) : NULL;
    if (json && !names)
        nl_err_nomem(b->err);
    for (const nl_json_node *node = root ? root->child : NULL; node && names; node = node->next) {
        names[i] = nl_arena_copy(&b->catalog->arena, node->text ? node->text : "", node->size);
        if (!names[i++]) {
            nl_err_nomem(b->err);
            names = NULL;
        }
    }
    nl_json_free(json);
    return names;
}

/* Sorts the rows by kind, each kind in the order in which they came. */
static bool order_rows(catalog_builder *b) {
    static const char letters[] = "STCMLAXKFOYUDHR";
    size_t next[ROW_KINDS];
    b->order = nl_arena_take(&b->scratch, (b->rows->rows + 1) * sizeof *b->order);
    if (!b->order)
        return nl_err_nomem(b->err);
    for (size_t r = 0; r < b->rows->rows; r++) {
        const char *found = strchr(letters, nl_catalog_text(b, r, 0)[0]);
        if (!found || !*found)
            return nl_err_set(b->err, NL_INVALID, "row %zu of the catalog is of no known kind", r);
        b->first[found - letters + 1]++;
    }
    for (size_t k = 0; k < ROW_KINDS; k++) {
        next[k] = b->first[k];
        b->first[k + 1] += b->first[k];
    }
    for (size_t r = 0; r < b->rows->rows; r++)
        b->order[next[strchr(letters, nl_catalog_text(b, r, 0)[0]) - letters]++] = r;
    return true;
}

/* --- schemas --------------------------------------------------------------------------------- */

static bool contains(const char *const *names, const char *name) {
    for (; *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

static bool missing_schema(const char *name, const char *const *have, nl_err *err) {
    enum { ENOUGH = 10 };
    size_t n = 0;
    nl_buf list;
    const char *meant = NULL;
    nl_buf_init(&list);
    for (; *have; have++) {
        if (strcasecmp(*have, name) == 0)
            meant = *have;
        if (n++ < ENOUGH)
            nl_buf_printf(&list, "%s%s", list.size ? ", " : "", *have);
    }
    if (n > ENOUGH)
        nl_buf_printf(&list, " and %zu more", n - ENOUGH);
    nl_err_set(err, NL_NOTFOUND, "there is no schema \"%s\" (%s%s%sschemas with tables: %s)", name,
               meant ? "did you mean \"" : "", meant ? meant : "", meant ? "\"? " : "",
               list.size ? list.data : "none");
    nl_buf_release(&list);
    return false;
}

static bool build_server(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    if (nl_catalog_count(b, ROW_SERVER) != 1)
        return nl_err_set(b->err, NL_INVALID, "the catalog has no row about the server");
    size_t n = 0, r = nl_catalog_row(b, ROW_SERVER, 0);
    c->version = nl_catalog_keep(b, nl_catalog_text(b, r, 1));
    c->version_num = (int)strtol(nl_catalog_text(b, r, 2), NULL, 10);
    c->path = nl_catalog_names(b, nl_catalog_cell(b, r, 3));
    const char **filled = nl_catalog_names(b, nl_catalog_cell(b, r, 4));
    c->schemas = nl_catalog_names(b, nl_catalog_cell(b, r, 5));
    const char **asked = nl_catalog_names(b, nl_catalog_cell(b, r, 6));
    if (!c->path || !filled || !c->schemas || !asked)
        return false;
    for (const char **s = asked; *s; s++) {
        if (!contains(c->schemas, *s))
            return missing_schema(*s, filled, b->err);
    }
    while (filled[n])
        n++;
    c->others = nl_catalog_take(b, n, sizeof *c->others);
    if (!c->version || !c->others)
        return nl_err_nomem(b->err);
    for (n = 0; *filled; filled++) {
        if (!contains(c->schemas, *filled))
            c->others[n++] = *filled;
    }
    return true;
}

/* --- tables ---------------------------------------------------------------------------------- */

/* schema.name, quoted where SQL needs it; the name alone where that finds it. */
static const char *reference_of(catalog_builder *b, const nl_table *t, bool qualified) {
    nl_buf text;
    nl_buf_init(&text);
    if (qualified) {
        nl_quote_ident(&text, t->schema);
        nl_buf_char(&text, '.');
    }
    nl_quote_ident(&text, t->name);
    const char *kept = text.failed ? NULL : nl_catalog_keep(b, text.data);
    nl_buf_release(&text);
    return kept;
}

struct named {
    nl_table table;
    uint32_t oid;
};

static int by_schema_and_name(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    int order = strcmp(x->table.schema, y->table.schema);
    return order ? order : strcmp(x->table.name, y->table.name);
}

int nl_catalog_by_oid(const void *a, const void *b) {
    const table_place *x = a, *y = b;
    return (x->oid > y->oid) - (x->oid < y->oid);
}

table_place *nl_catalog_place(table_place *places, size_t n, uint32_t oid) {
    table_place key = { .oid = oid };
    return n ? bsearch(&key, places, n, sizeof *places, nl_catalog_by_oid) : NULL;
}

static bool build_table(catalog_builder *b, struct named *named, size_t r) {
    nl_table *t = &named->table;
    named->oid = nl_catalog_oid(b, r, 1);
    t->oid = named->oid;
    t->schema = nl_catalog_keep(b, nl_catalog_text(b, r, 2));
    t->name = nl_catalog_keep(b, nl_catalog_text(b, r, 3));
    t->kind = nl_catalog_text(b, r, 4)[0];
    t->comment = nl_catalog_keep(b, nl_catalog_cell(b, r, 5));
    t->rows = nl_catalog_cell(b, r, 6) ? strtod(nl_catalog_cell(b, r, 6), NULL) : -1;
    t->visible = nl_catalog_flag(b, r, 7, 'v');
    if (!t->schema || !t->name || (nl_catalog_cell(b, r, 5) && !t->comment))
        return nl_err_nomem(b->err);
    t->reference = reference_of(b, t, !t->visible);
    return t->reference || nl_err_nomem(b->err);
}

/* Sorted here: the server's bytes may have another order than ours. */
static bool settle_tables(catalog_builder *b, struct named *all) {
    nl_catalog *c = b->catalog;
    size_t n = c->n_tables;
    qsort(all, n, sizeof *all, by_schema_and_name);
    c->tables = nl_catalog_take(b, n, sizeof *c->tables);
    b->places = nl_arena_take(&b->scratch, (n + 1) * sizeof *b->places);
    if (!c->tables || !b->places)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        c->tables[i] = all[i].table;
        b->places[i] = (table_place){ .oid = all[i].oid, .table = &c->tables[i] };
    }
    b->n_places = n;
    qsort(b->places, n, sizeof *b->places, nl_catalog_by_oid);
    return true;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A pattern that matches nothing is a slip, and would be found out late. */
static bool all_patterns_hit(catalog_builder *b) {
    nl_buf where, meant;
    size_t best = SIZE_MAX;
    nl_buf_init(&where);
    nl_buf_init(&meant);
    const catalog_pattern *idle = b->choice ? nl_catalog_choice_idle(b->choice, &where) : NULL;
    for (size_t i = 0; idle && i < nl_catalog_count(b, ROW_TABLE); i++) {
        size_t r = nl_catalog_row(b, ROW_TABLE, i);
        size_t distance = nl_catalog_pattern_distance(idle, nl_catalog_text(b, r, 3));
        if (distance >= best)
            continue;
        best = distance;
        nl_buf_clear(&meant);
        nl_quote_ident(&meant, nl_catalog_text(b, r, 3));
    }
    if (idle)
        nl_err_set(b->err, NL_CONFIG, "%s: no table matches \"%.80s\"%s%s%s", where.data,
                   idle->text, meant.size ? " (did you mean " : "", meant.size ? meant.data : "",
                   meant.size ? "?)" : "");
    nl_buf_release(&where);
    nl_buf_release(&meant);
    return idle == NULL;
}

static bool build_tables(catalog_builder *b) {
    nl_catalog *c = b->catalog;
    size_t denied = 0, n = nl_catalog_count(b, ROW_TABLE);
    struct named *all = nl_arena_take(&b->scratch, (n + 1) * sizeof *all);
    c->denied = nl_catalog_take(b, n, sizeof *c->denied);
    if (!all || !c->denied)
        return nl_err_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_TABLE, i);
        struct named *named = &all[c->n_tables];
        if (!build_table(b, named, r))
            return false;
        if (b->choice &&
            !nl_catalog_choice_has(b->choice, named->table.schema, named->table.name)) {
            memset(named, 0, sizeof *named);
            continue;
        }
        if (nl_catalog_flag(b, r, 7, 'r')) {
            c->n_tables++;
            continue;
        }
        c->denied[denied] = reference_of(b, &named->table, true);
        if (!c->denied[denied++])
            return nl_err_nomem(b->err);
        memset(named, 0, sizeof *named);
    }
    qsort((void *)c->denied, denied, sizeof *c->denied, by_text);
    return all_patterns_hit(b) && settle_tables(b, all);
}

/* --- columns --------------------------------------------------------------------------------- */

/* A type's name, shared with the columns that had it before. */
static const char *intern(catalog_builder *b, const char *text) {
    uint32_t hash = 5381;
    for (const char *p = text; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    const char **slot = &b->types[hash % (sizeof b->types / sizeof *b->types)];
    if (!*slot || strcmp(*slot, text) != 0)
        *slot = nl_catalog_keep(b, text);
    return *slot;
}

static bool build_column(catalog_builder *b, nl_column *column, size_t r) {
    const char *base = nl_catalog_cell(b, r, 5);
    *column = (nl_column){
        .number = (int)strtol(nl_catalog_text(b, r, 2), NULL, 10),
        .name = nl_catalog_keep(b, nl_catalog_text(b, r, 3)),
        .type = intern(b, nl_catalog_text(b, r, 4)),
        .category = nl_catalog_text(b, r, 6)[0],
        .comment = nl_catalog_keep(b, nl_catalog_cell(b, r, 7)),
        .default_expr = nl_catalog_keep(b, nl_catalog_cell(b, r, 8)),
        .not_null = nl_catalog_flag(b, r, 9, 'n'),
        .identity = nl_catalog_flag(b, r, 9, 'i'),
        .generated = nl_catalog_flag(b, r, 9, 'g'),
        .selectable = nl_catalog_flag(b, r, 9, 's'),
        .null_fraction = -1,
        .enum_oid = nl_catalog_oid(b, r, 10),
    };
    column->base_type = base ? intern(b, base) : column->type;
    return (column->name && column->type && column->base_type &&
            (column->comment || !nl_catalog_cell(b, r, 7)) &&
            (column->default_expr || !nl_catalog_cell(b, r, 8))) ||
           nl_err_nomem(b->err);
}

/* Into its place by number; they mostly come in order. */
static bool insert_column(catalog_builder *b, table_place *place, size_t r) {
    nl_table *t = place->table;
    nl_column *columns = (nl_column *)t->columns, column;
    int number = (int)strtol(nl_catalog_text(b, r, 2), NULL, 10);
    size_t at = t->n_columns;
    if (!build_column(b, &column, r))
        return false;
    for (; at > 0 && place->numbers[at - 1] > number; at--) {
        columns[at] = columns[at - 1];
        place->numbers[at] = place->numbers[at - 1];
    }
    columns[at] = column;
    place->numbers[at] = number;
    t->n_columns++;
    return true;
}

static bool build_columns(catalog_builder *b) {
    size_t n = nl_catalog_count(b, ROW_COLUMN);
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_COLUMN, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        if (place)
            place->n_numbers++;
    }
    for (size_t i = 0; i < b->n_places; i++) {
        table_place *place = &b->places[i];
        place->table->columns = nl_catalog_take(b, place->n_numbers, sizeof(nl_column));
        place->numbers = nl_arena_take(&b->scratch, (place->n_numbers + 1) * sizeof(int));
        if (!place->table->columns || !place->numbers)
            return nl_err_nomem(b->err);
    }
    for (size_t i = 0; i < n; i++) {
        size_t r = nl_catalog_row(b, ROW_COLUMN, i);
        table_place *place = nl_catalog_place(b->places, b->n_places, nl_catalog_oid(b, r, 1));
        if (place && !insert_column(b, place, r))
            return false;
    }
    return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

nl_catalog *nl_catalog_from_rows(const nl_pg_rows *rows, catalog_choice *choice, nl_err *err) {
    nl_err unwanted;
    catalog_builder b = { .rows = rows, .choice = choice, .err = err ? err : &unwanted };
    b.catalog = calloc(1, sizeof *b.catalog);
    bool ok = b.catalog != NULL || nl_err_nomem(b.err);
    if (ok && rows->columns != CATALOG_CELLS)
        ok = nl_err_set(b.err, NL_INVALID, "rows of the catalog have %zu cells, not %d",
                        rows->columns, CATALOG_CELLS);
    ok = ok && order_rows(&b) && build_server(&b) && build_tables(&b) && build_columns(&b) &&
         nl_catalog_build_masks(&b) && nl_catalog_build_labels(&b) && nl_catalog_build_stats(&b) &&
         nl_catalog_build_keys(&b) && nl_catalog_build_names(&b) && nl_catalog_build_trust(&b);
    nl_arena_release(&b.scratch);
    if (ok)
        return b.catalog;
    nl_catalog_free(b.catalog);
    return NULL;
}

nl_catalog *nl_catalog_from_cells(const char *const *cells, size_t n, nl_err *err) {
    const nl_pg_rows rows = { .columns = CATALOG_CELLS, .rows = n, .cells = (const char **)cells };
    return nl_catalog_from_rows(&rows, NULL, err);
}

void nl_catalog_free(nl_catalog *catalog) {
    if (catalog) {
        nl_arena_release(&catalog->arena);
        free(catalog);
    }
}
