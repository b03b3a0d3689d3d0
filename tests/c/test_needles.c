/* Protected values in a text: which spellings count, which places do not, beside a naive search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/needles.h"
#include "test_memory.h"

static void add(nl_needles *set, const char *value) {
    bool kept;
    nl_err err;
    assert_true(nl_needles_add(set, value, strlen(value), &kept, &err));
}

static bool finds(nl_needles *set, const char *text) {
    nl_needle_hit hit;
    nl_err err;
    assert_true(nl_needles_find(set, text, strlen(text), &hit, &err));
    return hit.value != NULL;
}

static const struct {
    const char *value, *text;
    bool found;
} cases[] = {
    { "Max Muster", "ask Max Muster now", true },
    { "Max Muster", "Max Muster", true },
    { "Max Muster", "max muster", false }, /* exact bytes */
    { "Max M", "ask Max M now", false },   /* five bytes */
    { "  Max Muster \n", "(Max Muster)", true },
    /* a word that goes on is another */
    { "Walter", "Walters are many", false },
    { "Walter", "the SubWalter", false },
    { "Walter", "Walters, then Walter", true },
    { "Walter", "first_Walter_id", true },
    { "Walter", "Walter\xC3\xA9", false }, /* é */
    { "Walter", "\xC3\xA9Walter", false },
    { "Walter", "\xE2\x80\x9CWalter\xE2\x80\x9D", true }, /* in typographic quotes */
    { "\xC3\x89milie", "(\xC3\x89milie)", true },
    { "\xC3\x89milie", "Yz\xC3\x89milie", false },
    { "\xE5\xBC\xA0\xE4\xB8\x89\xE4\xB8\xB0",
      "\xE6\x88\x91\xE5\xBC\xA0\xE4\xB8\x89\xE4\xB8\xB0\xE5\x9C\xA8", true },
    { "ann@x.de", "mail ann@x.de.", true },
    { "ann@x.de", "mail joann@x.de", false },
    { "ann@x.de", "mail ann@x.dev", false },
    { "+49 30 1234", "tel:+49 30 1234;", true },
    { "+49 30 1234", "+49 30 12345", false },
    /* numbers */
    { "123456", "91234567", false },
    { "123456", "12345678", false },
    { "123456", "f123456b", false },
    { "123456", "0.123456", false },
    { "123456", "123456.78", false },
    { "123456", "IN (1,123456,7)", true },
    { "123456", "sum 123456.", true },
    { "123456", "sum 123456.00", true },
    { "1234.56", "1234.5600", true },
    { "1234.5600", "1234.56", true },
    { "1234.56", "1234.567", false },
    { "-1234.56", "1234.56", true },
    { "149.95", "149.95", false }, /* five digits */
    { "500000", "500000", false }, /* round */
    { "12000000.00", "12000000", false },
    { "000120", "000120", true }, /* a code */
    /* dates */
    { "1980-05-17", "born 1980-05-17", true },
    { "1980-05-17", "1980-05-17T10:00:00", true },
    { "1980-05-17", "1980-05-171", false },
    { "1980-05-01", "1980-05-01", false },
    { "1980-01-01 00:00:00", "1980-01-01 00:00:00", false },
    { "1980-05-01 10:11:12", "1980-05-01 10:11:12", true },
    { "1980-05-01 xyz", "1980-05-01 xyz", true },
    /* spellings */
    { "Pat O'Neil", "name = 'Pat O''Neil'", true },
    { "Pat O'Neil", "name = E'Pat O\\'Neil'", true },
    { "Pat O''Neil", "Pat O''Neil", true },
    { "say \"hi\" now", "{\"a\":\"say \\\"hi\\\" now\"}", true },
    { "say \"hi\" now", "{\\\"a\\\":\\\"say \\\\\\\"hi\\\\\\\" now\\\"}", true }, /* twice */
    { "O'Neil \"Pat\"", "\"x = 'O''Neil \\\"Pat\\\"'\"", true },
    { "line\none two", "\"line\\none two\"", true },
    { "C:\\temp\\x", "C:\\temp\\x", true },
    { "C:\\temp\\x", "\"C:\\\\temp\\\\x\"", true },
    { "M\xC3\xBCller & Sohn", "\"M\\u00fcller \\u0026 Sohn\"", true },
    { "smile \xF0\x9F\x98\x80", "\"smile \\ud83d\\ude00\"", true },
    { "100% wool", "LIKE '%100\\% wool%'", true },
    { "http://a.b/c", "\"http:\\/\\/a.b\\/c\"", true },
    { "abcdef", "\\", false },
    { "abcdef", "\\u12", false },
    { "abcdef", "", false },
    /* any 47 bytes of a long value */
    { "Caller was upset: the parcel came late and the box was open, wants his money back by Friday",
      "note: the parcel came late and the box was open, wants his mo", true },
    { "Caller was upset: the parcel came late and the box was open, wants his money back by Friday",
      "note: the parcel came late", false },
};

