/* Which tables a catalog holds where patterns choose, what is said of a pattern that chooses
 * nothing, and foreign keys written by hand. The catalogs are built from rows. */
#include "db/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/catalog_priv.h"
#include "test_memory.h"

#include "base/banned.h"

static const char *rows[][CATALOG_CELLS] = {
    { "S", "15.6", "150006", "[\"public\"]", "[\"public\",\"Sales\"]", "[\"public\",\"Sales\"]" },
    { "T", "1", "public", "customer", "r", NULL, "60", "vr" },
    { "C", "1", "1", "id", "integer", NULL, "N", NULL, NULL, "ns" },
    { "C", "1", "2", "code", "text", NULL, "S", NULL, NULL, "s" },
    { "C", "1", "3", "secret", "text", NULL, "S", NULL, NULL, "" },
    { "K", "1", "customer_pkey", "p", "{1}" },
    { "T", "2", "public", "orders", "r", NULL, "60", "vr" },
    { "C", "2", "1", "id", "integer", NULL, "N", NULL, NULL, "ns" },
    { "C", "2", "2", "customer_id", "integer", NULL, "N", NULL, NULL, "ns" },
    { "K", "2", "bought_by", "f", "{2}", NULL, "1", "{1}" },
    { "T", "3", "public", "order_log", "r", NULL, "60", "vr" },
    { "C", "3", "1", "customer", "integer", NULL, "N", NULL, NULL, "ns" },
    { "C", "3", "2", "code", "text", NULL, "S", NULL, NULL, "s" },
    { "T", "4", "Sales", "Order Lines", "r", NULL, "60", "r" },
    { "C", "4", "1", "LineId", "integer", NULL, "N", NULL, NULL, "ns" },
    { "T", "5", "Sales", "größe", "r", NULL, "60", "r" },
    { "T", "6", "Sales", "a.b", "r", NULL, "60", "r" },
    { "T", "7", "Sales", "kept away", "r", NULL, "60", "" },
};

static nl_catalog *build(const char *const *include, const char *const *exclude, nl_err *err) {
    nl_pg_rows cells = { .columns = CATALOG_CELLS,
                         .rows = sizeof rows / sizeof *rows,
                         .cells = (const char **)&rows[0][0] };
    catalog_choice choice = { 0 };
    nl_catalog *catalog = nl_catalog_choice_read(&choice, include, exclude, err)
                              ? nl_catalog_from_rows(&cells, &choice, err)
                              : NULL;
    nl_catalog_choice_release(&choice);
    return catalog;
}

/* --- choosing -------------------------------------------------------------------------------- */

#define ALL                                                                                        \
    "\"Sales\".\"Order Lines\" \"Sales\".\"a.b\" \"Sales\".\"größe\" customer order_log orders"

