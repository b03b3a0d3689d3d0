/* The ledger: a budget is never passed, however many reserve at once, and whatever dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_support.h"

static nl_loop *loop;
static nl_store *store;
static char dir[256];

static int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    if (loop)
        store = store_open(loop, dir);
    return loop ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    nl_store_close(store);
    nl_loop_free(loop);
    store_remove(dir);
    return 0;
}

static void reopen(void) {
    nl_store_close(store);
    store = store_open(loop, dir);
}

static void assert_ledger(int64_t spent, int64_t reserved) {
    int64_t s, r;
    nl_store_ledger(store, &s, &r);
    assert_int_equal(s, spent);
    assert_int_equal(r, reserved);
}

/* What is answered is noted as "name:number " or "name:code ". */
static char answers[256];

struct asked {
    const char *name;
    int64_t id;
    nl_store_wait *wait;
};

static void on_answer(void *ctx, int64_t id, const nl_err *err) {
    struct asked *asked = ctx;
    size_t n = strlen(answers);
    asked->id = id;
    asked->wait = NULL;
    (void)snprintf(answers + n, sizeof answers - n, "%s:%s ", asked->name,
                   err ? nl_code_name(err->code) : "ok");
}

static struct asked ask(const char *name, int64_t amount, struct asked *asked) {
    nl_err err = { .code = NL_OK };
    *asked = (struct asked){ .name = name };
    asked->wait = nl_store_reserve(store, amount, on_answer, asked, &err);
    if (!asked->wait)
        fail_msg("%s", err.msg);
    return *asked;
}

/* Lets the loop report everything that can be reported now. */
static const char *settle_down(void) {
    assert_true(store_flush(loop, store, NULL));
    assert_true(store_flush(loop, store, NULL));
    return answers;
}

static void a_reservation_is_durable_when_it_is_reported(void **state) {
    (void)state;
    int64_t id = store_reserve(loop, store, 40, NULL);
    assert_true(id > 0);
    assert_int_equal(store_number(dir, "SELECT reserved FROM ledger WHERE cost IS NULL"), 40);
    assert_ledger(0, 40);
    assert_true(nl_store_settle(store, id, 15, NULL));
    assert_ledger(15, 0);
    settle_down();
    assert_int_equal(store_number(dir, "SELECT cost FROM ledger"), 15);
}

static const struct {
    const char *why;
    int64_t reserved, cost, spent;
} settlements[] = {
    { "the real cost counts", 100, 30, 30 },
    { "nothing used", 100, 0, 0 },
    { "an unknown cost is charged in full", 100, -1, 100 },
    { "more than was reserved is charged as it is", 100, 150, 150 },
    { "an absurd cost is capped and spoils no sum", 100, INT64_MAX, INT64_C(1) << 53 },
};

static void a_settlement_charges(void **state) {
    (void)state;
    int64_t spent = 0;
    for (size_t i = 0; i < sizeof settlements / sizeof *settlements; i++) {
        for (int by_call = 0; by_call < 2; by_call++) {
            nl_store_run *run = store_run(store, dir, false, NULL);
            int64_t id = store_reserve(loop, store, settlements[i].reserved, NULL);
            print_message("  %s\n", settlements[i].why);
            assert_true(by_call ? store_put_call(run, "r", 1, "reply", id, settlements[i].cost)
                                : nl_store_settle(store, id, settlements[i].cost, NULL));
            spent += settlements[i].spent;
            assert_ledger(spent, 0);
            reopen();
            assert_ledger(spent, 0);
        }
    }
}

static void a_call_without_reservation_counts_too(void **state) {
    (void)state;
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_call(run, "r", 1, "reply", 0, 33));
    assert_true(store_put_call(run, "r", 2, "reply", 0, 0));
    assert_ledger(33, 0);
    reopen();
    assert_ledger(33, 0);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM ledger"), 1); /* nothing for nothing */
}

