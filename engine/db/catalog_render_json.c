/* catalog_render_json.c: the schema as JSON. Names are written as SQL has to write them, since a
 * model takes them over as they stand. */
#include "data/json.h"
#include "db/catalog_render.h"

#include "base/banned.h"

static void put_names(nl_render *r, nl_json_writer *w, const char *const *names, size_t n) {
    nl_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        nl_json_str(w, nl_shown_name(r, names[i]));
    nl_json_close_array(w);
}

static void put_key(nl_render *r, nl_json_writer *w, const nl_table *t, const nl_index_key *key) {
    nl_json_open_array(w);
    for (size_t i = 0; key && i < key->n_columns; i++)
        nl_json_str(w, nl_shown_name(r, t->columns[key->columns[i]].name));
    nl_json_close_array(w);
}

static void put_member(nl_json_writer *w, const char *key, const char *value) {
    nl_json_key(w, key);
    nl_json_str(w, value);
}

static void put_column(nl_render *r, nl_json_writer *w, const nl_column *c) {
    nl_json_key(w, nl_shown_name(r, c->name));
    nl_json_open_object(w);
    put_member(w, "type", c->type);
    if (r->cut < CUT_EXTRAS && c->base_type != c->type)
        put_member(w, "base_type", c->base_type);
    if (c->labels) {
        nl_json_key(w, "labels");
        nl_json_open_array(w);
        for (const char *const *label = c->labels; *label; label++)
            nl_json_str(w, *label);
        nl_json_close_array(w);
    }
    if (r->cut < CUT_EXTRAS && c->not_null) {
        nl_json_key(w, "not_null");
        nl_json_put_bool(w, true);
    }
    if (r->cut < CUT_COMMENTS && c->comment)
        put_member(w, "comment", c->comment);
    nl_json_close_object(w);
}

static void put_foreign(nl_render *r, nl_json_writer *w, const nl_table *t) {
    nl_json_key(w, "foreign_keys");
    nl_json_open_array(w);
    for (size_t i = 0; i < t->n_foreign; i++) {
        const nl_foreign_key *f = &t->foreign[i];
        if (!nl_foreign_shown(r, f))
            continue;
        nl_json_open_object(w);
        put_member(w, "referred_table", f->referred->reference);
        nl_json_key(w, "constrained_columns");
        put_names(r, w, f->columns, f->n_columns);
        nl_json_key(w, "referred_columns");
        put_names(r, w, f->referred_columns, f->n_columns);
        nl_json_close_object(w);
    }
    nl_json_close_array(w);
}

static void put_extras(nl_render *r, nl_json_writer *w, const nl_table *t) {
    if (t->n_uniques > 0) {
        nl_json_key(w, "unique");
        nl_json_open_array(w);
        for (size_t i = 0; i < t->n_uniques; i++)
            put_key(r, w, t, &t->uniques[i]);
        nl_json_close_array(w);
    }
    if (t->n_checks > 0) {
        nl_json_key(w, "checks");
        nl_json_open_array(w);
        for (size_t i = 0; i < t->n_checks; i++)
            nl_json_str(w, t->checks[i].expression);
        nl_json_close_array(w);
    }
    if (nl_kind_name(t))
        put_member(w, "kind", nl_kind_name(t));
    if (t->rows >= 0 && t->rows < 9e18) {
        nl_json_key(w, "rows");
        nl_json_put_int(w, (int64_t)t->rows);
    }
}

static void put_table(nl_render *r, nl_json_writer *w, const nl_table *t) {
    nl_json_key(w, t->reference);
    nl_json_open_object(w);
    nl_json_key(w, "columns");
    nl_json_open_object(w);
    for (size_t i = 0; i < t->n_columns; i++) {
        if (nl_column_shown(r, t, &t->columns[i]))
            put_column(r, w, &t->columns[i]);
    }
    nl_json_close_object(w);
    nl_json_key(w, "primary_key");
    put_key(r, w, t, t->primary);
    if (r->cut < CUT_EXTRAS)
        put_extras(r, w, t);
    if (r->cut < CUT_COMMENTS && t->comment)
        put_member(w, "comment", t->comment);
    put_foreign(r, w, t);
    nl_json_close_object(w);
}

bool nl_render_json(nl_render *r, nl_err *err) {
    nl_json_writer w;
    nl_json_writer_init(&w, r->out);
    nl_json_open_object(&w);
    nl_json_key(&w, "tables");
    nl_json_open_object(&w);
    for (size_t i = 0; i < r->n; i++)
        put_table(r, &w, r->tables[i]);
    nl_json_close_object(&w);
    nl_json_close_object(&w);
    return nl_json_writer_done(&w, err);
}
