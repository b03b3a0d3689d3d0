/* question_key.c: a question reduced to what tells it from others.
 *
 * When in doubt words stay: two wordings of one question that are not recognised cost a little
 * variety, two questions taken for one cost an answer that was paid for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "data/dedup.h"

#include "base/banned.h"

enum { MAX_QUOTED = 256 }; /* bytes: a longer text between quotes is no value */

struct word {
    const char *text; /* folded */
    size_t size;
};

struct reading {
    const char *text; /* as written */
    char *folded;     /* the same bytes in lower case */
    size_t size;
    bool shouting; /* no lower-case letter: capitals say nothing */
    enum { START, ASKED, INSIDE } phase;
    struct word before, last; /* the two words before, dropped ones too */
    nl_buf kept;
};

static bool is_one_of(struct word word, const char *const *list) {
    for (; *list; list++) {
        if (strlen(*list) == word.size && memcmp(*list, word.text, word.size) == 0)
            return true;
    }
    return false;
}

static bool is(struct word word, const char *text) {
    return is_one_of(word, (const char *const[]){ text, NULL });
}

/* "all" says nothing in "list all tracks", "names of all artists", "what are all tracks"; in
 * "customers who bought all products" it is the question. */
static bool is_empty_all(const struct reading *r) {
    static const char *const openers[] = { "what", "which", "of", "please", NULL };
    return r->phase == ASKED || is_one_of(r->last, openers) ||
           ((is(r->last, "are") || is(r->last, "is")) && is(r->before, "what"));
}

/* Does the word only open the question? "Please show me …": the verb counts once, and only here,
 * for inside it is a noun (list price, return rate, display size). */
static bool is_opening(struct reading *r, struct word word, bool capital) {
    static const char *const polite[] = {
        "please", "kindly", "can", "could", "would", "you", NULL
    };
    static const char *const verbs[] = { "show",   "list", "give",     "find",  "display", "get",
                                         "return", "tell", "retrieve", "fetch", NULL };
    if (r->phase == START && is_one_of(word, polite))
        return true;
    if (r->phase == START && is_one_of(word, verbs)) {
        r->phase = ASKED;
        return true;
    }
    if (r->phase == ASKED && (is(word, "me") || is(word, "please")))
        return true;
    /* not "find US customers" */
    return r->phase == ASKED && is(word, "us") && !capital &&
           (is(r->last, "give") || is(r->last, "tell") || is(r->last, "show"));
}

/* Words that never tell one question from another. Negations, comparisons and numbers are not
 * among them. A capital inside the question is a name's: The Who, grade A. */
static bool is_filler(struct reading *r, struct word word, bool capital) {
    static const char *const fillers[] = { "a",   "an",   "the", "please", "what", "which",
                                           "is",  "are",  "was", "were",   "do",   "does",
                                           "did", "have", "has", "there",  "of",   NULL };
    if (is_opening(r, word, capital))
        return true;
    bool first = r->last.size == 0;
    bool filler = (!capital || first || r->phase != INSIDE) && is_one_of(word, fillers);
    if (is(word, "all") && is_empty_all(r))
        filler = true;
    r->phase = INSIDE;
    return filler;
}

/* "countries" → "country", "tracks" → "track"; "address", "status" and "GPS" stay. */
static size_t singular(const struct reading *r, char *word, size_t size) {
    static const char *const others[] = { "news", "goods", NULL };
    bool upper = r->text[word - r->folded + (ptrdiff_t)size - 1] == 'S' && !r->shouting;
    if (upper || is_one_of((struct word){ word, size }, others))
        return size;
    if (size > 4 && memcmp(word + size - 3, "ies", 3) == 0) {
        word[size - 3] = 'y';
        return size - 2;
    }
    if (size > 3 && word[size - 1] == 's' && word[size - 2] != 's' && word[size - 2] != 'u' &&
        word[size - 2] != 'i')
        return size - 1;
    return size;
}

/* Folds ASCII and Latin-1's two-byte capitals to lower case, in place. */
static void fold_case(char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80)
            text[i] = (char)tolower(c);
        else if (c == 0xC3 && i + 1 < size) {
            unsigned char d = (unsigned char)text[++i];
            if (d >= 0x80 && d <= 0x9E && d != 0x97)
                text[i] = (char)(d + 0x20);
        }
    }
}

