/* Introspection of a real database: names, types, keys, partitions, privileges, statistics, names
 * for the SQL gate. */
#include "db/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog_fixture.h"
#include "db/catalog_priv.h"
#include "test_db.h"

#include "base/banned.h"

static const char *same(const char *text) {
    return text ? text : "(none)";
}

/* --- tables and names ------------------------------------------------------------------------- */

static const struct {
    const char *schema, *name, *reference;
    char kind;
} tables[] = {
    { "Sales", "Order Lines", "\"Sales\".\"Order Lines\"", 'r' },
    { "Sales", "Region", "\"Sales\".\"Region\"", 'r' },
    { "public", "ancestor", "ancestor", 'r' },
    { "public", "counted", "counted", 'm' },
    { "public", "half_secret", "half_secret", 'r' },
    { "public", "happy", "happy", 'v' },
    { "public", "heir", "heir", 'r' },
    { "public", "kinds", "kinds", 'r' },
    { "public", "measured", "measured", 'p' }, /* and none of its partitions */
    { "public", "never_analysed", "never_analysed", 'r' },
    { "public", "nothing", "nothing", 'r' },
    { "public", "points_at_half", "points_at_half", 'r' },
    { "public", "remark", "remark", 'r' },
    { "public", "secret", "secret", 'r' },
    { "public", "sensor", "sensor", 'r' },
    { "public", "uses_hidden", "uses_hidden", 'r' },
    { "public", "with \"quotes\" and\na break", "\"with \"\"quotes\"\" and\na break\"", 'r' },
};

static void lists_every_table_once_in_order(void **state) {
    size_t n;
    const nl_table *all = nl_catalog_tables(catalog, &n);
    (void)state;
    for (size_t i = 0; i < n && i < sizeof tables / sizeof *tables; i++) {
        assert_string_equal(all[i].schema, tables[i].schema);
        assert_string_equal(all[i].name, tables[i].name);
        assert_string_equal(all[i].reference, tables[i].reference);
        assert_int_equal(all[i].kind, tables[i].kind);
    }
    assert_int_equal(n, sizeof tables / sizeof *tables);
}

static void finds_by_path_and_by_schema(void **state) {
    static const char *const schemas[] = { "hidden", "public", NULL };
    (void)state;
    assert_non_null(nl_catalog_find(catalog, NULL, "kinds"));
    assert_null(nl_catalog_find(catalog, NULL, "Region")); /* not on the path */
    assert_null(nl_catalog_find(catalog, "public", "Kinds"));
    assert_null(nl_catalog_find(catalog, "hidden", "base")); /* not read */
    nl_catalog *both = must_load(catalog_url("options=-csearch_path%3Dhidden,public"), schemas);
    assert_string_equal(find_table(both, NULL, "kinds")->schema, "hidden");
    assert_string_equal(find_table(both, NULL, "kinds")->reference, "kinds");
    assert_string_equal(find_table(both, "public", "kinds")->reference,
                        "public.kinds"); /* hidden */
    nl_catalog_free(both);
}

static void tells_schemas_and_version(void **state) {
    char number[16];
    (void)state;
    assert_string_equal(join_names(nl_catalog_schemas(catalog), 9), "public, Sales");
    assert_string_equal(join_names(nl_catalog_other_schemas(catalog), 9), "closed, hidden");
    (void)snprintf(number, sizeof number, "%d", nl_catalog_server_version_num(catalog));
    assert_string_equal(number, test_db_psql("catalog", "SHOW server_version_num"));
    assert_string_equal(nl_catalog_server_version(catalog),
                        test_db_psql("catalog", "SHOW server_version"));
}

static void reads_the_path_of_the_login(void **state) {
    (void)state;
    /* neither system schemas that the path names nor schemas that do not exist */
    nl_catalog *c = must_load(
        catalog_url("options=-csearch_path%3Dpg_catalog,information_schema,hidden,nowhere"), NULL);
    assert_string_equal(join_names(nl_catalog_schemas(c), 9), "hidden");
    assert_string_equal(join_names(nl_catalog_other_schemas(c), 9), "Sales, closed, public");
    assert_string_equal(find_table(c, NULL, "base")->reference, "base");
    nl_catalog_free(c);
    c = must_load(catalog_url("options=-csearch_path%3Dempty"), NULL);
    size_t n = 7;
    (void)nl_catalog_tables(c, &n);
    assert_int_equal(n, 0);
    assert_string_equal(join_names(nl_catalog_schemas(c), 9), "empty");
    nl_catalog_free(c);
}

