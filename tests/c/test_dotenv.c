/* .env: what is read of it, what is left to the environment, what is said, and that no value is
 * said. */
#include "cli/dotenv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#include "base/banned.h"

static char folder[64], file[80], log_file[80];

static const char *const names[] = {
    "DATABASE_URL",        "OPENAI_API_KEY", "OPENAI_BASE_URL",      "OPENAI_BUDGET_USD",
    "OPENAI_MAX_PARALLEL", "DG_PARALLELISM", "DB_COCURRENT_SESSION", "MAX_DB_CONCURRENT_LIMIT_ALL",
};

static int setup(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_dotenv.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(file, sizeof file, "%s/.env", folder);
    (void)snprintf(log_file, sizeof log_file, "%s/log", folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unsetenv(names[i]);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    (void)nl_log_file(NULL);
    (void)unlink(file);
    (void)unlink(log_file);
    (void)rmdir(file);
    return rmdir(folder);
}

static void write_file(const char *text, size_t size, mode_t mode) {
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, mode), 0);
}

/* Loads the file; what was said goes to *said. */
static nl_dotenv load(char *said, size_t room) {
    nl_dotenv found;
    assert_true(nl_log_file(log_file));
    nl_dotenv_load(file, &found);
    (void)nl_log_file(NULL);
    FILE *f = fopen(log_file, "rb");
    size_t n = f ? fread(said, 1, room - 1, f) : 0;
    said[n] = '\0';
    if (f)
        (void)fclose(f);
    (void)unlink(log_file);
    return found;
}

static const struct {
    const char *text;
    const char *value; /* of OPENAI_API_KEY; NULL: not set */
    size_t line;       /* where it stands */
    const char *said;  /* NULL: nothing */
} cases[] = {
    { "OPENAI_API_KEY=sk-1", "sk-1", 1, NULL },
    { "OPENAI_API_KEY=sk-1\r\n", "sk-1", 1, NULL },
    { "\xEF\xBB\xBFOPENAI_API_KEY=sk-1\n", "sk-1", 1, NULL },
    { "\n# a comment\n  export\tOPENAI_API_KEY = sk-1  # mine\n", "sk-1", 3, NULL },
    { "OPENAI_API_KEY=sk#1 \n", "sk#1", 1, NULL },
    { "OPENAI_API_KEY=$HOME/`id`\n", "$HOME/`id`", 1, NULL }, /* nothing is expanded */
    { "OPENAI_API_KEY='sk #\\n\"1' # x", "sk #\\n\"1", 1, NULL },
    { "OPENAI_API_KEY=\"a\\\"b\\\\c\\n\\$d\\e #\"", "a\"b\\c\n$d\\e #", 1, NULL },
    { "OPENAI_API_KEY=first\nOPENAI_API_KEY=last\n", "last", 2, NULL },
    { "OPENAI_API_KEY=\nOPENAI_API_KEY=''\nOPENAI_API_KEY= # none\n", NULL, 0, NULL },
    { "openai_api_key_of_others=1\nPATH=/evil\nLD_PRELOAD=x\nNLSQL_SHARE=/evil\nA.B-C=1\n", NULL, 0,
      NULL }, /* shared with other programs */
    { "", NULL, 0, NULL },

    { "OPENAI_API_KEY='sk-secret", NULL, 0, ":1: OPENAI_API_KEY: the quote is not closed" },
    { "OPENAI_API_KEY=\"sk-secret\\\"", NULL, 0, ":1: OPENAI_API_KEY: the quote is not closed" },
    { "OPENAI_API_KEY='sk-secret'2", NULL, 0,
      ":1: OPENAI_API_KEY: there is text behind the closing" },
    { "\nOPENAI_API_KEY sk-secret\n", NULL, 0, ":2: expected NAME=VALUE" },
    { "=sk-secret\n", NULL, 0, ":1: expected NAME=VALUE" },
    { "export =sk-secret\n", NULL, 0, ":1: expected NAME=VALUE" },
    { "OPENAI_APIKEY=sk-secret\n", NULL, 0, "(did you mean OPENAI_API_KEY?)" },
    { "DATABASE_URI=sk-secret\n", NULL, 0, "(did you mean DATABASE_URL?)" },
};

