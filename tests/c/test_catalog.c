/* Introspection of a real database: names, types, keys, partitions, privileges, statistics, names
 * for the SQL gate; what is said where something is wrong; and a catalog built from rows by hand.
 */
#include "db/catalog.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "db/catalog_priv.h"
#include "io/proc.h"
#include "test_catalog.h"
#include "test_db.h"

#include "base/banned.h"

static nl_catalog *catalog; /* of public and "Sales", as superuser */

static nl_catalog *load(const char *url, const char *const *schemas) {
    nl_err err = { .msg = "" };
    nl_catalog *loaded = test_catalog_load(url, schemas, &err);
    if (!loaded)
        fail_msg("%s", err.msg);
    return loaded;
}

static const char *url_of(const char *more) {
    static char url[640];
    const char *base = test_db_url("catalog");
    (void)snprintf(url, sizeof url, "%s%s%s", base, strchr(base, '?') ? "&" : "?", more);
    return url;
}

static int setup(void **state) {
    static const char *const schemas[] = { "public", "Sales", NULL };
    (void)state;
    catalog = load(test_db_url("catalog"), schemas);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    nl_catalog_free(catalog);
    return 0;
}

static const nl_table *table(const nl_catalog *c, const char *schema, const char *name) {
    const nl_table *found = nl_catalog_find(c, schema, name);
    if (!found)
        fail_msg("no table %s", name);
    return found;
}

static const nl_column *column(const nl_table *t, const char *name) {
    int at = nl_table_column(t, name);
    if (at < 0)
        fail_msg("no column %s in %s", name, t->name);
    return &t->columns[at];
}

/* "a, b" */
static const char *joined(const char *const *names, size_t n) {
    static char text[4][512];
    static unsigned turn;
    char *to = text[turn++ % 4];
    to[0] = '\0';
    for (size_t i = 0; names && i < n && names[i]; i++) {
        size_t used = strlen(to);
        (void)snprintf(to + used, sizeof text[0] - used, "%s%s", used ? ", " : "", names[i]);
    }
    return to;
}

static const char *key_names(const nl_table *t, const nl_index_key *key) {
    const char *names[8];
    assert_true(key && key->n_columns <= 8);
    for (size_t i = 0; i < key->n_columns; i++)
        names[i] = t->columns[key->columns[i]].name;
    return joined(names, key->n_columns);
}

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
    nl_catalog *both = load(url_of("options=-csearch_path%3Dhidden,public"), schemas);
    assert_string_equal(table(both, NULL, "kinds")->schema, "hidden");
    assert_string_equal(table(both, NULL, "kinds")->reference, "kinds");
    assert_string_equal(table(both, "public", "kinds")->reference, "public.kinds"); /* hidden */
    nl_catalog_free(both);
}

static void tells_schemas_and_version(void **state) {
    char number[16];
    (void)state;
    assert_string_equal(joined(nl_catalog_schemas(catalog), 9), "public, Sales");
    assert_string_equal(joined(nl_catalog_other_schemas(catalog), 9), "closed, hidden");
    (void)snprintf(number, sizeof number, "%d", nl_catalog_server_version_num(catalog));
    assert_string_equal(number, test_db_psql("catalog", "SHOW server_version_num"));
    assert_string_equal(nl_catalog_server_version(catalog),
                        test_db_psql("catalog", "SHOW server_version"));
}