/* --- columns --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *type, *base;
    char category;
    const char *labels, *flags; /* n not null, i identity, g generated */
} columns[] = {
    { "id", "integer", "integer", 'N', NULL, "ni" },
    { "title", "character varying(40)", "character varying(40)", 'S', NULL, "n" },
    { "amount", "price", "numeric(10,2)", 'N', NULL, "" },
    { "stars", "small_positive", "integer", 'N', NULL, "n" }, /* two domains down */
    { "cost", "fee", "numeric(10,2)", 'N', NULL, "n" },
    { "feeling", "mood", "mood", 'E', "zufrieden, it's fine, böse", "" },
    { "best", "good_mood", "mood", 'E', "zufrieden, it's fine, böse", "" },
    { "feelings", "mood[]", "mood[]", 'A', "zufrieden, it's fine, böse", "" },
    { "labels", "tags", "text[]", 'A', NULL, "" },
    { "double_id", "integer", "integer", 'N', NULL, "g" },
    { "area", "box", "box", 'G', NULL, "" },
    { "both_", "pair", "pair", 'C', NULL, "" },
    { "doc", "jsonb", "jsonb", 'U', NULL, "" },
    { "email", "citext", "citext", 'S', NULL, "" },
};

static void reads_columns_as_they_are(void **state) {
    const nl_table *t = find_table(catalog, NULL, "kinds");
    (void)state;
    assert_int_equal(t->n_columns, sizeof columns / sizeof *columns); /* dropped ones are gone */
    for (size_t i = 0; i < t->n_columns; i++) {
        const nl_column *c = &t->columns[i];
        assert_string_equal(c->name, columns[i].name);
        assert_string_equal(c->type, columns[i].type);
        assert_string_equal(c->base_type, columns[i].base);
        assert_true((c->base_type == c->type) == (strcmp(c->type, c->base_type) == 0));
        assert_int_equal(c->category, columns[i].category);
        assert_string_equal(join_names(c->labels, 9), columns[i].labels ? columns[i].labels : "");
        assert_true((c->labels != NULL) == (columns[i].labels != NULL));
        assert_true(c->not_null == (strchr(columns[i].flags, 'n') != NULL));
        assert_true(c->identity == (strchr(columns[i].flags, 'i') != NULL));
        assert_true(c->generated == (strchr(columns[i].flags, 'g') != NULL));
        assert_true(c->selectable);
    }
    assert_string_equal(same(find_column(t, "title")->default_expr), "'none'::character varying");
    assert_string_equal(same(find_column(t, "double_id")->default_expr), "(id * 2)");
    assert_null(find_column(t, "doc")->default_expr);
    assert_int_equal(find_table(catalog, NULL, "nothing")->n_columns, 0);
    assert_int_equal(nl_table_column(t, "Title"), -1);
}

