/* ask.c: what another program does with nlsql: opens an engine, runs a phase, asks a question,
 * reads the answer. The database is $DATABASE_URL, the model that of $OPENAI_BASE_URL and
 * $OPENAI_API_KEY.
 *
 *     cc ask.c -o ask $(pkg-config --cflags --libs nlsql)
 *     ./ask "How many customers are there?"              answers it
 *     ./ask "How many customers are there?" phases/joins.lua '{"count": 2}'
 *                                                        makes a dataset before */
#include <nlsql.h>
#include <stdio.h>

static void print_answer(const nlsql_result *answer) {
    const char *sql = nlsql_result_sql(answer);
    printf("%s\n", sql ? sql : "(no query)");
    if (!nlsql_result_ok(answer))
        printf("%s: %s\n", nlsql_result_gate(answer) ? nlsql_result_gate(answer) : "failed",
               nlsql_result_reason(answer));
    for (size_t column = 0; column < nlsql_result_n_columns(answer); column++)
        printf("%s%s", column ? "\t" : "", nlsql_result_column(answer, column));
    printf("\n");
    for (size_t row = 0; row < nlsql_result_n_rows(answer); row++) {
        for (size_t column = 0; column < nlsql_result_n_columns(answer); column++) {
            const char *cell = nlsql_result_cell(answer, row, column);
            printf("%s%s", column ? "\t" : "", cell ? cell : "NULL");
        }
        printf("\n");
    }
}

int main(int argc, char **argv) {
    char error[512];
    nlsql_options options = { 0 }; /* all from the environment */
    int code = NLSQL_DONE;
    if (argc < 2) {
        fprintf(stderr, "usage: %s QUESTION [PHASE [OPTIONS]]\n", argv[0]);
        return NLSQL_USAGE;
    }
    nlsql *engine = nlsql_open(&options, error, sizeof error);
    if (!engine) {
        fprintf(stderr, "%s\n", error);
        return NLSQL_RUN_ERROR;
    }
    if (argc > 2)
        code = nlsql_run(engine, argv[2], argc > 3 ? argv[3] : NULL);
    if (code == NLSQL_DONE) {
        nlsql_result *answer = nlsql_ask(engine, argv[1], NULL);
        code = nlsql_result_code(answer);
        print_answer(answer);
        nlsql_result_free(answer);
    }
    nlsql_close(engine);
    return code;
}
