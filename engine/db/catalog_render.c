/* catalog_render.c: the schema as JSON, as DDL, as Markdown, cut to a number of tokens. */
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "db/catalog_priv.h"

#include "base/banned.h"

/* How much is left out, one step after the other, until the rendering fits. */
typedef enum { CUT_NOTHING, CUT_EXTRAS, CUT_COMMENTS, CUT_COLUMNS, CUT_TABLES } cut_level;

struct render {
    const nl_catalog *catalog;
    nl_render_format format;
    const nl_table *const *tables;
    size_t n;
    cut_level cut;
    nl_buf *out;
};

size_t nl_estimate_tokens(const char *text, size_t size) {
    size_t marks = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        marks += c == '"' || c == '{' || c == '}' || c == ',' || c == '(' || c == ')' || c == '_';
    }
    return (size - marks) / 4 + marks / 2 + 1;
}

static bool in_key(const nl_table *t, const char *name) {
    for (size_t i = 0; t->primary && i < t->primary->n_columns; i++) {
        if (strcmp(t->columns[t->primary->columns[i]].name, name) == 0)
            return true;
    }
    for (size_t f = 0; f < t->n_foreign; f++) {
        for (size_t i = 0; i < t->foreign[f].n_columns; i++) {
            if (strcmp(t->foreign[f].columns[i], name) == 0)
                return true;
        }
    }
    return false;
}

static bool shown(const struct render *r, const nl_table *t, const nl_column *c) {
    return c->selectable && (r->cut < CUT_COLUMNS || in_key(t, c->name));
}

static const char *referred_name(const nl_foreign_key *f) {
    return f->referred ? f->referred->reference : f->referred_table;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put_names(nl_json_writer *w, const char *key, const char *const *names, size_t n) {
    nl_json_key(w, key);
    nl_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        nl_json_str(w, names[i]);
    nl_json_close_array(w);
}

static void put_key(nl_json_writer *w, const nl_table *t, const nl_index_key *key) {
    nl_json_open_array(w);
    for (size_t i = 0; i < key->n_columns; i++)
        nl_json_str(w, t->columns[key->columns[i]].name);
    nl_json_close_array(w);
}

static void json_column(nl_json_writer *w, const struct render *r, const nl_column *c) {
    nl_json_key(w, c->name);
    nl_json_open_object(w);
    nl_json_key(w, "type");
    nl_json_str(w, c->type);
    if (r->cut < CUT_EXTRAS && c->base_type != c->type) {
        nl_json_key(w, "base_type");
        nl_json_str(w, c->base_type);
    }
    if (c->labels) {
        size_t n = 0;
        while (c->labels[n])
            n++;
        put_names(w, "labels", c->labels, n);
    }
    if (r->cut < CUT_EXTRAS && c->not_null) {
        nl_json_key(w, "not_null");
        nl_json_put_bool(w, true);
    }
    if (r->cut < CUT_COMMENTS && c->comment) {
        nl_json_key(w, "comment");
        nl_json_str(w, c->comment);
    }
    nl_json_close_object(w);
}

static void json_foreign(nl_json_writer *w, const nl_table *t) {
    nl_json_key(w, "foreign_keys");
    nl_json_open_array(w);
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        nl_json_open_object(w);
        nl_json_key(w, "referred_table");
        nl_json_str(w, referred_name(f));
        put_names(w, "constrained_columns", f->columns, f->n_columns);
        put_names(w, "referred_columns", f->referred_columns, f->n_columns);
        nl_json_close_object(w);
    }
    nl_json_close_array(w);
}

static const char *kind_name(const nl_table *t) {
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

static void json_table(nl_json_writer *w, const struct render *r, const nl_table *t) {
    nl_json_key(w, t->reference);
    nl_json_open_object(w);
    nl_json_key(w, "columns");
    nl_json_open_object(w);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (shown(r, t, &t->columns[i]))
            json_column(w, r, &t->columns[i]);
    }
    nl_json_close_object(w);
    nl_json_key(w, "primary_key");
    if (t->primary) {
        put_key(w, t, t->primary);
    } else {
        nl_json_open_array(w);
        nl_json_close_array(w);
    }
    if (r->cut < CUT_EXTRAS && t->n_uniques > 0) {
        nl_json_key(w, "unique");
        nl_json_open_array(w);
        for (size_t i = 0; i < t->n_uniques; i++)
            put_key(w, t, &t->uniques[i]);
        nl_json_close_array(w);
    }
    if (r->cut < CUT_EXTRAS && t->n_checks > 0) {
        nl_json_key(w, "checks");
        nl_json_open_array(w);
        for (size_t i = 0; i < t->n_checks; i++)
            nl_json_str(w, t->checks[i].expression);
        nl_json_close_array(w);
    }
    if (r->cut < CUT_EXTRAS && kind_name(t)) {
        nl_json_key(w, "kind");
        nl_json_str(w, kind_name(t));
    }
    if (r->cut < CUT_EXTRAS && t->rows >= 0) {
        nl_json_key(w, "rows");
        nl_json_put_int(w, (int64_t)t->rows);
    }
    if (r->cut < CUT_COMMENTS && t->comment) {
        nl_json_key(w, "comment");
        nl_json_str(w, t->comment);
    }
    json_foreign(w, t);
    nl_json_close_object(w);
}

