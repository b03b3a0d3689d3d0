/* stats_store.c: buckets of hashes: in memory, and beyond its room in an unlinked temporary file.
 *
 * Words gather in a line of 64 bytes for each bucket, so that a value costs one write to a small
 * array, and go to the bucket's chunks a line at a time (software write combining: Balkesen et al.:
 * Main-memory hash joins on multi-core CPUs, ICDE 2013). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "db/stats_priv.h"

#include "base/banned.h"

enum { LINE = 8, CHUNK_WORDS = 120, SLAB = 2 << 20, SPILL_BUFFER = 1 << 20 };

/* Aligned like the slab's bytes. */
struct stats_chunk {
    stats_chunk *next;
    size_t n;
    _Alignas(64) uint64_t words[CHUNK_WORDS];
};

struct stats_slab {
    stats_slab *next;
    size_t used;
    _Alignas(64) char bytes[];
};

size_t stats_store_least(unsigned bits) {
    return ((size_t)1 << bits) * sizeof(stats_chunk) + SLAB;
}

bool stats_store_init(stats_store *store, unsigned bits, size_t room, nl_err *err) {
    size_t n = (size_t)1 << bits, least = stats_store_least(bits);
    *store = (stats_store){ .bits = bits, .file = -1 };
    store->room = room > least ? room : least;
    store->lines = aligned_alloc(64, n * sizeof *store->lines);
    store->fill = calloc(n, sizeof *store->fill);
    store->chunks = calloc(n, sizeof *store->chunks);
    store->counts = calloc(n, sizeof *store->counts);
    return (store->lines && store->fill && store->chunks && store->counts) || nl_err_nomem(err);
}

void stats_store_release(stats_store *store) {
    while (store->slabs) {
        stats_slab *next = store->slabs->next;
        free(store->slabs);
        store->slabs = next;
    }
    free(store->lines);
    free(store->fill);
    free(store->chunks);
    free(store->counts);
    free(store->segments);
    if (store->bits && store->file >= 0)
        close(store->file);
    *store = (stats_store){ .file = -1 };
}

/* --- chunks -------------------------------------------------------------------------------------
 */

static stats_chunk *new_chunk(stats_store *store) {
    stats_chunk *chunk = store->free_chunks;
    if (chunk) {
        store->free_chunks = chunk->next;
        return chunk;
    }
    stats_slab *slab = store->slabs;
    if (!slab || slab->used + sizeof *chunk > SLAB - sizeof *slab) {
        slab = aligned_alloc(SLAB, SLAB);
        if (!slab)
            return NULL;
        (void)madvise(slab, SLAB, MADV_HUGEPAGE);
        slab->next = store->slabs;
        slab->used = 0;
        store->slabs = slab;
    }
    chunk = (stats_chunk *)(void *)(slab->bytes + slab->used);
    slab->used += sizeof *chunk;
    return chunk;
}

/* A chunk for the bucket; *full where there is no room for another. */
static bool add_chunk(stats_store *store, size_t bucket, bool *full) {
    *full = store->used + sizeof(stats_chunk) > store->room;
    if (*full)
        return true;
    stats_chunk *chunk = new_chunk(store);
    if (!chunk)
        return false;
    store->used += sizeof *chunk;
    chunk->next = store->chunks[bucket];
    chunk->n = 0;
    store->chunks[bucket] = chunk;
    return true;
}

static void give_back(stats_store *store, stats_chunk *from) {
    while (from) {
        stats_chunk *next = from->next;
        from->next = store->free_chunks;
        store->free_chunks = from;
        store->used -= sizeof *from;
        from = next;
    }
}

/* --- the file -----------------------------------------------------------------------------------
 */

static bool open_file(stats_store *store, nl_err *err) {
    const char *dir = getenv("TMPDIR");
    char path[4096];
    dir = dir && dir[0] ? dir : "/tmp";
    (void)snprintf(path, sizeof path, "%s/nlsql-scan-XXXXXX", dir);
    store->file = mkostemp(path, O_CLOEXEC);
    if (store->file < 0)
        return nl_err_errno(err, "cannot make a temporary file in %s", dir);
    if (unlink(path) != 0)
        return nl_err_errno(err, "cannot unlink %s", path);
    return true;
}