static void what_counts_as_an_occurrence(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nl_needles *set = nl_needles_new();
        assert_non_null(set);
        add(set, cases[i].value);
        if (finds(set, cases[i].text) != cases[i].found)
            fail_msg("[%s] %s be found in [%s]", cases[i].value,
                     cases[i].found ? "should" : "should not", cases[i].text);
        nl_needles_free(set);
    }
}

static void says_which_value_it_was(void **state) {
    (void)state;
    nl_needles *set = nl_needles_new();
    nl_needle_hit hit;
    nl_err err;
    bool kept = true;
    assert_true(nl_needles_add(set, "short", 5, &kept, &err));
    assert_false(kept);
    assert_true(nl_needles_add(set, " Anna Bell", 10, &kept, &err));
    assert_true(kept);
    assert_true(nl_needles_add(set, "Anna Bell", 9, &kept, &err));
    assert_true(kept);
    assert_int_equal(nl_needles_count(set), 1);
    assert_true(nl_needles_find(set, "x Anna Bell", 11, &hit, &err));
    assert_int_equal(hit.size, 9);
    assert_memory_equal(hit.value, "Anna Bell", 9);
    nl_needles_free(set);
    nl_needles_free(NULL);
}

static void exempt_texts_excuse_their_words(void **state) {
    (void)state;
    nl_err err;
    nl_needles *set = nl_needles_new();
    add(set, "Status Report");
    add(set, "CUSTOMER");
    add(set, "orders");
    add(set, "Order cancelled by phone");
    add(set, "Anna Bell");
    assert_true(finds(set, "all orders"));
    const char *text = "table customer (shop_orders int -- e.g. Order cancelled by phone\n)";
    assert_true(nl_needles_exempt(set, text, strlen(text), &err));
    assert_false(finds(set, "all orders of CUSTOMER, Order cancelled by phone"));
    assert_true(finds(set, "Order cancelled by phone, Anna Bell"));
    assert_true(finds(set, "a Status Report"));
    assert_true(nl_needles_exempt(set, "a Status Report", 15, &err));
    assert_false(finds(set, "a Status Report"));
    add(set, "Customer"); /* what comes later too */
    add(set, "by phone");
    assert_false(finds(set, "Customer by phone"));
    nl_needles_free(set);
}

/* --- beside a naive search -------------------------------------------------------------------- */

