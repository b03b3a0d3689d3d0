/* The schema as JSON, DDL and Markdown, whole and in part, and what is cut when it is too large;
 * names quoted as SQL needs it. The catalog is built from rows. */
#include "db/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/json.h"
#include "db/catalog_priv.h"
#include "test_db.h"

#include "base/banned.h"

static const char *rows[][CATALOG_CELLS] = {
    { "S", "15.6", "150006", "[\"public\"]", "[\"public\",\"Sales\"]", "[\"public\",\"Sales\"]" },
    { "T", "1", "public", "customer", "r", "people\nwho \"buy\"", "60", "vr" },
    { "C", "1", "1", "id", "integer", NULL, "N", "the key\r\n); DROP", NULL, "nis" },
    { "C", "1", "2", "mood", "mood", NULL, "E", NULL, NULL, "s", "7" },
    { "C", "1", "3", "secret", "text", NULL, "S", "not for us", NULL, "" },
    { "C", "1", "4", "since", "day", "date", "D", NULL, NULL, "s" },
    { "L", "7", "[\"glad\",\"it's so-so\"]" },
    { "A", "1", "mood", "0.1", "2", "[\"a common value\"]" },
    { "K", "1", "customer_pkey", "p", "{1}" },
    { "T", "2", "Sales", "Order Lines", "p", NULL, NULL, "r" },
    { "C", "2", "1", "LineId", "integer", NULL, "N", NULL, NULL, "ns" },
    { "C", "2", "2", "customer", "integer", NULL, "N", NULL, NULL, "s" },
    { "C", "2", "3", "say \"when\"", "text", NULL, "S", NULL, NULL, "s" },
    { "C", "2", "4", "amount", "numeric", NULL, "N", "what it came to in the end", NULL, "s" },
    { "K", "2", "pk", "p", "{1,2}" },
    { "K", "2", "once", "u", "{3}" },
    { "K", "2", "above", "c", "{4}", NULL, NULL, NULL, "CHECK ((amount > (0)::numeric))" },
    { "K", "2", "bought", "f", "{2}", NULL, "1", "{1}" },
    { "K", "2", "nowhere", "f", "{2}", NULL, "99", "{1}" },
    { "X", "99", "away", "far", "1", "id" },
    { "T", "3", "public", "seen", "v", NULL, "-1", "vr" },
    { "C", "3", "1", "order", "integer", NULL, "N", NULL, NULL, "s" },
    { "T", "4", "public", "void", "r", NULL, "0", "vr" },
};

static nl_catalog *catalog;
static nl_buf out, cut;

static int setup(void **state) {
    nl_err err = { .msg = "" };
    (void)state;
    nl_buf_init(&out);
    nl_buf_init(&cut);
    catalog = nl_catalog_from_cells(&rows[0][0], sizeof rows / sizeof *rows, &err);
    if (!catalog)
        print_error("%s\n", err.msg);
    return catalog ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    nl_buf_release(&out);
    nl_buf_release(&cut);
    return 0;
}

