/* catalog_render.c: the schema for a prompt, cut to a number of tokens. */
#include <stdlib.h>
#include <string.h>

#include "db/catalog_render.h"

#include "base/banned.h"

size_t nl_estimate_tokens(const char *text, size_t size) {
    size_t marks = 0, foreign = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        marks += c == '"' || c == '{' || c == '}' || c == ',' || c == '(' || c == ')' || c == '_';
        foreign += (c & 0x80) != 0; /* other scripts take a token for a character or two */
    }
    return (size - marks - foreign) / 4 + (marks + foreign) / 2 + 1;
}

/* --- what is shown --------------------------------------------------------------------------- */

static bool in_key(const nl_table *t, const nl_column *c) {
    for (size_t i = 0; t->primary && i < t->primary->n_columns; i++) {
        if (&t->columns[t->primary->columns[i]] == c)
            return true;
    }
    for (size_t f = 0; f < t->n_foreign; f++) {
        for (size_t i = 0; i < t->foreign[f].n_columns; i++) {
            if (strcmp(t->foreign[f].columns[i], c->name) == 0)
                return true;
        }
    }
    return false;
}

bool nl_column_shown(const nl_render *r, const nl_table *t, const nl_column *c) {
    return c->selectable && (r->cut < CUT_COLUMNS || in_key(t, c));
}

bool nl_foreign_shown(const nl_render *r, const nl_foreign_key *f) {
    size_t place = f->referred ? r->places[f->referred - r->catalog->tables] : 0;
    return place > 0 && place <= r->n;
}

const char *nl_shown_name(nl_render *r, const char *name) {
    nl_buf_clear(&r->name);
    if (!nl_quote_ident(&r->name, name))
        r->out->failed = true;
    return r->name.data;
}

const char *nl_kind_name(const nl_table *t) {
    switch (t->kind) {
    case 'v':
        return "view";
    case 'm':
        return "materialised view";
    case 'f':
        return "foreign table";
    default:
        return NULL;
    }
}

/* --- the cap --------------------------------------------------------------------------------- */

struct attempt {
    nl_render r;
    nl_render_format format;
    size_t from, max_tokens, tokens; /* what is behind `from` in the buffer is ours */
};

static bool render(struct attempt *a, nl_err *err) {
    nl_buf *out = a->r.out;
    bool ok;
    out->size = a->from;
    switch (a->format) {
    case NL_RENDER_JSON:
        ok = nl_render_json(&a->r, err);
        break;
    case NL_RENDER_DDL:
        ok = nl_render_ddl(&a->r, err);
        break;
    default:
        ok = nl_render_markdown(&a->r, err);
    }
    if (ok && out->failed)
        ok = nl_err_nomem(err);
    a->tokens = nl_estimate_tokens(out->data + a->from, out->size - a->from);
    return ok;
}

static bool fits(const struct attempt *a) {
    return a->max_tokens == 0 || a->tokens <= a->max_tokens;
}

/* The first tables that fit: halving, since a rendering grows with its tables. */
static bool fit_tables(struct attempt *a, nl_err *err) {
    size_t low = 1, high = a->r.n; /* one table is always shown */
    a->r.cut = CUT_TABLES;
    while (low < high) {
        a->r.n = low + (high - low + 1) / 2;
        if (!render(a, err))
            return false;
        if (fits(a))
            low = a->r.n;
        else
            high = a->r.n - 1;
    }
    a->r.n = low;
    return render(a, err);
}

static bool fit(struct attempt *a, nl_err *err) {
    for (a->r.cut = CUT_NOTHING; a->r.cut <= CUT_COLUMNS; a->r.cut++) {
        if (!render(a, err))
            return false;
        if (fits(a))
            return true;
    }
    if (a->r.n > 1)
        return fit_tables(a, err);
    a->r.cut = CUT_COLUMNS;
    return true;
}

static void say_cut(const struct attempt *a, size_t wanted, nl_buf *cut) {
    static const char *const what[] = {
        [CUT_EXTRAS] = "unique and check constraints, NOT NULL, row counts and the like",
        [CUT_COMMENTS] = "comments, and constraints but for keys",
        [CUT_COLUMNS] = "columns that belong to no key, comments, and constraints but for keys",
    };
    const nl_render *r = &a->r;
    if (r->cut == CUT_NOTHING)
        return;
    nl_buf_str(cut, "left out: ");
    if (r->n < wanted)
        nl_buf_printf(cut, "%zu of %zu tables (from %s on), ", wanted - r->n, wanted,
                      r->tables[r->n]->reference);
    nl_buf_str(cut, what[r->cut < CUT_COLUMNS ? r->cut : CUT_COLUMNS]);
}

bool nl_catalog_render(const nl_catalog *catalog, const nl_render_options *options, nl_buf *out,
                       nl_buf *cut, size_t *tokens, nl_err *err) {
    struct attempt a = { .format = options->format,
                         .from = out->size,
                         .max_tokens = options->max_tokens,
                         .r = { .catalog = catalog, .out = out } };
    size_t n = options->tables ? options->n_tables : catalog->n_tables;
    const nl_table **tables = calloc(n + 1, sizeof(const nl_table *));
    bool ok = false;
    nl_buf_init(&a.r.name);
    a.r.places = calloc(catalog->n_tables + 1, sizeof *a.r.places);
    if (!tables || !a.r.places) {
        nl_err_nomem(err);
        goto out;
    }
    a.r.tables = tables;
    for (size_t i = 0; i < n; i++) {
        const nl_table *t = options->tables ? options->tables[i] : &catalog->tables[i];
        size_t *place = &a.r.places[t - catalog->tables];
        if (*place == 0) { /* named twice, shown once */
            tables[a.r.n] = t;
            *place = ++a.r.n;
        }
    }
    n = a.r.n;
    if (!fit(&a, err))
        goto out;
    say_cut(&a, n, cut);
    if (cut->failed) {
        nl_err_nomem(err);
        goto out;
    }
    if (tokens)
        *tokens = a.tokens;
    ok = true;
out:
    if (!ok)
        out->size = a.from;
    if (out->room > 0)
        out->data[out->size] = '\0';
    nl_buf_release(&a.r.name);
    free(a.r.places);
    free(tables);
    return ok;
}
