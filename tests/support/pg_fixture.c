#include "pg_fixture.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_db.h"
#include "test_pg.h"

#include "base/banned.h"

char pg_folder[64], pg_strict_url[512];
unsigned pg_strict_port;
static nl_cluster *strict;

void pg_nap(long ms) {
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

unsigned pg_free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void pg_write_file(const char *name, const char *text, char *path, size_t room) {
    (void)snprintf(path, room, "%s/%s", pg_folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

/* --- several operations at once --------------------------------------------------------------- */

static void on_one(void *ctx, nl_pg_reply *reply) {
    struct many *many = ctx;
    many->ended++;
    many->ok += reply->err.code == NL_OK;
    if (reply->err.code != NL_OK) {
        many->code = reply->err.code;
        (void)snprintf(many->msg, sizeof many->msg, "%s", reply->err.msg);
    }
    many->all = many->ended == many->wanted;
    nl_pg_reply_release(reply);
    nl_pg_free(many->to_free);
    many->to_free = NULL;
}

nl_pg_op *pg_ask(nl_pg *pg, const char *sql, struct many *many) {
    nl_err err = { .msg = "" };
    nl_pg_op *op = nl_pg_probe(pg, sql, true, NULL, on_one, many, &err);
    if (!op)
        fail_msg("%s", err.msg);
    return op;
}

/* Not as a probe: the server shows a cursor's FETCH in place of the text. */
nl_pg_op *pg_ask_long(nl_pg *pg, const char *mark, struct many *many) {
    const nl_pg_limits limits = { .statement_ms = 120000 };
    char sql[256];
    nl_err err = { .msg = "" };
    (void)snprintf(sql, sizeof sql, LONG_QUERY " -- %s", mark);
    nl_pg_op *op = nl_pg_query(pg, sql, NULL, 0, &limits, on_one, many, &err);
    if (!op)
        fail_msg("%s", err.msg);
    return op;
}

unsigned pg_running(const char *url, const char *what) {
    char sql[256];
    nl_pg *pg = test_pg_open(url, 1);
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                   "query LIKE '%%%s%%' AND pid <> pg_backend_pid()",
                   what);
    unsigned n = (unsigned)strtoul(test_pg_value(pg, sql), NULL, 10);
    nl_pg_free(pg);
    return n;
}

bool pg_comes_to(const char *url, const char *what, unsigned n) {
    for (int i = 0; i < 300; i++) {
        if (pg_running(url, what) == n)
            return true;
        test_loop_until(NULL, 10);
    }
    return false;
}

/* --- the server ------------------------------------------------------------------------------ */

/* The server insists on a key that is its own and closed to others. */
static void copy_key(char *path, size_t room) {
    const struct passwd *who = geteuid() == 0 ? getpwnam("postgres") : NULL;
    nl_buf key;
    nl_buf_init(&key);
    assert_true(nl_buf_read_file(&key, SOURCE_DIR "/tests/data/localhost.key", 0, NULL));
    pg_write_file("server.key", key.data, path, room);
    nl_buf_release(&key);
    assert_int_equal(chmod(path, 0600), 0);
    if (who)
        assert_int_equal(chown(path, who->pw_uid, who->pw_gid), 0);
}

int pg_set_up(void **state) {
    (void)state;
    char hba[128], hba_setting[160], port[32], key[128], key_setting[160], certificate[160];
    char cert_setting[200];
    nl_err err = { .msg = "" };
    const char *const settings[] = { "max_connections=8",
                                     "password_encryption=scram-sha-256",
                                     "superuser_reserved_connections=2",
                                     "listen_addresses=127.0.0.1",
                                     port,
                                     hba_setting,
                                     "max_worker_processes=0",
                                     "autovacuum_max_workers=1",
                                     "ssl=on",
                                     key_setting,
                                     cert_setting,
                                     NULL };
    const nl_cluster_options options = { .settings = settings };
    (void)snprintf(pg_folder, sizeof pg_folder, "/tmp/nlsql-test-pg-XXXXXX");
    if (!mkdtemp(pg_folder))
        return -1;
    chmod(pg_folder, 0777); /* PgBouncer runs as another user and puts its socket there */
    pg_write_file("hba.conf", "local all all trust\nhost all all all scram-sha-256\n", hba,
                  sizeof hba);
    copy_key(key, sizeof key);
    nl_buf text;
    nl_buf_init(&text);
    assert_true(nl_buf_read_file(&text, SOURCE_DIR "/tests/data/localhost.crt", 0, NULL));
    pg_write_file("server.crt", text.data, certificate, sizeof certificate);
    nl_buf_release(&text);
    (void)snprintf(key_setting, sizeof key_setting, "ssl_key_file=%s", key);
    (void)snprintf(cert_setting, sizeof cert_setting, "ssl_cert_file=%s", certificate);
    pg_strict_port = pg_free_port();
    (void)snprintf(port, sizeof port, "port=%u", pg_strict_port);
    (void)snprintf(hba_setting, sizeof hba_setting, "hba_file=%s", hba);
    strict = nl_cluster_start(&options, &err);
    if (!strict) {
        print_error("%s\n", err.msg);
        return -1;
    }
    (void)snprintf(pg_strict_url, sizeof pg_strict_url,
                   "postgresql://app@/postgres?host=%s&port=%u", nl_cluster_socket_dir(strict),
                   pg_strict_port);
    char command[512];
    (void)snprintf(command, sizeof command,
                   "%s/psql -Xqw -h %s -p %u -U postgres -c \"CREATE ROLE app LOGIN PASSWORD "
                   "'pa55word-right'; GRANT pg_read_all_stats TO app\" postgres",
                   nl_cluster_bin(strict), nl_cluster_socket_dir(strict), pg_strict_port);
    return system(command);
}

int pg_tear_down(void **state) {
    (void)state;
    char command[96];
    nl_cluster_stop(strict);
    (void)snprintf(command, sizeof command, "rm -rf %s", pg_folder);
    return system(command);
}
