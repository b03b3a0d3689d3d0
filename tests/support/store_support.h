/* store_support.h: what the tests of the store share: a folder, a loop that runs until something
 * has happened, and a look at the database from outside. Failures end the test. */
#ifndef NL_TEST_STORE_SUPPORT_H
#define NL_TEST_STORE_SUPPORT_H

#include "io/store.h"

/* A new folder below /tmp (or `base`); static until the next call. */
const char *store_dir(const char *base);
void store_remove(const char *dir); /* with all that is in it */

/* "DIR/NAME", of the four last calls. */
const char *store_path(const char *dir, const char *name);

/* Opens DIR/nlsql.db, or fails the test. */
nl_store *store_open(nl_loop *loop, const char *dir);
/* Opens the run of phase "joins" with the dataset DIR/dataset.jsonl. `info` may be NULL. */
nl_store_run *store_run(nl_store *store, const char *dir, bool fresh, nl_store_run_info *info);

/* Runs the loop until all that was submitted is durable; *err as reported. */
bool store_flush(nl_loop *loop, nl_store *store, nl_err *err);

/* Runs the loop until a reservation is answered; 0 with *err where it was refused. */
int64_t store_reserve(nl_loop *loop, nl_store *store, int64_t amount, nl_err *err);

/* One turn of `item` that accepts `n` entries numbered from `first`; durable later. */
bool store_put_turn(nl_store_run *run, const char *item, uint32_t turn, unsigned first, unsigned n,
                    nl_store_done done, void *ctx, nl_err *err);
/* The line of entry `i`, without newline; static. */
const char *store_line(unsigned i);

/* A call with reply `reply` (NULL: it failed). */
bool store_put_call(nl_store_run *run, const char *request, uint32_t sample, const char *reply,
                    int64_t reservation, int64_t cost);
/* The recorded reply, or NULL; malloced. */
char *store_recall(nl_store_run *run, const char *request, uint32_t sample);

/* … must be this; NULL: none. */
void store_assert_recall(nl_store_run *run, const char *request, uint32_t sample,
                         const char *expected);

/* The file must be there, with this in it. */
void store_assert_file(const char *path, const char *expected);
/* The lines of entries 1 to n; static. */
const char *store_lines_to(unsigned n);

/* Runs SQL through a connection of its own. */
void store_sql(const char *dir, const char *sql);
/* The same in two steps: until the second the store waits with what it writes. */
struct sqlite3 *store_sql_begin(const char *dir, const char *sql);
void store_sql_commit(struct sqlite3 *db);
/* The first column of the first row, read through a connection of its own. */
int64_t store_number(const char *dir, const char *sql);
void store_text(const char *dir, const char *sql, char *text, size_t room);

/* A whole file; malloced; NULL where there is none. */
char *store_file(const char *path);
void store_write(const char *path, const char *text);

#endif