/* What comes out for these tables (NULL: all); `cut` holds the sentence. */
static const char *render(nl_render_format format, const char *const *names, size_t max_tokens,
                          size_t *tokens) {
    const nl_table *list[8];
    nl_render_options options = { .format = format, .max_tokens = max_tokens };
    nl_err err = { .msg = "" };
    for (size_t i = 0; names && names[i]; i++) {
        list[i] = nl_catalog_find(catalog, "public", names[i]);
        list[i] = list[i] ? list[i] : nl_catalog_find(catalog, "Sales", names[i]);
        assert_non_null(list[i]);
        options.n_tables++;
        options.tables = list;
    }
    nl_buf_clear(&out);
    nl_buf_clear(&cut);
    if (!nl_catalog_render(catalog, &options, &out, &cut, tokens, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(strlen(out.data), out.size);
    return out.data;
}

#define CUSTOMER_JSON                                                                              \
    "\"customer\":{\"columns\":{"                                                                  \
    "\"id\":{\"type\":\"integer\",\"not_null\":true,\"comment\":\"the key\\r\\n); DROP\"},"        \
    "\"mood\":{\"type\":\"mood\",\"labels\":[\"glad\",\"it's so-so\"]},"                           \
    "\"since\":{\"type\":\"day\",\"base_type\":\"date\"}},"                                        \
    "\"primary_key\":[\"id\"],\"rows\":60,\"comment\":\"people\\nwho \\\"buy\\\"\","               \
    "\"foreign_keys\":[]}"

static void writes_json(void **state) {
    static const char *const both[] = { "customer", "Order Lines", NULL };
    (void)state;
    assert_string_equal(
        render(NL_RENDER_JSON, both, 0, NULL),
        "{\"tables\":{" CUSTOMER_JSON ",\"\\\"Sales\\\".\\\"Order Lines\\\"\":{\"columns\":{"
        "\"\\\"LineId\\\"\":{\"type\":\"integer\",\"not_null\":true},"
        "\"customer\":{\"type\":\"integer\"},"
        "\"\\\"say \\\"\\\"when\\\"\\\"\\\"\":{\"type\":\"text\"},"
        "\"amount\":{\"type\":\"numeric\",\"comment\":\"what it came to in the end\"}},"
        "\"primary_key\":[\"\\\"LineId\\\"\",\"customer\"],"
        "\"unique\":[[\"\\\"say \\\"\\\"when\\\"\\\"\\\"\"]],"
        "\"checks\":[\"CHECK ((amount > (0)::numeric))\"],"
        "\"foreign_keys\":[{\"referred_table\":\"customer\","
        "\"constrained_columns\":[\"customer\"],\"referred_columns\":[\"id\"]}]}}}");
    assert_int_equal(cut.size, 0);
}

static void writes_ddl(void **state) {
    (void)state;
    assert_string_equal(render(NL_RENDER_DDL, NULL, 0, NULL),
                        "CREATE TABLE \"Sales\".\"Order Lines\" (\n"
                        "  \"LineId\" integer NOT NULL,\n"
                        "  customer integer,\n"
                        "  \"say \"\"when\"\"\" text,\n"
                        "  amount numeric, -- what it came to in the end\n"
                        "  PRIMARY KEY (\"LineId\", customer),\n"
                        "  UNIQUE (\"say \"\"when\"\"\"),\n"
                        "  FOREIGN KEY (customer) REFERENCES customer (id),\n"
                        "  CHECK ((amount > (0)::numeric))\n"
                        ");\n"
                        "-- people who \"buy\"\n"
                        "CREATE TABLE customer (\n"
                        "  id integer NOT NULL, -- the key  ); DROP\n"
                        "  mood mood, -- one of 'glad', 'it''s so-so'\n"
                        "  since day, -- a domain over date\n"
                        "  PRIMARY KEY (id)\n"
                        ");\n"
                        "CREATE TABLE seen ( -- a view\n"
                        "  \"order\" integer\n"
                        ");\n"
                        "CREATE TABLE void (\n"
                        ");\n");
}

/* Whatever is cut, the commas stay right: the server takes it. */
static void writes_ddl_that_the_server_takes(void **state) {
    static const char *const order[] = { "customer", "Order Lines", "seen", "void", NULL };
    nl_buf sql;
    (void)state;
    nl_buf_init(&sql);
    for (size_t cap = 0; cap < 200; cap += 10) {
        nl_buf_clear(&sql);
        nl_buf_str(&sql, "BEGIN; CREATE SCHEMA \"Sales\"; CREATE TYPE mood AS ENUM ('x'); "
                         "CREATE DOMAIN day AS date;\n");
        nl_buf_str(&sql, render(NL_RENDER_DDL, order, cap, NULL));
        nl_buf_str(&sql, "ROLLBACK");
        test_db_psql(NULL, sql.data);
    }
    nl_buf_release(&sql);
}

static void writes_markdown(void **state) {
    (void)state;
    assert_string_equal(
        render(NL_RENDER_MARKDOWN, NULL, 0, NULL),
        "- **\"Sales\".\"Order Lines\"**: \"LineId\" integer, customer integer, "
        "\"say \"\"when\"\"\" text, amount numeric; primary key (\"LineId\", customer); "
        "(customer) refers to customer (id)\n"
        "- **customer**: id integer, mood mood, since day; primary key (id); people who \"buy\"\n"
        "- **seen** (view): \"order\" integer\n"
        "- **void**:\n");
}

/* A key to a table that is not shown leads a model to tables that it may not use. */
static void leaves_out_keys_to_what_is_not_shown(void **state) {
    static const char *const lines[] = { "Order Lines", "Order Lines", NULL };
    (void)state;
    const char *text = render(NL_RENDER_JSON, lines, 0, NULL);
    assert_non_null(strstr(text, "\"foreign_keys\":[]}}}"));
    const char *first = strstr(text, "Order Lines");
    assert_null(strstr(first + 1, "Order Lines")); /* named twice, shown once */
    assert_null(strstr(render(NL_RENDER_DDL, lines, 0, NULL), "FOREIGN KEY"));
    assert_null(strstr(render(NL_RENDER_MARKDOWN, lines, 0, NULL), "refers"));
}

/* Nobody asked to send rows' values to a model. */
static void never_shows_common_values_or_unreadable_columns(void **state) {
    (void)state;
    for (int format = NL_RENDER_JSON; format <= NL_RENDER_MARKDOWN; format++) {
        const char *text = render((nl_render_format)format, NULL, 0, NULL);
        assert_null(strstr(text, "a common value"));
        assert_null(strstr(text, "secret"));
        assert_null(strstr(text, "not for us"));
    }
}

static const struct {
    size_t max_tokens;
    const char *cut;   /* "": nothing was */
    const char *gone;  /* is not there */
    const char *there; /* is */
} cuts[] = {
    { 10000, "", NULL, "NOT NULL" },
    { 130, "left out: unique and check constraints, NOT NULL, row counts and the like", "NOT NULL",
      "-- people" },
    { 115, "left out: comments, and constraints but for keys", "-- people", "one of 'glad'" },
    { 80, "left out: columns that belong to no key, comments, and constraints but for keys",
      "amount", "FOREIGN KEY" },
    { 40,
      "left out: 3 of 4 tables (from customer on), columns that belong to no key, comments, and "
      "constraints but for keys",
      "customer (id)", "PRIMARY KEY (\"LineId\", customer)" },
    { 1,
      "left out: 3 of 4 tables (from customer on), columns that belong to no key, comments, and "
      "constraints but for keys",
      NULL, "\"Order Lines\"" }, /* one table is always shown */
};

static void cuts_step_by_step(void **state) {
    size_t tokens;
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const char *text = render(NL_RENDER_DDL, NULL, cuts[i].max_tokens, &tokens);
        if (strcmp(cut.data, cuts[i].cut) != 0)
            fail_msg("%zu (%zu used): %s", cuts[i].max_tokens, tokens, cut.data);
        if (cuts[i].gone && strstr(text, cuts[i].gone))
            fail_msg("%zu: %s is still there", cuts[i].max_tokens, cuts[i].gone);
        if (!strstr(text, cuts[i].there))
            fail_msg("%zu: %s is gone", cuts[i].max_tokens, cuts[i].there);
        assert_true(tokens <= cuts[i].max_tokens || cuts[i].max_tokens == 1);
        assert_int_equal(tokens, nl_estimate_tokens(text, strlen(text)));
    }
}

static size_t count_shown(void) {
    size_t n = 0;
    for (const char *p = out.data; (p = strstr(p, "- **")) != NULL; p++)
        n++;
    return n;
}

/* With one token more than its own estimate a rendering of n tables is shown, with one less it is
 * not: the halving finds the edge. */
static void shows_as_many_tables_as_fit(void **state) {
    static const char *const names[] = { "void", "seen", "customer", "Order Lines", NULL };
    size_t tokens, last = 0;
    (void)state;
    for (size_t cap = 1; cap < 60; cap++) {
        render(NL_RENDER_MARKDOWN, names, cap, &tokens);
        size_t n = count_shown();
        assert_true(n >= last);
        assert_true(tokens <= cap || n == 1);
        if (n > last && n > 1)
            assert_int_equal(tokens, cap); /* it came as soon as it could */
        last = n;
    }
    assert_int_equal(last, 4);
}

static void appends_and_leaves_nothing_behind_on_failure(void **state) {
    const nl_render_options options = { .format = NL_RENDER_JSON };
    nl_err err = { .msg = "" };
    nl_buf small;
    (void)state;
    nl_buf_init(&small);
    nl_buf_str(&small, "kept");
    small.limit = 100;
    nl_buf_clear(&cut);
    assert_false(nl_catalog_render(catalog, &options, &small, &cut, NULL, &err));
    assert_int_equal(err.code, NL_NOMEM);
    assert_string_equal(small.data, "kept");
    nl_buf_clear(&small);
    nl_buf_str(&small, "kept ");
    small.limit = 0;
    assert_true(nl_catalog_render(catalog, &options, &small, &cut, NULL, &err));
    assert_int_equal(strncmp(small.data, "kept {\"tables\":", 15), 0);
    nl_json *json = nl_json_read(small.data + 5, small.size - 5, 0, &err);
    assert_non_null(json);
    nl_json_free(json);
    nl_buf_release(&small);
}

static void estimates_tokens(void **state) {
    (void)state;
    assert_int_equal(nl_estimate_tokens("", 0), 1);
    assert_int_equal(nl_estimate_tokens("abcdefgh", 8), 3);
    assert_true(nl_estimate_tokens("{\"a\":[]}", 8) > nl_estimate_tokens("abcdefgh", 8));
    assert_true(nl_estimate_tokens("日本語の列", 15) > nl_estimate_tokens("fifteen letters", 15));
}

/* --- identifiers ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *quoted;
} identifiers[] = {
    { "orders", "orders" },
    { "_a1", "_a1" },
    { "Orders", "\"Orders\"" },
    { "order", "\"order\"" },             /* reserved */
    { "left", "\"left\"" },               /* free as a function's name only */
    { "values", "\"values\"" },           /* free as a column's name only */
    { "json_table", "\"json_table\"" },   /* since version 17 */
    { "system_user", "\"system_user\"" }, /* since version 16 */
    { "name", "name" },                   /* a keyword that is free */
    { "1st", "\"1st\"" },
    { "", "\"\"" },
    { "a b", "\"a b\"" },
    { "a\"b", "\"a\"\"b\"" },
    { "naïve", "\"naïve\"" },
    { "a$b", "\"a$b\"" },
};

