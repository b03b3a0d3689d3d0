/* catalog_render_text.c: the schema as compact DDL and as a Markdown list. */
#include <string.h>

#include "db/catalog_render.h"

#include "base/banned.h"

/* On one line, whatever it holds: behind "--" a line break would turn the rest into SQL. */
static void add_line(nl_buf *out, const char *text) {
    for (; *text; text++)
        nl_buf_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
}

static void add_labels(nl_buf *out, const char *const *labels) {
    for (const char *const *label = labels; *label; label++) {
        nl_buf_str(out, label == labels ? "'" : ", '");
        for (const char *p = *label; *p; p++) {
            if (*p == '\'')
                nl_buf_char(out, '\'');
            nl_buf_char(out, (unsigned char)*p < ' ' ? ' ' : *p);
        }
        nl_buf_char(out, '\'');
    }
}

static void add_names(nl_buf *out, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        nl_buf_str(out, i == 0 ? "(" : ", ");
        nl_quote_ident(out, names[i]);
    }
    nl_buf_char(out, ')');
}

static void add_key(nl_buf *out, const nl_table *t, const nl_index_key *key) {
    for (size_t i = 0; i < key->n_columns; i++) {
        nl_buf_str(out, i == 0 ? "(" : ", ");
        nl_quote_ident(out, t->columns[key->columns[i]].name);
    }
    nl_buf_char(out, ')');
}

/* --- DDL ------------------------------------------------------------------------------------- */

/* What stands behind the "--" of a column. */
static void ddl_remark(const nl_render *r, const nl_column *c) {
    nl_buf *out = r->out;
    const char *mark = " -- ";
    if (r->cut < CUT_EXTRAS && c->base_type != c->type) {
        nl_buf_printf(out, "%sa domain over %s", mark, c->base_type);
        mark = "; ";
    }
    if (c->labels) {
        nl_buf_printf(out, "%sone of ", mark);
        add_labels(out, c->labels);
        mark = "; ";
    }
    if (r->cut < CUT_COMMENTS && c->comment) {
        nl_buf_str(out, mark);
        add_line(out, c->comment);
    }
}

/* Writes the commas between what is in the parentheses of a table; remarks come behind them. */
struct items {
    nl_buf *out;
    size_t left;
};

static void end_item(struct items *items) {
    if (--items->left > 0)
        nl_buf_char(items->out, ',');
}

static void ddl_column(const nl_render *r, const nl_column *c, struct items *items) {
    nl_buf *out = r->out;
    nl_buf_str(out, "  ");
    nl_quote_ident(out, c->name);
    nl_buf_printf(out, " %s", c->type);
    if (r->cut < CUT_EXTRAS && c->not_null)
        nl_buf_str(out, " NOT NULL");
    end_item(items);
    ddl_remark(r, c);
    nl_buf_char(out, '\n');
}

static void ddl_keys(const nl_render *r, const nl_table *t, struct items *items) {
    nl_buf *out = r->out;
    if (t->primary) {
        nl_buf_str(out, "  PRIMARY KEY ");
        add_key(out, t, t->primary);
        end_item(items);
        nl_buf_char(out, '\n');
    }
    for (size_t i = 0; r->cut < CUT_EXTRAS && i < t->n_uniques; i++) {
        nl_buf_str(out, "  UNIQUE ");
        add_key(out, t, &t->uniques[i]);
        end_item(items);
        nl_buf_char(out, '\n');
    }
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        if (!nl_foreign_shown(r, f))
            continue;
        nl_buf_str(out, "  FOREIGN KEY ");
        add_names(out, f->columns, f->n_columns);
        nl_buf_printf(out, " REFERENCES %s ", f->referred->reference);
        add_names(out, f->referred_columns, f->n_columns);
        end_item(items);
        nl_buf_char(out, '\n');
    }
    for (size_t i = 0; r->cut < CUT_EXTRAS && i < t->n_checks; i++) {
        nl_buf_str(out, "  ");
        add_line(out, t->checks[i].expression);
        end_item(items);
        nl_buf_char(out, '\n');
    }
}

static size_t count_items(const nl_render *r, const nl_table *t) {
    size_t n = (t->primary ? 1 : 0) + (r->cut < CUT_EXTRAS ? t->n_uniques + t->n_checks : 0);
    for (size_t i = 0; i < t->n_columns; i++)
        n += nl_column_shown(r, t, &t->columns[i]);
    for (size_t i = 0; i < t->n_foreign; i++)
        n += nl_foreign_shown(r, &t->foreign[i]);
    return n;
}

static void ddl_table(const nl_render *r, const nl_table *t) {
    const char *kind = nl_kind_name(t);
    struct items items = { r->out, count_items(r, t) };
    if (r->cut < CUT_COMMENTS && t->comment) {
        nl_buf_str(r->out, "-- ");
        add_line(r->out, t->comment);
        nl_buf_char(r->out, '\n');
    }
    nl_buf_printf(r->out, "CREATE TABLE %s (", t->reference);
    if (kind)
        nl_buf_printf(r->out, " -- a %s", kind);
    nl_buf_char(r->out, '\n');
    for (size_t i = 0; i < t->n_columns; i++) {
        if (nl_column_shown(r, t, &t->columns[i]))
            ddl_column(r, &t->columns[i], &items);
    }
    ddl_keys(r, t, &items);
    nl_buf_str(r->out, ");\n");
}

bool nl_render_ddl(nl_render *r, nl_err *err) {
    for (size_t i = 0; i < r->n; i++)
        ddl_table(r, r->tables[i]);
    return !r->out->failed || nl_err_nomem(err);
}

/* --- Markdown -------------------------------------------------------------------------------- */

static void markdown_table(const nl_render *r, const nl_table *t) {
    nl_buf *out = r->out;
    const char *kind = nl_kind_name(t), *gap = " ";
    nl_buf_printf(out, "- **%s**", t->reference);
    if (kind && r->cut < CUT_EXTRAS)
        nl_buf_printf(out, " (%s)", kind);
    nl_buf_char(out, ':');
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!nl_column_shown(r, t, &t->columns[i]))
            continue;
        nl_buf_str(out, gap);
        nl_quote_ident(out, t->columns[i].name);
        if (r->cut < CUT_EXTRAS)
            nl_buf_printf(out, " %s", t->columns[i].type);
        gap = ", ";
    }
    if (t->primary) {
        nl_buf_str(out, "; primary key ");
        add_key(out, t, t->primary);
    }
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        if (!nl_foreign_shown(r, f))
            continue;
        nl_buf_str(out, "; ");
        add_names(out, f->columns, f->n_columns);
        nl_buf_printf(out, " refers to %s ", f->referred->reference);
        add_names(out, f->referred_columns, f->n_columns);
    }
    if (r->cut < CUT_COMMENTS && t->comment) {
        nl_buf_str(out, "; ");
        add_line(out, t->comment);
    }
    nl_buf_char(out, '\n');
}

bool nl_render_markdown(nl_render *r, nl_err *err) {
    for (size_t i = 0; i < r->n; i++)
        markdown_table(r, r->tables[i]);
    return !r->out->failed || nl_err_nomem(err);
}