static const struct {
    const char *include[4], *exclude[4];
    const char *left; /* the tables, or what the complaint begins with */
} choices[] = {
    { { NULL }, { NULL }, ALL },
    { { "*" }, { NULL }, ALL },
    { { "*.*" }, { NULL }, ALL },
    { { "customer" }, { NULL }, "customer" },
    { { "CUSTOMER" }, { NULL }, "customer" }, /* as SQL folds it */
    { { "order*" }, { NULL }, "\"Sales\".\"Order Lines\" order_log orders" },
    { { "\"Order\"*" }, { NULL }, "\"Sales\".\"Order Lines\"" }, /* quoted: this case only */
    { { "Sales.*" }, { NULL }, "\"Sales\".\"Order Lines\" \"Sales\".\"a.b\" \"Sales\".\"größe\"" },
    { { "public.o*s" }, { NULL }, "orders" },
    { { "order?" }, { NULL }, "orders" },
    { { "gr??e" }, { NULL }, "\"Sales\".\"größe\"" }, /* one character, two bytes */
    { { "*o*r*s" }, { NULL }, "\"Sales\".\"Order Lines\" orders" },
    { { "Sales.\"a.b\"" }, { NULL }, "\"Sales\".\"a.b\"" },
    { { "customer", "orders" }, { NULL }, "customer orders" },
    { { NULL }, { "Sales.*" }, "customer order_log orders" },
    { { "order*" }, { "*log", "*lines" }, "orders" },
    { { "*" }, { "*" }, "" },
    { { "kept away" }, { NULL }, "" }, /* it is there, though we may not read it */

    { { "oders" }, { NULL }, "include[1]: no table matches \"oders\" (did you mean orders?)" },
    { { "customer", "oder*log" },
      { NULL },
      "include[2]: no table matches \"oder*log\" (did you mean order_log?)" },
    { { NULL }, { "zzz*" }, "exclude[1]: no table matches \"zzz*\"" },
    { { "\"ORDERS\"" },
      { NULL },
      "include[1]: no table matches \"\"ORDERS\"\" (did you mean orders?)" },
    { { "public.a.b" }, { NULL }, "include[1]: the pattern \"public.a.b\" has more than one dot" },
    { { "\"orders" }, { NULL }, "include[1]: the pattern \"\"orders\" has a quote that is not" },
    { { "" }, { NULL }, "include[1]: the pattern \"\" names no table" },
    { { "public." }, { NULL }, "include[1]: the pattern \"public.\" names no table" },
    { { ".orders" }, { NULL }, "include[1]: the pattern \".orders\" names no schema" },
};

static void chooses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        nl_err err = { .code = NL_OK };
        char left[600] = "";
        size_t n = 0;
        nl_catalog *catalog = build(choices[i].include, choices[i].exclude, &err);
        const nl_table *tables = catalog ? nl_catalog_tables(catalog, &n) : NULL;
        for (size_t t = 0; t < n; t++) {
            size_t used = strlen(left);
            (void)snprintf(left + used, sizeof left - used, "%s%s", used ? " " : "",
                           tables[t].reference);
        }
        if (catalog) {
            assert_string_equal(left, choices[i].left);
        } else {
            assert_int_equal(err.code, NL_CONFIG);
            if (strncmp(err.msg, choices[i].left, strlen(choices[i].left)) != 0)
                fail_msg("case %zu: %s", i, err.msg);
        }
        nl_catalog_free(catalog);
    }
}

static void refuses_what_no_name_can_be(void **state) {
    char text[400];
    const char *include[] = { text, NULL };
    nl_err err;
    (void)state;
    for (size_t size = 120; size < sizeof text; size++) { /* at every length that a buffer has */
        memset(text, 'x', size);
        text[size] = '\0';
        assert_null(build(include, NULL, &err));
        assert_non_null(
            strstr(err.msg, size > CATALOG_GLOB ? "longer than a name" : "no table matches"));
    }
}

/* A table that is left out is nowhere: no key leads to it, no list tells of it. */
static void leaves_no_trace(void **state) {
    static const char *const exclude[] = { "customer", "kept*", NULL };
    nl_err err;
    (void)state;
    nl_catalog *catalog = build(NULL, exclude, &err);
    assert_non_null(catalog);
    assert_null(nl_catalog_find(catalog, "public", "customer"));
    assert_int_equal(nl_catalog_find(catalog, "public", "orders")->n_foreign, 0);
    assert_null(nl_catalog_denied(catalog)[0]);
    nl_catalog_free(catalog);
    catalog = build(NULL, NULL, &err);
    assert_int_equal(nl_catalog_find(catalog, "public", "orders")->n_foreign, 1);
    assert_string_equal(nl_catalog_denied(catalog)[0], "\"Sales\".\"kept away\"");
    nl_catalog_free(catalog);
}

/* --- keys by hand ---------------------------------------------------------------------------- */