static void reads_lines(void **state) {
    char said[2000];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(cases[i].text, strlen(cases[i].text), 0600);
        nl_dotenv found = load(said, sizeof said);
        const char *value = getenv("OPENAI_API_KEY");
        if (cases[i].value) {
            assert_non_null(value);
            assert_string_equal(value, cases[i].value);
            assert_int_equal(found.n, 1);
            assert_string_equal(found.taken[0].name, "OPENAI_API_KEY");
            assert_int_equal(found.taken[0].line, cases[i].line);
        } else {
            assert_null(value);
            assert_int_equal(found.n, 0);
        }
        if (cases[i].said && !strstr(said, cases[i].said))
            fail_msg("case %zu: %s", i, said);
        if (!cases[i].said)
            assert_string_equal(said, "");
        assert_null(strstr(said, "secret"));
        (void)unsetenv("OPENAI_API_KEY");
    }
    assert_string_not_equal(getenv("PATH"), "/evil");
    assert_null(getenv("LD_PRELOAD"));
    assert_null(getenv("NLSQL_SHARE"));
}

static void takes_every_variable_of_ours(void **state) {
    char text[600] = "", said[200];
    nl_buf json;
    nl_err err;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s=%zu\n", names[i], i);
    }
    write_file(text, strlen(text), 0600);
    nl_dotenv found = load(said, sizeof said);
    assert_string_equal(said, "");
    assert_int_equal(found.n, NL_DOTENV_MOST);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(strtol(getenv(names[i]), NULL, 10), i);
        (void)unsetenv(names[i]);
    }
    nl_buf_init(&json);
    assert_true(nl_buf_printf(&json, "{\"command\":\"run\"}"));
    found.n = 2;
    assert_true(nl_dotenv_report(&found, ".env", &json, &err));
    assert_string_equal(json.data, "{\"command\":\"run\",\"dotenv\":{\"DATABASE_URL\":\".env:1\","
                                   "\"OPENAI_API_KEY\":\".env:2\"}}");
    nl_buf_release(&json);
}

static void leaves_the_environment_its_say(void **state) {
    static const char text[] = "OPENAI_API_KEY=file\nDG_PARALLELISM=3\nDATABASE_URL=file\n";
    char said[200];
    (void)state;
    (void)setenv("OPENAI_API_KEY", "mine", 1);
    (void)setenv("DATABASE_URL", "", 1); /* empty is said too: none */
    write_file(text, sizeof text - 1, 0600);
    nl_dotenv found = load(said, sizeof said);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.taken[0].name, "DG_PARALLELISM");
    assert_string_equal(getenv("OPENAI_API_KEY"), "mine");
    assert_string_equal(getenv("DATABASE_URL"), "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unsetenv(names[i]);
}

static void warns_of_what_others_can_read(void **state) {
    static const struct {
        const char *text;
        mode_t mode;
        bool warned;
    } modes[] = {
        { "OPENAI_API_KEY=x\n", 0600, false }, { "OPENAI_API_KEY=x\n", 0400, false },
        { "OPENAI_API_KEY=x\n", 0640, true },  { "OPENAI_API_KEY=x\n", 0604, true },
        { "OPENAI_API_KEY=x\n", 0620, true },  { "OTHER=x\n", 0644, false }, /* not ours to say */
    };
    char said[400];
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file(modes[i].text, strlen(modes[i].text), modes[i].mode);
        load(said, sizeof said);
        assert_int_equal(strstr(said, "can be read or changed by others") != NULL, modes[i].warned);
        (void)unsetenv("OPENAI_API_KEY");
        (void)unlink(file);
    }
}

static void takes_nothing_of_what_is_no_such_file(void **state) {
    static const char nul[] = "OPENAI_API_KEY=a\0b\n";
    char said[400];
    (void)state;
    load(said, sizeof said); /* there is none */
    assert_string_equal(said, "");
    assert_int_equal(mkdir(file, 0700), 0);
    load(said, sizeof said);
    assert_non_null(strstr(said, "is not a file"));
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0); /* would be waited for */
    load(said, sizeof said);
    assert_non_null(strstr(said, "is not a file"));
    assert_int_equal(unlink(file), 0);
    write_file(nul, sizeof nul - 1, 0600);
    load(said, sizeof said);
    assert_non_null(strstr(said, "NUL byte"));
    char *large = calloc(1, 200000);
    assert_non_null(large);
    memset(large, '\n', 199999);
    write_file(large, 199999, 0600);
    free(large);
    load(said, sizeof said);
    assert_non_null(strstr(said, "is larger than"));
    assert_null(getenv("OPENAI_API_KEY"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_every_variable_of_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_the_environment_its_say, setup, teardown),
        cmocka_unit_test_setup_teardown(warns_of_what_others_can_read, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_nothing_of_what_is_no_such_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