static unsigned next_random(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static bool word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* For values of letters and blanks that start and end in letters: a loop over all of both. */
static bool naive(char values[][64], size_t n, const char *text) {
    for (size_t v = 0; v < n; v++) {
        size_t size = strlen(values[v]);
        for (const char *at = strstr(text, values[v]); at; at = strstr(at + 1, values[v])) {
            if ((at == text || !word_char(at[-1])) && !word_char(at[size]))
                return true;
        }
        for (size_t p = 0; size >= 48 && p + 32 <= size; p += 16) {
            char piece[33];
            memcpy(piece, values[v] + p, 32);
            piece[32] = '\0';
            if (strstr(text, piece))
                return true;
        }
    }
    return false;
}

static void random_text(unsigned *seed, char *out, size_t size, unsigned letters) {
    for (size_t i = 0; i < size; i++) {
        unsigned c = next_random(seed) % (letters + 1);
        out[i] = (char)(c == letters ? ' ' : 'a' + (int)c);
    }
    out[0] = out[0] == ' ' ? 'a' : out[0];
    out[size - 1] = out[size - 1] == ' ' ? 'a' : out[size - 1];
    out[size] = '\0';
}

static void finds_what_a_naive_search_finds(void **state) {
    (void)state;
    static char values[300][64];
    static char text[2001];
    unsigned seed = 42;
    int found = 0, clean = 0;
    for (int round = 0; round < 600; round++) {
        nl_needles *set = nl_needles_new();
        size_t n = 1 + next_random(&seed) % 300;
        unsigned letters = 2 + next_random(&seed) % 4;
        for (size_t v = 0; v < n; v++) {
            random_text(&seed, values[v], 7 + next_random(&seed) % (v % 3 ? 8 : 50), letters);
            add(set, values[v]);
        }
        random_text(&seed, text, 20 + next_random(&seed) % 1900, letters);
        if (round % 3 == 0) { /* a part of a value, often a little changed */
            const char *value = values[next_random(&seed) % n];
            size_t size = strlen(value), at = next_random(&seed) % strlen(text);
            size = at + size > strlen(text) ? strlen(text) - at : size;
            memcpy(text + at, value, size);
        }
        bool expected = naive(values, n, text);
        if (finds(set, text) != expected)
            fail_msg("round %d: %s [%s]", round, expected ? "missed" : "invented", text);
        found += expected;
        clean += !expected;
        nl_needles_free(set);
    }
    assert_true(found > 100 && clean > 100); /* both happen, or this tests nothing */
}

/* Each of many values is found where it stands, also where all begin and end alike. */
static void finds_each_of_many_that_look_alike(void **state) {
    (void)state;
    nl_needles *set = nl_needles_new();
    char value[80], text[120];
    for (int i = 0; i < 50000; i++) {
        (void)snprintf(value, sizeof value, "https://www.example.org/u/%d/profile", 100000 + i * 7);
        add(set, value);
    }
    assert_int_equal(nl_needles_count(set), 50000);
    for (int i = 0; i < 50000; i += 11) {
        (void)snprintf(text, sizeof text, "see https://www.example.org/u/%d/profile.",
                       100000 + i * 7);
        assert_true(finds(set, text));
        (void)snprintf(text, sizeof text, "see https://www.example.org/u/%d/profile.",
                       100001 + i * 7);
        assert_false(finds(set, text));
    }
    nl_needles_free(set);
}

static void random_bytes_do_no_harm(void **state) {
    (void)state;
    static const char odd[] = "\\u'0d8.\xC3\xE2 -";
    unsigned seed = 7;
    bool kept;
    nl_needle_hit hit;
    nl_err err;
    nl_needles *set = nl_needles_new();
    for (int i = 0; i < 20000; i++) {
        size_t size = next_random(&seed) % 400;
        char *exact = malloc(size + 1); /* so that a read past the end is seen */
        assert_non_null(exact);
        for (size_t b = 0; b < size; b++)
            exact[b] =
                i % 2 ? (char)next_random(&seed) : odd[next_random(&seed) % (sizeof odd - 1)];
        char *shrunk = realloc(exact, size ? size : 1);
        assert_non_null(shrunk);
        if (i % 5 == 0)
            assert_true(nl_needles_add(set, shrunk, size % 60, &kept, &err));
        if (i % 500 == 1)
            assert_true(nl_needles_exempt(set, shrunk, size, &err));
        assert_true(nl_needles_find(set, shrunk, size, &hit, &err));
        free(shrunk);
    }
    nl_needles_free(set);
}

static void memory_that_runs_out_is_reported(void **state) {
    (void)state;
    if (!test_memory_can_fail())
        skip();
    bool kept, done = false;
    nl_needle_hit hit;
    int failures = 0;
    for (long n = 0; !done; n++) {
        nl_err err = { .code = NL_OK };
        char value[100];
        test_memory_fail(n);
        nl_needles *set = nl_needles_new();
        bool ok = set != NULL;
        for (int i = 0; i < 200 && ok; i++) {
            memset(value, 'a', sizeof value);
            (void)snprintf(value, sizeof value, "value %d", i);
            ok = nl_needles_add(set, value, i % 50 ? strlen(value) : sizeof value, &kept, &err);
        }
        ok = ok && nl_needles_exempt(set, "value 12 and others", 19, &err);
        ok = ok && nl_needles_find(set, "it''s \\\\ 'value'' 77'", 21, &hit, &err);
        done = !test_memory_failed();
        test_memory_fail(-1);
        if (!done) {
            failures++;
            assert_false(ok);
            assert_true(!set || err.code == NL_NOMEM);
        }
        if (set) { /* what was added before is there */
            add(set, "Anna Bell");
            assert_true(finds(set, "Anna Bell"));
        }
        nl_needles_free(set);
    }
    assert_true(failures > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts_as_an_occurrence),
        cmocka_unit_test(says_which_value_it_was),
        cmocka_unit_test(exempt_texts_excuse_their_words),
        cmocka_unit_test(finds_what_a_naive_search_finds),
        cmocka_unit_test(finds_each_of_many_that_look_alike),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(memory_that_runs_out_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