static void reads_the_path_of_the_login(void **state) {
    (void)state;
    /* neither system schemas that the path names nor schemas that do not exist */
    nl_catalog *c =
        load(url_of("options=-csearch_path%3Dpg_catalog,information_schema,hidden,nowhere"), NULL);
    assert_string_equal(joined(nl_catalog_schemas(c), 9), "hidden");
    assert_string_equal(joined(nl_catalog_other_schemas(c), 9), "Sales, closed, public");
    assert_string_equal(table(c, NULL, "base")->reference, "base");
    nl_catalog_free(c);
    c = load(url_of("options=-csearch_path%3Dempty"), NULL);
    size_t n = 7;
    (void)nl_catalog_tables(c, &n);
    assert_int_equal(n, 0);
    assert_string_equal(joined(nl_catalog_schemas(c), 9), "empty");
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
    const nl_table *t = table(catalog, NULL, "kinds");
    (void)state;
    assert_int_equal(t->n_columns, sizeof columns / sizeof *columns); /* dropped ones are gone */
    for (size_t i = 0; i < t->n_columns; i++) {
        const nl_column *c = &t->columns[i];
        assert_string_equal(c->name, columns[i].name);
        assert_string_equal(c->type, columns[i].type);
        assert_string_equal(c->base_type, columns[i].base);
        assert_true((c->base_type == c->type) == (strcmp(c->type, c->base_type) == 0));
        assert_int_equal(c->category, columns[i].category);
        assert_string_equal(joined(c->labels, 9), columns[i].labels ? columns[i].labels : "");
        assert_true((c->labels != NULL) == (columns[i].labels != NULL));
        assert_true(c->not_null == (strchr(columns[i].flags, 'n') != NULL));
        assert_true(c->identity == (strchr(columns[i].flags, 'i') != NULL));
        assert_true(c->generated == (strchr(columns[i].flags, 'g') != NULL));
        assert_true(c->selectable);
    }
    assert_string_equal(same(column(t, "title")->default_expr), "'none'::character varying");
    assert_string_equal(same(column(t, "double_id")->default_expr), "(id * 2)");
    assert_null(column(t, "doc")->default_expr);
    assert_int_equal(table(catalog, NULL, "nothing")->n_columns, 0);
    assert_int_equal(nl_table_column(t, "Title"), -1);
}

static void reads_comments(void **state) {
    const nl_table *t = table(catalog, NULL, "kinds");
    (void)state;
    assert_string_equal(same(t->comment), "two\nlines, and \"quotes\"");
    assert_string_equal(same(column(t, "amount")->comment), "in euros");
    assert_null(column(t, "title")->comment);
    assert_string_equal(same(column(table(catalog, NULL, "happy"), "title")->comment), "seen");
    assert_null(table(catalog, NULL, "nothing")->comment);
}

/* --- keys ------------------------------------------------------------------------------------ */

static void reads_keys_whole_and_in_order(void **state) {
    const nl_table *region = table(catalog, "Sales", "Region");
    const nl_table *lines = table(catalog, "Sales", "Order Lines");
    (void)state;
    assert_string_equal(key_names(region, region->primary), "Country, RegionNo");
    /* neither the partial nor the computed index; the INCLUDEd column is no part of the key */
    assert_int_equal(region->n_uniques, 1);
    assert_string_equal(region->uniques[0].name, "Region names");
    assert_string_equal(key_names(region, &region->uniques[0]), "Name");
    assert_int_equal(lines->n_uniques, 1);
    assert_string_equal(key_names(lines, &lines->uniques[0]), "No, LineId");
    assert_null(table(catalog, NULL, "happy")->primary);
    const nl_table *kinds = table(catalog, NULL, "kinds");
    assert_string_equal(key_names(kinds, kinds->primary), "id"); /* behind a dropped column */
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
        const nl_table *t = table(catalog, foreign[i].schema, foreign[i].table);
        const nl_foreign_key *f = foreign_key(t, foreign[i].name);
        assert_string_equal(joined(f->columns, f->n_columns), foreign[i].columns);
        assert_string_equal(f->referred_table, foreign[i].referred);
        assert_string_equal(joined(f->referred_columns, f->n_columns), foreign[i].referred_columns);
        if (f->referred)
            assert_string_equal(f->referred->name, foreign[i].referred);
    }
    const nl_foreign_key *away = &table(catalog, NULL, "uses_hidden")->foreign[0];
    assert_null(away->referred); /* its schema was not read */
    assert_string_equal(away->referred_schema, "hidden");
    for (size_t i = 0; i < n; i++)
        found += all[i].n_foreign;
    assert_int_equal(found, sizeof foreign / sizeof *foreign + 2); /* two of half_secret's */
}

/* --- statistics ------------------------------------------------------------------------------ */

