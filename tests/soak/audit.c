#include "audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "data/json.h"
#include "world.h"

static bool fault(struct audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fault(struct audit *audit, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(audit->fault, sizeof audit->fault, format, args);
    va_end(args);
    return false;
}

void audit_init(struct audit *audit, const char *work, const char *log) {
    *audit = (struct audit){ 0 };
    (void)snprintf(audit->store, sizeof audit->store, "%s/generated_datasets/nlsql.db", work);
    (void)snprintf(audit->log, sizeof audit->log, "%s", log);
    nl_buf_init(&audit->lines);
    audit->answered = nl_dedup_new(0);
}

void audit_release(struct audit *audit) {
    nl_buf_release(&audit->lines);
    nl_dedup_free(audit->answered);
}

void audit_next(struct audit *audit, unsigned version) {
    audit->version = version;
    (void)snprintf(audit->dataset, sizeof audit->dataset, "%.*sjoins/dataset_v%u.jsonl",
                   (int)(strlen(audit->store) - strlen("nlsql.db")), audit->store, version);
    nl_buf_clear(&audit->lines);
    nl_dedup_free(audit->answered);
    audit->answered = nl_dedup_new(0);
    if (!audit->answered)
        world_give_up("memory", "there is none left");
}

/* --- the store ----------------------------------------------------------------------------- */

static sqlite3_stmt *ask(sqlite3 *db, const char *sql, unsigned version, long long number) {
    sqlite3_stmt *stmt = NULL;
    char name[16];
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        world_give_up(sql, sqlite3_errmsg(db));
    (void)snprintf(name, sizeof name, "v%u", version);
    if (sqlite3_bind_parameter_count(stmt) >= 1)
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
    if (sqlite3_bind_parameter_count(stmt) >= 2)
        sqlite3_bind_int64(stmt, 2, number);
    return stmt;
}

static long long number(sqlite3 *db, const char *sql, unsigned version, long long parameter) {
    sqlite3_stmt *stmt = ask(db, sql, version, parameter);
    if (sqlite3_step(stmt) != SQLITE_ROW)
        world_give_up(sql, sqlite3_errmsg(db));
    long long value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

#define RUN "(SELECT id FROM run WHERE version = ?1 AND archived IS NULL)"

/* Numbers that must be 0. */
static const struct {
    const char *what, *sql;
} none[] = {
    { "entries whose query is there twice",
      "SELECT count(*) - count(DISTINCT sql_key) FROM entry WHERE run = " RUN },
    { "entries whose question is there twice",
      "SELECT count(*) - count(DISTINCT question_key) FROM entry WHERE run = " RUN },
    { "entries without an item",
      "SELECT count(*) FROM entry WHERE item NOT IN (SELECT id FROM item)" },
    { "items that count other entries than they have",
      "SELECT count(*) FROM item i WHERE accepted <> (SELECT count(*) FROM entry WHERE item = "
      "i.id)" },
    { "requests with two replies kept",
      "SELECT count(*) - count(DISTINCT hex(key) || sample) FROM call WHERE run = " RUN
      " AND reply IS NOT NULL" },
    { "calls whose cost the ledger has otherwise",
      "SELECT count(*) FROM call LEFT JOIN ledger ON ledger.id = call.ledger"
      " WHERE call.cost <> 0 AND ledger.cost IS NOT call.cost" },
    { "failed calls that are kept as answers",
      "SELECT count(*) FROM call WHERE reply IS NOT NULL AND outcome NOT IN ('ok', 'broken')" },
    { "broken-off replies that are kept without a whole pair", /* its object ends with a text */
      "SELECT count(*) FROM call WHERE reply IS NOT NULL AND outcome = 'broken'"
      " AND instr(reply, '\\\"}') = 0" },
};

static bool look_at_rules(struct audit *audit, sqlite3 *db) {
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        long long found = number(db, none[i].sql, audit->version, 0);
        if (found != 0)
            return fault(audit, "%lld %s", found, none[i].what);
    }
    /* what an earlier process had reserved is charged once a later one has opened the store */
    long long openings = number(db, "SELECT coalesce(max(id), 0) FROM opening", 0, 0);
    long long left =
        number(db, "SELECT count(*) FROM ledger WHERE cost IS NULL AND id <= ?2 AND ?1 IS NOT NULL",
               0, audit->ledger);
    if (openings > audit->openings && left > 0)
        return fault(audit, "%lld reservations of an earlier process were never charged", left);
    audit->openings = openings;
    audit->ledger = number(db, "SELECT coalesce(max(id), 0) FROM ledger", 0, 0);
    audit->outstanding +=
        (size_t)number(db, "SELECT count(*) FROM ledger WHERE cost IS NULL", 0, 0);
    return true;
}

/* Entries only ever come behind those that there were. */
static bool look_at_entries(struct audit *audit, sqlite3 *db) {
    nl_buf now;
    bool ok = true;
    nl_buf_init(&now);
    sqlite3_stmt *stmt =
        ask(db, "SELECT line FROM entry WHERE run = " RUN " ORDER BY id", audit->version, 0);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        nl_buf_str(&now, (const char *)sqlite3_column_text(stmt, 0));
        nl_buf_char(&now, '\n');
        audit->entries++;
    }
    sqlite3_finalize(stmt);
    if (now.failed)
        world_give_up("memory", "there is none left");
    if (now.size < audit->lines.size || memcmp(now.data, audit->lines.data, audit->lines.size) != 0)
        ok = fault(audit, "entries that were there are there no more, or have changed");
    nl_buf_release(&audit->lines);
    audit->lines = now;
    return ok;
}

