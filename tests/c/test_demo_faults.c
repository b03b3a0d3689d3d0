/* What stands in the way of the demo database is named, and mended where that is safe. */
#include "db/demo.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cluster_support.h"
#include "db/cluster_files.h"
#include "io/proc.h"

#include "base/banned.h"

static struct place place;

/* Where the file system gives every folder this mode; 0: it does as it is told. */
static mode_t fixed_mode;

/* In place of the C library's. */
char *mkdtemp(char *path) {
    size_t n = strlen(path);
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(path + n - 6, 7, "%06u", (unsigned)getpid() % 100 * 10000 + i);
        if (mkdir(path, 0700) == 0)
            return !fixed_mode || chmod(path, fixed_mode) == 0 ? path : NULL;
    }
    return NULL;
}

static void forget_templates(void) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/nlsql", place.cache);
    assert_true(cluster_remove_tree(path));
}

static void cache_path(char *path, size_t room) {
    (void)snprintf(path, room, "%s/nlsql", place.cache);
}

static void starts_and_says(const char *what) {
    (void)place_said(&place);
    nl_cluster_stop(place_start(&place));
    const char *said = place_said(&place);
    if (what ? !strstr(said, what) : said[0] != '\0')
        fail_msg("expected %s, found: %s", what ? what : "nothing", said);
}

static void does_not_start_and_says(nl_code code, const char *what) {
    nl_err err = { .code = NL_OK };
    assert_null(nl_demo_start(place.share, &err));
    if (err.code != code || !strstr(err.msg, what))
        fail_msg("expected %s: %s, found %s: %s", nl_code_name(code), what, nl_code_name(err.code),
                 err.msg);
    assert_int_equal(count(place.tmp, "nlsql-pg-", NULL, 0), 0);
}

static int skip_or_zero(int result) {
    if (result == CANNOT) {
        print_message("left out: this machine allows no mounts of one's own\n");
        skip();
    }
    return result;
}

/* --- the SQL -------------------------------------------------------------------------------- */

static void a_mistake_in_its_files_is_named(void **state) {
    (void)state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/3_wrong.sql", place.sql);
    write_file(path, "SELECT 1;\nINSERT INTO nowhere VALUES (1);\n");
    does_not_start_and_says(NL_DB, "3_wrong.sql:2: ERROR:  relation \"nowhere\" does not exist");
    assert_int_equal(unlink(path), 0);

    nl_err err = { .code = NL_OK };
    assert_null(nl_demo_start(place.tmp, &err));
    assert_int_equal(err.code, NL_NOTFOUND);
    assert_non_null(strstr(err.msg, "/scripts/demo; reinstall"));
}

/* --- PostgreSQL ----------------------------------------------------------------------------- */

static int without_postgresql(const void *ctx) {
    (void)ctx;
    static const char package[] = "install the package postgresql";
    static const char *const commands[][8] = {
        { BUILD_DIR "/nlsql", "schema", "--demo", NULL },
        { BUILD_DIR "/nlsql", "run", "joins", "--demo", "--base-url", "http://127.0.0.1:9/v1",
          NULL },
    };
    nl_err err = { .code = NL_OK };
    if (access("/usr/lib/postgresql", F_OK) == 0 &&
        (!own_mounts() || !mount_tmpfs("/usr/lib/postgresql", "size=1m")))
        return CANNOT;
    CHECK(setenv("PATH", "/nowhere", 1) == 0, "PATH");
    CHECK(!nl_demo_start(place.share, &err), "it started");
    CHECK(err.code == NL_NOTFOUND && strstr(err.msg, package), "%s", err.msg);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const nl_proc_options options = { .argv = commands[i], .cwd = place.folder };
        nl_buf output;
        int status = -1;
        nl_buf_init(&output);
        CHECK(nl_proc_run(&options, &output, &status, &err), "%s", err.msg);
        CHECK(status == 4 && strstr(output.data, package), "%d: %s", status, output.data);
        nl_buf_release(&output);
    }
    return 0;
}

static void without_postgresql_it_names_the_package(void **state) {
    (void)state;
    assert_int_equal(skip_or_zero(in_child(without_postgresql, NULL)), 0);
}

/* --- the cache ------------------------------------------------------------------------------ */

static void a_cache_that_others_may_write_to_is_closed(void **state) {
    (void)state;
    char cache[PATH_MAX];
    struct stat st;
    nl_cluster_stop(place_start(&place));
    cache_path(cache, sizeof cache);
    static const mode_t modes[] = { 0777, 0770, 0702 };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(cache, modes[i]), 0);
        starts_and_says("it is private now");
        assert_int_equal(stat(cache, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
    }
    starts_and_says(NULL); /* and what is in it still serves */
}

