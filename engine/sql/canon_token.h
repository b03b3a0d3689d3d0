/* canon_token.h: the tokens that canon.c writes a tree as, and what makes two spellings one.
 * Only for canon*.c. */
#ifndef NL_SQL_CANON_TOKEN_H
#define NL_SQL_CANON_TOKEN_H

#include "data/dedup.h"
#include "sql/scope.h"
#include "sql/tree.h"

typedef struct {
    const nl_sql *sql;
    const nl_scopes *scopes;
    nl_pool pool;         /* for the lists that are sorted */
    nl_buf exact, masked; /* the tokens for either key */
    bool names_matter;  /* output names decide what the query means: NATURAL JOIN, row_to_json(q) */
    bool keep_literals; /* inside a type's modifiers */
} nl_canon;

/* Keys of parts whose order does not count. */
typedef struct {
    nl_key *exact, *masked;
    size_t n, room, masked_room;
} nl_canon_keys;

void nl_canon_put(nl_canon *c, const char *bytes, size_t size);
void nl_canon_tag(nl_canon *c, char tag);
void nl_canon_text(nl_canon *c, const char *text); /* with its NUL: it does not run on; NULL: "" */
void nl_canon_number(nl_canon *c, size_t number);
/* Takes what was written since the marks off the buffers and keeps its keys. */
void nl_canon_take(nl_canon *c, nl_canon_keys *list, size_t exact_mark, size_t masked_mark);
/* Writes the kept keys in order. `once`: masked keys that are equal count once. */
void nl_canon_sorted(nl_canon *c, nl_canon_keys *list, bool once);
void nl_canon_const(nl_canon *c, const nl_json_node *body);
/* A function's, operator's or type's name, less pg_catalog. */
void nl_canon_name(nl_canon *c, const nl_json_node *names);

#endif
