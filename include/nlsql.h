/* nlsql.h: the engine, for other programs.
 *
 *     nlsql_options options = { .database_url = url, .api_key = key };
 *     nlsql *engine = nlsql_open(&options, error, sizeof error);
 *     int code = nlsql_run(engine, "phases/joins.lua", "{\"count\": 10}");
 *     nlsql_result *answer = nlsql_ask(engine, "How many customers are there?", NULL);
 *     if (nlsql_result_ok(answer))
 *         puts(nlsql_result_sql(answer));
 *     nlsql_result_free(answer);
 *     nlsql_close(engine);
 *
 * One engine at a time in a process; all calls from one thread; nlsql_run and nlsql_ask block.
 * Progress and complaints go to standard error, a run's report to standard output, as with the
 * program; nlsql_ask prints no answer. A run keeps its log in the project folder's logs/.
 *
 * tests/example/ask.c is a whole program. */
#ifndef NLSQL_H
#define NLSQL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nlsql nlsql;

typedef struct {
    const char *database_url; /* a libpq URI; NULL: $DATABASE_URL */
    const char *api_key;      /* NULL: $OPENAI_API_KEY */
    const char
        *project_dir; /* whose phases/, prompts/, scripts/, config.yaml come first; NULL: "." */
    const char *share_dir; /* the shipped ones; NULL: found beside the running program */
} nlsql_options;

/* The exit codes of the program, and what nlsql_run returns. */
enum {
    NLSQL_DONE = 0,
    NLSQL_RUN_ERROR = 1,
    NLSQL_USAGE = 2,
    NLSQL_CONFIG = 3,
    NLSQL_DATABASE = 4,
    NLSQL_MODEL = 5,
    NLSQL_BUDGET = 6,
    NLSQL_TOO_FEW = 7,
    NLSQL_INTERRUPTED = 130
};

/* NULL with a sentence in `error` (cut to `room` bytes). The strings are copied. The environment is
 * looked at, and not changed: a file .env is for the program nlsql alone. */
nlsql *nlsql_open(const nlsql_options *options, char *error, size_t room);

/* Runs one phase: a path ("phases/joins.lua") or a name ("joins"); NULL: every phase of
 * config.yaml. `options_json`: an object of the phase's options, which win over the
 * configuration; NULL: none. It may hold settings of config.yaml too ("provider": "offline"), and
 * "demo": true, for the demo database in place of the one that was given. What was not given is
 * stood in for as with the program: neither a database nor a model, and the demo database and the
 * offline grammar serve; one of them, and the run is refused with a sentence. The demo database is
 * a PostgreSQL server that lives until nlsql_close, and ends with the thread that called this.
 * Returns one of the codes above. */
int nlsql_run(nlsql *engine, const char *phase, const char *options_json);

/* The answer to one question: a query, what the gates said of it, and its rows. */
typedef struct nlsql_result nlsql_result;

/* Asks the model for a query that answers `question`, puts it through the gates, has it repaired
 * where it fails one, and fetches its rows (as many as the configuration's gates allow). Database,
 * model and `options_json` as with nlsql_run; the offline grammar reads no questions, so there must
 * be a model. The same question about the same schema is answered from the store, and costs
 * nothing. NULL only where memory ran out. Free it with nlsql_result_free; it outlives the engine.
 */
nlsql_result *nlsql_ask(nlsql *engine, const char *question, const char *options_json);
void nlsql_result_free(nlsql_result *result); /* NULL is fine */

/* In all that follows a result of NULL is one without an answer, for want of memory. What is
 * returned lives as long as the result. */

/* NLSQL_DONE where the query passed every gate, NLSQL_TOO_FEW where it did not, otherwise why there
 * is no query. */
int nlsql_result_code(const nlsql_result *result);
int nlsql_result_ok(const nlsql_result *result); /* 1 where the code is NLSQL_DONE, else 0 */

/* The query, also where it fell; NULL where there is none. */
const char *nlsql_result_sql(const nlsql_result *result);
/* The gate where the query fell ("parse", "safe", "grounded", "explain", "execute", …); NULL where
 * it passed, or there is none. */
const char *nlsql_result_gate(const nlsql_result *result);
/* Why there is no query, or why it fell, in a sentence; NULL where it passed. */
const char *nlsql_result_reason(const nlsql_result *result);

/* The rows of a query that passed, as UTF-8 text as PostgreSQL writes it. */
size_t nlsql_result_n_columns(const nlsql_result *result);
size_t nlsql_result_n_rows(const nlsql_result *result);
int nlsql_result_has_more(const nlsql_result *result); /* 1 where further rows were not fetched */
/* From 0; NULL behind the last. */
const char *nlsql_result_column(const nlsql_result *result, size_t column);
/* NULL for SQL's NULL, and where there is no such cell. */
const char *nlsql_result_cell(const nlsql_result *result, size_t row, size_t column);

/* What was spent on it, in US dollars; 0 where the model has no price. */
double nlsql_result_cost(const nlsql_result *result);

/* All that is known of it as one JSON object, with what each gate said: see nlsql.Answer in
 * scripts/nlsql/ask.lua. NULL where there is no answer. */
const char *nlsql_result_json(const nlsql_result *result);

/* Asks a running nlsql_run or nlsql_ask to stop: the first call lets what is in flight finish, the
 * second ends at once; what was committed is kept either way. The only call allowed from a signal
 * handler. */
void nlsql_stop(nlsql *engine);

void nlsql_close(nlsql *engine); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