static void reads_statistics(void **state) {
    const nl_table *kinds = table(catalog, NULL, "kinds");
    (void)state;
    assert_true(kinds->rows == 200);
    assert_true(table(catalog, NULL, "never_analysed")->rows == -1);
    assert_true(table(catalog, NULL, "happy")->rows == -1);
    assert_true(table(catalog, NULL, "counted")->rows == 3);
    assert_true(table(catalog, NULL, "measured")->rows == 500); /* by its partitions */
    assert_true(column(kinds, "feeling")->null_fraction == 0.5);
    assert_true(column(kinds, "id")->distinct == -1);
    assert_true(column(kinds, "title")->distinct == 3);
    /* quoting of arrays and JSON undone, the most common value first */
    assert_string_equal(same(column(kinds, "title")->common[0]), "usual");
    bool found = false;
    for (const char *const *v = column(kinds, "title")->common; *v; v++)
        found = found || strcmp(*v, "it's \"rare\", {here}") == 0;
    assert_true(found);
    assert_string_equal(joined(column(kinds, "feeling")->common, 9), "böse");
    assert_string_equal(joined(column(kinds, "feelings")->common, 9), "{böse}");
    assert_null(column(kinds, "id")->common);
    assert_true(column(table(catalog, NULL, "never_analysed"), "x")->null_fraction == -1);
    /* a query on the table sees what inherits from it too */
    assert_string_equal(joined(column(table(catalog, NULL, "ancestor"), "a")->common, 1), "2");
}

static void leaves_out_long_common_values(void **state) {
    (void)state;
    test_db_psql("catalog", "CREATE TABLE long_values AS SELECT CASE WHEN i % 3 = 0 THEN 'short' "
                            "ELSE repeat('long ', 60) END AS v, repeat('x', 500) AS only_long "
                            "FROM generate_series(1, 90) AS i; ANALYZE long_values");
    nl_catalog *c = load(test_db_url("catalog"), NULL);
    assert_string_equal(joined(column(table(c, NULL, "long_values"), "v")->common, 9), "short");
    assert_null(column(table(c, NULL, "long_values"), "only_long")->common);
    nl_catalog_free(c);
    test_db_psql("catalog", "DROP TABLE long_values");
}

/* --- privileges ------------------------------------------------------------------------------ */

static void respects_privileges(void **state) {
    static const char *const schemas[] = { "public", "Sales", "closed", NULL };
    (void)state;
    nl_catalog *c = load(url_of("user=reader"), schemas);
    /* SELECT without USAGE on the schema is of no use */
    assert_string_equal(joined(nl_catalog_denied(c), 9), "closed.open_table, public.secret");
    assert_null(nl_catalog_find(c, "public", "secret"));
    assert_null(nl_catalog_find(c, "closed", "open_table"));
    const nl_table *half = table(c, NULL, "half_secret");
    assert_int_equal(half->n_columns, 3 + 1);
    assert_true(column(half, "name")->selectable);
    assert_false(column(half, "salary")->selectable);
    /* keys and checks over columns that cannot be read are of no use either */
    assert_null(half->primary);
    assert_int_equal(half->n_uniques + half->n_checks + half->n_foreign, 0);
    assert_int_equal(table(c, NULL, "points_at_half")->n_foreign, 0);
    assert_non_null(table(c, "Sales", "Order Lines")->primary);
    nl_catalog_free(c);
    assert_string_equal(joined(nl_catalog_denied(catalog), 9), "");
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

/* --- what can be wrong ------------------------------------------------------------------------ */

static const struct {
    const char *more; /* of the URL */
    const char *schema;
    nl_code code;
    const char *message;
} faults[] = {
    { "", "Nowhere", NL_NOTFOUND,
      "there is no schema \"Nowhere\" (schemas with tables: Sales, closed, hidden, public)" },
    { "", "sales", NL_NOTFOUND, "did you mean \"Sales\"?" },
    { "", "x'; DROP TABLE kinds; --", NL_NOTFOUND, "there is no schema \"x'; DROP" },
    { "dbname=missing", NULL, NL_DB, "database \"missing\" does not exist" },
    { "port=1", NULL, NL_NET, "" },
    { "user=nobody_here", NULL, NL_DB, "role \"nobody_here\" does not exist" },
};

static void says_what_is_wrong(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *schemas[] = { faults[i].schema, NULL };
        nl_err err = { .msg = "" };
        assert_null(test_catalog_load(url_of(faults[i].more), schemas, &err));
        if (err.code != faults[i].code || !strstr(err.msg, faults[i].message))
            fail_msg("%s: %s", nl_code_name(err.code), err.msg);
    }
}