static void what_others_own_is_not_used(void **state) {
    (void)state;
    char cache[PATH_MAX], template[PATH_MAX];
    struct stat st;
    if (geteuid() != 0) {
        print_message("left out: only root can give folders to others\n");
        skip();
    }
    nl_cluster_stop(place_start(&place));
    cache_path(cache, sizeof cache);
    assert_int_equal(count(cache, "demo-", template, sizeof template), 1);
    assert_int_equal(chown(template, 65534, 65534), 0); /* put there while it was open */
    starts_and_says("it is not ours alone");
    assert_int_equal(stat(template, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(count(cache, "demo-", NULL, 0), 1);

    assert_int_equal(chown(cache, 65534, 65534), 0);
    starts_and_says("belongs to user 65534: nothing is cached");
    assert_int_equal(chown(cache, 0, 0), 0);
}

static void a_template_of_another_version_is_made_again(void **state) {
    (void)state;
    char cache[PATH_MAX], template[PATH_MAX], path[PATH_MAX + 32];
    nl_cluster_stop(place_start(&place));
    cache_path(cache, sizeof cache);
    assert_int_equal(count(cache, "demo-", template, sizeof template), 1);
    (void)snprintf(path, sizeof path, "%s/data/PG_VERSION", template);
    write_file(path, "99\n");
    starts_and_says("is made again: the private PostgreSQL server did not start: database files "
                    "are incompatible");
    starts_and_says(NULL);
}

/* --- the folder that it runs in ----------------------------------------------------------------
 */

static void a_folder_that_cannot_be_private_is_refused(void **state) {
    (void)state;
    char says[256];
    static const mode_t modes[] = { 0777, 0750, 0701 };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        fixed_mode = modes[i];
        (void)snprintf(says, sizeof says, "the new folder %s/nlsql-pg-", place.tmp);
        does_not_start_and_says(NL_IO, says);
        (void)snprintf(says, sizeof says, "cannot be made private (its mode is %03o", modes[i]);
        does_not_start_and_says(NL_IO, says);
    }
    fixed_mode = 0;
}

static void the_place_follows_the_environment(void **state) {
    (void)state;
    char closed[128], deep[256];
    nl_cluster *demo = place_start(&place);
    assert_memory_equal(nl_cluster_socket_dir(demo), place.tmp, strlen(place.tmp));
    nl_cluster_stop(demo);

    (void)snprintf(closed, sizeof closed, "%s/closed", place.folder);
    (void)snprintf(deep, sizeof deep, "%s/%080d", place.folder, 0);
    assert_int_equal(mkdir(closed, 0755), 0);
    assert_int_equal(mkdir(deep, 0755), 0);
    assert_int_equal(chmod(closed, geteuid() == 0 ? 0700 : 0), 0);
    const struct {
        const char *path;
        const char *says; /* NULL: nothing */
        const char *why;
    } cases[] = {
        { deep, "is too long for a socket's path", "bind() takes 107 bytes" },
        { closed, NULL, "the server's user may not enter it" },
        { "/does/not/exist", NULL, "no such folder" },
        { ".", NULL, "not an absolute path" },
        { "", NULL, "set to nothing" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(setenv("TMPDIR", cases[i].path, 1), 0);
        (void)place_said(&place);
        demo = place_start(&place);
        const char *said = place_said(&place);
        if (strncmp(nl_cluster_socket_dir(demo), "/tmp/nlsql-pg-", 14) != 0 ||
            (cases[i].says ? !strstr(said, cases[i].says) : said[0] != '\0'))
            fail_msg("%s: in %s, said: %s", cases[i].why, nl_cluster_socket_dir(demo), said);
        nl_cluster_stop(demo);
    }
    assert_int_equal(setenv("TMPDIR", place.tmp, 1), 0);
}

/* --- who runs it ---------------------------------------------------------------------------- */

static bool become_nobody(void) {
    const struct passwd *nobody = getpwnam("nobody");
    return nobody && setgroups(0, NULL) == 0 && setgid(nobody->pw_gid) == 0 &&
           setuid(nobody->pw_uid) == 0;
}

static int as_a_user(const void *ctx) {
    const char *home = ctx;
    char runtime[PATH_MAX], text[64];
    struct stat st;
    nl_err err = { .msg = "" };
    if (geteuid() == 0)
        CHECK(become_nobody(), "nobody");
    CHECK(setenv("HOME", home, 1) == 0 && unsetenv("XDG_CACHE_HOME") == 0, "HOME");
    (void)snprintf(runtime, sizeof runtime, "%s/run", home);
    CHECK(mkdir(runtime, 0700) == 0, "%s", runtime);
    CHECK(setenv("XDG_RUNTIME_DIR", runtime, 1) == 0, "XDG_RUNTIME_DIR");
    for (int i = 0; i < 2; i++) {
        nl_cluster *demo = nl_demo_start(place.share, &err);
        CHECK(demo, "%s", err.msg);
        const char *folder = nl_cluster_socket_dir(demo);
        CHECK(strncmp(folder, runtime, strlen(runtime)) == 0, "%s", folder);
        CHECK(stat(folder, &st) == 0 && st.st_uid == getuid() && (st.st_mode & 0777) == 0700,
              "%s: %o", folder, (unsigned)st.st_mode);
        CHECK(psql(demo, NULL, "SELECT count(*) FROM shop", text, sizeof text) == 0, "%s", text);
        CHECK(strcmp(text, "100") == 0, "%s", text);
        nl_cluster_stop(demo);
    }
    (void)snprintf(runtime, sizeof runtime, "%s/.cache/nlsql", home);
    CHECK(count(runtime, "demo-", NULL, 0) == 1, "%s", runtime);
    return 0;
}

static void it_starts_as_an_ordinary_user(void **state) {
    (void)state;
    char home[PATH_MAX];
    (void)snprintf(home, sizeof home, "%s/home", place.folder);
    assert_int_equal(mkdir(home, 0777), 0);
    assert_int_equal(chmod(home, 0777), 0);
    assert_int_equal(in_child(as_a_user, home), 0);
}

static void as_root_the_server_is_somebody_else(void **state) {
    (void)state;
    struct stat st;
    if (geteuid() != 0) {
        print_message("left out: not run as root\n");
        skip();
    }
    nl_cluster *demo = place_start(&place);
    assert_int_equal(stat(nl_cluster_socket_dir(demo), &st), 0);
    assert_int_not_equal(st.st_uid, 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    nl_cluster_stop(demo);
}

/* --- a full disk ---------------------------------------------------------------------------- */

struct small {
    const char *size;
    bool cached;   /* the template is there already */
    bool is_cache; /* the small disk is that of the cache */
    const char *why;
};

static int on_a_small_disk(const void *ctx) {
    const struct small *small = ctx;
    char disk[PATH_MAX], options[64], kept[PATH_MAX];
    nl_err err = { .msg = "" };
    (void)snprintf(disk, sizeof disk, "%s/disk", place.folder);
    (void)snprintf(options, sizeof options, "mode=1777,size=%s", small->size);
    if (!own_mounts() || !mount_tmpfs(disk, options))
        return CANNOT;
    CHECK(setenv(small->is_cache ? "XDG_CACHE_HOME" : "TMPDIR", disk, 1) == 0, "environment");
    nl_cluster *demo = nl_demo_start(place.share, &err);
    CHECK(!demo == !small->is_cache, "%s", demo ? "it started" : err.msg);
    nl_cluster_stop(demo);
    if (small->is_cache) {
        CHECK(cluster_join(kept, sizeof kept, disk, "nlsql"), "%s", disk);
        CHECK(count(kept, "demo-", NULL, 0) == 0, "half of a template");
        CHECK(strstr(place_said(&place), "No space left on device"), "nothing is said");
    } else {
        CHECK(err.code == NL_IO && strstr(err.msg, "there is no room in "), "%s", err.msg);
        CHECK(strstr(err.msg, disk), "%s", err.msg);
        /* in the words of whoever met it first, and not "server closed the connection" */
        CHECK(strstr(err.msg, "No space left on device") || strstr(err.msg, "wrote only"), "%s",
              err.msg);
    }
    CHECK(count(disk, "nlsql-pg-", NULL, 0) == 0, "something is left");
    return 0;
}

static void a_full_disk_is_named_and_nothing_left_on_it(void **state) {
    (void)state;
    static const struct small cases[] = {
        { "64k", false, false, "no room for the smallest file" },
        { "6m", false, false, "none for what initdb makes" },
        { "29m", false, false, "none for the log of a server" },
        { "32m", false, false, "none for the database" },
        { "64k", true, false, "none for a copy of the template" },
        { "10m", true, false, "none for half of it" },
        { "10m", false, true, "none to keep it" },
        { "34m", false, true, "none to keep the second template" },
    };
    char disk[PATH_MAX];
    (void)snprintf(disk, sizeof disk, "%s/disk", place.folder);
    assert_int_equal(mkdir(disk, 0755), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forget_templates();
        if (cases[i].cached)
            nl_cluster_stop(place_start(&place));
        if (skip_or_zero(in_child(on_a_small_disk, &cases[i])) != 0)
            fail_msg("a disk of %s: %s", cases[i].size, cases[i].why);
    }
}

static int set_up(void **state) {
    (void)state;
    place_make(&place);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    place_remove(&place);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_in_its_files_is_named),
        cmocka_unit_test(without_postgresql_it_names_the_package),
        cmocka_unit_test(a_cache_that_others_may_write_to_is_closed),
        cmocka_unit_test(what_others_own_is_not_used),
        cmocka_unit_test(a_template_of_another_version_is_made_again),
        cmocka_unit_test(a_folder_that_cannot_be_private_is_refused),
        cmocka_unit_test(the_place_follows_the_environment),
        cmocka_unit_test(it_starts_as_an_ordinary_user),
        cmocka_unit_test(as_root_the_server_is_somebody_else),
        cmocka_unit_test(a_full_disk_is_named_and_nothing_left_on_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