static void note_answered(struct audit *audit, sqlite3 *db) {
    bool fresh;
    sqlite3_stmt *stmt = ask(db,
                             "SELECT hex(text.key) FROM call JOIN text ON text.id = call.request"
                             " WHERE call.run = " RUN " AND reply IS NOT NULL",
                             audit->version, 0);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        nl_key key;
        char hex[40];
        (void)snprintf(hex, sizeof hex, "%s", (const char *)sqlite3_column_text(stmt, 0));
        for (char *c = hex; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
        if (!nl_key_from_hex(hex, &key) || !nl_dedup_add(audit->answered, key, &fresh, NULL))
            world_give_up("a request's key", hex);
    }
    sqlite3_finalize(stmt);
}

/* --- the endpoint's log -------------------------------------------------------------------- */

/* Nothing may have been asked in this round whose reply was committed before it. */
static bool look_at_log(struct audit *audit) {
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    bool ok = true;
    FILE *log = fopen(audit->log, "re");
    if (!log || fseek(log, (long)audit->log_at, SEEK_SET) != 0)
        world_give_up(audit->log, "cannot read it");
    while (ok && (n = getline(&text, &room, log)) > 0 && text[n - 1] == '\n') {
        nl_json *line = nl_json_read(text, (size_t)n, 0, NULL);
        const char *body = line ? nl_json_get_str(nl_json_root(line), "body") : NULL;
        if (body && nl_dedup_has(audit->answered, nl_key_of(body, strlen(body))))
            ok = fault(audit, "asked again although its reply was committed: %.300s", body);
        audit->asked += body != NULL;
        nl_json_free(line);
        audit->log_at += (size_t)n;
    }
    free(text);
    (void)fclose(log);
    return ok;
}

/* --- the dataset --------------------------------------------------------------------------- */

/* Its whole lines are the first of the entries; only a process that was cut off leaves it behind,
 * or a torn one at its end. */
static bool look_at_dataset(struct audit *audit, bool ended) {
    nl_buf file;
    nl_buf_init(&file);
    if (!nl_buf_read_file(&file, audit->dataset, 0, NULL)) {
        nl_buf_release(&file);
        return audit->lines.size == 0 || !ended || fault(audit, "there is no dataset");
    }
    const char *last = strrchr(file.data, '\n');
    size_t whole = last ? (size_t)(last - file.data) + 1 : 0;
    bool ok = true;
    audit->torn += whole < file.size;
    audit->behind += whole < audit->lines.size;
    if (whole > audit->lines.size || memcmp(file.data, audit->lines.data, whole) != 0)
        ok = fault(audit, "%s has lines that no entry of the store has", audit->dataset);
    else if (ended && (whole < audit->lines.size || file.size > whole))
        ok = fault(audit, "%s is not whole", audit->dataset);
    nl_buf_release(&file);
    return ok;
}

bool audit_look(struct audit *audit, bool ended) {
    sqlite3 *db = NULL;
    bool ok = false;
    if (access(audit->store, F_OK) != 0)
        return true; /* killed before it had made one */
    if (sqlite3_open_v2(audit->store, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        world_give_up(audit->store, "cannot open it");
    sqlite3_busy_timeout(db, 2000);
    if (number(db, "SELECT count(*) FROM sqlite_master", 0, 0) == 0) {
        sqlite3_close(db);
        return true; /* killed before its first transaction */
    }
    sqlite3_stmt *check = ask(db, "PRAGMA integrity_check", 0, 0);
    if (sqlite3_step(check) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
        fault(audit, "integrity_check: %s", (const char *)sqlite3_column_text(check, 0));
    else
        ok = true;
    sqlite3_finalize(check);
    ok = ok && look_at_rules(audit, db) && look_at_entries(audit, db) && look_at_log(audit) &&
         look_at_dataset(audit, ended);
    if (ok)
        note_answered(audit, db);
    sqlite3_close(db);
    return ok;
}

bool audit_same(struct audit *audit, const char *a, const char *b) {
    nl_buf one, two;
    nl_buf_init(&one);
    nl_buf_init(&two);
    bool ok = nl_buf_read_file(&one, a, 0, NULL) && nl_buf_read_file(&two, b, 0, NULL) &&
              one.size > 0 && one.size == two.size && memcmp(one.data, two.data, one.size) == 0;
    nl_buf_release(&one);
    nl_buf_release(&two);
    return ok || fault(audit, "%s and %s are not the same", a, b);
}
