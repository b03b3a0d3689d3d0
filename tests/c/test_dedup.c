/* Keys and sets of them: which questions are the same, and what a set remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "data/dedup.h"
#include "test_memory.h"

static bool same_question(const char *a, const char *b) {
    nl_key x = nl_key_of_question(a, strlen(a)), y = nl_key_of_question(b, strlen(b));
    return x.hi == y.hi && x.lo == y.lo;
}

static const struct {
    const char *a, *b;
    bool same;
} questions[] = {
    { "How many tracks are there?", "how many tracks are there", true },
    { "List the names of all artists.", "Show me the names of artists", true },
    { "Which countries have customers?", "Which country has customers?", true },
    { "Please list tracks", "List tracks", true },
    { "Tracks longer than 5 minutes", "Tracks longer than 6 minutes", false },
    { "Tracks longer than 5 minutes", "Tracks shorter than 5 minutes", false },
    { "Albums with tracks", "Albums without tracks", false },
    { "Albums not sold", "Albums sold", false },
    { "Price over 0.99", "Price over 0.98", false },
    { "Temperatures below -5", "Temperatures below 5", false },
    { "Sales before 2020-01-31", "Sales before 2020-01-30", false },
    { "a > b", "a < b", false },
    { "\xC3\x89t\xC3\xA9", "\xC3\xA9t\xC3\xA9", true },
    { "Customers of Acme", "Customers of Beta", false },
    { "???", "!!!", false },
    { "PLEASE LIST ALL TRACKS", "List tracks", true },
    { "Could you please show us the tracks?", "Show tracks", true },
    { "What are all the tracks?", "What are tracks?", true },
    { "Names of all artists", "Names of artists", true },
    { "What's  the   price?", "what's the price", true },
    { "Tracks named 'Go'", "Tracks named \"Go\"", true },
    { "the artists' names", "the artist's names", false }, /* an apostrophe is no quote */
    /* verbs that are nouns */
    { "What is the list price of a bike?", "What is the price of a bike?", false },
    { "List list prices", "List prices", false },
    { "What is the return rate?", "What is the rate?", false },
    { "Which TV show is longest?", "Which TV is longest?", false },
    /* names */
    { "List US customers", "List customers", false },
    { "find US customers", "find customers", false },
    { "Which students got grade A?", "Which students got grade?", false },
    { "Albums by The Who", "Albums by Who", false },
    { "Phones with GPS", "Phones with GP", false },
    { "Articles about news", "Articles about new", false },
    /* quoted values, letter by letter */
    { "Tracks named 'The End'", "Tracks named 'End'", false },
    { "Tracks named 'Cars'", "Tracks named 'Car'", false },
    { "Codes like \"AB\"", "Codes like \"ab\"", false },
    { "Named \xE2\x80\x9Cthe end\xE2\x80\x9D",
      "Named \xE2\x80\x9C"
      "end\xE2\x80\x9D",
      false },
    { "all as the question: who bought all products", "all as the question: who bought products",
      false },
    { "Customers who have all genres", "Customers who have genres", false },
    /* signs */
    { "a != b", "a = b", false },
    { "balance (-5)", "balance (5)", false },
    { "above .5", "above 5", false },
    { "C++", "C", false },
    { "@gmail.com", "gmail.com", false },
};

static void question_keys_merge_wording_only(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (same_question(questions[i].a, questions[i].b) != questions[i].same)
            fail_msg("\"%s\" and \"%s\" should be %s", questions[i].a, questions[i].b,
                     questions[i].same ? "the same" : "different");
    }
}

static void a_set_remembers_what_it_was_given(void **state) {
    (void)state;
    nl_dedup *set = nl_dedup_new(0);
    bool fresh;
    for (uint64_t i = 0; i < 20000; i++) { /* few low bits, so that probing has work */
        nl_key key = { i / 64, i % 64 };
        assert_true(nl_dedup_add(set, key, &fresh, NULL));
        assert_true(fresh);
    }
    assert_int_equal(nl_dedup_count(set), 20000);
    for (uint64_t i = 0; i < 20000; i++) {
        nl_key key = { i / 64, i % 64 };
        assert_true(nl_dedup_has(set, key)); /* the zero key too */
        nl_dedup_add(set, key, &fresh, NULL);
        assert_false(fresh);
    }
    assert_false(nl_dedup_has(set, (nl_key){ 1 << 20, 0 }));
    nl_dedup_free(set);
}

static void keys_print_and_read(void **state) {
    (void)state;
    char hex[33];
    nl_key key = nl_key_of("abc", 3), back;
    nl_key_hex(key, hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950"); /* XXH3-128 of "abc" */
    assert_true(nl_key_from_hex(hex, &back));
    assert_true(back.hi == key.hi && back.lo == key.lo);
    assert_false(nl_key_from_hex("06b05ab6733a618578af5f94892f395", &back));
}

/* Many quotes that never close must not be looked for to the end each time. */
static void hostile_questions_take_no_longer(void **state) {
    (void)state;
    enum { SIZE = 400000 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "\xE2\x80\x98 "[i % 4];
    clock_t from = clock();
    (void)nl_key_of_question(text, SIZE);
    memset(text, '"', SIZE);
    (void)nl_key_of_question(text, SIZE);
    assert_true(clock() - from < 5 * CLOCKS_PER_SEC); /* quadratic takes 20 s and more */
    free(text);
    (void)nl_key_of_question("", 0);
}

static void a_set_that_cannot_grow_stays_usable(void **state) {
    (void)state;
    nl_dedup *set = nl_dedup_new(0);
    assert_non_null(set);
    nl_err err = { .code = NL_OK };
    bool fresh = true, ok = true;
    uint64_t n = 0;
    test_memory_fail(0);
    while (ok)
        ok = nl_dedup_add(set, (nl_key){ 7, ++n }, &fresh, &err);
    assert_null(nl_dedup_new(10));
    test_memory_fail(-1);
    assert_int_equal(err.code, NL_NOMEM);
    assert_int_equal(nl_dedup_count(set), n - 1);
    assert_false(nl_dedup_has(set, (nl_key){ 7, n }));
    assert_true(nl_dedup_has(set, (nl_key){ 7, n - 1 }));
    assert_true(nl_dedup_add(set, (nl_key){ 7, n }, &fresh, &err));
    assert_true(fresh);
    nl_dedup_free(set);
}

static void room_that_was_asked_for_is_enough(void **state) {
    (void)state;
    nl_err err;
    bool fresh, ok = true;
    uint64_t i = 0;
    nl_dedup *set = nl_dedup_new(1000);
    assert_non_null(set);
    test_memory_fail(0); /* it need not grow */
    while (i < 1000 && ok) {
        i++;
        ok = nl_dedup_add(set, (nl_key){ i, i * 64 }, &fresh, &err);
    }
    test_memory_fail(-1);
    assert_true(ok);
    assert_int_equal(nl_dedup_count(set), 1000);
    nl_dedup_free(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_keys_merge_wording_only),
        cmocka_unit_test(a_set_remembers_what_it_was_given),
        cmocka_unit_test(keys_print_and_read),
        cmocka_unit_test(hostile_questions_take_no_longer),
        cmocka_unit_test(a_set_that_cannot_grow_stays_usable),
        cmocka_unit_test(room_that_was_asked_for_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