static const struct {
    const char *from, *columns[2], *to, *referred[2];
    size_t n;
    bool good, fresh;
} relations[] = {
    { "order_log", { "customer" }, "customer", { "id" }, 1, true, true },
    { "order_log", { "customer" }, "customer", { "id" }, 1, true, false }, /* once is enough */
    { "order_log", { "customer", "code" }, "customer", { "id", "code" }, 2, true, true },
    { "orders", { "customer_id" }, "customer", { "id" }, 1, true, false }, /* declared already */
    { "orders", { "id" }, "orders", { "customer_id" }, 1, true, true },    /* to itself */
    { "orders", { "custmer_id" }, "customer", { "id" }, 1, false, false },
    { "orders", { "id" }, "customer", { "secret" }, 1, false, false }, /* not ours to read */
};

static void relates(void **state) {
    nl_err err = { .code = NL_OK };
    nl_buf out, cut;
    (void)state;
    nl_catalog *catalog = build(NULL, NULL, &err);
    assert_non_null(catalog);
    for (size_t i = 0; i < sizeof relations / sizeof *relations; i++) {
        bool fresh = false;
        bool good = nl_catalog_relate(
            catalog, nl_catalog_find(catalog, "public", relations[i].from), relations[i].columns,
            nl_catalog_find(catalog, "public", relations[i].to), relations[i].referred,
            relations[i].n, &fresh, &err);
        assert_int_equal(good, relations[i].good);
        assert_int_equal(fresh, relations[i].fresh);
    }
    assert_non_null(strstr(err.msg, "customer has no column \"secret\" that can be read"));
    const nl_table *log = nl_catalog_find(catalog, "public", "order_log");
    const nl_table *orders = nl_catalog_find(catalog, "public", "orders");
    assert_int_equal(log->n_foreign, 2);
    assert_true(log->foreign[0].by_hand);
    assert_ptr_equal(log->foreign[0].referred, nl_catalog_find(catalog, "public", "customer"));
    assert_int_equal(log->foreign[1].n_columns, 2);
    assert_string_equal(log->foreign[1].referred_columns[1], "code");
    assert_int_equal(orders->n_foreign, 2);
    assert_false(orders->foreign[0].by_hand); /* the declared one stays, and comes first */
    assert_true(orders->foreign[1].by_hand);

    nl_buf_init(&out);
    nl_buf_init(&cut);
    const nl_render_options ddl = { .format = NL_RENDER_DDL };
    assert_true(nl_catalog_render(catalog, &ddl, &out, &cut, NULL, &err));
    assert_non_null(
        strstr(out.data, "FOREIGN KEY (customer, code) REFERENCES customer (id, code)"));
    nl_buf_release(&out);
    nl_buf_release(&cut);
    nl_catalog_free(catalog);
}

static void survives_want_of_memory(void **state) {
    static const char *const include[] = { "order*", "customer", NULL };
    static const char *const idle[] = { "orders", "nothing*", NULL };
    static const char *const columns[] = { "customer" }, *const referred[] = { "id" };
    (void)state;
    for (long after = 0;; after++) {
        nl_err err = { .code = NL_OK };
        bool fresh = false, related = false;
        test_memory_fail(after);
        nl_catalog *catalog = build(include, NULL, &err);
        if (catalog)
            related = nl_catalog_relate(catalog, nl_catalog_find(catalog, "public", "order_log"),
                                        columns, nl_catalog_find(catalog, "public", "customer"),
                                        referred, 1, &fresh, &err);
        nl_catalog_free(catalog);
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        assert_true(related || err.code == NL_NOMEM);
        if (!failed)
            break;
    }
    for (long after = 0;; after++) { /* on the way to a complaint */
        nl_err err = { .code = NL_OK };
        test_memory_fail(after);
        assert_null(build(idle, NULL, &err));
        bool failed = test_memory_failed();
        test_memory_fail(-1);
        assert_true(err.code == NL_CONFIG || err.code == NL_NOMEM);
        if (!failed)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),
        cmocka_unit_test(refuses_what_no_name_can_be),
        cmocka_unit_test(leaves_no_trace),
        cmocka_unit_test(relates),
        cmocka_unit_test(survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