static bool render_json(const struct render *r, nl_err *err) {
    nl_json_writer w;
    nl_json_writer_init(&w, r->out);
    nl_json_open_object(&w);
    nl_json_key(&w, "tables");
    nl_json_open_object(&w);
    for (size_t i = 0; i < r->n; i++)
        json_table(&w, r, r->tables[i]);
    nl_json_close_object(&w);
    nl_json_close_object(&w);
    return nl_json_writer_done(&w, err);
}

/* --- DDL ------------------------------------------------------------------------------------- */

static void add_list(nl_buf *out, const char *const *names, size_t n) {
    nl_buf_char(out, '(');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            nl_buf_str(out, ", ");
        nl_quote_ident(out, names[i]);
    }
    nl_buf_char(out, ')');
}

static void add_key(nl_buf *out, const nl_table *t, const nl_index_key *key) {
    nl_buf_char(out, '(');
    for (size_t i = 0; i < key->n_columns; i++) {
        if (i > 0)
            nl_buf_str(out, ", ");
        nl_quote_ident(out, t->columns[key->columns[i]].name);
    }
    nl_buf_char(out, ')');
}

/* A comment on one line. */
static void add_comment(nl_buf *out, const char *text) {
    nl_buf_str(out, " -- ");
    for (; *text; text++)
        nl_buf_char(out, *text == '\n' || *text == '\r' ? ' ' : *text);
}

static void ddl_column(const struct render *r, const nl_column *c, bool last) {
    nl_buf *out = r->out;
    nl_buf_str(out, "  ");
    nl_quote_ident(out, c->name);
    nl_buf_printf(out, " %s", c->type);
    if (r->cut < CUT_EXTRAS && c->not_null)
        nl_buf_str(out, " NOT NULL");
    if (!last)
        nl_buf_char(out, ',');
    if (c->labels) {
        nl_buf_str(out, " -- one of");
        for (const char *const *l = c->labels; *l; l++)
            nl_buf_printf(out, "%s '%s'", l == c->labels ? "" : ",", *l);
    }
    if (r->cut < CUT_COMMENTS && c->comment)
        add_comment(out, c->comment);
    nl_buf_char(out, '\n');
}

static void ddl_constraints(const struct render *r, const nl_table *t, size_t left) {
    nl_buf *out = r->out;
    if (t->primary) {
        nl_buf_str(out, "  PRIMARY KEY ");
        add_key(out, t, t->primary);
        nl_buf_str(out, --left ? ",\n" : "\n");
    }
    for (size_t i = 0; r->cut < CUT_EXTRAS && i < t->n_uniques; i++) {
        nl_buf_str(out, "  UNIQUE ");
        add_key(out, t, &t->uniques[i]);
        nl_buf_str(out, --left ? ",\n" : "\n");
    }
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        nl_buf_str(out, "  FOREIGN KEY ");
        add_list(out, f->columns, f->n_columns);
        nl_buf_printf(out, " REFERENCES %s ", referred_name(f));
        add_list(out, f->referred_columns, f->n_columns);
        nl_buf_str(out, --left ? ",\n" : "\n");
    }
    for (size_t i = 0; r->cut < CUT_EXTRAS && i < t->n_checks; i++)
        nl_buf_printf(out, "  %s%s", t->checks[i].expression, --left ? ",\n" : "\n");
}

static void ddl_table(const struct render *r, const nl_table *t) {
    const char *kind = kind_name(t);
    size_t extras = r->cut < CUT_EXTRAS ? t->n_uniques + t->n_checks : 0;
    size_t constraints = (t->primary ? 1 : 0) + t->n_foreign + extras, left = 0;
    if (r->cut < CUT_COMMENTS && t->comment) {
        add_comment(r->out, t->comment);
        nl_buf_char(r->out, '\n');
    }
    nl_buf_printf(r->out, "CREATE TABLE %s (%s%s\n", t->reference, kind ? " -- a " : "",
                  kind ? kind : "");
    for (size_t i = 0; i < t->n_columns; i++)
        left += shown(r, t, &t->columns[i]);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (shown(r, t, &t->columns[i]))
            ddl_column(r, &t->columns[i], --left == 0 && constraints == 0);
    }
    ddl_constraints(r, t, constraints);
    nl_buf_str(r->out, ");\n");
}

