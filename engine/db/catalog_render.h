/* catalog_render.h: the writers behind nl_catalog_render. Only for engine/db/catalog_render*.c. */
#ifndef NL_DB_CATALOG_RENDER_H
#define NL_DB_CATALOG_RENDER_H

#include "db/catalog_priv.h"

/* How much is left out, one step after the other, until the rendering fits. */
typedef enum { CUT_NOTHING, CUT_EXTRAS, CUT_COMMENTS, CUT_COLUMNS, CUT_TABLES } cut_level;

typedef struct {
    const nl_catalog *catalog;
    const nl_table *const *tables;
    size_t n;       /* of them are shown */
    size_t *places; /* of each table of the catalog: its place in `tables` from 1; 0: not there */
    cut_level cut;
    nl_buf *out;
    nl_buf name; /* for nl_shown_name */
} nl_render;

/* May the column be read, and is it one that this cut leaves in? */
bool nl_column_shown(const nl_render *r, const nl_table *t, const nl_column *c);
/* A foreign key is shown where the table that it refers to is. */
bool nl_foreign_shown(const nl_render *r, const nl_foreign_key *f);
/* The name as SQL has to write it. Valid until the next call. */
const char *nl_shown_name(nl_render *r, const char *name);
/* "view", …; NULL for what is a table to whoever asks. */
const char *nl_kind_name(const nl_table *t);

bool nl_render_json(nl_render *r, nl_err *err);
bool nl_render_ddl(nl_render *r, nl_err *err);
bool nl_render_markdown(nl_render *r, nl_err *err);

#endif