static bool write_words(stats_store *store, const uint64_t *words, size_t n, nl_err *err) {
    const char *at = (const char *)words;
    size_t left = n * sizeof *words;
    while (left > 0) {
        ssize_t done = write(store->file, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            const char *dir = getenv("TMPDIR");
            if (done == 0)
                errno = ENOSPC;
            return nl_err_errno(
                err,
                "cannot write %zu bytes more to a temporary file in %s (more memory (memory_mb) "
                "for the scan, or another TMPDIR, would do)",
                left, dir && dir[0] ? dir : "/tmp");
        }
        at += done;
        left -= (size_t)done;
    }
    store->file_size += n * sizeof *words;
    return true;
}

static bool read_words(const stats_store *store, uint64_t offset, uint64_t *words, size_t n,
                       nl_err *err) {
    char *at = (char *)words;
    size_t left = n * sizeof *words;
    while (left > 0) {
        ssize_t done = pread(store->file, at, left, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return nl_err_errno(err, "cannot read a temporary file");
        at += done;
        offset += (uint64_t)done;
        left -= (size_t)done;
    }
    return true;
}

/* --- making room ---------------------------------------------------------------------------------
 */

/* Sorts a bucket's chunks and leaves each word once. */
static void tidy(stats_store *store, size_t bucket, uint64_t *words, uint64_t *scratch) {
    size_t n = 0, kept = 0;
    if (!store->chunks[bucket])
        return;
    for (const stats_chunk *chunk = store->chunks[bucket]; chunk; chunk = chunk->next) {
        memcpy(words + n, chunk->words, chunk->n * sizeof *words);
        n += chunk->n;
    }
    const uint64_t *sorted = stats_sort(words, scratch, n, 0);
    stats_chunk *chunk = store->chunks[bucket], *last = NULL;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && sorted[i] == sorted[i - 1])
            continue;
        if (!last || at == CHUNK_WORDS) {
            if (last)
                last->n = at;
            last = chunk;
            chunk = chunk->next;
            at = 0;
        }
        last->words[at++] = sorted[i];
        kept++;
    }
    if (last) {
        last->n = at;
        last->next = NULL;
        give_back(store, chunk);
    }
    store->counts[bucket] = kept;
}

/* Room for the words of the largest bucket. */
static uint64_t *room_for_largest(const stats_store *store, size_t *most) {
    *most = 0;
    for (size_t b = 0; b < (size_t)1 << store->bits; b++) {
        *most = store->counts[b] > *most ? store->counts[b] : *most;
    }
    return malloc((2 * *most + 2) * sizeof(uint64_t));
}

static bool spill(stats_store *store, nl_err *err) {
    size_t buckets = (size_t)1 << store->bits, n = 0, most;
    uint64_t *buffer = NULL;
    stats_segment *segments =
        realloc(store->segments, (store->rounds + 1) * buckets * sizeof *segments);
    if (!segments)
        return nl_err_nomem(err);
    store->segments = segments;
    segments += store->rounds * buckets;
    if (store->file < 0 && !open_file(store, err))
        return false;
    buffer = malloc(SPILL_BUFFER);
    most = SPILL_BUFFER / sizeof *buffer - CHUNK_WORDS;
    bool ok = buffer != NULL;
    if (!ok)
        nl_err_nomem(err);
    uint64_t offset = store->file_size;
    for (size_t b = 0; b < buckets && ok; b++) {
        segments[b] = (stats_segment){ .offset = offset };
        for (const stats_chunk *chunk = store->chunks[b]; chunk && ok; chunk = chunk->next) {
            if (n > most) {
                ok = write_words(store, buffer, n, err);
                n = 0;
            }
            memcpy(buffer + n, chunk->words, chunk->n * sizeof *buffer);
            n += chunk->n;
            segments[b].words += chunk->n;
            offset += chunk->n * sizeof *buffer;
        }
        give_back(store, store->chunks[b]);
        store->chunks[b] = NULL;
        store->counts[b] = 0;
    }
    ok = ok && write_words(store, buffer, n, err);
    free(buffer);
    if (ok)
        store->rounds++;
    return ok;
}

/* The memory is full: repeated words go; where a few buckets show that this does not help much, all
 * go to the file as they are. */
