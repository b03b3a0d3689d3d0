/* pg_fixture.h: where the tests of the pool work: a server of their own that takes few connections,
 * wants passwords over TCP and speaks TLS; and operations that are not waited for one by one. */
#ifndef NL_TEST_PG_FIXTURE_H
#define NL_TEST_PG_FIXTURE_H

#include "io/pg.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* Hours of work in little memory. */
#define LONG_QUERY "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c"

extern char pg_folder[64];      /* files of this test */
extern char pg_strict_url[512]; /* of that server, as superuser, on its socket */
extern unsigned pg_strict_port; /* its port on 127.0.0.1 */

/* For cmocka_run_group_tests. */
int pg_set_up(void **state);
int pg_tear_down(void **state);

void pg_nap(long ms);
unsigned pg_free_port(void); /* of 127.0.0.1 */
/* Writes FOLDER/NAME for everybody to read, and its path to `path`. */
void pg_write_file(const char *name, const char *text, char *path, size_t room);

/* Operations that end in one place. */
struct many {
    size_t wanted, ended, ok;
    nl_code code; /* of the last that failed */
    char msg[512];
    bool all;
    nl_pg *to_free; /* by the first callback */
};

nl_pg_op *pg_ask(nl_pg *pg, const char *sql, struct many *many);
/* LONG_QUERY, with a mark for pg_comes_to. Not as a probe: the server shows a cursor's FETCH in
 * place of the text. */
nl_pg_op *pg_ask_long(nl_pg *pg, const char *mark, struct many *many);
/* How many queries that hold `what` run at the server. */
unsigned pg_running(const char *url, const char *what);
/* Waits, at most some seconds, until there are `n`. */
bool pg_comes_to(const char *url, const char *what, unsigned n);

#endif
