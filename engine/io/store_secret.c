/* The secret of a run's stand-ins, which is as old as the run: a resumed one has the same. Runs of
 * a store share one, so that what their datasets call a customer is the same customer; one that
 * starts over with `fresh` has a new one, and shares it with those that do so in the same process.
 */
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "io/store_priv.h"

#include "base/banned.h"

/* `made` is of the secret, in Unix milliseconds, not of the run. */
static const char table[] = "CREATE TABLE IF NOT EXISTS secret (run INTEGER PRIMARY KEY REFERENCES"
                            " run, secret BLOB NOT NULL, made INTEGER NOT NULL)";

bool nl_store_secret_look(const nl_store *store, sqlite3 *db, const char *sql, int64_t a,
                          unsigned char *secret, int64_t *made, bool *found, nl_err *err) {
    sqlite3_stmt *stmt = nl_store_prepare(store, db, sql, err);
    if (!stmt)
        return false;
    sqlite3_bind_int64(stmt, 1, a);
    bool row, ok = nl_store_row(store, stmt, &row, err);
    const void *bytes = row ? sqlite3_column_blob(stmt, 0) : NULL;
    *found = bytes && sqlite3_column_bytes(stmt, 0) == NL_SECRET_BYTES;
    if (*found) {
        memcpy(secret, bytes, NL_SECRET_BYTES);
        *made = sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return ok;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool keep(nl_store *store, int64_t run, const unsigned char *secret, int64_t made,
                 nl_err *err) {
    sqlite3_stmt *stmt =
        nl_store_prepare(store, store->writer,
                         "INSERT OR REPLACE INTO secret (run, secret, made) VALUES (?, ?, ?)", err);
    if (!stmt)
        return false;
    sqlite3_bind_int64(stmt, 1, run);
    sqlite3_bind_blob(stmt, 2, secret, NL_SECRET_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, made);
    bool ok = nl_store_step(store, stmt, err);
    sqlite3_finalize(stmt);
    return ok;
}

bool nl_store_secret_table(const nl_store *store, nl_err *err) {
    return nl_store_script(store, store->writer, table, err);
}

bool nl_store_secret(nl_store *store, int64_t run, bool fresh, int64_t age_ms,
                     unsigned char *secret, nl_err *err) {
    int64_t made = 0, now = now_ms();
    bool found = false;
    if (!nl_store_secret_look(store, store->writer, NL_STORE_SECRET_SQL, run, secret, &made, &found,
                              err))
        return false;
    if (found)
        return true;
    if (!nl_store_secret_look(
            store, store->writer,
            "SELECT s.secret, s.made FROM secret s JOIN run r ON r.id = s.run"
            " WHERE r.archived IS NULL AND s.made > ?1 ORDER BY s.made DESC, s.run LIMIT 1",
            fresh ? now - age_ms : INT64_MIN, secret, &made, &found, err))
        return false;
    if (!found) {
        /* not taken: libsodium finds no source of random numbers */
        if (!nl_keyed_secret(secret, err))
            return false;
        made = now;
    }
    return keep(store, run, secret, made, err);
}
