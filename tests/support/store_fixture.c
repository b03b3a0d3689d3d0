#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

nl_loop *loop;
char dir[256];

int setup(void **state) {
    (void)state;
    loop = nl_loop_new(NULL);
    (void)snprintf(dir, sizeof dir, "%s", store_dir(NULL));
    return loop ? 0 : -1;
}

int teardown(void **state) {
    (void)state;
    nl_loop_free(loop);
    store_remove(dir);
    return 0;
}

int setup_in_memory(void **state) {
    if (setup(state) != 0)
        return -1;
    if (access("/dev/shm", W_OK) != 0)
        return 0;
    store_remove(dir);
    (void)snprintf(dir, sizeof dir, "%s", store_dir("/dev/shm"));
    return 0;
}

const char *dataset(void) {
    return store_path(dir, "dataset.jsonl");
}

void store_make(void) {
    const nl_store_rejection fallen = { .gate = "g", .reason = "r" };
    const nl_store_turn turn = { .item = "a", .turn = 2, .rejections = &fallen, .n_rejections = 1 };
    nl_store *store = store_open(loop, dir);
    nl_store_run *run = store_run(store, dir, false, NULL);
    assert_true(store_put_turn(run, "a", 1, 1, 2, NULL, NULL, NULL));
    assert_true(nl_store_turn_put(run, &turn, NULL, NULL, NULL));
    assert_true(store_put_call(run, "r1", 1, "reply", 0, 7));
    assert_true(nl_store_run_note(run, "{\"model\":\"m\"}", NULL, NULL));
    nl_store_close(store);
}

bool store_take_all(nl_store_cursor *cursor, nl_err *err) {
    const nl_store_field *fields;
    int more = cursor ? 1 : -1;
    while (more == 1)
        more = nl_store_cursor_next(cursor, &fields, err);
    nl_store_cursor_free(cursor);
    return more == 0;
}

bool store_view_again(nl_err *err) {
    nl_store_view *other = nl_store_view_open(store_path(dir, "nlsql.db"), err);
    nl_store_view_close(other);
    return other != NULL;
}
