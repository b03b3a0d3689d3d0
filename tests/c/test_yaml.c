/* YAML: types, places, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "data/yaml.h"
#include "test_memory.h"

static const struct {
    const char *text, *complaint;
} bad_yaml[] = {
    { "a: [1, 2", "x.yaml:" },
    { "a: 1\nb: 2\na: 3\n", "x.yaml:3:1: \"a\" is here twice (first in line 1)" },
    { "a: 1\n---\nb: 2\n", "x.yaml:3:1: a second document" },
    { "? [1, 2]\n: x\n", "a key must be plain text" },
    { "a: \"unclosed\n", "x.yaml:" },
    { "a:\n\t- tab\n", "x.yaml:2:1" },
    { "x: &a [*a]\n", "x.yaml:" },
};

static void bad_yaml_is_told_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_yaml / sizeof *bad_yaml; i++) {
        nl_err err = { .code = NL_OK };
        nl_yaml *yaml = nl_yaml_read(bad_yaml[i].text, strlen(bad_yaml[i].text), "x.yaml", &err);
        if (yaml || !strstr(err.msg, bad_yaml[i].complaint))
            fail_msg("%s: expected \"%s\", got \"%s\"", bad_yaml[i].text, bad_yaml[i].complaint,
                     yaml ? "a document" : err.msg);
        assert_int_equal(err.code, NL_CONFIG);
    }
}

static void yaml_knows_types_and_places(void **state) {
    (void)state;
    static const char text[] =
        "i: 12\nf: 1.5\nb: true\nn: ~\nq: '12'\ns: two words\nl:\n  - x\n  - 0x10\n";
    static const nl_yaml_type types[] = { NL_YAML_INT,  NL_YAML_FLOAT,  NL_YAML_BOOL,
                                          NL_YAML_NULL, NL_YAML_STRING, NL_YAML_STRING,
                                          NL_YAML_LIST };
    nl_yaml *yaml = nl_yaml_read(text, sizeof text - 1, "x", NULL);
    assert_non_null(yaml);
    const nl_yaml_node *node = nl_yaml_root(yaml)->child;
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++, node = node->next) {
        assert_non_null(node);
        assert_int_equal(node->type, types[i]);
        assert_int_equal(node->key_line, i + 1);
        assert_int_equal(node->key_column, 1);
        if (i == 6) {
            assert_int_equal(node->child->line, 8);
            assert_int_equal(node->child->column, 5);
            assert_int_equal(node->child->next->integer, 16);
        }
    }
    assert_null(node);
    nl_yaml_free(yaml);
    yaml = nl_yaml_read("", 0, "x", NULL);
    assert_int_equal(nl_yaml_root(yaml)->type, NL_YAML_NULL);
    nl_yaml_free(yaml);
}

static const struct {
    const char *text;
    nl_yaml_type type;
    double number;
} scalars[] = {
    { "0", NL_YAML_INT, 0 },
    { "+12", NL_YAML_INT, 12 },
    { "-9223372036854775808", NL_YAML_INT, -9223372036854775808.0 },
    { "9223372036854775808", NL_YAML_FLOAT, 9223372036854775808.0 }, /* beyond int64 */
    { "0o17", NL_YAML_INT, 15 },
    { "0xFf", NL_YAML_INT, 255 },
    { "010", NL_YAML_INT, 10 }, /* YAML 1.1 would say 8 */
    { "-0x10", NL_YAML_STRING, 0 },
    { "0x-5", NL_YAML_STRING, 0 },
    { "0x0x10", NL_YAML_STRING, 0 },
    { "0x 5", NL_YAML_STRING, 0 },
    { "0x", NL_YAML_STRING, 0 },
    { "0o8", NL_YAML_STRING, 0 },
    { "12abc", NL_YAML_STRING, 0 },
    { "1_000", NL_YAML_STRING, 0 },
    { "12:30", NL_YAML_STRING, 0 }, /* YAML 1.1 would say 750 */
    { "2020-01-31", NL_YAML_STRING, 0 },
    { "1.", NL_YAML_FLOAT, 1 },
    { ".5", NL_YAML_FLOAT, 0.5 },
    { "1e3", NL_YAML_FLOAT, 1000 },
    { "1.5.2", NL_YAML_STRING, 0 },
    { "e5", NL_YAML_STRING, 0 },
    { "-.INF", NL_YAML_FLOAT, -(double)INFINITY },
    { "+.INF", NL_YAML_FLOAT, (double)INFINITY },
    { "yes", NL_YAML_STRING, 0 }, /* YAML 1.1 would say true */
    { "off", NL_YAML_STRING, 0 },
    { "TRUE", NL_YAML_BOOL, 0 },
    { "tRUE", NL_YAML_STRING, 0 },
    { "~", NL_YAML_NULL, 0 },
    { "\"5\"", NL_YAML_STRING, 0 },
    { "|\n  5\n", NL_YAML_STRING, 0 },
};

static void scalars_follow_the_core_schema(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        nl_yaml *yaml = nl_yaml_read(scalars[i].text, strlen(scalars[i].text), "x", NULL);
        assert_non_null(yaml);
        const nl_yaml_node *node = nl_yaml_root(yaml);
        if (node->type != scalars[i].type ||
            ((node->type == NL_YAML_INT || node->type == NL_YAML_FLOAT) &&
             !(node->number == scalars[i].number)))
            fail_msg("%s: type %d, number %g", scalars[i].text, (int)node->type, node->number);
        nl_yaml_free(yaml);
    }
}

static void aliases_are_followed_within_limits(void **state) {
    (void)state;
    static const char once[] = "a: &x {k: 1}\nb: *x\n";
    nl_yaml *yaml = nl_yaml_read(once, sizeof once - 1, "x", NULL);
    assert_non_null(yaml);
    assert_int_equal(nl_yaml_root(yaml)->child->next->child->integer, 1);
    nl_yaml_free(yaml);
    nl_buf bomb; /* ten times ten times … */
    nl_err err = { .code = NL_OK };
    nl_buf_init(&bomb);
    nl_buf_str(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++) {
        nl_buf_printf(&bomb, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            nl_buf_printf(&bomb, "%s*a%d", k ? "," : "", i - 1);
        nl_buf_str(&bomb, "]\n");
    }
    assert_null(nl_yaml_read(bomb.data, bomb.size, "x", &err));
    assert_non_null(strstr(err.msg, "too large"));
    nl_buf_release(&bomb);
}

static void yaml_outlives_memory_that_runs_out(void **state) {
    (void)state;
    static const char text[] = "a: &x [1, two, {b: 'c'}]\nd: *x\n# end\n";
    bool done = false;
    for (long i = 0; !done; i++) {
        nl_err err = { .code = NL_OK };
        test_memory_fail(i);
        nl_yaml *yaml = nl_yaml_read(text, sizeof text - 1, "x", &err);
        test_memory_fail(-1);
        done = !test_memory_failed();
        if (done != (yaml != NULL) || (!done && err.code != NL_NOMEM))
            fail_msg("allocation %ld: %s", i, yaml ? "a document" : err.msg);
        nl_yaml_free(yaml);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_yaml_is_told_with_its_place),
        cmocka_unit_test(yaml_knows_types_and_places),
        cmocka_unit_test(scalars_follow_the_core_schema),
        cmocka_unit_test(aliases_are_followed_within_limits),
        cmocka_unit_test(yaml_outlives_memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