static bool is_word_byte(unsigned char c) {
    return isalnum(c) || c >= 0x80;
}

static bool in_word(const char *text, size_t size, size_t i) {
    unsigned char c = (unsigned char)text[i];
    if (is_word_byte(c))
        return true;
    if (i + 1 == size || !isdigit((unsigned char)text[i + 1]))
        return false;
    /* 0.99, 1,000 and 2020-01-31 are one word each; a sign belongs to its number */
    if ((c == '.' || c == ',' || c == '-' || c == ':') && i > 0 &&
        isdigit((unsigned char)text[i - 1]))
        return true;
    return (c == '-' || c == '.') && (i == 0 || !is_word_byte((unsigned char)text[i - 1]));
}

static bool is_sign(const char *text, size_t size, size_t i) {
    if (text[i] == '!')
        return i + 1 < size && text[i + 1] == '=';
    return text[i] != '\0' && strchr("<>=%$+/*&#@^~|", text[i]) != NULL;
}

/* Length of the quoted value that begins at i, its quotes included; 0 where none does. *edge is the
 * length of each quote. An apostrophe is no quote. */
static size_t quoted_span(const char *text, size_t size, size_t i, size_t *edge) {
    static const struct {
        const char *open, *close;
    } quotes[] = { { "\"", "\"" },
                   { "'", "'" },
                   { "`", "`" },
                   { "\xE2\x80\x9C", "\xE2\x80\x9D" },
                   { "\xE2\x80\x98", "\xE2\x80\x99" } };
    if (i > 0 && is_word_byte((unsigned char)text[i - 1]))
        return 0;
    for (size_t q = 0; q < sizeof quotes / sizeof *quotes; q++) {
        size_t n = strlen(quotes[q].open);
        if (size - i <= 2 * n || memcmp(text + i, quotes[q].open, n) != 0)
            continue;
        for (size_t k = i + n; k + n <= size && k - i <= MAX_QUOTED; k++) {
            bool closes = memcmp(text + k, quotes[q].close, n) == 0;
            if (closes && (k + n == size || !is_word_byte((unsigned char)text[k + n]))) {
                *edge = n;
                return k + n - i;
            }
        }
    }
    return 0;
}

static void take_word(struct reading *r, size_t from, size_t n) {
    char *at = r->folded + from;
    struct word word = { at, n };
    bool capital = !r->shouting && memcmp(r->text + from, at, n) != 0;
    bool filler = is_filler(r, word, capital);
    r->before = r->last;
    r->last = word;
    if (filler)
        return;
    n = singular(r, at, n);
    nl_buf_char(&r->kept, ' ');
    nl_buf_add(&r->kept, at, n);
}

static void reduce(struct reading *r) {
    for (size_t i = 0; i < r->size;) {
        size_t edge = 0, n = quoted_span(r->folded, r->size, i, &edge);
        if (n > 0) { /* a value, letter by letter; which quotes it has is all the same */
            nl_buf_str(&r->kept, " \"");
            nl_buf_add(&r->kept, r->text + i + edge, n - 2 * edge);
            nl_buf_char(&r->kept, '"');
            r->phase = INSIDE;
            r->before = r->last = (struct word){ "\"", 1 };
            i += n;
            continue;
        }
        if (is_sign(r->folded, r->size, i))
            nl_buf_char(&r->kept, r->folded[i]);
        while (i + n < r->size && in_word(r->folded, r->size, i + n))
            n++;
        if (n > 0)
            take_word(r, i, n);
        i += n ? n : 1;
    }
}

nl_key nl_key_of_question(const char *text, size_t size) {
    struct reading r = { .text = text, .size = size, .shouting = true };

    r.folded = malloc(size + 1);
    if (!r.folded) /* out of memory: the text itself merges nothing wrongly */
        return nl_key_of(text, size);
    memcpy(r.folded, text, size);
    r.folded[size] = '\0';
    fold_case(r.folded, size);
    for (size_t i = 0; i < size && r.shouting; i++)
        r.shouting = !islower((unsigned char)text[i]);
    nl_buf_init(&r.kept);
    reduce(&r);
    nl_key key = r.kept.failed || r.kept.size == 0 ? nl_key_of(text, size)
                                                   : nl_key_of(r.kept.data, r.kept.size);
    nl_buf_release(&r.kept);
    free(r.folded);
    return key;
}