static void quotes_identifiers(void **state) {
    nl_buf text;
    (void)state;
    nl_buf_init(&text);
    for (size_t i = 0; i < sizeof identifiers / sizeof *identifiers; i++) {
        nl_buf_clear(&text);
        assert_true(nl_quote_ident(&text, identifiers[i].name));
        assert_string_equal(text.data, identifiers[i].quoted);
    }
    nl_buf_release(&text);
}

/* Every keyword of the server at hand, as its own quote_ident has it. */
static void quotes_as_the_server_does(void **state) {
    nl_buf words, text;
    size_t n = 0;
    (void)state;
    nl_buf_init(&words);
    nl_buf_init(&text);
    nl_buf_str(&words, test_db_psql(NULL, "SELECT word || ' ' || quote_ident(word) "
                                          "FROM pg_get_keywords()"));
    for (char *line = words.data, *next; line && *line; line = next, n++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *quoted = strchr(line, ' ');
        assert_non_null(quoted);
        *quoted++ = '\0';
        nl_buf_clear(&text);
        nl_quote_ident(&text, line);
        /* words that only later versions keep to themselves are quoted already */
        if (strcmp(text.data, quoted) != 0 && quoted[0] == '"')
            fail_msg("%s should be %s", text.data, quoted);
    }
    assert_true(n > 400);
    nl_buf_release(&words);
    nl_buf_release(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_json),
        cmocka_unit_test(writes_ddl),
        cmocka_unit_test(writes_ddl_that_the_server_takes),
        cmocka_unit_test(writes_markdown),
        cmocka_unit_test(leaves_out_keys_to_what_is_not_shown),
        cmocka_unit_test(never_shows_common_values_or_unreadable_columns),
        cmocka_unit_test(cuts_step_by_step),
        cmocka_unit_test(shows_as_many_tables_as_fit),
        cmocka_unit_test(appends_and_leaves_nothing_behind_on_failure),
        cmocka_unit_test(estimates_tokens),
        cmocka_unit_test(quotes_identifiers),
        cmocka_unit_test(quotes_as_the_server_does),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