static void a_reservation_is_settled_once(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_run *run = store_run(store, dir, false, NULL);
    int64_t id = store_reserve(loop, store, 10, NULL);
    assert_true(nl_store_settle(store, id, 10, NULL));
    assert_false(nl_store_settle(store, id, 10, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_false(nl_store_settle(store, id + 1, 10, &err));
    assert_false(store_put_call(run, "r", 1, "reply", id, 10));
    assert_null(store_recall(run, "r", 1));
    assert_false(store_put_call(run, "r", 1, "reply", 0, -1)); /* a cost of what? */
    assert_null(nl_store_reserve(store, -1, on_answer, NULL, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_ledger(10, 0);
}

static void what_a_crash_left_reserved_is_charged_in_full(void **state) {
    (void)state;
    int64_t id = store_reserve(loop, store, 40, NULL);
    store_reserve(loop, store, 5, NULL);
    assert_true(nl_store_settle(store, id, 1, NULL));
    reopen();
    assert_ledger(6, 0);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM ledger WHERE cost IS NULL"), 0);
    int64_t next = store_reserve(loop, store, 1, NULL);
    assert_true(next > id + 1); /* numbers are never used again */
}

static void nothing_costs_nothing_and_needs_no_disk(void **state) {
    (void)state;
    struct asked free_one;
    answers[0] = '\0';
    nl_store_set_budget(store, 0);
    ask("free", 0, &free_one);
    assert_string_equal(answers, ""); /* never inline */
    assert_string_equal(settle_down(), "free:ok ");
    assert_int_equal(free_one.id, 0);
    assert_true(nl_store_settle(store, 0, -1, NULL)); /* settling it is fine */
    assert_int_equal(store_number(dir, "SELECT count(*) FROM ledger"), 0);
}

static nl_task turn_over;
static unsigned again_left;

static void note_turn(void *ctx) {
    (void)ctx;
    size_t n = strlen(answers);
    (void)snprintf(answers + n, sizeof answers - n, "| ");
}

static void ask_again(void *ctx, int64_t id, const nl_err *err) {
    on_answer(ctx, id, err);
    nl_loop_post(loop, &turn_over);
    if (again_left-- > 0)
        assert_non_null(nl_store_reserve(store, 0, ask_again, ctx, NULL));
    else
        nl_loop_stop(loop);
}

static void an_answer_waits_for_its_turn_of_the_loop(void **state) {
    (void)state;
    struct asked asked = { .name = "a" };
    answers[0] = '\0';
    again_left = 2;
    turn_over = (nl_task){ .fn = note_turn };
    assert_non_null(nl_store_reserve(store, 0, ask_again, &asked, NULL));
    nl_loop_run(loop);
    nl_loop_unpost(loop, &turn_over);
    assert_string_equal(answers, "a:ok | a:ok | a:ok ");
}

static void the_line_is_first_come_first_served(void **state) {
    (void)state;
    struct asked a, b, c, d;
    answers[0] = '\0';
    nl_store_set_budget(store, 100);
    ask("a", 60, &a);
    ask("b", 60, &b);
    ask("c", 10, &c); /* would fit, but does not overtake */
    ask("d", 90, &d);
    assert_string_equal(answers, "");
    assert_string_equal(settle_down(), "a:ok ");
    assert_ledger(0, 60);
    assert_true(nl_store_settle(store, a.id, 20, NULL));
    assert_ledger(20, 70);
    assert_string_equal(settle_down(), "a:ok b:ok c:ok ");
    assert_true(nl_store_settle(store, b.id, 1, NULL));
    assert_string_equal(settle_down(), "a:ok b:ok c:ok "); /* c is outstanding: d may yet fit */
    assert_true(nl_store_settle(store, c.id, 10, NULL));
    assert_string_equal(settle_down(), "a:ok b:ok c:ok d:budget ");
    assert_int_equal(d.id, 0);
    assert_ledger(31, 0);
}

static void a_refusal_says_the_sums_and_lets_a_smaller_one_pass(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    struct asked a, b, c;
    answers[0] = '\0';
    nl_store_set_budget(store, 5000000000);
    assert_true(nl_store_settle(store, store_reserve(loop, store, 4980000000, NULL), -1, NULL));
    assert_int_equal(store_reserve(loop, store, 40000000, &err), 0);
    assert_int_equal(err.code, NL_BUDGET);
    assert_string_equal(err.msg,
                        "budget reached: $4.98 of $5.00 spent, the next call could cost $0.0400");
    ask("a", 15000000, &a);
    ask("b", 40000000, &b);
    ask("c", 5000000, &c);
    settle_down();
    assert_true(nl_store_settle(store, a.id, -1, NULL));
    assert_string_equal(settle_down(), "a:ok b:budget c:ok ");
}

static void a_larger_budget_lets_the_line_go_on(void **state) {
    (void)state;
    struct asked a, b;
    answers[0] = '\0';
    nl_store_set_budget(store, 10);
    ask("a", 10, &a);
    ask("b", 10, &b);
    assert_string_equal(settle_down(), "a:ok ");
    nl_store_set_budget(store, 20);
    assert_string_equal(settle_down(), "a:ok b:ok ");
    nl_store_set_budget(store, -1);
    assert_true(store_reserve(loop, store, INT64_C(1) << 50, NULL) > 0);
}

static void a_cancelled_reservation_is_given_back(void **state) {
    (void)state;
    struct asked a, b, c, d;
    answers[0] = '\0';
    nl_store_set_budget(store, 100);
    ask("a", 80, &a);
    ask("b", 80, &b); /* in line */
    ask("c", 20, &c); /* behind it */
    ask("d", 0, &d);  /* to be answered */
    nl_store_reserve_cancel(b.wait);
    assert_ledger(0, 100);           /* c went ahead */
    nl_store_reserve_cancel(a.wait); /* on its way to the disk */
    nl_store_reserve_cancel(d.wait);
    assert_ledger(0, 20);
    assert_string_equal(settle_down(), "c:ok ");
    reopen();
    assert_ledger(20, 0); /* only c's */
}

static void who_leaves_the_middle_of_the_line_leaves_the_others_in_order(void **state) {
    (void)state;
    struct asked a, b, c, d;
    answers[0] = '\0';
    nl_store_set_budget(store, 100);
    ask("a", 100, &a);
    ask("b", 40, &b);
    ask("c", 40, &c);
    ask("d", 40, &d);
    nl_store_reserve_cancel(c.wait);
    assert_string_equal(settle_down(), "a:ok ");
    assert_true(nl_store_settle(store, a.id, 0, NULL));
    assert_string_equal(settle_down(), "a:ok b:ok d:ok ");
    assert_ledger(0, 80);
}

static void what_was_settled_is_not_found_between_others(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    int64_t ids[3];
    for (int i = 0; i < 3; i++)
        ids[i] = store_reserve(loop, store, 10, NULL);
    assert_true(nl_store_settle(store, ids[1], 4, NULL));
    assert_false(nl_store_settle(store, ids[1], 4, &err));
    assert_int_equal(err.code, NL_INVALID);
    assert_ledger(4, 20);
}

/* Sums below ten cents have more digits, and nothing is "$0.00". */
static void a_refusal_shows_small_sums(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    nl_store_set_budget(store, 20000000);
    assert_int_equal(store_reserve(loop, store, 30000000000, &err), 0);
    assert_string_equal(err.msg,
                        "budget reached: $0.00 of $0.0200 spent, the next call could cost $30.00");
}

static void stop_loop(void *ctx) {
    (void)ctx;
    nl_loop_stop(loop);
}

static void a_ledger_that_cannot_be_written_holds_nothing_and_refuses_all(void **state) {
    (void)state;
    nl_err err = { .code = NL_OK };
    struct asked a, b;
    answers[0] = '\0';
    int64_t held = store_reserve(loop, store, 5, NULL);
    nl_store_set_budget(store, 100);
    struct sqlite3 *other = store_sql_begin(dir, "DROP TABLE ledger");
    ask("a", 90, &a);
    ask("b", 90, &b); /* in line, before a's can fail */
    store_sql_commit(other);
    assert_false(store_flush(loop, store, &err));
    nl_timer *soon = nl_timer_start(loop, 1, 0, stop_loop, NULL, NULL);
    nl_loop_run(loop); /* b's answer waits for a turn */
    nl_timer_stop(soon);
    assert_string_equal(answers, "a:io b:io ");
    assert_ledger(0, 5);
    assert_false(nl_store_settle(store, held, -1, &err));
    assert_int_equal(err.code, NL_IO);
    assert_null(nl_store_reserve(store, 1, on_answer, &a, &err));
    nl_store_close(store);
    store = nl_store_open(loop, store_path(dir, "nlsql.db"), &err);
    assert_null(store); /* what was spent is not known: better none than one without it */
}

static void closing_forgets_the_line(void **state) {
    (void)state;
    struct asked a, b, c;
    answers[0] = '\0';
    nl_store_set_budget(store, 100);
    ask("a", 80, &a);
    ask("b", 80, &b);
    ask("c", 0, &c);
    reopen();
    assert_string_equal(answers, "");
    assert_ledger(80, 0); /* a's was submitted */
}

/* --- many at once -------------------------------------------------------------------------- */

enum { WORKERS = 500, LIMIT = 4000000, MOST = 20000 };

static unsigned seed;
static unsigned under_way, granted, refused;

static unsigned dice(unsigned sides) {
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % sides;
}

static struct worker {
    int64_t id, amount;
    nl_timer *timer;
} workers[WORKERS];

static void assert_within_limit(void) {
    int64_t spent, reserved;
    nl_store_ledger(store, &spent, &reserved);
    assert_true(spent + reserved <= LIMIT);
}

static void again(struct worker *worker);

static void call_is_over(void *ctx) {
    struct worker *worker = ctx;
    nl_timer_stop(worker->timer);
    int64_t cost = dice(20) == 0 ? -1 : (int64_t)dice((unsigned)worker->amount + 1);
    assert_true(nl_store_settle(store, worker->id, cost, NULL));
    assert_within_limit();
    again(worker);
}

static void on_granted(void *ctx, int64_t id, const nl_err *err) {
    struct worker *worker = ctx;
    assert_within_limit();
    if (err) {
        assert_int_equal(err->code, NL_BUDGET);
        refused++;
        if (--under_way == 0)
            nl_loop_stop(loop);
        return;
    }
    granted++;
    worker->id = id;
    worker->timer = nl_timer_start(loop, dice(4), 0, call_is_over, worker, NULL);
    if (granted % 200 == 0) /* as it lies on disk, at any moment */
        assert_true(store_number(dir, "SELECT sum(coalesce(cost, reserved)) FROM ledger") <= LIMIT);
}

static void again(struct worker *worker) {
    worker->amount = 1 + (int64_t)dice(MOST);
    assert_non_null(nl_store_reserve(store, worker->amount, on_granted, worker, NULL));
}

static void five_hundred_at_once_stay_within_the_budget_and_use_it(void **state) {
    (void)state;
    int64_t spent, reserved;
    seed = 20240117;
    granted = refused = 0;
    under_way = WORKERS;
    nl_store_set_budget(store, LIMIT);
    for (unsigned i = 0; i < WORKERS; i++)
        again(&workers[i]);
    nl_loop_run(loop);
    assert_int_equal(refused, WORKERS); /* everybody was told in the end */
    nl_store_ledger(store, &spent, &reserved);
    assert_int_equal(reserved, 0);
    assert_true(spent >= LIMIT / 100 * 95);
    reopen();
    assert_ledger(spent, 0);
    assert_int_equal(store_number(dir, "SELECT count(*) FROM ledger"), granted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reservation_is_durable_when_it_is_reported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_settlement_charges, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_without_reservation_counts_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reservation_is_settled_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_crash_left_reserved_is_charged_in_full, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_costs_nothing_and_needs_no_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_waits_for_its_turn_of_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(the_line_is_first_come_first_served, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_says_the_sums_and_lets_a_smaller_one_pass, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_larger_budget_lets_the_line_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_reservation_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(
            who_leaves_the_middle_of_the_line_leaves_the_others_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_settled_is_not_found_between_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_refusal_shows_small_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_ledger_that_cannot_be_written_holds_nothing_and_refuses_all, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_forgets_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(five_hundred_at_once_stay_within_the_budget_and_use_it,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