/* A table that is being altered: the server would wait to tell its defaults and checks. */
static void does_not_wait_for_locks(void **state) {
    char program[4096];
    const char *url = test_db_url("catalog");
    const char *const argv[] = {
        program, "-XqAtw", "-d",
        url,     "-c",     "BEGIN; LOCK TABLE kinds IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)",
        NULL
    };
    const nl_proc_options options = { .argv = argv,
                                      .stdout_fd = NL_PROC_NULL,
                                      .stderr_fd = NL_PROC_NULL };
    nl_err err = { .msg = "" };
    (void)state;
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(test_db_cluster()));
    pid_t pid = nl_proc_start(&options, &err);
    assert_true(pid > 0);
    for (int i = 0; i < 500; i++) {
        if (strcmp(test_db_psql("catalog",
                                "SELECT count(*) FROM pg_locks WHERE mode = "
                                "'AccessExclusiveLock' AND relation = 'kinds'::regclass"),
                   "1") == 0)
            break;
    }
    nl_catalog *c = load(url, NULL);
    assert_int_equal(table(c, NULL, "kinds")->n_columns, sizeof columns / sizeof *columns);
    assert_null(column(table(c, NULL, "kinds"), "title")->default_expr);
    assert_int_equal(table(c, NULL, "kinds")->n_checks, 0);
    assert_non_null(table(c, NULL, "kinds")->primary);
    nl_catalog_free(c);
    nl_proc_stop(pid, SIGINT, 5000);
}

static void fill_bytes(const char *url) {
    char program[4096];
    const char *const argv[] = {
        program, "-XqAtw",
        "-v",    "ON_ERROR_STOP=1",
        "-d",    url,
        "-c",    "DO $$ BEGIN EXECUTE 'CREATE TABLE caf' || chr(233) || ' (a int)'; END $$",
        NULL
    };
    const nl_proc_options options = { .argv = argv };
    nl_buf printed;
    nl_err err = { .msg = "" };
    int status = -1;
    (void)snprintf(program, sizeof program, "%s/psql", nl_cluster_bin(test_db_cluster()));
    nl_buf_init(&printed);
    if (!nl_proc_run(&options, &printed, &status, &err) || status != 0)
        fail_msg("%s%s", err.msg, printed.data);
    nl_buf_release(&printed);
}

/* A database of no known encoding holds whatever bytes it was given; we read UTF-8. */
static void refuses_what_is_not_utf8(void **state) {
    nl_err err = { .msg = "" };
    (void)state;
    test_db_psql(NULL, "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' "
                       "TEMPLATE template0");
    const char *url = url_of("dbname=bytes");
    nl_catalog *c = load(url, NULL);
    nl_catalog_free(c);
    fill_bytes(url);
    assert_null(test_catalog_load(url, NULL, &err));
    assert_int_equal(err.code, NL_DB);
    assert_string_equal(err.sqlstate, "22021");
    assert_non_null(strstr(err.msg, "cannot read the catalog: invalid byte sequence"));
}

/* --- from rows ------------------------------------------------------------------------------- */