/* --- Markdown -------------------------------------------------------------------------------- */

static void markdown_table(const struct render *r, const nl_table *t) {
    nl_buf *out = r->out;
    nl_buf_printf(out, "- **%s**:", t->reference);
    bool first = true;
    for (size_t i = 0; i < t->n_columns; i++) {
        const nl_column *c = &t->columns[i];
        if (!shown(r, t, c))
            continue;
        nl_buf_printf(out, "%s \"%s\"", first ? "" : ",", c->name);
        if (r->cut < CUT_EXTRAS)
            nl_buf_printf(out, " %s", c->type);
        first = false;
    }
    if (r->cut < CUT_COMMENTS && t->comment)
        add_comment(out, t->comment);
    nl_buf_char(out, '\n');
}

/* --- the budget ------------------------------------------------------------------------------ */

static bool render_once(const struct render *r, nl_err *err) {
    if (r->format == NL_RENDER_JSON)
        return render_json(r, err);
    for (size_t i = 0; i < r->n; i++) {
        if (r->format == NL_RENDER_DDL)
            ddl_table(r, r->tables[i]);
        else
            markdown_table(r, r->tables[i]);
    }
    return !r->out->failed || nl_err_nomem(err);
}

static void say_cut(const struct render *r, size_t wanted, nl_buf *cut) {
    static const char *const what[] = {
        [CUT_EXTRAS] = "left out: NOT NULL, unique and check constraints, row counts",
        [CUT_COMMENTS] = "left out: constraints but for keys, row counts, comments",
        [CUT_COLUMNS] = "left out: comments, and all columns that belong to no key",
    };
    if (r->cut == CUT_NOTHING)
        return;
    if (r->cut < CUT_TABLES)
        nl_buf_str(cut, what[r->cut]);
    else
        nl_buf_printf(cut,
                      "left out: %zu of %zu tables (from %s on), comments, and all columns that "
                      "belong to no key",
                      wanted - r->n, wanted, r->tables[r->n]->reference);
}

/* The first `r->n` tables that fit: halving, since a rendering grows with its tables. */
static bool fit_tables(struct render *r, size_t from, size_t max_tokens, nl_err *err) {
    size_t low = 1, high = r->n; /* one table is always shown */
    r->cut = CUT_TABLES;
    while (low < high) {
        r->n = low + (high - low + 1) / 2;
        r->out->size = from;
        if (!render_once(r, err))
            return false;
        if (nl_estimate_tokens(r->out->data + from, r->out->size - from) <= max_tokens)
            low = r->n;
        else
            high = r->n - 1;
    }
    r->n = low;
    r->out->size = from;
    return render_once(r, err);
}

bool nl_catalog_render(const nl_catalog *catalog, const nl_render_options *options, nl_buf *out,
                       nl_buf *cut, size_t *tokens, nl_err *err) {
    const nl_table **all = NULL;
    struct render r = { .catalog = catalog, .format = options->format, .out = out };
    size_t from = out->size, used = 0, wanted;
    bool ok = false;

    r.tables = options->tables;
    r.n = options->n_tables;
    if (!options->tables) {
        all = calloc(catalog->n_tables + 1, sizeof(const nl_table *));
        if (!all)
            return nl_err_nomem(err);
        for (size_t i = 0; i < catalog->n_tables; i++)
            all[i] = &catalog->tables[i];
        r.tables = all;
        r.n = catalog->n_tables;
    }
    wanted = r.n;
    for (r.cut = CUT_NOTHING;; r.cut++) {
        out->size = from;
        if (!render_once(&r, err))
            goto out;
        used = nl_estimate_tokens(out->data + from, out->size - from);
        if (options->max_tokens == 0 || used <= options->max_tokens || r.cut == CUT_COLUMNS)
            break;
    }
    if (options->max_tokens && used > options->max_tokens && r.n > 1) {
        if (!fit_tables(&r, from, options->max_tokens, err))
            goto out;
        used = nl_estimate_tokens(out->data + from, out->size - from);
    }
    say_cut(&r, wanted, cut);
    if (tokens)
        *tokens = used;
    ok = !out->failed && !cut->failed;
    if (!ok)
        nl_err_nomem(err);
out:
    free(all);
    return ok;
}
