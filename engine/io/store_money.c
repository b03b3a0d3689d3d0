/* Money: what is spent, what is reserved, who waits for room.
 *
 * Totals are kept in memory by the loop's thread and change at submission. The ledger follows in
 * the same order, so after a crash it shows some earlier moment of these totals, in which the
 * budget held too; what was outstanding then is charged in full. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

static void push(struct nl_store_waits *list, nl_store_wait *wait) {
    wait->before = list->last;
    wait->after = NULL;
    if (list->last)
        list->last->after = wait;
    else
        list->first = wait;
    list->last = wait;
}

static void take_out(struct nl_store_waits *list, nl_store_wait *wait) {
    if (wait->before)
        wait->before->after = wait->after;
    else
        list->first = wait->after;
    if (wait->after)
        wait->after->before = wait->before;
    else
        list->last = wait->before;
}

static nl_store_wait *pop(struct nl_store_waits *list) {
    nl_store_wait *wait = list->first;
    list->first = wait->after;
    if (list->first)
        list->first->before = NULL;
    else
        list->last = NULL;
    return wait;
}

/* --- totals -------------------------------------------------------------------------------- */

/* $9 million: no honest amount is larger, and a thousand of these still add up. */
#define MOST (INT64_C(1) << 53)

static int64_t capped(int64_t amount) {
    return amount < MOST ? amount : MOST;
}

static bool fits(const struct nl_store_money *money, int64_t amount) {
    return money->limit < 0 || money->spent + money->reserved + amount <= money->limit;
}