static void builds_from_rows_in_any_order(void **state) {
    static const char *rows[][CATALOG_CELLS] = {
        { "F", "lower", "true", "true" },
        { "F", "akeys", "false", "true" }, /* trusted, but not PostgreSQL's: no */
        { "C", "2", "3", "b", "text", NULL, "S", NULL, NULL, "s" },
        { "C", "2", "1", "a", "integer", NULL, "N", NULL, NULL, "ns" },
        { "C", "1", "1", "id", "integer", NULL, "N", NULL, NULL, "ns" },
        { "C", "9", "1", "of no table", "integer", NULL, "N", NULL, NULL, "ns" },
        { "A", "1", "id", "0.5", "2", NULL, "h" }, /* this one counts: with what inherits */
        { "A", "1", "id", "0.1", "1", NULL, NULL },
        { "M", "2", "3", "NOT MASKED" },
        { "M", "2", "2", "of a column that went away" },
        { "M", "99", "1", "of no table" },
        { "K", "2", "fk", "f", "{1}", NULL, "1", "{1}" },
        { "K", "2", "gone", "f", "{2}", NULL, "1", "{1}" }, /* the column went away meanwhile */
        { "K", "2", "far", "f", "{3}", NULL, "77", "{4}" }, /* and this table */
        { "K", "2", "pk", "p", "{3,1}" },
        { "T", "2", "s", "b", "r", NULL, "5", "vr" },
        { "T", "1", "s", "a", "r", "first", NULL, "r" },
        { "T", "3", "s", "0", "r", NULL, NULL, "v" },
        { "S", "16.1", "160001", "[\"s\"]", "[\"s\",\"t\"]", "[\"s\"]" },
    };
    nl_err err = { .msg = "" };
    (void)state;
    nl_catalog *c = nl_catalog_from_cells(&rows[0][0], sizeof rows / sizeof *rows, &err);
    if (!c)
        fail_msg("%s", err.msg);
    const nl_table *b = table(c, NULL, "b");
    assert_null(nl_catalog_find(c, NULL, "a")); /* not visible */
    assert_string_equal(table(c, "s", "a")->reference, "s.a");
    assert_string_equal(joined(nl_catalog_denied(c), 9), "s.\"0\"");
    assert_string_equal(joined(nl_catalog_other_schemas(c), 9), "t");
    assert_int_equal(b->n_columns, 2);
    assert_string_equal(b->columns[0].name, "a");
    assert_int_equal(b->oid, 2);
    assert_int_equal(b->columns[1].number, 3);
    assert_string_equal(b->columns[1].label, "NOT MASKED");
    assert_null(b->columns[0].label);
    assert_string_equal(key_names(b, b->primary), "b, a");
    assert_int_equal(b->n_foreign, 1);
    assert_ptr_equal(b->foreign[0].referred, table(c, "s", "a"));
    assert_true(column(table(c, "s", "a"), "id")->null_fraction == 0.5);
    assert_true(nl_catalog_function_stable(c, "lower"));
    assert_false(nl_catalog_function_stable(c, "akeys"));
    nl_catalog_free(c);
}

static void refuses_rows_that_no_server_sends(void **state) {
    static const char *unknown[][CATALOG_CELLS] = { { "?" } };
    static const char *empty[][CATALOG_CELLS] = { { NULL } };
    static const char *bad_list[][CATALOG_CELLS] = { { "S", "16", "160000", "[\"s\"" } };
    nl_err err = { .msg = "" };
    (void)state;
    assert_null(nl_catalog_from_cells(&unknown[0][0], 1, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_null(nl_catalog_from_cells(&empty[0][0], 1, &err));
    assert_null(nl_catalog_from_cells(&empty[0][0], 0, &err));
    assert_null(nl_catalog_from_cells(&bad_list[0][0], 1, &err));
}

/* --- much of it ------------------------------------------------------------------------------- */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (file)
        (void)fclose(file);
    return kb;
}

/* Prints time and memory; only what was read is judged. */
static void reads_two_thousand_tables(void **state) {
    enum { TABLES = 2000, COLUMNS = 20 };
    const char *url = test_db_url("big");
    size_t n, columns_read = 0, foreign_read = 0, analysed = 0;
    (void)state;
    for (int i = 0; i < 2; i++) { /* the server's caches are cold once */
        double start = seconds();
        nl_catalog *c = load(url, NULL);
        print_message("%d tables with %d columns each: %.2f s, at most %ld kB\n", TABLES, COLUMNS,
                      seconds() - start, peak_kb());
        const nl_table *all = nl_catalog_tables(c, &n);
        for (size_t t = 0; i == 0 && t < n; t++) {
            columns_read += all[t].n_columns;
            foreign_read += all[t].n_foreign;
            analysed += all[t].n_columns > 0 && all[t].columns[2].null_fraction >= 0;
        }
        nl_catalog_free(c);
    }
    assert_int_equal(n, TABLES);
    assert_int_equal(columns_read, TABLES * COLUMNS);
    assert_int_equal(foreign_read, TABLES - 1);
    assert_int_equal(analysed, TABLES);
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
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(does_not_wait_for_locks),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(builds_from_rows_in_any_order),
        cmocka_unit_test(refuses_rows_that_no_server_sends),
        cmocka_unit_test(reads_two_thousand_tables),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