static void reads_comments(void **state) {
    const nl_table *t = find_table(catalog, NULL, "kinds");
    (void)state;
    assert_string_equal(same(t->comment), "two\nlines, and \"quotes\"");
    assert_string_equal(same(find_column(t, "amount")->comment), "in euros");
    assert_null(find_column(t, "title")->comment);
    assert_string_equal(same(find_column(find_table(catalog, NULL, "happy"), "title")->comment),
                        "seen");
    assert_null(find_table(catalog, NULL, "nothing")->comment);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void reads_keys_whole_and_in_order(void **state) {
    const nl_table *region = find_table(catalog, "Sales", "Region");
    const nl_table *lines = find_table(catalog, "Sales", "Order Lines");
    (void)state;
    assert_string_equal(join_key(region, region->primary), "Country, RegionNo");
    /* neither the partial nor the computed index; the INCLUDEd column is no part of the key */
    assert_int_equal(region->n_uniques, 1);
    assert_string_equal(region->uniques[0].name, "Region names");
    assert_string_equal(join_key(region, &region->uniques[0]), "Name");
    assert_int_equal(lines->n_uniques, 1);
    assert_string_equal(join_key(lines, &lines->uniques[0]), "No, LineId");
    assert_null(find_table(catalog, NULL, "happy")->primary);
    const nl_table *kinds = find_table(catalog, NULL, "kinds");
    assert_string_equal(join_key(kinds, kinds->primary), "id"); /* behind a dropped column */
    assert_int_equal(kinds->n_checks, 1);
    assert_string_equal(kinds->checks[0].name, "kinds_amount_check");
    assert_string_equal(kinds->checks[0].expression, "CHECK (((amount)::numeric > (0)::numeric))");
}

static const struct {
    const char *schema, *table, *name, *columns, *referred, *referred_columns;
} foreign[] = {
    { "Sales", "Order Lines", "Order Lines_kind_id_fkey", "kind_id", "kinds", "id" },
    { "Sales", "Order Lines", "own parent", "parent", "Order Lines", "LineId" },
    { "Sales", "Order Lines", "to region", "In, No", "Region", "Country, RegionNo" },
    { "public", "measured", "measured_sensor_fkey", "sensor", "sensor", "id" },
    { "public", "remark", "remark_sensor_at_fkey", "sensor, at", "measured", "sensor, at" },
    { "public", "uses_hidden", "uses_hidden_code_fkey", "code", "base", "code" },
};

static const nl_foreign_key *foreign_key(const nl_table *t, const char *name) {
    static const nl_foreign_key none;
    for (size_t i = 0; i < t->n_foreign; i++) {
        if (strcmp(t->foreign[i].name, name) == 0)
            return &t->foreign[i];
    }
    fail_msg("no foreign key %s", name);
    return &none;
}

static void reads_foreign_keys_whole(void **state) {
    size_t n, found = 0;
    const nl_table *all = nl_catalog_tables(catalog, &n);
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        const nl_table *t = find_table(catalog, foreign[i].schema, foreign[i].table);
        const nl_foreign_key *f = foreign_key(t, foreign[i].name);
        assert_string_equal(join_names(f->columns, f->n_columns), foreign[i].columns);
        assert_string_equal(f->referred_table, foreign[i].referred);
        assert_string_equal(join_names(f->referred_columns, f->n_columns),
                            foreign[i].referred_columns);
        if (f->referred)
            assert_string_equal(f->referred->name, foreign[i].referred);
    }
    const nl_foreign_key *away = &find_table(catalog, NULL, "uses_hidden")->foreign[0];
    assert_null(away->referred); /* its schema was not read */
    assert_string_equal(away->referred_schema, "hidden");
    for (size_t i = 0; i < n; i++)
        found += all[i].n_foreign;
    assert_int_equal(found, sizeof foreign / sizeof *foreign + 2); /* two of half_secret's */
}

/* --- statistics ------------------------------------------------------------------------------ */

static void reads_statistics(void **state) {
    const nl_table *kinds = find_table(catalog, NULL, "kinds");
    (void)state;
    assert_true(kinds->rows == 200);
    assert_true(find_table(catalog, NULL, "never_analysed")->rows == -1);
    assert_true(find_table(catalog, NULL, "happy")->rows == -1);
    assert_true(find_table(catalog, NULL, "counted")->rows == 3);
    assert_true(find_table(catalog, NULL, "measured")->rows == 500); /* by its partitions */
    assert_true(find_column(kinds, "feeling")->null_fraction == 0.5);
    assert_true(find_column(kinds, "id")->distinct == -1);
    assert_true(find_column(kinds, "title")->distinct == 3);
    /* quoting of arrays and JSON undone, the most common value first */
    assert_string_equal(same(find_column(kinds, "title")->common[0]), "usual");
    bool found = false;
    for (const char *const *v = find_column(kinds, "title")->common; *v; v++)
        found = found || strcmp(*v, "it's \"rare\", {here}") == 0;
    assert_true(found);
    assert_string_equal(join_names(find_column(kinds, "feeling")->common, 9), "böse");
    assert_string_equal(join_names(find_column(kinds, "feelings")->common, 9), "{böse}");
    assert_null(find_column(kinds, "id")->common);
    assert_true(find_column(find_table(catalog, NULL, "never_analysed"), "x")->null_fraction == -1);
    /* a query on the table sees what inherits from it too */
    assert_string_equal(
        join_names(find_column(find_table(catalog, NULL, "ancestor"), "a")->common, 1), "2");
}

static void leaves_out_long_common_values(void **state) {
    (void)state;
    test_db_psql("catalog", "CREATE TABLE long_values AS SELECT CASE WHEN i % 3 = 0 THEN 'short' "
                            "ELSE repeat('long ', 60) END AS v, repeat('x', 500) AS only_long "
                            "FROM generate_series(1, 90) AS i; ANALYZE long_values");
    nl_catalog *c = must_load(test_db_url("catalog"), NULL);
    assert_string_equal(join_names(find_column(find_table(c, NULL, "long_values"), "v")->common, 9),
                        "short");
    assert_null(find_column(find_table(c, NULL, "long_values"), "only_long")->common);
    nl_catalog_free(c);
    test_db_psql("catalog", "DROP TABLE long_values");
}