static struct nl_store_outstanding *find(const struct nl_store_money *money, int64_t id) {
    size_t low = 0, high = money->n_outstanding;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (money->outstanding[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < money->n_outstanding && money->outstanding[low].id == id ? &money->outstanding[low]
                                                                          : NULL;
}

/* Takes it off the books, and says how much it was. */
static int64_t release(struct nl_store_money *money, int64_t id) {
    struct nl_store_outstanding *one = find(money, id);
    int64_t amount = one->amount;
    size_t behind = money->n_outstanding - (size_t)(one - money->outstanding) - 1;
    memmove(one, one + 1, behind * sizeof *one);
    money->n_outstanding--;
    money->reserved -= amount;
    return amount;
}

bool nl_store_money_check(const nl_store *store, int64_t reservation, nl_err *err) {
    if (find(&store->money, reservation))
        return true;
    return nl_err_set(err, NL_INVALID,
                      "there is no reservation %" PRId64 ": it was settled before, or never made",
                      reservation);
}

int64_t nl_store_money_settle(nl_store *store, int64_t reservation, int64_t cost) {
    struct nl_store_money *money = &store->money;
    int64_t amount = release(money, reservation);
    int64_t charged = cost < 0 ? amount : capped(cost);
    money->spent += charged;
    return charged;
}

int64_t nl_store_money_charge(nl_store *store, int64_t *cost) {
    *cost = capped(*cost);
    store->money.spent += *cost;
    return store->money.next_id++;
}

void nl_store_ledger(const nl_store *store, int64_t *spent, int64_t *reserved) {
    *spent = store->money.spent;
    *reserved = store->money.reserved;
}

/* --- answers ------------------------------------------------------------------------------- */

static void show(int64_t nano, char text[32]) {
    double dollars = (double)nano / 1e9;
    (void)snprintf(text, 32, nano != 0 && dollars < 0.1 ? "$%.4f" : "$%.2f", dollars);
}

static void refusal(const nl_store *store, const nl_store_wait *wait, nl_err *err) {
    char spent[32], limit[32], amount[32];
    if (wait->code != NL_BUDGET) {
        *err = store->error;
        return;
    }
    show(store->money.spent, spent);
    show(store->money.limit, limit);
    show(wait->amount, amount);
    nl_err_set(err, NL_BUDGET, "budget reached: %s of %s spent, the next call could cost %s", spent,
               limit, amount);
}

/* On the loop: those that are refused, and those that cost nothing. One at a time from the list,
 * since a callback may cancel another; those that join it meanwhile wait for the next turn. */
static void answer(void *ctx) {
    nl_store *store = ctx;
    struct nl_store_money *money = &store->money;
    uint64_t turn = ++money->turn;
    nl_store_wait *wait;
    while (money->answers.first && money->answers.first->turn < turn) {
        nl_err err;
        wait = pop(&money->answers);
        if (wait->code != NL_OK)
            refusal(store, wait, &err);
        wait->done(wait->ctx, 0, wait->code == NL_OK ? NULL : &err);
        free(wait);
    }
}

static void answer_later(nl_store *store, nl_store_wait *wait, nl_code code) {
    wait->state = WAIT_ANSWERED;
    wait->code = code;
    wait->turn = store->money.turn;
    push(&store->money.answers, wait);
    nl_loop_post(store->loop, &store->money.answer);
}

/* The reservation is durable, or could not be written. */
static void on_reserved(void *ctx, const nl_err *err) {
    nl_store_wait *wait = ctx;
    struct nl_store_money *money = &wait->store->money;
    if (wait->cancelled)
        return;
    /* not taken: nobody settles a reservation whose number was not told yet */
    if (err && find(money, wait->id))
        release(money, wait->id);
    wait->done(wait->ctx, err ? 0 : wait->id, err);
}

/* --- the line ------------------------------------------------------------------------------ */

static void grant(nl_store *store, nl_store_wait *wait) {
    struct nl_store_money *money = &store->money;
    wait->id = money->next_id++;
    wait->state = WAIT_SUBMITTED;
    money->outstanding[money->n_outstanding++] =
        (struct nl_store_outstanding){ wait->id, wait->amount };
    money->reserved += wait->amount;
    wait->op = (struct nl_store_op){
        .kind = OP_RESERVE, .size = sizeof *wait, .done = on_reserved, .ctx = wait
    };
    nl_store_submit(store, &wait->op);
}

static nl_store_wait *next_in_line(struct nl_store_money *money) {
    money->n_queued--;
    return pop(&money->queue);
}

void nl_store_money_pump(nl_store *store) {
    struct nl_store_money *money = &store->money;
    while (money->queue.first) {
        bool room = fits(money, money->queue.first->amount);
        if (!room && money->n_outstanding > 0)
            break; /* a settlement may make room, and nobody overtakes */
        nl_store_wait *wait = next_in_line(money);
        if (room)
            grant(store, wait);
        else
            answer_later(store, wait, NL_BUDGET);
    }
}

void nl_store_money_fail(nl_store *store) {
    while (store->money.queue.first)
        answer_later(store, next_in_line(&store->money), store->error.code);
}

void nl_store_set_budget(nl_store *store, int64_t nano) {
    store->money.limit = nano;
    nl_store_money_pump(store);
}

/* So that granting needs no memory. */
static bool make_room(struct nl_store_money *money, nl_err *err) {
    if (money->n_outstanding + money->n_queued < money->room)
        return true;
    size_t room = money->room ? money->room * 2 : 64;
    struct nl_store_outstanding *bigger = realloc(money->outstanding, room * sizeof *bigger);
    if (!bigger) /* nothing has changed then */
        return nl_err_nomem(err);
    money->outstanding = bigger;
    money->room = room;
    return true;
}

nl_store_wait *nl_store_reserve(nl_store *store, int64_t amount, nl_store_reserved done, void *ctx,
                                nl_err *err) {
    struct nl_store_money *money = &store->money;
    if (!nl_store_usable(store, err))
        return NULL;
    if (amount < 0 || amount > MOST) {
        nl_err_set(err, NL_INVALID, "cannot reserve %" PRId64 " nano-dollars", amount);
        return NULL;
    }
    nl_store_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        nl_err_nomem(err);
    if (!wait || !make_room(money, err)) {
        free(wait);
        return NULL;
    }
    wait->store = store;
    wait->amount = amount;
    wait->done = done;
    wait->ctx = ctx;
    if (amount == 0) {
        answer_later(store, wait, NL_OK);
        return wait;
    }
    wait->state = WAIT_QUEUED;
    push(&money->queue, wait);
    money->n_queued++;
    nl_store_money_pump(store);
    return wait;
}

static bool submit_settlement(nl_store *store, int64_t reservation, int64_t cost, nl_err *err) {
    struct nl_store_settle_op *op = malloc(sizeof *op);
    if (!op) /* the reservation stays, and is charged in full */
        return nl_err_nomem(err);
    *op = (struct nl_store_settle_op){ .op = { .kind = OP_SETTLE, .size = sizeof *op },
                                       .id = reservation };
    op->cost = nl_store_money_settle(store, reservation, cost);
    nl_store_submit(store, &op->op);
    nl_store_money_pump(store);
    return true;
}

bool nl_store_settle(nl_store *store, int64_t reservation, int64_t cost, nl_err *err) {
    if (reservation == 0) /* of a call that costs nothing */
        return true;
    return nl_store_usable(store, err) && nl_store_money_check(store, reservation, err) &&
           submit_settlement(store, reservation, cost, err);
}

void nl_store_reserve_cancel(nl_store_wait *wait) {
    nl_store *store = wait->store;
    struct nl_store_money *money = &store->money;
    /* not taken: there is no fourth state */
    switch (wait->state) {
    case WAIT_QUEUED:
        take_out(&money->queue, wait);
        money->n_queued--;
        free(wait);
        nl_store_money_pump(store); /* the next in line may be smaller */
        break;
    case WAIT_ANSWERED:
        take_out(&money->answers, wait);
        free(wait);
        break;
    case WAIT_SUBMITTED: /* the queue owns it; where memory is out it stays charged */
        wait->cancelled = true;
        (void)submit_settlement(store, wait->id, 0, NULL);
        break;
    }
}

/* --- open and close ------------------------------------------------------------------------ */

static bool read_totals(nl_store *store, nl_err *err) {
    static const char sql[] = "SELECT coalesce(sum(cost), 0), coalesce(max(id), 0) FROM ledger";
    bool row;
    sqlite3_stmt *stmt = nl_store_prepare(store, store->writer, sql, err);
    bool ok = stmt && nl_store_row(store, stmt, &row, err);
    if (ok) {
        store->money.spent = sqlite3_column_int64(stmt, 0);
        store->money.next_id = sqlite3_column_int64(stmt, 1) + 1;
    }
    sqlite3_finalize(stmt);
    return ok;
}

bool nl_store_money_open(nl_store *store, nl_err *err) {
    static const char charge[] = "UPDATE ledger SET cost = reserved WHERE cost IS NULL";
    store->money.answer = (nl_task){ .fn = answer, .ctx = store };
    sqlite3_stmt *stmt = nl_store_prepare(store, store->writer, charge, err);
    bool ok = stmt && nl_store_step(store, stmt, err);
    sqlite3_finalize(stmt);
    return ok && read_totals(store, err);
}

void nl_store_money_close(nl_store *store) {
    struct nl_store_money *money = &store->money;
    if (money->answer.fn)
        nl_loop_unpost(store->loop, &money->answer);
    for (nl_store_wait *wait = money->queue.first, *next; wait; wait = next) {
        next = wait->after;
        free(wait);
    }
    for (nl_store_wait *wait = money->answers.first, *next; wait; wait = next) {
        next = wait->after;
        free(wait);
    }
    free(money->outstanding);
    money->outstanding = NULL;
}