static bool make_room(stats_store *store, nl_err *err) {
    enum { FEW = 16 };
    size_t most, before = 0, after = 0, n = (size_t)1 << store->bits;
    uint64_t *words = room_for_largest(store, &most);
    if (!words)
        return nl_err_nomem(err);
    for (size_t b = 0; b < n && (b < FEW || after <= before / 2); b++) {
        before += store->counts[b];
        tidy(store, b, words, words + most + 1);
        after += store->counts[b];
    }
    free(words);
    return store->used <= store->room / 2 || spill(store, err);
}

/* One line of memory to another that is not read for long: past the caches where that is possible,
 * so that the old contents need not be fetched first. */
static void copy_line(uint64_t *to, const uint64_t *from) {
#ifdef __SSE2__
    for (size_t i = 0; i < LINE; i += 2)
        _mm_stream_si128((__m128i *)(void *)(to + i),
                         _mm_load_si128((const __m128i *)(const void *)(from + i)));
#else
    memcpy(to, from, LINE * sizeof *to);
#endif
}

bool stats_store_flush(stats_store *store, size_t bucket, nl_err *err) {
    stats_chunk *chunk = store->chunks[bucket];
    bool full = false;
    if (!chunk || chunk->n + LINE > CHUNK_WORDS) {
        if (!add_chunk(store, bucket, &full))
            return nl_err_nomem(err);
        if (full &&
            (!make_room(store, err) || (!add_chunk(store, bucket, &full) && !nl_err_nomem(err))))
            return false;
        chunk = store->chunks[bucket];
    }
    if (chunk->n % LINE == 0)
        copy_line(chunk->words + chunk->n, store->lines[bucket]);
    else /* behind words that were tidied */
        memcpy(chunk->words + chunk->n, store->lines[bucket], sizeof *store->lines);
    chunk->n += LINE;
    store->counts[bucket] += LINE;
    store->fill[bucket] = 0;
    return true;
}

void stats_store_settle(void) {
#ifdef __SSE2__
    _mm_sfence();
#endif
}

/* --- reading -------------------------------------------------------------------------------------
 */

size_t stats_store_count(const stats_store *store, size_t bucket) {
    size_t n = store->fill[bucket] + store->counts[bucket];
    for (size_t i = 0; i < store->rounds; i++)
        n += store->segments[(i << store->bits) + bucket].words;
    return n;
}

size_t stats_store_held(const stats_store *store) {
    size_t buckets = (size_t)1 << store->bits, slabs = 0;
    for (const stats_slab *slab = store->slabs; slab; slab = slab->next)
        slabs += SLAB;
    return slabs + store->rounds * buckets * sizeof *store->segments +
           buckets * (sizeof *store->lines + sizeof *store->fill + sizeof(stats_chunk *) +
                      sizeof *store->counts);
}

static bool take(const uint64_t *from, size_t n, unsigned bits, size_t part, stats_words *to,
                 nl_err *err) {
    if (n == 0)
        return true;
    if (to->n + n > to->room) {
        size_t room = to->room * 2 > to->n + n ? to->room * 2 : to->n + n;
        uint64_t *bigger = realloc(to->words, room * sizeof *bigger);
        if (!bigger)
            return nl_err_nomem(err);
        to->words = bigger;
        to->room = room;
    }
    if (bits == 0) {
        memcpy(to->words + to->n, from, n * sizeof *from);
        to->n += n;
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        if (from[i] >> (64 - bits) == part)
            to->words[to->n++] = from[i];
    }
    return true;
}

bool stats_store_fetch(const stats_store *store, size_t bucket, unsigned part_bits, size_t part,
                       stats_words *words, nl_err *err) {
    enum { PIECE = 4096 };
    uint64_t piece[PIECE] = { 0 };
    bool ok = take(store->lines[bucket], store->fill[bucket], part_bits, part, words, err);
    for (const stats_chunk *chunk = store->chunks[bucket]; chunk && ok; chunk = chunk->next)
        ok = take(chunk->words, chunk->n, part_bits, part, words, err);
    for (size_t i = 0; i < store->rounds && ok; i++) {
        const stats_segment *segment = &store->segments[(i << store->bits) + bucket];
        for (size_t done = 0; done < segment->words && ok; done += PIECE) {
            size_t some = segment->words - done < PIECE ? segment->words - done : PIECE;
            ok = read_words(store, segment->offset + done * sizeof *piece, piece, some, err) &&
                 take(piece, some, part_bits, part, words, err);
        }
    }
    return ok;
}
