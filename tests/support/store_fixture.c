#include "store_fixture.h"

#include <stdio.h>

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

const char *dataset(void) {
    return store_path(dir, "dataset.jsonl");
}