/* --- privileges ------------------------------------------------------------------------------ */

static void respects_privileges(void **state) {
    static const char *const schemas[] = { "public", "Sales", "closed", NULL };
    (void)state;
    nl_catalog *c = must_load(catalog_url("user=reader"), schemas);
    /* SELECT without USAGE on the schema is of no use */
    assert_string_equal(join_names(nl_catalog_denied(c), 9), "closed.open_table, public.secret");
    assert_null(nl_catalog_find(c, "public", "secret"));
    assert_null(nl_catalog_find(c, "closed", "open_table"));
    const nl_table *half = find_table(c, NULL, "half_secret");
    assert_int_equal(half->n_columns, 3 + 1);
    assert_true(find_column(half, "name")->selectable);
    assert_false(find_column(half, "salary")->selectable);
    /* keys and checks over columns that cannot be read are of no use either */
    assert_null(half->primary);
    assert_int_equal(half->n_uniques + half->n_checks + half->n_foreign, 0);
    assert_int_equal(find_table(c, NULL, "points_at_half")->n_foreign, 0);
    assert_non_null(find_table(c, "Sales", "Order Lines")->primary);
    nl_catalog_free(c);
    assert_string_equal(join_names(nl_catalog_denied(catalog), 9), "");
}

/* --- names for the SQL gate ------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool known, stable;
} functions[] = {
    { "count", true, true },
    { "upper", true, true },
    { "row_number", true, true }, /* a window function */
    { "max", true, true },        /* citext has one too: an extension's, immutable */
    { "regexp_replace", true, true },
    { "random", true, false }, /* volatile */
    { "pg_sleep", true, false },
    { "lower", true, true }, /* somebody wrote another: the gate knows */
    { "homemade", false, false },
    { "dblink", false, false },
    { "akeys", false, false }, /* hstore's alone: not pg_catalog's */
    { "no_such", false, false },
};

static const struct {
    const char *name;
    bool known;
} operators[] = {
    { "=", true },                                    /* citext's and hstore's too */
    { "->", true },   { "<=", true },  { "+", true }, /* somebody wrote another */
    { "###", false }, { "%%", false },                /* hstore's alone */
};

static const struct {
    const char *schema, *name;
    bool known;
} types[] = {
    { NULL, "int4", true },          { "pg_catalog", "timestamptz", true },
    { NULL, "mood", true },          { "public", "mood", true },
    { NULL, "good_mood", true },     { NULL, "small_positive", true },
    { NULL, "color", false },                                 /* of a schema that was not read */
    { "hidden", "color", false },    { NULL, "pair", false }, /* a row */
    { NULL, "kinds", false },        { NULL, "pg_class", false },
    { NULL, "record", false }, /* a pseudo-type */
    { NULL, "citext", false }, /* an extension's */
    { "pg_catalog", "mood", false },
};

static void knows_functions_operators_and_types(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (nl_catalog_function_known(catalog, functions[i].name) != functions[i].known ||
            nl_catalog_function_stable(catalog, functions[i].name) != functions[i].stable)
            fail_msg("function %s", functions[i].name);
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (nl_catalog_operator_known(catalog, operators[i].name) != operators[i].known)
            fail_msg("operator %s", operators[i].name);
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (nl_catalog_type_known(catalog, types[i].schema, types[i].name) != types[i].known)
            fail_msg("type %s", types[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_every_table_once_in_order),
        cmocka_unit_test(finds_by_path_and_by_schema),
        cmocka_unit_test(tells_schemas_and_version),
        cmocka_unit_test(reads_the_path_of_the_login),
        cmocka_unit_test(reads_columns_as_they_are),
        cmocka_unit_test(reads_comments),
        cmocka_unit_test(reads_keys_whole_and_in_order),
        cmocka_unit_test(reads_foreign_keys_whole),
        cmocka_unit_test(reads_statistics),
        cmocka_unit_test(leaves_out_long_common_values),
        cmocka_unit_test(respects_privileges),
        cmocka_unit_test(knows_functions_operators_and_types),
    };
    return cmocka_run_group_tests(tests, catalog_setup, catalog_teardown);
}
